"""The doors for programs: the admin API."""

from apiflask import APIFlask

from portal.api import document
from portal.api.asking import ProgramRequest
from portal.api.deletions import routes as deletions
from portal.api.door import bp
from portal.api.merchants import routes as merchants
from portal.api.stores import routes as stores
from portal.api.users import routes as users
from portal.extensions import csrf

VIEWS = (users, merchants, stores, deletions)  # reading them hangs them on the room


def init_app(app: APIFlask) -> None:
    """Hang the API on the app."""
    app.request_class = ProgramRequest
    app.config.update(document.SETTINGS)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it
    app.spec_processor(document.complete)
    csrf.exempt(bp)  # no cookie is looked at
    app.register_blueprint(bp)
