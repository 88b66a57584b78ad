"""Merchants: founded, shared, left, deleted."""

import pytest
from sqlalchemy.exc import IntegrityError

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models import AuditEntry, MerchantOwner, Store, User
from portal.models.actor import OPERATOR
from portal.services import merchants, stores
from portal.services.saving import save
from tests.factories import (
    NOW,
    first_owner,
    make_merchant,
    make_owner,
    make_store,
    make_user,
    owner_of,
    within,
)


def test_a_merchant_is_founded_with_its_first_owner(session):
    person = make_user()
    merchant = merchants.create_merchant(
        name="Café", subdomain="Cafe", owner=person, by=OPERATOR, currency="chf", timezone="Europe/Zurich"
    )
    session.commit()
    assert merchants.find_merchant("CAFE").id == merchant.id
    assert merchant.currency == "CHF"
    with within(merchant):
        assert session.scalars(MerchantOwner.of(merchant)).one().user_id == person.id
        noted = session.scalars(AuditEntry.of(merchant).order_by(AuditEntry.id)).all()
        assert {entry.action for entry in noted} == {"merchant_owners.create", "merchants.create"}


def test_a_subdomain_in_use_is_taken_and_its_holder_not_named(session):
    make_merchant("Secret Ltd", subdomain="cafe")
    with pytest.raises(Conflict) as told:
        merchants.create_merchant(
            name="Café", subdomain="cafe", owner=make_user(), by=owner_of(make_merchant())
        )
    assert told.value.code == "taken"
    assert "Secret" not in told.value.message
    assert session.scalar(db.select(db.func.count(User.id))) >= 1  # the transaction goes on


def test_an_operator_hears_who_holds_it(session):
    make_merchant("Café One", subdomain="cafe")
    with pytest.raises(Conflict, match="Café One"):
        merchants.create_merchant(name="Two", subdomain="cafe", owner=make_user(), by=OPERATOR)


@pytest.mark.parametrize(("field", "value"), [("timezone", "Mars"), ("currency", "E"), ("subdomain", "www")])
def test_values_out_of_shape_are_refused(session, field, value):
    words = {"name": "Café", "subdomain": "cafe"} | {field: value}
    with pytest.raises(Refused):
        merchants.create_merchant(owner=make_user(), by=OPERATOR, **words)


def test_nobody_owns_a_merchant_twice(session):
    person = make_user("Olga")
    merchant = make_merchant(owner=person)
    with within(merchant), pytest.raises(Conflict, match="Olga is an owner already"):
        merchants.add_owner(merchant, person, by=OPERATOR)


def test_an_owner_leaves_and_the_last_one_stays(session):
    merchant = make_merchant()
    make_owner(merchant)
    with within(merchant):
        one, other = session.scalars(MerchantOwner.of(merchant).order_by(MerchantOwner.id)).all()
        merchants.remove_owner(one, by=owner_of(merchant), now=NOW)
        with pytest.raises(Refused) as told:
            merchants.remove_owner(other, by=owner_of(merchant), now=NOW)
        session.rollback()
    assert told.value.code == "last_owner"


def test_two_owners_who_remove_each_other_at_once_leave_one(session, elsewhere):
    merchant = make_merchant()
    second = make_owner(merchant)
    ids = [first_owner(merchant).id, second.id]
    session.remove()

    def remove(owner_id):
        with within(merchant):
            owner = db.session.get(MerchantOwner, (merchant.id, owner_id))
            try:
                merchants.remove_owner(owner, by=owner_of(merchant), now=NOW)
            except Refused as told:
                return told.code
            db.session.commit()
        return "removed"

    told = [thread.result() for thread in [elsewhere(remove, owner_id) for owner_id in ids]]
    assert sorted(told) == ["last_owner", "removed"]


def test_a_deleted_merchant_takes_its_stores_along(session):
    merchant = make_merchant()
    make_store(merchant)
    session.remove()
    again = session.get(type(merchant), merchant.id)
    act = merchants.delete_merchant(again, by=OPERATOR, now=NOW)
    assert act.counts["stores"] == 1
    session.commit()
    session.expunge_all()
    assert merchants.find_merchant(merchant.subdomain) is None


# What every verb that writes a row relies on


def test_a_taken_value_names_its_holder_to_its_own_people(session):
    merchant = make_merchant()
    make_store(merchant, "Gare")
    with within(merchant):
        with pytest.raises(Conflict) as told:
            stores.open_store(merchant, name="New", store_code="GARE", by=owner_of(merchant))
        assert told.value.holder == "Gare"
        assert told.value.details["field"] == "store_code"
        session.rollback()


def test_a_row_does_not_stand_in_its_own_way(session):
    merchant = make_merchant()
    make_store(merchant, "Gare")
    belval = make_store(merchant, "Belval", external_ref="B")
    with within(merchant):
        mine = session.merge(belval)
        with pytest.raises(Conflict, match="taken by Gare"):
            stores.change_store(mine, by=owner_of(merchant), store_code="gare")
        assert stores.change_store(mine, by=owner_of(merchant), store_code="belval-2") == ["store_code"]
        session.rollback()


def test_a_subdomain_of_another_merchants_store_is_taken_without_a_name(session):
    make_store(make_merchant(), "Theirs", subdomain="gare")
    merchant = make_merchant()
    with within(merchant):
        with pytest.raises(Conflict) as told:
            stores.open_store(
                merchant, name="Mine", store_code="mine", subdomain="gare", by=owner_of(merchant)
            )
        session.rollback()
    assert told.value.holder == ""
    assert "Theirs" not in told.value.message


def test_what_is_no_matter_of_a_taken_value_is_a_bug_and_rises(session):
    merchant = make_merchant()
    with within(merchant), pytest.raises(IntegrityError):
        save(Store(merchant_id=merchant.id, name="X", store_code="x", join_code=None), by=owner_of(merchant))


def test_what_did_not_change_is_not_written_down(session):
    merchant = make_merchant()
    store = make_store(merchant, "Gare")
    with within(merchant):
        mine = session.merge(store)
        assert stores.change_store(mine, by=owner_of(merchant), name="Gare") == []
        assert session.scalars(AuditEntry.of(merchant)).all() == []
        with pytest.raises(TypeError, match="no field join_code"):
            stores.change_store(mine, by=owner_of(merchant), join_code="x")
        session.rollback()
