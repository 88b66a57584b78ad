"""Carnet, a loyalty portal: create_app puts the rooms together."""

from collections.abc import Mapping
from typing import Any

from flask import Flask

from portal import models  # noqa: F401 - fills the metadata
from portal.extensions import csrf, db, login_manager, migrate
from portal.models.ownership import edges


def create_app(settings: Mapping[str, Any] | None = None) -> Flask:
    """Make the app that wsgi.py, the CLI and the tests run; an unclassified key stops it here."""
    app = Flask(__name__, template_folder="../templates", static_folder="../static")
    app.config.from_mapping(settings)
    edges()
    db.init_app(app)
    migrate.init_app(app, db)
    login_manager.init_app(app)
    csrf.init_app(app)
    return app
