"""The extensions, made once and bound to the app in create_app; how each database is opened."""

import sqlite3
from typing import Any

from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from sqlalchemy import Connection, Engine, event

from portal.models.base import Model
from portal.models.session import PortalSession, listen

db = SQLAlchemy(metadata=Model.metadata, session_options={"class_": PortalSession})
migrate = Migrate(compare_type=True, render_as_batch=True)
login_manager = LoginManager()
csrf = CSRFProtect()
# A wide net against floods; tries to sign in are counted in the database.
limiter = Limiter(get_remote_address, default_limits=["1200 per minute"])
listen()


def session_apart() -> PortalSession:
    """Open a session beside the request's own, for what must be kept even when the request fails."""
    session = db.session()
    if session.in_transaction() and not session.info.get("read_only") and db.engine.dialect.name == "sqlite":
        raise RuntimeError("SQLite has one writer: this would wait for its own request")
    return PortalSession(db=db)


PRAGMAS = (
    "journal_mode=WAL",
    "busy_timeout=30000",
    "foreign_keys=ON",
    "synchronous=FULL",
    "recursive_triggers=ON",  # else REPLACE removes a row of an append-only table, unseen by its trigger
)


@event.listens_for(Engine, "connect")
def _open_sqlite(connection: Any, _: object) -> None:
    """Take transactions out of the driver's hands and make SQLite safe."""
    if isinstance(connection, sqlite3.Connection):
        connection.isolation_level = None
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        # Its own lower() knows only ASCII; searching would differ from PostgreSQL.
        connection.create_function("lower", 1, _lower, deterministic=True)


def _lower(text: Any) -> Any:
    return text.lower() if isinstance(text, str) else text


@event.listens_for(Engine, "begin")
def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at once, unless this session only reads."""
    if connection.dialect.name == "sqlite":
        reads = connection.get_execution_options().get("read_only")
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
