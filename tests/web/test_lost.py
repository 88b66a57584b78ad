"""Businesses in the trash: for who owned them until the end, and for nobody else."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.extensions import db
from portal.models import AuditEntry, Deletion, Merchant, MerchantOwner, Store, User
from portal.models.actor import OPERATOR
from portal.models.tenancy import across_merchants
from portal.services import accounts, merchants, stores, trash
from tests.factories import (
    NOW,
    make_everything,
    make_merchant,
    make_owner,
    make_product,
    make_store,
    make_user,
    owner_of,
    within,
)
from tests.web.cast import make_cast
from tests.web.conftest import path


@pytest.fixture
def cast(app):
    return make_cast()


def throw_away(merchant, by=None, now=NOW, **more):
    """Put the business in the trash; the number of the act."""
    by = by or owner_of(merchant)
    db.session.expunge_all()
    with within(merchant):
        row = db.session.get(Merchant, merchant.id)
        act = merchants.delete_merchant(row, by=by, now=now, **more)
        act_id = act.id
        db.session.commit()
    db.session.remove()
    return act_id


def read(merchant):
    db.session.expunge_all()
    query = select(Merchant).where(Merchant.id == merchant.id)
    row = db.session.scalars(query, execution_options={"include_deleted": True}).one()
    db.session.expunge_all()
    db.session.rollback()
    return row


def act_of(merchant, act_id):
    with within(merchant):
        act = db.session.get(Deletion, (merchant.id, act_id))
        db.session.expunge_all()
        db.session.rollback()
    return act


DOORS = [
    ("get", ""),
    ("post", "restoration"),
    ("post", "undo"),
    ("get", "purge"),
    ("post", "purge"),
    ("post", "hold"),
    ("post", "hold/end"),
]


def everybody_else(cast):
    """People who may not even know of it."""
    former = make_user("Fred Former")
    membership = make_owner(cast.merchant, former)
    by = owner_of(cast.merchant)
    db.session.expunge_all()
    with within(cast.merchant):
        row = db.session.get(MerchantOwner, (cast.merchant.id, membership.id))
        merchants.remove_owner(row, by=by, now=NOW)
        db.session.commit()
    db.session.remove()
    admin = make_user("Ada Admin", is_platform_admin=True)
    return [cast.stranger, cast.manager, cast.staff, former, admin, make_user("Nobody")]


@pytest.mark.parametrize(("method", "address"), DOORS)
def test_a_business_in_the_trash_is_its_owners_alone(cast, app, sign_in, method, address):
    others = everybody_else(cast)
    act = throw_away(cast.merchant)
    here = f"/choose/trash/{act}/{address}".rstrip("/")
    data = {"typed_name": "Café Lumière"}
    assert app.test_client().open(here, method=method, data=data).location.startswith("/login")
    for person in others:
        browser = sign_in(person, app.test_client())
        assert browser.open(here, method=method, data=data).status_code == 404, person.display_name
        for list_ in ("/choose", "/choose/trash/"):
            assert "Café" not in browser.get(list_).text, person.display_name
    kept = act_of(cast.merchant, act)
    assert (kept.status, kept.hold) == ("done", False)


@pytest.mark.parametrize("number", [0, 10**6, 2**63])
def test_what_is_no_act_is_not_there(cast, sign_in, number):
    throw_away(cast.merchant)
    assert sign_in(cast.owner).get(f"/choose/trash/{number}").status_code == 404


def test_an_act_inside_a_business_is_not_shown_here(cast, sign_in):
    """Only the business itself has no other place."""
    db.session.expunge_all()
    with within(cast.merchant):
        store = db.session.get(Store, (cast.merchant.id, cast.gare.id))
        act = stores.delete_store(store, by=OPERATOR, now=NOW).id
        db.session.commit()
    db.session.remove()
    throw_away(cast.merchant)
    assert sign_in(cast.owner).get(f"/choose/trash/{act}").status_code == 404


def test_who_owned_only_that_finds_it_after_signing_in(cast, sign_in):
    act = throw_away(cast.merchant)
    browser = sign_in(cast.owner)
    answer = browser.get("/", follow_redirects=True)
    assert answer.request.path == "/choose"
    assert "Nothing open just now" in answer.text
    assert f'href="/choose/trash/{act}"' in answer.text
    listed = browser.get("/choose/trash/").text
    assert "by Olga Owner, owner" in listed
    for part in ("1 owner", "2 stores", "2 team members"):
        assert part in listed


def test_who_has_others_finds_it_below_them(cast, sign_in):
    other = make_merchant("Bakery", owner=cast.owner)
    throw_away(cast.merchant)
    text = sign_in(cast.owner).get("/choose").text
    assert text.index(path(other, "")) < text.index("In the trash") < text.index("Café Lumière")


def test_every_business_is_listed_the_last_deleted_first(cast, sign_in):
    second = make_merchant("Bakery", owner=cast.owner)
    throw_away(cast.merchant)
    throw_away(second, now=NOW + timedelta(days=1))
    text = sign_in(cast.owner).get("/choose/trash/").text
    assert text.index("Bakery") < text.index("Café Lumière")


def test_nothing_in_the_trash_is_said_calmly(cast, sign_in):
    assert "There is none." in sign_in(cast.owner).get("/choose/trash/").text


def test_the_page_tells_what_happened_and_what_comes_back(cast, sign_in):
    make_product(cast.gare, "Espresso")
    act = throw_away(cast.merchant, reason="moving away")
    text = sign_in(cast.owner).get(f"/choose/trash/{act}").text
    assert "14 Mar 2026, 10:30" in text  # in the time zone of the business
    assert "moving away" in text
    assert "2 stores" in text
    assert "1 product" in text
    assert "Espresso" in text
    assert "Restore the business" in text


def test_restoring_leads_into_the_portal_again(cast, sign_in):
    act = throw_away(cast.merchant)
    browser = sign_in(cast.owner)
    answer = browser.post(f"/choose/trash/{act}/restoration")
    assert (answer.status_code, answer.location) == (303, path(cast.merchant, ""))
    text = browser.get(path(cast.merchant, "stores/")).text
    assert "Restored merchant Café Lumière." in text
    assert "Gare" in text
    assert not read(cast.merchant).is_deleted
    assert browser.get(f"/choose/trash/{act}").status_code == 404
    with within(cast.merchant):
        last = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        told = (last.action, last.actor_id)
        db.session.rollback()
    assert told == ("merchants.restore", cast.owner.id)


def test_undo_takes_it_back_at_once(cast, sign_in):
    act = throw_away(cast.merchant)
    browser = sign_in(cast.owner)
    assert browser.post(f"/choose/trash/{act}/undo").location == path(cast.merchant, "")
    assert not read(cast.merchant).is_deleted
    assert browser.post(f"/choose/trash/{act}/undo").status_code == 404


def field_in(text):
    return re.search(r'name="(merchants-\d+-subdomain)"', text).group(1)


@pytest.fixture
def taken(cast, sign_in):
    """Somebody else has the address now."""
    act = throw_away(cast.merchant)
    make_merchant("Secret Shop", subdomain=cast.merchant.subdomain)
    return sign_in(cast.owner), f"/choose/trash/{act}"


def test_an_address_taken_meanwhile_is_told_before_anybody_presses(taken):
    browser, here = taken
    text = browser.get(here).text
    assert "is taken" in text
    assert "Secret Shop" not in text
    assert "Restore with these values" in text
    assert "Restore the business" not in text


def test_with_a_new_address_it_comes_back(cast, taken):
    browser, here = taken
    field = field_in(browser.get(here).text)
    answer = browser.post(f"{here}/restoration", data={field: "lumiere-2"})
    assert answer.location == "/m/lumiere-2/"
    assert read(cast.merchant).subdomain == "lumiere-2"
    assert browser.get("/m/lumiere-2/stores/").status_code == 200


@pytest.mark.parametrize(
    ("new", "status", "sentence"),
    [
        ("", 422, "Give it a new value."),
        ("no spaces", 422, "letters a-z"),
        ("admin", 422, "reserved"),
        ("secret-2", 409, "“secret-2” is taken too."),
    ],
)
def test_an_address_that_does_not_do_comes_back_with_why(cast, taken, new, status, sentence):
    browser, here = taken
    make_merchant("Secret Two", subdomain="secret-2")
    field = field_in(browser.get(here).text)
    answer = browser.post(f"{here}/restoration", data={field: new})
    assert answer.status_code == status
    assert sentence in answer.text
    assert f'value="{new}"' in answer.text
    assert "Secret" not in answer.text.replace("secret-2", "")
    assert "<html" in answer.text
    assert read(cast.merchant).is_deleted


def test_without_a_new_address_the_form_comes_back(taken):
    browser, here = taken
    assert browser.post(f"{here}/restoration").status_code == 409
    assert browser.post(f"{here}/undo").location == here


def test_an_address_of_a_store_taken_meanwhile_is_asked_for_too(cast, sign_in):
    make_store(cast.merchant, "Corner", subdomain="corner")
    act = throw_away(cast.merchant)
    make_store(cast.elsewhere, "Secret", subdomain="corner")
    browser = sign_in(cast.owner)
    text = browser.get(f"/choose/trash/{act}").text
    field = re.search(r'name="(stores-\d+-subdomain)"', text).group(1)
    assert browser.post(f"/choose/trash/{act}/restoration", data={field: ""}).status_code == 303


def test_what_the_operator_deleted_is_seen_but_not_brought_back(cast, sign_in):
    act = throw_away(cast.merchant, by=OPERATOR)
    browser = sign_in(cast.owner)
    text = browser.get(f"/choose/trash/{act}").text
    assert "the operator" in text
    assert "Ask a person with that role" in text
    assert "Restore the business" not in text
    assert browser.post(f"/choose/trash/{act}/restoration").status_code == 403
    assert read(cast.merchant).is_deleted


def test_purging_takes_the_name(cast, sign_in):
    act = throw_away(cast.merchant)
    browser, here = sign_in(cast.owner), f"/choose/trash/{act}/purge"
    assert "Purge merchant Café Lumière for good?" in browser.get(here).text
    wrong = browser.post(here, data={"typed_name": "Café"})
    assert wrong.status_code == 422
    assert "This is not the name." in wrong.text
    assert browser.post(here, data={"typed_name": "Café Lumière"}).location == "/choose/trash/"
    text = browser.get("/choose/trash/").text
    assert "Purged merchant Café Lumière for good." in text
    assert "There is none." in text
    assert act_of(cast.merchant, act).status == "purged"


def test_a_purged_business_is_nobodys_any_more(cast, sign_in):
    things = make_everything(make_merchant("Bakery", owner=cast.owner))
    act = throw_away(things.merchant)
    browser = sign_in(cast.owner)
    browser.post(f"/choose/trash/{act}/purge", data={"typed_name": "Bakery"})
    assert browser.get(f"/choose/trash/{act}").status_code == 404


def test_a_hold_keeps_it_until_it_is_lifted(cast, sign_in):
    act = throw_away(cast.merchant)
    browser, here = sign_in(cast.owner), f"/choose/trash/{act}"
    assert browser.post(f"{here}/hold").location == here
    text = browser.get(here).text
    assert "On hold: it stays in the trash." in text
    assert "Purge now" not in text
    assert browser.post(f"{here}/purge", data={"typed_name": "Café Lumière"}).status_code == 422
    assert browser.post(f"{here}/hold/end").location == here
    assert "Purge now" in browser.get(here).text


def test_a_large_one_is_shown_while_it_falls_and_while_it_comes_back(cast, sign_in, monkeypatch):
    for room in ("throw_away", "bring_back"):
        monkeypatch.setattr(f"portal.services.trash.{room}.IN_ONE_TRANSACTION", 1)
    monkeypatch.setattr("portal.web.under_way.PATIENCE_SECONDS", -1)
    browser = sign_in(cast.owner)
    browser.post(path(cast.merchant, "settings/deletion"), data={"typed_name": "Café Lumière"})
    act = read(cast.merchant).deletion_id
    here = f"/choose/trash/{act}"
    assert "In progress" in browser.get("/choose/trash/").text
    assert "In progress" in browser.get(here).text
    assert browser.post(f"{here}/restoration").status_code == 409
    finish(cast.merchant, act)
    answer = browser.post(f"{here}/restoration")
    assert answer.location == "/choose/trash/"
    assert "It is large and goes on by itself." in browser.get(answer.location).text
    finish(cast.merchant, act)
    assert browser.get(path(cast.merchant, "stores/")).status_code == 200


def finish(merchant, act_id):
    db.session.remove()
    with within(merchant):
        act = db.session.get(Deletion, (merchant.id, act_id))
        while not trash.continue_some(act, now=NOW):
            pass
        db.session.commit()
    db.session.remove()


def test_an_owner_who_was_away_gets_it_back_with_their_account(cast, sign_in):
    """Their share waits with the business: whoever returns owned it until the end."""
    second = make_user("Sue Second")
    make_owner(cast.merchant, second)
    db.session.expunge_all()
    with across_merchants(db.session, "a test"):
        away = accounts.delete_user(db.session.get(User, second.id), by=OPERATOR, now=NOW)
        db.session.flush()
        away_id = away.id
        db.session.commit()
    db.session.remove()
    act = throw_away(cast.merchant)
    with across_merchants(db.session, "a test"):
        trash.restore(db.session.get(Deletion, (0, away_id)), by=OPERATOR, now=NOW)
        db.session.commit()
    db.session.remove()
    assert sign_in(second).get(f"/choose/trash/{act}").status_code == 200


@pytest.mark.parametrize("address", ["/choose", "/choose/trash/"])
def test_the_chooser_asks_few_questions_however_many_lie_there(cast, sign_in, statements, address):
    browser = sign_in(cast.owner)
    throw_away(cast.merchant)
    with statements() as few:
        browser.get(address)
    for number in range(4):
        throw_away(make_merchant(f"Kiosk {number}", owner=cast.owner))
    with statements() as many:
        assert "Kiosk 3" in browser.get(address).text
    asked = [each for each in many if not each.startswith("BEGIN")]
    assert len(many) == len(few)
    assert len(asked) <= 6
