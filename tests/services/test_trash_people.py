"""Owners and the trash: no merchant without one, no name kept, new values for whoever needs them."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from portal.errors import Conflict
from portal.extensions import db
from portal.models import Deletion, Merchant, Product, Store, User
from portal.models.actor import OPERATOR
from portal.models.soft_delete import including_deleted
from portal.models.tenancy import across_merchants
from portal.services import accounts, merchants, stores, trash
from tests.factories import make_merchant, make_owner, make_product, make_store, make_user, within


def everywhere():
    return across_merchants(db.session, "a test looks at all")


@pytest.fixture
def orphaned(session, now):
    """A merchant in the trash whose only owner was deleted after it."""
    person = make_user()
    merchant = make_merchant(owner=person)
    with within(merchant):
        act = merchants.delete_merchant(session.merge(merchant), by=OPERATOR, now=now)
        merchant_id, act_id, person_id = merchant.id, act.id, person.id
        session.commit()
    with everywhere():
        accounts.delete_user(session.get(User, person_id), by=OPERATOR, now=now)
        session.commit()
    return merchant_id, act_id


def test_a_merchant_does_not_come_back_without_an_owner(session, orphaned, now):
    merchant_id, act_id = orphaned
    with everywhere():
        act = session.get(Deletion, (merchant_id, act_id))
        with pytest.raises(Conflict) as no:
            trash.restore(act, by=OPERATOR, now=now)
        assert no.value.blocked_by["kind"] == "users"


def test_its_owner_comes_back_with_it(session, orphaned, now):
    merchant_id, act_id = orphaned
    with everywhere():
        trash.restore(session.get(Deletion, (merchant_id, act_id)), by=OPERATOR, now=now, with_owners=True)
        session.commit()
        merchant = session.scalars(select(Merchant).where(Merchant.id == merchant_id)).one()
        assert merchant.owners[0].user.deletion_id is None
        assert trash.doctor() == []


@pytest.mark.unguarded("makes the fault the doctor looks for")
def test_the_doctor_finds_a_merchant_without_an_owner(session, orphaned):
    merchant_id, _ = orphaned
    with everywhere():
        table = Merchant.__table__
        alive = update(table).where(table.c.id == merchant_id).values(deleted_at=None, deletion_id=None)
        session.execute(alive)
        assert "without_owner" in {finding.rule for finding in trash.doctor()}
        session.rollback()


def test_a_merchant_deleted_again_while_coming_back_leaves_nothing_alive(session, now, monkeypatch):
    merchant = make_merchant()
    make_owner(merchant, make_user())
    for _ in range(3):
        make_product(make_store(merchant))
    for room in ("throw_away", "bring_back"):
        monkeypatch.setattr(f"portal.services.trash.{room}.IN_ONE_TRANSACTION", 2)
    with within(merchant):
        first = merchants.delete_merchant(session.merge(merchant), by=OPERATOR, now=now)
        finish(first, now)
        trash.restore(first, by=OPERATOR, now=now)
        trash.continue_some(first, now=now, limit=1)
        again = session.scalars(select(Merchant).where(Merchant.id == first.merchant_id)).one()
        second = merchants.delete_merchant(again, by=OPERATOR, now=now)
        finish(first, now)
        finish(second, now)
        session.commit()
        assert trash.doctor() == []
        assert session.scalars(select(Product)).all() == []


def finish(act, now):
    while not trash.continue_some(act, now=now, limit=1):
        pass


def in_a_store_whose_code_is_taken(session, now):
    merchant = make_merchant()
    store = make_store(merchant, store_code="gare")
    product = make_product(store)
    with within(merchant):
        act = trash.soft_delete(session.get(Product, product.id), by=OPERATOR, now=now)
        stores.delete_store(session.get(Store, store.id), by=OPERATOR, now=now)
        session.commit()
    make_store(merchant, store_code="gare")
    return merchant, store, product, act


def test_new_values_reach_the_owner_that_needs_them(session, now):
    merchant, store, product, act = in_a_store_whose_code_is_taken(session, now)
    with within(merchant):
        act = session.get(Deletion, (act.merchant_id, act.id))
        new = {f"stores-{store.id}-store_code": "gare-2", f"products-{product.id}-sku": "NEW"}
        trash.restore(act, by=OPERATOR, now=now, overrides=new, with_owners=True)
        assert session.get(Store, store.id).store_code == "gare-2"
        assert session.get(Product, product.id).sku == "NEW"


def test_a_person_is_kept_as_long_as_their_most_patient_merchant_keeps(session, now):
    person = make_user()
    make_owner(make_merchant(retention_days=90), person)
    keeper = make_merchant()
    make_owner(keeper, person)
    make_owner(keeper, make_user())
    make_owner(session.merge(patient_one(person)), make_user())
    with everywhere():
        act = accounts.delete_user(session.get(User, person.id), by=OPERATOR, now=now)
        assert act.purge_after == now + timedelta(days=90)


def patient_one(person):
    with everywhere():
        return db.session.scalars(
            select(Merchant).where(Merchant.owners.any(user_id=person.id), Merchant.retention_days == 90)
        ).one()


def test_a_purged_person_is_named_nowhere(session, now):
    person = make_user("Remembered Name")
    make_owner(make_merchant(owner=person), make_user())
    person_id = person.id
    with everywhere():
        act = accounts.delete_user(session.get(User, person_id), by=OPERATOR, now=now)
        trash.purge(act, by=OPERATOR, now=now)
        labels = session.scalars(select(Deletion.root_label)).all()
        assert set(labels) == {f"#{person_id}"}


def test_nobody_revives_a_row_by_hand(session, now):
    merchant = make_merchant()
    store = make_store(merchant)
    with within(merchant):
        trash.soft_delete(session.get(Store, store.id), by=OPERATOR, now=now)
        with including_deleted(session):
            dead = session.get(Store, store.id)
        dead.deleted_at = dead.deletion_id = None
        with pytest.raises(TypeError, match=r"through services\.trash"):
            session.flush()
        session.rollback()


def test_what_stands_in_the_owners_way_is_told_before(session, now):
    merchant, store, _, act = in_a_store_whose_code_is_taken(session, now)
    with within(merchant):
        seen = trash.preview_restore(session.get(Deletion, (act.merchant_id, act.id)), by=OPERATOR)
        assert [clash.key for clash in seen.clashes] == [f"stores-{store.id}-store_code"]
        assert seen.blocked_by.root_id == store.id


@pytest.mark.parametrize("kept", [True, False], ids=["with the books", "without the books"])
def test_the_books_are_what_the_doctor_reads(session, now, monkeypatch, kept):
    merchant = make_merchant()
    store = make_store(merchant)
    product = make_product(store)
    if not kept:
        monkeypatch.setattr("portal.services.trash.empty.keep_the_books", lambda *_: None)
    with within(merchant):
        trash.soft_delete(session.get(Product, product.id), by=OPERATOR, now=now)
        whole = stores.delete_store(session.get(Store, store.id), by=OPERATOR, now=now)
        trash.purge(whole, by=OPERATOR, now=now)
        assert (trash.doctor() == []) is kept
        session.rollback()
