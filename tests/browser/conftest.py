"""How the tests drive a real browser: an app on a real port, and pages that may not complain."""

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import ConsoleMessage, Page, Response, expect
from werkzeug.serving import make_server

from portal import create_app
from portal.extensions import db
from portal.models.actor import OPERATOR
from portal.models.merchant import Merchant
from portal.models.tenancy import scoped
from portal.models.user import User
from portal.services import accounts, merchants
from tests.fixtures import Database, make_sqlite

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
PASSWORD = "correct horse 7"
PHONE = {"width": 390, "height": 844}
# The browser itself says so of every refusal; what matters of them is looked at below.
REFUSED = "Failed to load resource"

expect.set_options(timeout=15_000)


@dataclass
class Shop:
    """A merchant with an owner who can sign in, on a server of its own."""

    url: str
    merchant: Merchant
    owner: User

    def at(self, *parts: object) -> str:
        """An address of the merchant's portal."""
        return "/".join([self.url, "m", self.merchant.subdomain, *map(str, parts)])


@pytest.fixture(scope="session")
def live_database(tmp_path_factory) -> Iterator[Database]:
    """A migrated SQLite database for the server."""
    database = make_sqlite(tmp_path_factory.mktemp("live"))
    yield database
    database.remove()


@pytest.fixture(scope="session")
def live_app(live_database) -> Iterator[Flask]:
    """The app that the server runs."""
    app = create_app(live_database.settings)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def live(live_database, live_app) -> Iterator[str]:
    """The address of a running server with an empty database; the app's context is pushed."""
    with live_app.app_context():
        db.engine.dispose()  # the file is about to be replaced
        live_database.clean()
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        server = make_server("127.0.0.1", 0, live_app, threaded=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(10)
        server.server_close()
        db.session.remove()


@pytest.fixture
def shop(live) -> Shop:
    """A merchant named Café Lumière whose owner is Olga."""
    owner = accounts.create_user(display_name="Olga Owner", username="olga", password=PASSWORD, by=OPERATOR)
    merchant = merchants.create_merchant(
        name="Café Lumière", subdomain="lumiere", owner=owner, by=OPERATOR, locale="en"
    )
    keep()
    return Shop(live, merchant, owner)


@pytest.fixture
def within_shop(shop) -> Callable[..., Any]:
    """Do something for the merchant and commit it: `within_shop(lambda: stores.open_store(...))`."""

    def work(verb: Callable[[], Any]) -> Any:
        with scoped(db.session, shop.merchant.id):
            made = verb()
            db.session.flush()
            for known in (shop.merchant, shop.owner):
                db.session.refresh(known)  # some verbs forget all: reading it later would lock SQLite
            keep()
        return made

    return work


def keep() -> None:
    """Commit, and leave what was loaded readable."""
    db.session().expire_on_commit = False
    db.session.commit()
    db.session().expire_on_commit = True


@pytest.fixture
def page(page: Page) -> Iterator[Page]:
    """A page on which nothing goes wrong unseen: no error, no policy broken, no file missing."""
    complaints: list[str] = []

    def hear(said: ConsoleMessage) -> None:
        if said.type == "error" and REFUSED not in said.text:
            complaints.append(said.text)

    def look(answer: Response) -> None:
        if answer.status >= 500 or (answer.status >= 400 and "/static/" in answer.url):
            complaints.append(f"{answer.status} {answer.url}")

    page.on("console", hear)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("response", look)
    page.add_init_script(AXE)
    yield page
    assert complaints == []


@pytest.fixture
def signed_in(page, shop) -> Page:
    """A browser in which Olga is signed in."""
    return sign_in(page, shop, "olga")


def sign_in(page: Page, shop: Shop, login: str) -> Page:
    """Sign in through the door everybody uses."""
    page.goto(f"{shop.url}/login")
    page.get_by_label("E-mail or username").fill(login)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda address: "/login" not in address)
    return page


def faults(page: Page) -> list[str]:
    """What axe finds wrong with the page as it stands, and whether it is wider than the window."""
    page.wait_for_timeout(250)  # motion is over: colours are read from pixels
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    told = [f"{v['id']}: {n['html'][:120]}" for v in found["violations"] for n in v["nodes"]]
    is_wide = page.evaluate("() => document.documentElement.scrollWidth > innerWidth")
    return [*told, *(["wider than the window"] if is_wide else [])]
