"""The extensions, made once and bound to the app in create_app."""

from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect

from portal import sqlite
from portal.models.base import Model
from portal.models.session import PortalSession, listen

db = SQLAlchemy(metadata=Model.metadata, session_options={"class_": PortalSession})
migrate = Migrate(compare_type=True, render_as_batch=True)
login_manager = LoginManager()
csrf = CSRFProtect()
# A wide net against floods; tries to sign in are counted in the database.
limiter = Limiter(get_remote_address, default_limits=["1200 per minute"])
listen()
sqlite.listen()


def session_apart() -> PortalSession:
    """Open a session beside the request's own, for what must be kept even when the request fails."""
    session = db.session()
    if session.in_transaction() and not session.info.get("read_only") and db.engine.dialect.name == "sqlite":
        raise RuntimeError("SQLite has one writer: this would wait for its own request")
    return PortalSession(db=db)
