"""Every screen speaks the reader's language: nothing is left that nobody marked."""

import re
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from portal import words
from portal.extensions import db
from portal.models.store import Store
from portal.models.user import User
from portal.services import merchants, team, trash
from portal.web import errors
from tests import tour
from tests.factories import make_product, make_store, owner_of, within
from tests.web.conftest import HTMX
from tests.web.pseudo import Pseudo, everything_typed, read, unmarked

# Texts are the same on both engines.
pytestmark = [pytest.mark.sqlite, pytest.mark.timeout(400)]
AWAY = ("auth.sign_out", "auth.sign_in")
# What takes away what others need comes later, and the owner goes last.
LATER = (
    "restoration",
    "/hold",
    "revocation",
    "products/.*deletion",
    "deletion",
    "purge",
    "sessions",
    "owners",
)
BAD = ({}, {"*": "※" * 200}, {"*": "※", "typed_name": "※"})


@pytest.fixture
def pseudo(app, monkeypatch):
    """Everybody reads the language without letters, and writes numbers and days as in Japan."""
    monkeypatch.setitem(app.extensions["languages"], "ja", "ja")
    monkeypatch.setattr(words.reader, "catalogue", Pseudo)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Where the demo is kept once it was built."""
    return tmp_path_factory.mktemp("demo") / "built.db"


@pytest.fixture
def house(app, pseudo, sign_in, kept):
    """The demo, and its owner at a browser; `house.ask(address)` reads a page and keeps what is unmarked."""
    tour.load_demo(kept)
    merchant = merchants.find_merchant(tour.MERCHANT)
    merchant.locale = "ja"
    db.session.commit()
    return House(app, sign_in)


class House:
    """Walks the screens, and keeps what nobody marked."""

    def __init__(self, app, sign_in):
        self.app, self.sign_in = app, sign_in
        self.found, self.forms, self.seen = {}, {}, 0
        self.typed = everything_typed()
        self.come_in("lea")

    def come_in(self, username):
        self.browser = self.app.test_client()
        if username:
            self.sign_in(db.session.scalar(select(User).where(User.username == username)), self.browser)
        self.browser.environ_base["HTTP_ACCEPT_LANGUAGE"] = "ja"

    def ask(self, address, *, method="GET", headers=None, **kwargs):
        answer = self.browser.open(address, method=method, headers=headers or {}, **kwargs)
        if answer.mimetype == "text/html" and answer.data and answer.status_code not in (301, 302, 303):
            self.listen(f"{method} {address} {answer.status_code}", answer.text)
        return answer

    def listen(self, where, html):
        page = read(html)
        self.seen += 1
        if html.lstrip().startswith("<!DOCTYPE"):
            assert page.language == "ja", where
        for action, fields in page.forms:
            self.forms.setdefault(action, fields)
        for text in unmarked(page, self.typed):
            self.found.setdefault(text, where)

    def is_all_marked(self):
        told = [f"{text!r} on {where}" for text, where in sorted(self.found.items())]
        assert not told, "\n".join(told)
        return True


def test_every_screen_of_an_owner_is_marked(house):
    for stop in tour.stops(house.app):
        if stop.endpoint not in AWAY:
            for headers in ({}, HTMX):
                house.ask(stop.address, headers=headers)
            house.ask(stop.address, query_string={"q": "※"})
    assert house.seen > 60
    assert house.is_all_marked()


@pytest.mark.parametrize("who", ["sofia", "nina", "luca", "robin"])
def test_every_screen_of_others_is_marked(house, who):
    house.come_in(who)
    for stop in tour.stops(house.app):
        if stop.endpoint not in AWAY:
            house.ask(stop.address)
    assert house.is_all_marked()


def how_late(action):
    return max((at for at, words in enumerate(LATER, 1) if re.search(words, action)), default=0)


def test_every_refusal_and_every_answer_of_a_form_is_marked(house):
    stops = [stop for stop in tour.stops(house.app) if stop.endpoint not in AWAY]
    for stop in stops:
        house.ask(stop.address)
    forms = [form for form in house.forms.items() if not form[0].endswith("/logout")]
    for action, fields in sorted(forms, key=lambda form: how_late(form[0])):
        for bad in BAD:
            typed = dict.fromkeys(fields, bad.get("*", "")) | bad
            for headers in (HTMX, {}):
                house.come_in("lea")
                house.ask(action, method="POST", data=typed, headers=headers, follow_redirects=True)
    house.come_in("lea")
    for stop in stops:  # what is in the trash now says so, and lists are empty
        house.ask(stop.address)
        house.ask(stop.address, headers=HTMX)
    assert house.is_all_marked()


def test_every_preview_of_many_is_marked(house):
    rules = [rule for rule in house.app.url_map.iter_rules() if "preview" in rule.rule]
    addresses = [rule.rule.replace("<merchant>", tour.MERCHANT) for rule in rules if "<int" not in rule.rule]
    for address in addresses:
        for chosen in ({"everything": "1"}, {"ids": "1"}, {}):
            for headers in (HTMX, {}):
                house.ask(address, method="POST", data=chosen, headers=headers, follow_redirects=True)
    assert addresses
    assert house.is_all_marked()


def invitation_as(role):
    merchant = merchants.find_merchant(tour.MERCHANT)
    with within(merchant):
        store = db.session.scalars(select(Store)).first() if role == "manager" else None
        asked = {"display_name": "Ina Weber", "role": role, "store": store}
        token = team.invite(merchant, by=owner_of(merchant), now=datetime.now(UTC), **asked)[1]
        db.session.commit()
    return token


def test_what_a_stranger_sees_is_marked(house):
    known, ref = house.browser, merchants.find_merchant(tour.MERCHANT).public_ref
    invited = [f"/invite/{invitation_as(role)}" for role in ("owner", "manager")]
    for address in (*invited, f"/invite/{ref}.nothing"):
        house.browser = known
        house.ask(address)
        house.come_in(None)
        house.ask(address)
        house.ask(address, method="POST", data={})
    house.ask("/login")
    house.ask("/login", method="POST", data={})
    for _time in range(12):  # then too many
        house.ask("/login", method="POST", data={"login": "※", "password": "※"})
    house.ask("/nowhere")
    house.ask("/nowhere", headers=HTMX)
    house.ask("/login", method="DELETE")
    assert house.is_all_marked()


def test_what_stands_in_the_way_of_a_restore_is_marked(house):
    merchant = merchants.find_merchant(tour.MERCHANT)
    store = make_store(merchant, "Gare Nord")
    dead = [make_product(store, "Mocha", sku="mocha-1"), make_product(store, "Chai")]
    with within(merchant):
        by, now = owner_of(merchant), datetime.now(UTC)
        acts = [trash.soft_delete(db.session.merge(product), by=by, now=now) for product in dead]
        addresses = [f"/m/{tour.MERCHANT}/trash/{act.id}" for act in acts]
        db.session.commit()
    make_product(store, "Mocha", sku="mocha-1")
    key, gone = f"products-{dead[0].id}-sku", f"/m/{tour.MERCHANT}/stores/{store.id}/deletion"
    house.typed = everything_typed()
    for address in addresses:
        for headers in (HTMX, {}):
            house.ask(address, headers=headers)
            for typed in ({}, {key: ""}, {key: "mocha-1"}, {key: "※" * 200}):
                house.ask(f"{address}/restoration", method="POST", data=typed, headers=headers)
                house.ask(f"{address}/undo", method="POST", headers=headers, follow_redirects=True)
        house.ask(gone, method="POST")
    assert house.is_all_marked()


@pytest.mark.parametrize("status", errors.TOASTS)
def test_every_error_is_marked(app, pseudo, status):
    for headers in ({}, HTMX):
        with app.test_request_context(headers={"Accept-Language": "ja", **headers}):
            page = read(errors.answer(status).get_data(as_text=True))
    assert unmarked(page, re.compile("(?!)")) == []
