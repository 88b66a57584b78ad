"""Customers as a merchant meets them in the portal: found, listed, shown, changed, put in the trash."""

import csv
import html
import io
import json
import re
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, update

from portal.extensions import db
from portal.models import AuditEntry, ConsentEvent, Customer, LoyaltyCard, LoyaltyProgram
from portal.services import consents, programs
from portal.services.ledger import merging
from portal.services.ledger.visits import Visit
from portal.web import listing
from tests.factories import (
    NOW,
    OWNER,
    give,
    make_card,
    make_customer,
    make_order,
    make_program,
    make_token,
    owner_of,
    within,
)
from tests.web.cast import make_cast
from tests.web.conftest import path

TIERS = [
    {"key": "guest", "name": "Guest", "threshold": 0, "multiplier_bp": 10_000},
    {"key": "friend", "name": "Friend", "threshold": 500, "multiplier_bp": 15_000},
]


@pytest.fixture
def cast(app):
    cast = make_cast()
    cast.program = make_program(cast.merchant, loyalty_type="hybrid", tier_config=TIERS, card_name="Carte")
    contact = {"phone": "+352621123456", "email": "lea@example.com", "external_ref": "C-1"}
    cast.lea = make_customer(cast.merchant, "Léa Martin", home_store_id=cast.gare.id, **contact)
    cast.card = make_card(cast.program, cast.lea, tier_key="friend")
    give(cast.card, points=140, stamps=3)
    make_token(cast.card, kind="number", value="40170019")
    cast.tom = make_customer(cast.merchant, "Tom Weber", phone=None, email="tom@example.com")
    return cast


@pytest.fixture
def as_owner(cast, sign_in):
    return sign_in(cast.owner)


@pytest.fixture
def as_manager(cast, sign_in):
    return sign_in(cast.manager)


def at(cast, *parts):
    return path(cast.merchant, "customers", *parts)


def read(customer):
    """Read the customer again, dead or alive."""
    with within(customer.merchant_id):
        db.session.expunge_all()
        mine = (Customer.merchant_id == customer.merchant_id, Customer.id == customer.id)
        row = db.session.scalars(
            select(Customer).where(*mine), execution_options={"include_deleted": True}
        ).one()
        db.session.expunge_all()
        db.session.rollback()
    return row


def all_of(merchant, model):
    with within(merchant):
        found = db.session.scalars(model.of(merchant).order_by(model.id)).all()
        db.session.expunge_all()
        db.session.rollback()
    return found


def names_in(text):
    return [html.unescape(name) for name in re.findall(r'class="name"[^>]*>([^<]+)<', text)]


def main_of(answer):
    """What the screen itself shows, without the frame around it."""
    return answer.text.partition("<main")[2].partition("</main>")[0]


GUARDED = [  # method, address, least role
    ("get", "", "manager"),
    ("get", "export.csv", "owner"),
    ("get", "new", "manager"),
    ("post", "", "manager"),
    ("get", "{id}", "manager"),
    ("get", "{id}/orders", "manager"),
    ("get", "{id}/consents", "manager"),
    ("post", "{id}/consents", "manager"),
    ("get", "{id}/edit", "manager"),
    ("post", "{id}", "manager"),
    ("get", "{id}/deletion", "manager"),
    ("post", "{id}/deletion", "manager"),
    ("post", "deletions/preview", "manager"),
    ("post", "deletions", "manager"),
    ("get", "{id}/merge", "owner"),
    ("get", "{id}/merge/{other}", "owner"),
    ("get", "{id}/export.json", "owner"),
    ("get", "{id}/erasure", "owner"),
    ("post", "{id}/erasure", "owner"),
    ("get", "{id}/export.csv", "owner"),
]


@pytest.mark.parametrize("door", GUARDED, ids=lambda door: f"{door[0]} {door[1]}")
def test_every_door_asks_who_it_is(sign_in, client, cast, door):
    method, address, least = door
    here = at(cast, "") + address.format(id=cast.lea.id, other=cast.tom.id)
    assert getattr(client, method)(here).status_code == 302
    assert getattr(sign_in(cast.staff), method)(here).status_code == 403
    assert (getattr(sign_in(cast.manager), method)(here).status_code == 403) == (least == "owner")
    assert getattr(sign_in(cast.stranger), method)(here).status_code == 404
    if method == "get" or "{id}" not in address:  # a manager did the others a moment ago
        assert getattr(sign_in(cast.owner), method)(here).status_code not in (403, 404, 500)


@pytest.mark.parametrize(("method", "address"), [(m, a) for m, a, _ in GUARDED if "{id}" in a])
def test_what_is_not_theirs_is_not_there(as_owner, cast, method, address):
    theirs = make_customer(cast.elsewhere, "Hidden")
    for number in (theirs.id, 2**63, 2**70):
        here = at(cast, "") + address.format(id=number, other=cast.tom.id)
        assert getattr(as_owner, method)(here, data={"name": "X"}).status_code == 404
    assert read(theirs).name == "Hidden"
    assert not read(theirs).is_deleted
    assert as_owner.get(at(cast, cast.lea.id, "merge", theirs.id)).status_code == 404


# The list


def test_the_list_tells_who_they_are_and_what_they_have(as_manager, cast):
    text = main_of(as_manager.get(at(cast, "")))
    assert names_in(text) == ["Léa Martin", "Tom Weber"]
    assert "+352 621 123 456" in text
    assert re.search(r'data-label="Tier" class="tier">Friend<', text)
    assert re.search(r'data-label="Points" class="num">140<', text)
    assert "No card" in text
    assert "2 customers" in text
    assert "Export as CSV" not in text  # to export is the owner's


def test_points_are_shown_net_of_what_is_due_to_expire(as_manager, cast):
    lea_id, here = cast.lea.id, at(cast, "")
    with within(cast.merchant):
        program = db.session.scalars(LoyaltyProgram.of(cast.merchant)).one()
        programs.change_program(program, by=OWNER, now=NOW, points_expiration_days=30)
        program.expiry_floor_at = None
        card = db.session.scalars(LoyaltyCard.of(cast.merchant)).one()
        card.last_activity_at, card.expiry_floor_at = datetime.now(UTC) - timedelta(days=40), None
        db.session.commit()
        db.session.expunge_all()
    text = main_of(as_manager.get(here))
    assert re.search(r'data-label="Points" class="num">0<', text)
    assert "Why is it 0?" in as_manager.get(f"{here}{lea_id}").text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=lea", ["Léa Martin"]),
        ("q=weber", ["Tom Weber"]),
        ("q=621+123", ["Léa Martin"]),
        ("q=3456", ["Léa Martin"]),
        ("q=tom@", ["Tom Weber"]),
        ("q=c-1", ["Léa Martin"]),
        ("q=4017", ["Léa Martin"]),
        ("q=nobody", []),
        ("q=lea&card=without", []),
        ("store={gare}", ["Léa Martin"]),
        ("store=x", []),
        ("tier=friend", ["Léa Martin"]),
        ("tier=guest", []),
        ("card=with", ["Léa Martin"]),
        ("card=without", ["Tom Weber"]),
        ("consent=yes", []),
        ("consent=no", ["Léa Martin", "Tom Weber"]),
        ("since=2020-01-01", ["Léa Martin", "Tom Weber"]),
        ("since=2999-01-01", []),
        ("sort=joined&direction=desc", ["Tom Weber", "Léa Martin"]),
        ("sort=joined&direction=asc&q=example", []),
        ("sort=name&direction=desc", ["Tom Weber", "Léa Martin"]),
    ],
)
def test_search_and_filters_combine(as_manager, cast, query, found):
    assert names_in(main_of(as_manager.get(at(cast, "?" + query.format(gare=cast.gare.id))))) == found


def test_the_newest_word_on_consent_counts(as_manager, cast):
    for is_given, found in ((True, ["Léa Martin"]), (False, [])):
        with within(cast.merchant):
            lea = db.session.merge(cast.lea, load=False)
            consents.note_consent(lea, is_given=is_given, source="portal", by=OWNER, now=NOW)
            db.session.commit()
        assert names_in(main_of(as_manager.get(at(cast, "?consent=yes")))) == found


@pytest.mark.parametrize("query", ["", "&q=guest", "&q=guest&sort=joined&direction=desc"])
def test_pages_lead_through_all_and_back(as_manager, cast, monkeypatch, query):
    monkeypatch.setattr("portal.services.keyset.PAGE_SIZE", 3)
    for n in range(8):
        make_customer(cast.merchant, f"Guest {n}")
    seen, here = [], at(cast, f"?{query[1:]}")
    while here:
        text = main_of(as_manager.get(here))
        seen += names_in(text)
        after = re.search(r'href="([^"]*[?&;]after=[^"]*)"', text)
        here = html.unescape(after[1]) if after else ""
    guests = [f"Guest {n}" for n in range(8)]
    expected = guests[::-1] if "desc" in query else guests + ([] if query else ["Léa Martin", "Tom Weber"])
    assert seen == expected
    assert "Previous" in text


def test_a_thousand_are_counted_and_no_more(as_manager, cast, monkeypatch):
    monkeypatch.setattr(listing, "COUNTED", 1)
    assert "1+ customers" in as_manager.get(at(cast, "")).text
    make_customer(cast.merchant, "Lea Zwei")
    assert "1+ customers" in as_manager.get(at(cast, "?q=lea")).text


def test_without_a_program_the_list_says_less(sign_in, cast):
    browser = sign_in(cast.stranger)
    empty = main_of(browser.get(path(cast.elsewhere, "customers/")))
    assert "No customers yet" in empty
    assert "Nothing matches" in browser.get(path(cast.elsewhere, "customers/?q=x")).text
    make_customer(cast.elsewhere, "Ana")
    text = main_of(browser.get(path(cast.elsewhere, "customers/")))
    assert "Ana" in text
    for column in ("Points", "Stamps", "Tier", "No card"):
        assert column not in text


def test_the_file_holds_what_the_list_shows(as_owner, cast):
    make_customer(cast.merchant, "=1+1", notes="allergic to nuts", birthday=date(1990, 5, 17))
    rows = list(csv.DictReader(io.StringIO(as_owner.get(at(cast, "export.csv")).text)))
    assert [row["name"] for row in rows] == ["Léa Martin", "Tom Weber", "'=1+1"]
    assert rows[0] == {
        "external_ref": "C-1",
        "name": "Léa Martin",
        "phone": "'+352621123456",
        "email": "lea@example.com",
        "birthday": "",
        "home_store": "gare",
        "card_number": "40170019",
        "points": "140",
        "stamps": "3",
        "notes": "",
    }
    assert (rows[2]["birthday"], rows[2]["notes"], rows[2]["points"]) == (
        "1990-05-17",
        "allergic to nuts",
        "",
    )
    some = as_owner.get(at(cast, "export.csv?q=4017&card=with"))
    assert [row["name"] for row in csv.DictReader(io.StringIO(some.text))] == ["Léa Martin"]
    assert some.headers["Cache-Control"] == "no-store"


# One customer


def test_the_page_tells_what_is_on_the_card(as_manager, cast):
    text = main_of(as_manager.get(at(cast, cast.lea.id)))
    assert "Why is it 140?" in text
    assert "4017 0019" in text
    assert "of 10 stamps" in text
    assert "Friend" in text
    assert "Gare" in text
    assert "Not agreed" in text
    for owners in ("/merge", "export.json", "erasure"):
        assert owners not in text


def test_whoever_has_no_card_is_told_how_to_get_one(as_manager, cast):
    text = main_of(as_manager.get(at(cast, cast.tom.id)))
    assert "No card" in text
    assert "Why is it" not in text


def test_who_may_be_the_same_person_is_said(as_owner, sign_in, cast):
    twin = make_customer(cast.merchant, "Lea Martin")
    text = main_of(as_owner.get(at(cast, cast.lea.id)))
    assert "same name" in text
    assert at(cast, cast.lea.id, "merge", twin.id) in text
    assert "/merge" not in main_of(sign_in(cast.manager).get(at(cast, cast.lea.id)))


def test_a_known_birthday_is_shown_and_can_be_put_right(as_manager, cast):
    born = make_customer(cast.merchant, "Bo", birthday=date(1990, 5, 17))
    assert "17 May 1990" in as_manager.get(at(cast, born.id)).text
    assert 'name="birthday"' in as_manager.get(at(cast, born.id, "edit")).text
    assert as_manager.post(at(cast, born.id), data={"name": "Bo", "birthday": ""}).status_code == 303
    assert read(born).birthday is None
    assert 'name="birthday"' not in as_manager.get(at(cast, cast.tom.id, "edit")).text


def test_orders_are_listed_newest_first(as_manager, cast):
    for n in (1, 2):
        when = NOW + timedelta(days=n)
        make_order(cast.gare, cast.lea, number=f"R-{n}a", total_cents=450, occurred_at=when)
    make_order(cast.gare, cast.tom, number="R-tom")
    text = main_of(as_manager.get(at(cast, cast.lea.id, "orders")))
    assert re.findall(r"R-\w+", text) == ["R-2a", "R-1a"]
    assert "€4.50" in text
    assert "Gare" in text
    assert "No orders yet" in main_of(as_manager.get(at(cast, make_customer(cast.merchant).id, "orders")))


def test_an_order_of_a_foreign_store_is_told_without_a_way_that_ends_nowhere(sign_in, cast):
    ours = make_order(cast.gare, cast.lea)
    theirs = make_order(cast.belval, cast.lea, number="R-Belval")
    hrefs = [f'href="{path(cast.merchant, "orders", order.id)}"' for order in (ours, theirs)]
    for person, leads in ((cast.manager, [True, False]), (cast.owner, [True, True])):
        text = sign_in(person).get(at(cast, cast.lea.id, "orders")).text
        assert "R-Belval" in text
        assert [href in text for href in hrefs] == leads


# Changing


def test_a_customer_is_changed(as_manager, cast):
    typed = {"name": "Léa M.", "phone": "621 999 888", "email": "", "home_store_id": cast.belval.id}
    answer = as_manager.post(
        at(cast, cast.lea.id), data=typed | {"notes": "Tea, no milk", "external_ref": ""}
    )
    assert answer.status_code == 303
    lea = read(cast.lea)
    assert (lea.name, lea.phone, lea.email) == ("Léa M.", "+352621999888", None)
    assert (lea.home_store_id, lea.notes, lea.external_ref) == (cast.belval.id, "Tea, no milk", None)


@pytest.mark.parametrize(
    ("typed", "field", "sentence"),
    [
        ({"name": ""}, "name", "Give the customer a name"),
        ({"name": "x" * 121}, "name", "at most 120 characters"),
        ({"phone": "nope"}, "phone", "This is no phone number. Write it like"),
        ({"email": "lea@"}, "email", "This is no e-mail address"),
        ({"home_store_id": "999"}, "home_store_id", "Choose one"),
        ({"notes": "x" * 2001}, "notes", "Write at most 2000 letters"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(as_manager, cast, typed, field, sentence):
    form = {"name": "Changed", "phone": "621 777 777"} | typed
    answer = as_manager.piece(at(cast, cast.lea.id), method="POST", data=form)
    assert answer.status_code == 422
    assert sentence in html.unescape(answer.text)
    assert re.search(rf'aria-invalid="true"[^>]*name="{field}"', answer.text)
    assert read(cast.lea).name == "Léa Martin"


@pytest.mark.parametrize(
    ("field", "value"), [("phone", "621 123 456"), ("email", "LEA@example.com"), ("external_ref", "C-1")]
)
def test_what_another_has_is_refused_with_their_name(as_manager, cast, field, value):
    typed = {"name": "Tom Weber", field: value}
    answer = as_manager.piece(at(cast, cast.tom.id), method="POST", data=typed)
    assert answer.status_code == 409
    assert "is taken by Léa Martin" in html.unescape(answer.text)
    assert re.search(rf'aria-invalid="true"[^>]*name="{field}"', answer.text)
    assert value in answer.text


# The trash


def test_a_deletion_is_previewed_and_can_be_undone(as_manager, cast):
    here = at(cast, cast.lea.id, "deletion")
    preview = as_manager.get(here).text
    assert "Delete customer Léa Martin?" in preview
    assert "1 card" in preview
    assert "stay in the ledger" in preview
    answer = as_manager.piece(here, method="POST", data={"reason": "moved away"})
    undo = re.search(r'action="([^"]*undo[^"]*)"', answer.text)[1]
    assert read(cast.lea).is_deleted
    assert "is in the trash" in as_manager.get(at(cast, cast.lea.id)).text
    as_manager.post(undo)
    assert not read(cast.lea).is_deleted
    assert all_of(cast.merchant, LoyaltyCard)[0].points_balance == 140


def test_many_are_deleted_with_one_undo(as_manager, cast):
    assert as_manager.post(at(cast, "deletions")).location == at(cast, "")
    preview = as_manager.post(at(cast, "deletions/preview"), data={"everything": "1", "q": "lea"}).text
    assert "1 customer" in preview
    assert "Léa Martin" in preview
    ids = [cast.lea.id, cast.tom.id, make_customer(cast.elsewhere).id]
    answer = as_manager.piece(at(cast, "deletions"), method="POST", data={"ids": ids})
    assert "Deleted 2 customers." in answer.text
    undo = re.search(r'action="([^"]*undo[^"]*)"', answer.text)[1]
    assert all_of(cast.merchant, Customer) == []
    as_manager.post(undo)
    assert len(all_of(cast.merchant, Customer)) == 2


# Enrolling


def typed(**fields):
    return {"name": "Zoé", "key": "7b0e9b4e-51a4-4b0e-9a0e-6f0f8f6f1f10"} | fields


def test_somebody_new_gets_a_card_whose_code_is_shown_once(as_manager, cast):
    form = as_manager.get(at(cast, "new")).text
    assert not re.search(r'name="consent"[^>]*checked', form)
    assert "birthday" not in form  # no reward asks for it
    sent = typed(phone="691 000 111", store=cast.gare.id, consent="y")
    answer = as_manager.post(at(cast, ""), data=sent)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert "<svg" in answer.text.partition("given-card-code")[2]
    assert re.search(r"given-card-number\">\d{4} \d{4}<", answer.text)
    zoe = all_of(cast.merchant, Customer)[-1]
    assert (zoe.name, zoe.phone, zoe.home_store_id) == ("Zoé", "+352691000111", cast.gare.id)
    assert [event.is_given for event in all_of(cast.merchant, ConsentEvent)] == [True]
    again = as_manager.post(at(cast, ""), data=sent)
    assert again.status_code == 200
    assert "given-card-code" not in again.text
    assert "had a card already" not in again.text
    assert "Zoé has a card" in again.text
    assert "replace the card" in again.text
    assert len(all_of(cast.merchant, LoyaltyCard)) == 2


def test_the_welcome_bonus_waits_for_a_phone_or_an_address(as_manager, cast):
    gare = cast.gare.id
    with within(cast.merchant):
        rules = update(LoyaltyProgram).where(LoyaltyProgram.merchant_id == cast.merchant.id)
        db.session.execute(rules.values(welcome_bonus_points=50))
        db.session.commit()
    answer = as_manager.post(at(cast, ""), data=typed(store=gare))
    zoe = all_of(cast.merchant, Customer)[-1]
    assert "The welcome bonus waits" in answer.text
    assert f'href="{at(cast, zoe.id, "edit")}"' in answer.text
    told = {"name": "Zoé", "phone": "691 000 111", "home_store_id": gare}
    as_manager.post(at(cast, zoe.id), data=told)
    assert "Saved Zoé. 50 points to welcome them." in as_manager.get(at(cast, zoe.id)).text
    as_manager.post(at(cast, zoe.id), data=told | {"email": "zoe@example.com"})
    seen = as_manager.get(at(cast, zoe.id)).text
    assert "Saved Zoé." in seen
    assert "to welcome them" not in seen


def test_in_the_dialog_the_list_behind_loads_again(as_manager, cast):
    answer = as_manager.piece(at(cast, ""), method="POST", data=typed(store=cast.gare.id))
    assert json.loads(answer.headers["HX-Trigger"]) == {"list:changed": ""}
    assert 'id="sheet"' in answer.text


def test_who_is_known_by_phone_keeps_the_card_they_have(as_manager, cast):
    answer = as_manager.post(at(cast, ""), data=typed(phone="621123456", store=cast.gare.id))
    assert "Léa Martin had a card already" in answer.text
    assert len(all_of(cast.merchant, LoyaltyCard)) == 1


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({"name": ""}, "Give the customer a name"),
        ({"phone": "12"}, "This is no phone number"),
        ({"email": "x"}, "This is no e-mail address"),
        ({"store": "0"}, "Choose one of these: Gare."),
        ({"store": ""}, "Choose one of these: Gare."),
    ],
)
def test_a_refused_enrolment_keeps_what_was_typed(as_manager, cast, sent, sentence):
    answer = as_manager.post(at(cast, ""), data=typed(store=cast.gare.id, email="zoe@example.com") | sent)
    assert answer.status_code == 422
    assert sentence in html.unescape(answer.text)
    assert len(all_of(cast.merchant, Customer)) == 2


def test_a_manager_enrols_in_their_own_stores(as_manager, cast):
    answer = as_manager.post(at(cast, ""), data=typed(store=cast.belval.id))
    assert answer.status_code == 422
    assert "Belval" not in main_of(as_manager.get(at(cast, "new")))


def test_without_a_program_nobody_can_be_enrolled(sign_in, cast):
    browser = sign_in(cast.stranger)
    answer = browser.post(path(cast.elsewhere, "customers/"), data=typed())
    assert answer.status_code == 422
    assert "An owner can start one." in answer.text


def test_what_keeps_anybody_from_joining_is_said_before_the_form(sign_in, as_manager, cast):
    assert "note" not in main_of(as_manager.get(at(cast, "new")))
    with within(cast.merchant):
        program = db.session.get(LoyaltyProgram, (cast.merchant.id, cast.program.id))
        program.is_active = False
        db.session.commit()
    paused = main_of(as_manager.get(at(cast, "new")))
    assert "The program is paused" in paused
    assert f'href="{path(cast.merchant, "program")}' in paused
    none = main_of(sign_in(cast.stranger).get(path(cast.elsewhere, "customers", "new")))
    assert "There is no program to join" in none
    assert f'href="{path(cast.elsewhere, "program")}' in none


# Merging


def test_the_other_record_is_found_and_shown_before_anything_moves(as_owner, cast):
    twin = make_customer(cast.merchant, "Lea Martin")
    give(make_card(cast.program, twin), points=60)
    proposed = main_of(as_owner.get(at(cast, cast.lea.id, "merge")))
    assert at(cast, cast.lea.id, "merge", twin.id) in proposed
    searched = main_of(as_owner.get(at(cast, cast.lea.id, "merge?q=tom")))
    assert "Tom Weber" in searched
    assert "Nobody else is found" in as_owner.get(at(cast, cast.lea.id, "merge?q=zzz")).text
    assert "Nobody has the same name" in as_owner.get(at(cast, cast.tom.id, "merge")).text
    preview = main_of(as_owner.get(at(cast, cast.lea.id, "merge", twin.id)))
    assert "200 points and 3 stamps" in preview
    assert at(cast, twin.id, "merge", cast.lea.id) in preview
    assert as_owner.get(at(cast, cast.lea.id, "merge", cast.lea.id)).status_code == 404


def test_the_preview_of_a_merge_says_what_the_full_card_becomes(as_owner, cast):
    twin = make_customer(cast.merchant, "Lea Martin")
    give(make_card(cast.program, twin), stamps=8)
    preview = as_owner.get(at(cast, cast.lea.id, "merge", twin.id))
    assert "140 points, 1 stamp and 1 reward ready." in main_of(preview)
    merged(as_owner, cast, twin)
    assert [card.stamps_balance for card in all_of(cast.merchant, LoyaltyCard)] == [1]


def test_a_second_welcome_bonus_is_told_before_and_after(as_owner, cast):
    twin = make_customer(cast.merchant, "Lea Martin")
    card = make_card(cast.program, twin)
    give(card, points=50, kind="welcome_bonus")
    give(card, points=30)
    give(cast.card, points=50, kind="welcome_bonus")
    preview = main_of(as_owner.get(at(cast, cast.lea.id, "merge", twin.id)))
    assert "220 points and 3 stamps." in preview
    assert "the second one, 50 points, is taken back" in preview
    merged(as_owner, cast, twin)
    page = main_of(as_owner.get(at(cast, cast.lea.id)))
    assert "Why is it 220?" in page
    assert "less the second welcome bonus of 50 points" in page


def merged(browser, cast, other, **headers):
    here = at(cast, cast.lea.id, "merge", other.id)
    key = re.search(r'name="key"[^>]*value="([^"]+)"', browser.get(here).text)[1]
    return browser.post(here, data={"key": key}, **headers), key


def test_two_become_one_and_two_again(as_owner, cast):
    twin = make_customer(cast.merchant, "Lea M.", email=None)
    give(make_card(cast.program, twin), points=60)
    answer, key = merged(as_owner, cast, twin)
    assert answer.location == at(cast, cast.lea.id)
    assert read(twin).merged_into_id == cast.lea.id
    page = main_of(as_owner.get(at(cast, cast.lea.id)))
    assert "Why is it 200?" in page
    undo = re.search(r'action="([^"]*/merges/\d+/undo)"', page)[1]
    again = as_owner.post(at(cast, cast.lea.id, "merge", twin.id), data={"key": key})
    assert again.status_code == 303  # the same key: done before, done once
    assert (
        as_owner.post(path(cast.merchant, "customers", cast.tom.id, *undo.split("/")[-3:])).status_code == 404
    )
    assert as_owner.post(undo).location == at(cast, cast.lea.id)
    assert not read(twin).is_deleted
    assert "Why is it 140?" in as_owner.get(at(cast, cast.lea.id)).text
    assert "Undo the merge" not in as_owner.get(at(cast, cast.lea.id)).text
    again = as_owner.post(undo)  # pressed twice
    assert (again.status_code, again.location) == (303, at(cast, cast.lea.id))
    assert "They are two customers again." in as_owner.get(again.location).text


def test_a_merge_with_somebody_in_the_trash_is_refused(as_owner, cast):
    here = at(cast, cast.lea.id, "merge", cast.tom.id)
    as_owner.post(at(cast, cast.tom.id, "deletion"))
    assert as_owner.post(here, data={}).status_code == 404
    assert not read(cast.lea).is_deleted


def test_orders_and_consent_of_a_merged_record_are_shown(as_owner, cast):
    twin = make_customer(cast.merchant, "Lea M.")
    make_order(cast.gare, twin, number="R-twin")
    here, by = at(cast, cast.lea.id), owner_of(cast.merchant)
    with within(cast.merchant):
        rows = [db.session.get(Customer, (cast.merchant.id, each.id)) for each in (cast.lea, twin)]
        consents.note_consent(rows[1], is_given=True, source="till", by=by, now=NOW)
        merging.merge_customers(*rows, visit=Visit(by=by, now=datetime.now(UTC)))
        db.session.commit()
        db.session.expunge_all()
    assert "R-twin" in as_owner.get(f"{here}/orders").text
    assert "at the till" in as_owner.get(f"{here}/consents").text
    assert "Agreed on 14 Mar 2026" in as_owner.get(here).text


# Taking away


def test_a_person_is_handed_all_that_is_kept(as_owner, cast):
    make_order(cast.gare, cast.lea, number="R-7", total_cents=450)
    answer = as_owner.get(at(cast, cast.lea.id, "export.json"))
    assert answer.headers["Cache-Control"] == "no-store"
    told = json.loads(answer.text)
    assert told["person"][0]["phone"] == "+352621123456"
    assert told["cards"][0]["points_balance"] == 140
    assert told["card_numbers"][0]["value"] == "40170019"
    assert sum(row["points_delta"] for row in told["movements"]) == 140
    assert told["orders"][0]["number"] == "R-7"
    assert "Tom" not in answer.text
    rows = list(csv.DictReader(io.StringIO(as_owner.get(at(cast, cast.lea.id, "export.csv")).text)))
    assert {"part": "person", "record": "1", "field": "email", "value": "lea@example.com"} in rows


# Erasing


def test_before_an_erasure_it_is_said_what_goes_and_what_stays(as_owner, cast):
    text = main_of(as_owner.get(at(cast, cast.lea.id, "erasure")))
    for said in ("Name, phone, e-mail", "140 points", "3 stamps", "without a name", "five years", "Type"):
        assert said in text


@pytest.mark.parametrize("typed_name", ["", "Lea Martin", "Tom Weber"])
def test_whoever_does_not_type_the_name_erases_nothing(as_owner, cast, typed_name):
    answer = as_owner.post(at(cast, cast.lea.id, "erasure"), data={"typed_name": typed_name})
    assert answer.status_code == 422
    assert "Type the name as it is written here: Léa Martin." in html.unescape(answer.text)
    assert read(cast.lea).erased_at is None


@pytest.mark.parametrize("is_in_trash", [False, True])
def test_an_erased_person_is_gone_for_good(as_owner, cast, is_in_trash):
    here = at(cast, cast.lea.id)
    if is_in_trash:
        as_owner.post(f"{here}/deletion")
    answer = as_owner.piece(f"{here}/erasure", method="POST", data={"typed_name": " Léa Martin "})
    assert answer.headers["HX-Redirect"] == at(cast, "")
    erased = read(cast.lea)
    assert erased.erased_at
    assert "Léa" not in erased.name
    assert (erased.phone, erased.email, erased.external_ref) == (None, None, None)
    assert "Erased for good." in as_owner.get(at(cast, "")).text
    assert "Martin" not in as_owner.get(here).text
    assert as_owner.get(f"{here}/erasure").status_code == 404


# Around


def test_the_palette_finds_customers_for_those_who_may_see_them(as_manager, sign_in, cast):
    found = as_manager.get(path(cast.merchant, "palette?q=3456")).text
    assert at(cast, cast.lea.id) in found
    assert "+352 621 123 456" in found
    assert "New customer" in as_manager.get(path(cast.merchant, "palette?q=new")).text
    assert at(cast, cast.lea.id) not in sign_in(cast.staff).get(path(cast.merchant, "palette?q=3456")).text


def test_the_history_leads_to_the_customer(as_owner, cast):
    as_owner.post(at(cast, cast.lea.id), data={"name": "Léa M."})
    assert at(cast, cast.lea.id) in as_owner.get(path(cast.merchant, "audit/")).text
    changes = [entry for entry in all_of(cast.merchant, AuditEntry) if entry.action == "customers.change"]
    assert len(changes) == 1
    assert "Léa" not in str(changes[0].details)


def test_reading_writes_nothing(as_owner, cast):
    """A reading session refuses to write: every GET would fail if it tried."""
    for method, address, _ in GUARDED:
        if method == "get":
            here = at(cast, "") + address.format(id=cast.lea.id, other=cast.tom.id)
            assert as_owner.get(here).status_code == 200
            assert as_owner.piece(here).status_code == 200
