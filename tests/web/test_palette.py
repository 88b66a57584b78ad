"""The palette: where to go, what to do, and what of the merchant answers to a name."""

import html
import re

import pytest

from portal.extensions import db
from portal.models import Product, Store, StoreUser
from portal.services import trash
from portal.web.frame import PLACES, letters_of
from tests.factories import (
    NOW,
    make_card,
    make_customer,
    make_member,
    make_order,
    make_owner,
    make_product,
    make_program,
    make_store,
    make_token,
    make_user,
    owner_of,
    within,
)
from tests.web.cast import make_cast
from tests.web.conftest import path


@pytest.fixture
def cast(app):
    made = make_cast()
    make_product(made.gare, "Café crème", sku="CREME-1", barcode="4006381333931")
    make_product(made.belval, "Café noir")
    make_product(make_store(made.elsewhere, "Café elsewhere"), "Café hidden")
    return made


@pytest.fixture
def as_owner(cast, sign_in):
    return sign_in(cast.owner)


def throw_away(cast, model, row):
    db.session.remove()
    with within(cast.merchant):
        mortal = db.session.get(model, (cast.merchant.id, row.id))
        act = trash.soft_delete_cascade(mortal, by=owner_of(cast.merchant), now=NOW)
        db.session.commit()
        act_id = act.id
    db.session.remove()
    return act_id


def found(browser, cast, q, **kwargs):
    """What the palette lists for a search: its words, group by group."""
    text = browser.piece(path(cast.merchant, "palette"), query_string={"q": q}, **kwargs).text
    lines = re.findall(r'<span class="words">(.*?)</span>\s*(?:</a>|<span class="palette)', text, re.DOTALL)
    return [" ".join(html.unescape(re.sub(r"<[^>]+>", " ", line)).split()) for line in lines]


@pytest.mark.parametrize("q", ["creme", "CRÈME", "café crè", "creme-1", "400638133"])
def test_a_product_is_found_as_in_its_list(as_owner, cast, q):
    assert found(as_owner, cast, q) == ["Café crème Gare"]


@pytest.mark.parametrize(("q", "expected"), [("gar", "Gare Luxembourg"), ("luxem", "Gare Luxembourg")])
def test_a_store_is_found_by_name_code_and_city(as_owner, cast, q, expected):
    assert expected in found(as_owner, cast, q)


def test_what_begins_with_the_words_comes_first(as_owner, cast):
    make_store(cast.merchant, "Am Garer Quartier")
    assert found(as_owner, cast, "gare")[0] == "Gare Luxembourg"


def test_people_are_found_with_role_and_store(as_owner, cast):
    assert found(as_owner, cast, "mia") == ["Mia Manager Manager, Gare"]
    assert found(as_owner, cast, "olga") == ["Olga Owner Owner"]
    text = as_owner.piece(path(cast.merchant, "palette?q=olga")).text
    assert f'href="{path(cast.merchant, "team/")}"' in text


def test_an_owner_finds_everything_a_manager_what_is_of_their_store(sign_in, cast):
    assert found(sign_in(cast.owner), cast, "café") == ["Café crème Gare", "Café noir Belval"]
    assert found(sign_in(cast.manager), cast, "café") == ["Café crème Gare"]
    assert found(sign_in(cast.staff), cast, "café") == ["Café crème Gare"]
    assert found(sign_in(cast.manager), cast, "belval") == []


def test_staff_find_nobody_by_an_e_mail_address(sign_in, cast):
    make_member(cast.gare, make_user("Ana", email="secret@example.com"))
    assert found(sign_in(cast.manager), cast, "secret@example") == ["Ana Staff, Gare"]
    assert found(sign_in(cast.staff), cast, "secret@example") == []


def test_deletions_are_found_by_those_who_see_them_in_the_trash(sign_in, cast):
    throw_away(cast, Product, make_product(cast.gare, "Old tea"))
    assert found(sign_in(cast.owner), cast, "old te") == ["Old tea Product"]
    assert found(sign_in(cast.manager), cast, "old te") == []  # the owner deleted it
    assert found(sign_in(cast.staff), cast, "old te") == []


def test_the_dead_are_found_in_the_trash_only(as_owner, cast):
    throw_away(cast, Store, cast.belval)
    assert found(as_owner, cast, "belval") == ["Belval Store"]
    assert found(as_owner, cast, "noir") == []


def test_a_removed_person_is_not_found_in_the_team(as_owner, cast):
    member = make_member(cast.gare, make_user("Zoe Zimmer"))
    assert found(as_owner, cast, "zoe") == ["Zoe Zimmer Staff, Gare"]
    throw_away(cast, StoreUser, member)
    assert found(as_owner, cast, "zoe") == ["Zoe Zimmer Team member"]


def test_five_of_a_kind_are_enough(as_owner, cast):
    for n in range(7):
        make_product(cast.gare, f"Tea {n}")
        make_owner(cast.merchant, make_user(f"Tea Owner {n}"))
        make_member(cast.gare, make_user(f"Tea Member {n}"))
    lines = found(as_owner, cast, "tea")
    assert len([line for line in lines if line.endswith("Gare") and "Member" not in line]) == 5
    assert len([line for line in lines if "Owner" in line or "Member" in line]) == 5


@pytest.mark.parametrize("q", ["%", "_", "\\", "'", '"><b>', "%" * 300, "\x00", "🫖"])
def test_signs_are_signs(as_owner, cast, q):
    answer = as_owner.piece(path(cast.merchant, "palette"), query_string={"q": q})
    assert answer.status_code == 200
    assert "<b>" not in answer.text
    assert found(as_owner, cast, q) == []


def test_nobody_sees_another_merchants_things(as_owner, sign_in, client, cast):
    assert "Café hidden" not in as_owner.get(path(cast.merchant, "palette?q=caf")).text
    assert as_owner.get(path(cast.elsewhere, "palette?q=caf")).status_code == 404
    assert client.application.test_client().get(path(cast.merchant, "palette")).status_code == 302
    assert sign_in(cast.stranger).get(path(cast.merchant, "palette?q=caf")).status_code == 404


def test_the_page_works_without_javascript(as_owner, cast):
    text = as_owner.get(path(cast.merchant, "palette?q=st")).text
    assert ">5 results<" in text  # Stores, Customers, New store, New customer, Stan Staff
    main = text.partition("<main")[2].partition("</main>")[0]
    assert f'href="{path(cast.merchant, "stores/")}"' in main
    assert f'href="{path(cast.merchant, "stores/new")}"' in main
    assert "Stan Staff" in main
    assert 'value="st"' in main
    nothing = as_owner.get(path(cast.merchant, "palette?q=zzz")).text
    assert "Nothing found for “zzz”." in nothing


def test_the_page_counts_what_it_shows(as_owner, cast):
    assert ">1 result<" in as_owner.get(path(cast.merchant, "palette?q=creme")).text
    assert ">2 results<" in as_owner.get(path(cast.merchant, "palette?q=café")).text


def test_the_frame_offers_what_the_role_may(sign_in, cast):
    offered = {}
    for role in ("owner", "manager", "staff"):
        text = sign_in(getattr(cast, role)).get(path(cast.merchant, "stores/")).text
        palette = text.partition('id="palette"')[2].partition("</dialog>")[0]
        offered[role] = re.findall(r'<span class="words">(.*?)</span>', palette)
    assert {"New store…", "New product…", "Trash", "Sign out", "Light or dark"} <= set(offered["owner"])
    assert "New store…" not in offered["manager"]
    assert {"New product…", "Trash", "Invite somebody to the team…"} <= set(offered["manager"])
    assert not {"New product…", "Trash", "Invite somebody to the team…"} & set(offered["staff"])
    assert {"Stores", "Team", "Products", "Keyboard help"} <= set(offered["staff"])


def test_a_search_sends_one_statement_of_its_own(as_owner, cast, statements):
    with statements() as still:
        as_owner.piece(path(cast.merchant, "palette"))
    with statements() as sent:
        as_owner.piece(path(cast.merchant, "palette?q=caf"))
    assert len(sent) == len(still) + 1
    assert len([each for each in sent if each.lstrip().upper().startswith("SELECT")]) <= 6


def test_every_place_has_a_letter_of_its_own():
    labels = ("Dashboard", "Stores", "Team", "Products", "Program", "Trash", "Audit", "Settings")
    letters = letters_of(labels)
    assert letters["Dashboard"] == "d"
    assert letters["Stores"] == "s"
    assert letters["Program"] == "r"
    assert letters["Audit"] == "a"
    assert len(set(letters.values())) == len(labels)
    assert letters_of(("Équipe", "É", "2")) == {"Équipe": "q", "É": "e", "2": ""}
    every = letters_of([str(label) for label, *_ in PLACES])
    assert "" not in every.values()
    assert len(set(every.values())) == len(PLACES)


def test_cards_are_found_by_their_number_and_orders_by_theirs(app, sign_in):
    cast = make_cast()
    customer = make_customer(cast.merchant, "Anna Weber")
    card = make_card(make_program(cast.merchant), customer)
    make_token(card, kind="number", value="42178830")
    order = make_order(cast.gare, customer, number="GARE-0042")
    make_order(cast.belval, number="BELVAL-0042")
    browser = sign_in(cast.manager)
    text = browser.get(path(cast.merchant, "palette?q=4217 8")).text
    assert path(cast.merchant, "cards", card.id) in text
    text = browser.get(path(cast.merchant, "palette?q=0042")).text
    assert path(cast.merchant, "orders", order.id) in text
    assert "BELVAL-0042" not in text
    assert "GARE-0042" not in sign_in(cast.staff).get(path(cast.merchant, "palette?q=0042")).text
