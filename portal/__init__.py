"""Carnet, a loyalty portal: create_app puts the rooms together."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from apiflask import APIFlask
from flask import Flask
from jinja2 import StrictUndefined

import config
from portal import api, cli, models, web  # noqa: F401 - models fills the metadata
from portal.extensions import csrf, db, limiter, migrate
from portal.models.ownership import edges
from portal.web.files import address_of_files

ROOT = Path(__file__).parent.parent


def create_app(settings: Mapping[str, Any] | None = None) -> Flask:
    """Make the app that wsgi.py, the CLI and the tests run; an unclassified key stops it here."""
    static = ROOT / "static"
    app = APIFlask(
        __name__,
        title="Carnet admin API",
        version=config.VERSION,
        enable_openapi=False,  # the API describes itself, behind its own door
        json_errors=False,  # pages are the portal's
        template_folder=str(ROOT / "templates"),
        static_folder=str(static),
        static_url_path=address_of_files(static),
    )
    app.config.from_mapping(settings or config.from_environment(os.environ))
    app.jinja_env.undefined = StrictUndefined
    edges()
    db.init_app(app)
    migrate.init_app(app, db)
    api.init_app(app)
    web.init_app(app)
    limiter.init_app(app)  # after the doors, too: whoever is held up has a request's id
    csrf.init_app(app)  # after the doors: a form too large is refused before it is read for its token
    cli.init_app(app)
    return app
