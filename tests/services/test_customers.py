"""What people do with customers: add, change, consent, the same person twice."""

from datetime import UTC, date, datetime, timedelta

import pytest

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models import AuditEntry, Customer
from portal.services import consents, customers, phones, trash
from portal.services.customers import add_customer, change_customer
from tests.factories import NOW, make_customer, make_merchant, make_store, owner_of, within


@pytest.fixture
def shop(app):
    merchant = make_merchant()
    with within(merchant):
        yield merchant


def add(shop, name="Lea Muller", **more):
    return add_customer(shop, name=name, by=owner_of(shop), now=NOW, **more)


def change(customer, shop, **more):
    return change_customer(customer, by=owner_of(shop), now=NOW, **more)


def actions(shop):
    return [entry.action for entry in db.session.scalars(AuditEntry.of(shop).order_by(AuditEntry.id))]


@pytest.mark.parametrize(
    ("text", "country", "kept"),
    [
        ("621 123 456", "LU", "+352621123456"),
        ("+49 1512 3456789", "LU", "+4915123456789"),
        ("00352 621 123 456", "LU", "+352621123456"),
        ("(621) 12-34-56", "LU", "+352621123456"),
        ("0151 23456789", "DE", "+4915123456789"),
        ("+352 621 123 456", "ZZ", "+352621123456"),
        ("  ", "LU", None),
        (None, "LU", None),
    ],
)
def test_a_phone_is_kept_in_one_way(text, country, kept):
    assert phones.to_e164(text, country) == kept


@pytest.mark.parametrize("text", ["6", "Lea", "621 123 456 ext. 7", "+999 123", "1" * 40, "1" * 400])
def test_what_is_no_phone_is_refused_with_an_example(text):
    with pytest.raises(Refused, match=r"Write it like 628 123 456 or \+352 628 123 456") as refused:
        phones.to_e164(text, "LU")
    assert (refused.value.code, refused.value.details["field"]) == ("bad_phone", "phone")


def test_a_country_nobody_knows_asks_for_the_prefix():
    with pytest.raises(Refused, match="with the country first"):
        phones.to_e164("621 123 456", "ZZ")


@pytest.mark.parametrize(
    ("kept", "read"), [("+352621123456", "+352 621 123 456"), (None, ""), ("1234", "1234")]
)
def test_a_kept_phone_is_read_with_spaces(kept, read):
    assert phones.spaced(kept) == read


def test_the_country_is_the_stores_or_else_the_merchants(shop):
    german = make_store(shop, country="de")
    worded = make_store(shop, country="Luxembourg")
    assert [phones.country_of(shop, store) for store in (german, worded, None)] == ["DE", "LU", "LU"]


def test_a_customer_is_added_with_their_shape(shop):
    store = make_store(shop, country="DE")
    lea = add(
        shop,
        " Léa Muller ",
        store=store,
        phone="0151 23456789",
        email=" LEA@Example.com",
        birthday=date(1990, 5, 1),
        notes=" likes oat milk ",
        external_ref="c-1",
    )
    assert (lea.name, lea.name_key, lea.phone, lea.email) == (
        "Léa Muller",
        "lea muller",
        "+4915123456789",
        "lea@example.com",
    )
    assert (lea.notes, lea.external_ref, lea.home_store_id) == ("likes oat milk", "c-1", store.id)
    assert actions(shop) == ["customers.create"]


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("name", "  ", "bad_text"),
        ("name", None, "bad_text"),
        ("phone", "12", "bad_phone"),
        ("email", "lea@", "bad_email"),
        ("birthday", date(1899, 12, 31), "bad_birthday"),
        ("birthday", NOW.date() + timedelta(days=1), "bad_birthday"),
        ("notes", "x" * 2001, "bad_text"),
        ("external_ref", "x" * 121, "bad_text"),
        ("home_store_id", 999, "store_gone"),
    ],
)
def test_what_is_out_of_shape_is_refused_beside_its_field(shop, field, value, code):
    with pytest.raises(Refused) as refused:
        add(shop, **{"name": "Lea", field: value})
    assert (refused.value.code, refused.value.details["field"]) == (code, field)
    assert db.session.scalars(Customer.of(shop)).all() == []


def test_today_is_the_merchants_day(shop):
    late = datetime(2026, 3, 14, 23, 30, tzinfo=UTC)  # the 15th in Luxembourg
    lea = add_customer(shop, name="Lea", by=owner_of(shop), now=late, birthday=date(2026, 3, 15))
    assert lea.birthday == date(2026, 3, 15)


def test_a_store_of_another_merchant_is_no_home(shop):
    strange = make_store(make_merchant())
    with pytest.raises(Refused, match="not there any more"):
        add(shop, home_store_id=strange.id)


@pytest.mark.parametrize(
    ("field", "value", "typed"),
    [
        ("phone", "+352621123456", "621 123 456"),
        ("email", "lea@example.com", "LEA@example.com"),
        ("external_ref", "c-1", "c-1"),
    ],
)
def test_a_value_somebody_holds_is_refused_with_their_name(shop, field, value, typed):
    lea = make_customer(shop, "Lea", **{field: value})
    with pytest.raises(Conflict, match="taken by Lea") as taken:
        add(shop, "Luca", **{field: typed})
    assert (taken.value.holder, taken.value.details["holder_id"]) == ("Lea", lea.id)
    assert taken.value.details["field"] == field


def test_another_merchants_customer_holds_nothing_here(shop):
    make_customer(make_merchant(), phone="+352621123456", email="lea@example.com")
    assert add(shop, phone="621123456", email="lea@example.com").id


def test_a_change_names_what_differs_and_empties_what_is_blank(shop):
    lea = add(shop, phone="621 123 456", notes="oat milk", email="lea@example.com")
    changed = change(lea, shop, name="Lea M.", phone="00352 621 123 456", notes="", email="  ")
    assert (changed, lea.notes, lea.email) == (["email", "name", "notes"], None, None)
    assert actions(shop)[-1] == "customers.change"


def test_a_field_that_is_no_field_is_a_bug(shop):
    lea = add(shop)
    with pytest.raises(TypeError, match="merged_into_id"):
        change(lea, shop, merged_into_id=1)


def test_who_is_in_the_trash_is_not_changed(shop):
    lea = add(shop)
    customers.delete_customer(lea, by=owner_of(shop), now=NOW)
    with pytest.raises(Conflict, match="in the trash"):
        change(lea, shop, name="Lena")


def test_the_newest_word_on_marketing_counts(shop):
    lea, by = add(shop), owner_of(shop)
    assert consents.consent_of(lea) is None
    for minutes, is_given in enumerate([True, False]):
        at = NOW + timedelta(minutes=minutes)
        consents.note_consent(lea, is_given=is_given, source="till", by=by, now=at)
    assert consents.consent_of(lea).is_given is False
    assert [event.is_given for event in consents.consents_of(lea)] == [False, True]
    assert consents.consent_of(lea, "surveys") is None
    assert actions(shop)[1:] == ["customers.consent", "customers.withdraw"]


def test_a_key_says_a_word_once_whatever_was_said_since(shop):
    lea, by = make_customer(shop), owner_of(shop)

    def say(is_given, minutes, key=None):
        how = {"source": "portal", "by": by, "now": NOW + timedelta(minutes=minutes), "key": key}
        return consents.change_consent(lea, is_given=is_given, **how)

    first = say(True, 0, "a")
    assert say(True, 1, "b") is None
    assert say(False, 2).is_given is False
    assert (say(True, 3, "a"), say(True, 4, "b")) == (first, None)
    assert consents.consent_of(lea).is_given is False
    with pytest.raises(Conflict, match="another request"):
        say(False, 5, "a")


def test_a_word_given_under_a_merged_record_counts_too(shop):
    lea, twin = add(shop), add(shop, "Lea M")
    consents.note_consent(twin, is_given=False, source="join", by=owner_of(shop), now=NOW)
    twin.merged_into_id = lea.id
    trash.soft_delete_cascade(twin, by=owner_of(shop), now=NOW)
    assert consents.consent_of(lea).customer_id == twin.id


def test_the_same_person_is_found_by_name_phone_and_address(shop):
    lea = add(shop, "Léa Muller", phone="621 123 456", email="lea+shop@example.com")
    named = add(shop, "lea  MULLER")
    phoned = add(shop, "L. M.", phone="+49 621 123 456")
    written = add(shop, "Lea from work", email="lea@example.com")
    add(shop, "Luca")
    make_customer(make_merchant(), "Lea Muller")
    found = [(twin.customer.id, twin.same) for twin in customers.twins_of(lea)]
    assert found == [(named.id, ("name",)), (phoned.id, ("phone",)), (written.id, ("email",))]


def test_nothing_is_like_nothing(shop):
    add(shop)
    assert customers.find_twins(shop) == []


def test_somebody_about_to_be_added_is_compared_too(shop):
    lea = add(shop, phone="621 123 456")
    found = customers.find_twins(shop, name="Lea Muller", phone="+352621123456")
    assert [(twin.customer.id, twin.same) for twin in found] == [(lea.id, ("name", "phone"))]
    customers.delete_customer(lea, by=owner_of(shop), now=NOW)
    assert customers.find_twins(shop, name="Lea Muller") == []


def test_several_go_to_the_trash_each_as_an_act_of_its_own(shop):
    both = [add(shop), add(shop, "Luca")]
    acts = customers.delete_customers(both, by=owner_of(shop), now=NOW)
    assert [act.root_label for act in acts] == ["Lea Muller", "Luca"]
