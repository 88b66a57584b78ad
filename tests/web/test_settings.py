"""The settings of a merchant: its data, how long it keeps its trash, and its end."""

import json
import re

import pytest
from sqlalchemy import select

from portal.extensions import db
from portal.models import AuditEntry, Merchant
from portal.web import choices
from tests.factories import (
    make_member,
    make_merchant,
    make_owner,
    make_product,
    make_store,
    make_user,
    within,
)
from tests.web.cast import make_cast
from tests.web.conftest import path
from tests.web.test_stores import throw_away


@pytest.fixture
def cast(app):
    return make_cast()


@pytest.fixture
def as_owner(cast, sign_in):
    return sign_in(cast.owner)


def read(merchant):
    """Read the merchant again, dead or alive."""
    db.session.expunge_all()
    query = select(Merchant).where(Merchant.id == merchant.id)
    row = db.session.scalars(query, execution_options={"include_deleted": True}).one()
    db.session.expunge_all()
    db.session.rollback()
    return row


def typed(merchant, **changes):
    names = ("name", "subdomain", "timezone", "country", "currency", "locale")
    return {name: getattr(merchant, name) for name in names} | changes


GUARDED = [
    ("get", ""),
    ("post", ""),
    ("get", "trash"),
    ("post", "trash"),
    ("get", "trash/meaning"),
    ("get", "closing"),
    ("get", "deletion"),
    ("post", "deletion"),
]


@pytest.mark.parametrize(("method", "address"), GUARDED)
def test_settings_are_for_owners_alone(sign_in, client, cast, method, address):
    here = path(cast.merchant, "settings", address)
    data = typed(cast.merchant, name="Stolen", typed_name=cast.merchant.name, retention_days=1)
    assert client.open(here, method=method, data=data).status_code == 302
    for role in ("staff", "manager"):
        assert sign_in(getattr(cast, role)).open(here, method=method, data=data).status_code == 403
    assert sign_in(cast.stranger).open(here, method=method, data=data).status_code == 404
    kept = read(cast.merchant)
    assert (kept.name, kept.retention_days, kept.is_deleted) == ("Café Lumière", 30, False)


def test_only_owners_find_the_settings_in_the_navigation(sign_in, cast):
    assert path(cast.merchant, "settings/") in sign_in(cast.owner).get(path(cast.merchant, "stores/")).text
    assert "/settings/" not in sign_in(cast.manager).get(path(cast.merchant, "stores/")).text


# Business


def test_the_business_is_shown_and_changed(as_owner, cast):
    here = path(cast.merchant, "settings/")
    assert 'value="Café Lumière"' in as_owner.get(here).text
    changes = {"name": "Café Soleil", "timezone": "Europe/Paris", "currency": "CHF", "country": "FR"}
    answer = as_owner.post(here, data=typed(cast.merchant, **changes, locale="fr_LU"))
    assert (answer.status_code, answer.location) == (303, here)
    assert "Saved." in as_owner.get(here).text
    kept = read(cast.merchant)
    assert (kept.name, kept.timezone, kept.currency, kept.country) == tuple(changes.values())
    assert kept.locale == "fr_LU"


def test_what_was_changed_is_written_down(as_owner, cast):
    as_owner.post(path(cast.merchant, "settings/"), data=typed(cast.merchant, name="Café Soleil"))
    with within(cast.merchant):
        entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        told = (entry.action, entry.actor_id, entry.details)
        db.session.rollback()
    assert told == ("merchants.change", cast.owner.id, {"fields": ["name"]})


def test_a_new_address_is_gone_to_and_the_old_one_is_no_more(as_owner, cast):
    before = path(cast.merchant, "settings/")
    answer = as_owner.post(before, data=typed(cast.merchant, subdomain=" Soleil "))
    assert answer.location == "/m/soleil/settings/"
    assert "The portal is now at /m/soleil/." in as_owner.get(answer.location).text
    assert as_owner.get(before).status_code == 404


def test_the_address_of_a_stranger_is_taken_by_nobody_in_particular(as_owner, cast):
    make_merchant("Secret Shop", subdomain="soleil")
    answer = as_owner.post(path(cast.merchant, "settings/"), data=typed(cast.merchant, subdomain="soleil"))
    assert answer.status_code == 409
    assert "“soleil” is taken. Choose another." in answer.text
    assert "Secret Shop" not in answer.text
    assert re.search(r'aria-invalid="true"[^>]*name="subdomain"[^>]*value="soleil"', answer.text)
    assert read(cast.merchant).subdomain == cast.merchant.subdomain


def test_two_who_take_one_address_at_once_get_one_winner(as_owner, cast, sign_in, app, elsewhere):
    theirs = sign_in(cast.stranger, app.test_client())

    def take(browser, merchant):
        data = typed(merchant, subdomain="soleil")
        return browser.post(path(merchant, "settings/"), data=data).status_code

    sides = [elsewhere(take, as_owner, cast.merchant), elsewhere(take, theirs, cast.elsewhere)]
    assert sorted(side.result() for side in sides) == [303, 409]
    assert [read(each).subdomain for each in (cast.merchant, cast.elsewhere)].count("soleil") == 1


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"name": ""}, "Give the business a name."),
        ({"name": "x" * 121}, "Write at most 120 letters."),
        ({"name": "A\x00B"}, "control character"),
        ({"subdomain": ""}, "Give the portal an address."),
        ({"subdomain": "no spaces"}, "letters a-z"),
        ({"subdomain": "admin"}, "reserved"),
        ({"timezone": "Mars/Base"}, "Choose one from the list."),
        ({"currency": "XXX"}, "Choose one from the list."),
        ({"country": "ZZ"}, "Choose one from the list."),
        ({"locale": "klingon"}, "Choose one from the list."),
    ],
)
def test_a_bad_business_comes_back_with_what_was_typed(as_owner, cast, wrong, sentence):
    data = typed(cast.merchant, name="Café Soleil") | wrong
    answer = as_owner.post(path(cast.merchant, "settings/"), data=data)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert answer.text.count('aria-invalid="true"') == 1
    assert ("Café Soleil" in answer.text) == ("name" not in wrong)
    assert read(cast.merchant).name == "Café Lumière"


def test_what_the_operator_set_stays_among_the_choices(app, client, sign_in):
    owner = make_user()
    odd = {"timezone": "CET", "currency": "DEM", "country": "ZZ", "locale": "sr_Latn_RS"}
    merchant = make_merchant(owner=owner, **odd)
    text = sign_in(owner).get(path(merchant, "settings/")).text
    for value in odd.values():
        assert re.search(rf'<option selected value="{value}">', text), value
    assert client.post(path(merchant, "settings/"), data=typed(merchant, name="New")).status_code == 303


def test_what_another_owner_saved_meanwhile_is_not_lost(as_owner, cast):
    seen = json.dumps(typed(cast.merchant, name="Café Before"))
    data = typed(cast.merchant, name="Café Mine", seen=seen)
    answer = as_owner.post(path(cast.merchant, "settings/"), data=data)
    assert answer.status_code == 409
    assert "Café Lumière" in answer.text


def test_zones_are_found_by_their_city():
    regions = choices.zones_by_region("UTC")
    assert ("Europe/Luxembourg", "Luxembourg") in regions["Europe"]
    assert ("America/Argentina/Buenos_Aires", "Argentina/Buenos Aires") in regions["America"]
    assert regions["UTC"] == [("UTC", "UTC")]


def test_choices_are_in_the_order_of_their_names(app):
    with app.test_request_context():
        for some in (choices.countries(), choices.currencies(), choices.locales()):
            names = [choices.fold(name) for _, name in some]
            assert names == sorted(names)
        assert ("LU", "Luxembourg") in choices.countries()
        assert ("EUR", "Euro (EUR)") in choices.currencies()
        assert ("fr_LU", "Français (Luxembourg)") in choices.locales()


# Trash


@pytest.mark.parametrize(
    ("days", "words"),
    [
        ("30", "can be restored for 30 days, then a nightly job"),
        ("1", "can be restored for 1 day, then"),
        ("0", "kept for ever"),
        ("3651", "Write a whole number of days to see"),
        ("-1", "Write a whole number of days to see"),
        ("soon", "Write a whole number of days to see"),
        ("", "Write a whole number of days to see"),
        ("٣", "Write a whole number of days to see"),
    ],
)
def test_what_the_days_mean_is_said_while_they_are_typed(as_owner, cast, days, words):
    asked = {"retention_days": days}
    answer = as_owner.piece(path(cast.merchant, "settings/trash/meaning"), query_string=asked)
    assert answer.status_code == 200
    assert words in answer.text
    assert "<html" not in answer.text


def test_a_new_time_is_kept_and_explained(as_owner, cast):
    here = path(cast.merchant, "settings/trash")
    assert "restored for 30 days" in as_owner.get(here).text
    answer = as_owner.post(here, data={"retention_days": " 90 "})
    assert (answer.status_code, answer.location) == (303, here)
    assert "restored for 90 days" in as_owner.get(here).text
    assert read(cast.merchant).retention_days == 90


@pytest.mark.parametrize("wrong", ["", "soon", "-1", "3651", "1.5", "9" * 30, "٣"])
def test_senseless_days_come_back_with_what_would_be_right(as_owner, cast, wrong):
    answer = as_owner.post(path(cast.merchant, "settings/trash"), data={"retention_days": wrong})
    assert answer.status_code == 422
    assert "Write a whole number of days from 0 to 3,650." in answer.text
    assert f'value="{wrong}"' in answer.text
    assert read(cast.merchant).retention_days == 30


@pytest.mark.parametrize(("theirs", "told"), [("0", "0, for ever"), ("60", "“60”")])
def test_another_owners_number_is_told_before_it_is_written_over(as_owner, cast, theirs, told):
    here = path(cast.merchant, "settings/trash")
    as_owner.post(here, data={"retention_days": theirs})
    mine = {"retention_days": "90", "seen": json.dumps({"retention_days": "30"})}
    answer = as_owner.post(here, data=mine)
    assert answer.status_code == 409
    assert told in answer.text
    again = mine | {"seen": re.search(r'name="seen" value="([^"]*)"', answer.text).group(1)}
    again["seen"] = again["seen"].replace("&#34;", '"')
    assert as_owner.post(here, data=again).status_code == 303
    assert read(cast.merchant).retention_days == 90


def test_the_trash_of_now_is_counted_with_its_next_end(as_owner, cast):
    here = path(cast.merchant, "settings/trash")
    assert "Nothing lies in the trash now." in as_owner.get(here).text
    throw_away(cast, cast.gare)
    text = as_owner.get(here).text
    assert "One deletion lies in the trash now." in text
    assert "13 Apr 2026" in text
    throw_away(cast, cast.belval)
    assert "2 deletions lie in the trash now." in as_owner.get(here).text


def test_keeping_for_ever_keeps_what_lies_there(as_owner, cast):
    throw_away(cast, cast.gare)
    here = path(cast.merchant, "settings/trash")
    as_owner.post(here, data={"retention_days": "0"})
    text = as_owner.get(here).text
    assert "kept for ever" in text
    assert "may be removed after" not in text
    assert 'value="0"' in text


def test_another_merchants_trash_is_not_counted(as_owner, cast):
    theirs = make_store(cast.elsewhere)
    throw_away_of = type(cast)(merchant=cast.elsewhere)
    throw_away(throw_away_of, theirs)
    assert "Nothing lies in the trash now." in as_owner.get(path(cast.merchant, "settings/trash")).text


# The end of it


def test_before_the_end_it_is_said_what_goes(as_owner, cast):
    text = as_owner.get(path(cast.merchant, "settings/closing")).text
    assert "Delete Café Lumière" in text
    assert "bring it back for 30 days" in text
    as_owner.post(path(cast.merchant, "settings/trash"), data={"retention_days": "0"})
    assert "at any time" in as_owner.get(path(cast.merchant, "settings/closing")).text


def test_the_preview_counts_and_asks_for_the_name(as_owner, cast):
    make_product(cast.gare, "Espresso")
    text = as_owner.get(path(cast.merchant, "settings/deletion")).text
    assert "Delete the business Café Lumière?" in text
    assert "2 stores" in text
    assert "1 product" in text
    assert "2 team members" in text
    assert 'name="typed_name"' in text
    assert not read(cast.merchant).is_deleted


@pytest.mark.parametrize("name", ["", "Café", "Belval"])
def test_another_name_deletes_nothing(as_owner, cast, name):
    here = path(cast.merchant, "settings/deletion")
    answer = as_owner.post(here, data={"typed_name": name, "reason": "moving away"})
    assert answer.status_code == 422
    assert "This is not the name." in answer.text
    assert 'value="moving away"' in answer.text
    assert not read(cast.merchant).is_deleted


def test_deleting_leads_to_the_chooser_with_undo(as_owner, cast):
    here = path(cast.merchant, "settings/deletion")
    answer = as_owner.post(here, data={"typed_name": "cafe lumiere", "reason": "moving away"})
    assert (answer.status_code, answer.location) == (303, "/choose")
    act = read(cast.merchant).deletion_id
    text = as_owner.get("/choose").text
    assert "Deleted the business Café Lumière." in text
    assert f"/choose/trash/{act}/undo" in text
    assert as_owner.get(path(cast.merchant, "stores/")).status_code == 404


def test_in_the_dialog_deleting_leaves_the_page(as_owner, cast):
    here = path(cast.merchant, "settings/deletion")
    answer = as_owner.piece(here, method="POST", data={"typed_name": "Café Lumière"})
    assert answer.headers["HX-Redirect"] == "/choose"


def test_the_team_is_signed_out_and_finds_nothing(as_owner, cast, sign_in, app):
    others = {role: sign_in(getattr(cast, role), app.test_client()) for role in ("manager", "staff")}
    as_owner.post(path(cast.merchant, "settings/deletion"), data={"typed_name": "Café Lumière"})
    act = read(cast.merchant).deletion_id
    for role, browser in others.items():
        assert browser.get("/choose").location.startswith("/login")
        sign_in(getattr(cast, role), browser)
        assert "Café" not in browser.get("/choose").text
        assert browser.get(f"/choose/trash/{act}").status_code == 404


def test_a_second_owner_stays_signed_in_and_finds_it_too(as_owner, cast, sign_in, app):
    second = make_user()
    make_owner(cast.merchant, second)
    make_member(cast.gare, second)  # and works there as well
    theirs = sign_in(second, app.test_client())
    as_owner.post(path(cast.merchant, "settings/deletion"), data={"typed_name": "Café Lumière"})
    assert "Café Lumière" in theirs.get("/choose").text


@pytest.mark.parametrize("address", ["", "trash", "closing"])
def test_settings_ask_few_questions(as_owner, cast, statements, address):
    for _ in range(3):
        throw_away(cast, make_store(cast.merchant))
    with statements() as sent:
        assert as_owner.get(path(cast.merchant, "settings", address)).status_code == 200
    assert len([each for each in sent if each.startswith(("SELECT", "WITH"))]) <= 6


def test_kept_for_ever_nothing_below_speaks_of_an_end(as_owner, cast):
    address = path(cast.merchant, "settings", "trash")
    as_owner.post(address, data={"retention_days": "0"})
    text = as_owner.get(address).text
    assert "Only 0 keeps them" not in text
    assert "may be removed after" not in text
