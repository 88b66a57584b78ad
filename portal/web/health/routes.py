"""Whether the process lives, and whether it can work."""

from pathlib import Path

from alembic.script import ScriptDirectory
from flask import Blueprint, Response, current_app, jsonify
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from portal.extensions import db
from portal.web.access import allow
from portal.web.answers import never_store

bp = Blueprint("health", __name__)
MIGRATIONS = Path(__file__).parents[3] / "migrations"


@bp.get("/healthz")
@allow("anyone")
def alive() -> Response:
    """Say that the process answers."""
    return never_store(jsonify(status="ok"))


@bp.get("/readyz")
@allow("anyone")
def ready() -> Response:
    """Say whether the database is reachable and its migrations current; 503 with the reason if not."""
    fault = _fault()
    response = jsonify(status="not ready", why=fault) if fault else jsonify(status="ok")
    response.status_code = 503 if fault else 200
    return never_store(response)


def _fault() -> str:
    newest = current_app.extensions.setdefault("newest_migration", _newest())
    try:
        applied = db.session.scalar(text("SELECT version_num FROM alembic_version"))
    except DBAPIError:
        db.session.rollback()
        return "the database is not reachable, or was never migrated"
    return "" if applied == newest else f"the database is at migration {applied}, this version needs {newest}"


def _newest() -> str | None:
    return ScriptDirectory(str(MIGRATIONS)).get_current_head()
