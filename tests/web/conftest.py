"""How the tests of the screens stand at the door: browsers, signed in and not."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, event
from werkzeug.datastructures import MultiDict

from portal.extensions import db
from portal.models.merchant import Merchant
from portal.models.user import User
from portal.services import sessions
from portal.web.program.looking import mark_of

HTMX = {"HX-Request": "true"}


class Browser(FlaskClient):
    """A browser whose requests share nothing with the test but the database."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        """Send a request in a context of its own; what the test has loaded stays as it was."""
        db.session.remove()
        with self.application.app_context():
            return super().open(*args, **kwargs)

    def piece(self, address: str, *, method: str = "GET", **kwargs: Any) -> Any:
        """Ask as htmx does."""
        return self.open(address, method=method, headers=HTMX | kwargs.pop("headers", {}), **kwargs)


@pytest.fixture
def app(app):
    """The app with browsers of ours, and forms that need no token of the page."""
    app.config["WTF_CSRF_ENABLED"] = False
    app.test_client_class = Browser
    return app


@pytest.fixture
def sign_in(client):
    """Sign a browser in as this person: `sign_in(user)`, or `sign_in(user, another_client)`."""

    def as_person(user: User, browser: FlaskClient = client) -> FlaskClient:
        secret = sessions.open_session(user, now=datetime.now(UTC))
        db.session().expire_on_commit = False  # what the test has made stays readable
        db.session.commit()
        db.session().expire_on_commit = True
        with browser.session_transaction() as kept:
            kept["_user_id"] = secret
            kept["_fresh"] = True
            kept.permanent = True
        return browser

    return as_person


def path(merchant: Merchant, *parts: object) -> str:
    """An address of the merchant's portal: path(merchant, "trash", 3)."""
    return "/".join(["/m", merchant.subdomain, *map(str, parts)])


@pytest.fixture
def statements():
    """Write down what is sent to a database: `with statements() as sent`."""

    @contextmanager
    def listening() -> Iterator[list[str]]:
        sent: list[str] = []

        def hear(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            sent.append(statement)

        event.listen(Engine, "before_cursor_execute", hear)
        try:
            yield sent
        finally:
            event.remove(Engine, "before_cursor_execute", hear)

    return listening


def looked(typed: dict[str, Any]) -> dict[str, Any]:
    """What a form of rules sends once its owner has seen what it would change."""
    return typed | {"looked": mark_of(MultiDict(typed))}
