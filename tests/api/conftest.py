"""How the tests of the admin API call: programs with keys, and without."""

import threading
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from werkzeug.serving import WSGIRequestHandler, make_server

from portal.extensions import db
from portal.models.actor import OPERATOR
from portal.models.tenancy import PLATFORM
from portal.models.user import User
from portal.services import api_keys
from tests.factories import make_merchant, make_store, make_user, within
from tests.web.conftest import Browser, statements  # noqa: F401 - a fixture


@pytest.fixture
def app(app):
    """The app with clients whose calls share nothing with the test but the database."""
    app.test_client_class = Browser
    return app


def make_key(user, *, days=None, now=None, name="A program"):
    """A key of this person: its secret. The person stays readable."""
    db.session.remove()
    with within(PLATFORM):
        owner = db.session.get(User, user.id)
        moment = now or datetime.now(UTC)
        _, secret = api_keys.create_key(owner, name=name, by=OPERATOR, now=moment, days=days)
        db.session.commit()
    db.session.remove()
    return secret


def make_admin(name, **fields):
    """A platform admin with a password, though nobody knows it."""
    return make_user(name, is_platform_admin=True, password_hash="x", **fields)


@pytest.fixture
def robin(app):
    """A platform admin."""
    return make_admin("Robin", email="robin@example.com")


@pytest.fixture
def key(robin):
    """Robin's key."""
    return make_key(robin)


@pytest.fixture
def call(app, key):
    """Call with Robin's key, or another: `call("GET", "/users", key=None)`."""

    def send(method, address, *, key=key, headers=None, **asked):
        shown = {"Authorization": f"Bearer {key}"} if key is not None else {}
        path = address if address.startswith("/api") else f"/api/admin{address}"
        return app.test_client().open(path, method=method, headers=shown | (headers or {}), **asked)

    return send


@pytest.fixture
def world(app):
    """Two merchants with a store each, both owned by Olga."""
    olga = make_user("Olga Owner", email="olga@example.com")
    cafe = make_merchant("Café Lumière", owner=olga, subdomain="cafe-lumiere")
    books = make_merchant("Livres", owner=olga, subdomain="livres")
    return SimpleNamespace(
        olga=olga,
        cafe=cafe,
        books=books,
        gare=make_store(cafe, "Gare", store_code="gare", city="Luxembourg"),
        shelf=make_store(books, "Shelf", store_code="shelf"),
    )


class Quiet(WSGIRequestHandler):
    """Says nothing of the requests it answers, and keeps the line open."""

    protocol_version = "HTTP/1.1"

    def log_request(self, *args):
        """Say nothing."""


@pytest.fixture
def live(app):
    """The app behind a port of this machine: its address."""
    db.session.remove()
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join(10)
    server.server_close()
