"""Throwing away: one act takes the row and all it owns, and says what it took."""

from datetime import timedelta

import pytest
from sqlalchemy import event, insert, select
from sqlalchemy.orm import Mapper

from portal.errors import Refused
from portal.extensions import db
from portal.models import AuditEntry, Deletion, LoginSession, Merchant, Product, Store, User
from portal.models.actor import OPERATOR, Actor, Role
from portal.models.ownership import Rule
from portal.models.tenancy import across_merchants
from portal.services import trash
from tests.factories import (
    first_owner,
    make_login,
    make_member,
    make_merchant,
    make_order,
    make_owner,
    make_pin,
    make_product,
    make_store,
    make_user,
    manager_of,
    owner_of,
    within,
)
from tests.ownership_rules import classified
from tests.services.trash_stage import (
    bare,
    change,
    everything,
    findings,
    lives,
    look,
    scope_of,
    stage,
    statements,
    throw,
)

STORE_TAKES = {"stores": 1, "store_users": 1, "staff_pins": 2, "till_devices": 1, "products": 1}
TAKES = {
    "merchant": {
        **STORE_TAKES,
        "merchants": 1,
        "merchant_owners": 1,
        "customers": 1,
        "loyalty_programs": 1,
        "loyalty_rewards": 1,
        "loyalty_cards": 1,
        "card_tokens": 1,
    },
    "store": STORE_TAKES,
    "member": {"store_users": 1, "staff_pins": 1},
    "program": {"loyalty_programs": 1, "loyalty_rewards": 1, "loyalty_cards": 1, "card_tokens": 1},
    "customer": {"customers": 1, "loyalty_cards": 1, "card_tokens": 1},
    "card": {"loyalty_cards": 1, "card_tokens": 1},
    "product": {"products": 1},
    "order": {"orders": 1},
    "pin": {"staff_pins": 1},
    "device": {"till_devices": 1},
    "reward": {"loyalty_rewards": 1},
    "token": {"card_tokens": 1},
}


@pytest.fixture
def things(app):
    return stage()


@pytest.mark.parametrize("what", TAKES)
def test_a_deletion_takes_what_the_row_owns_and_counts_it(things, what):
    other = stage()
    act = throw(getattr(things, what))
    assert look(act).counts == TAKES[what]
    dead = [(k, r) for k, rows in everything().items() for r in rows if r.deletion_id is not None]
    assert {k: sum(k == kind for kind, _ in dead) for k, _ in dead} == TAKES[what]
    assert {r.deletion_id for _, r in dead} == {act}
    assert lives(other.store)
    assert findings() == []


def test_a_deletion_says_who_when_why_and_where(things, now):
    boss = owner_of(things.merchant)
    act = look(throw(things.store, by=boss, reason="  moved away "))
    assert (act.deleted_by_id, act.deleted_by_role, act.channel) == (boss.user_id, "owner", "portal")
    assert (act.reason, act.root_label, act.store_id) == ("moved away", things.store.name, things.store.id)
    assert (act.root_kind, act.root_id, act.status) == ("stores", things.store.id, "done")
    assert act.purge_after - now == timedelta(days=30)


def test_every_dead_row_names_its_act_time_and_person(things, now):
    boss = owner_of(things.merchant)
    act = throw(things.store, by=boss)
    dead = [r for rows in everything().values() for r in rows if r.deletion_id]
    assert {(r.deleted_at, r.deleted_by_id, r.deletion_id) for r in dead} == {(now, boss.user_id, act)}


def test_a_second_deletion_returns_the_first(things):
    first = throw(things.product)
    before = look(first)
    with within(things.merchant.id):
        dead_too = {"include_deleted": True}
        product = db.session.get(Product, things.product.id, execution_options=dead_too)
        assert trash.soft_delete_cascade(product, by=OPERATOR, now=before.deleted_at).id == first
        assert trash.soft_delete(product, by=OPERATOR, now=before.deleted_at).id == first
        db.session.commit()
    assert look(first) == before


def test_a_row_that_fell_with_its_owner_answers_the_owners_act(things):
    act = throw(things.store)
    with within(things.merchant.id):
        product = db.session.get(Product, things.product.id, execution_options={"include_deleted": True})
        assert trash.soft_delete_cascade(product, by=OPERATOR, now=look(act).deleted_at).id == act
        db.session.rollback()


def test_lying_in_the_trash_is_no_change(things):
    before = bare("products", things.product.id).updated_at
    throw(things.store)
    assert bare("products", things.product.id).updated_at == before


def test_what_died_before_is_left_to_its_own_act(things):
    first = throw(things.product)
    second = throw(things.store)
    assert bare("products", things.product.id).deletion_id == first
    assert "products" not in look(second).counts


def test_orders_stay_when_their_store_goes(things):
    throw(things.store)
    assert lives(things.order)


def test_a_deletion_loads_no_children_and_sends_few_statements(things):
    """At most two statements per table and owner, however many rows there are."""
    rows = [
        {"store_id": things.store.id, "name": f"p{n}", "name_key": "", "price_cents": 1} for n in range(300)
    ]
    with within(things.merchant):
        db.session.execute(insert(Product), rows)
        db.session.commit()
        store, loaded = db.session.get(Store, things.store.id), []

        def load(target, _):
            loaded.append(target)

        event.listen(Mapper, "load", load)
        with statements() as sent:
            act = trash.soft_delete_cascade(store, by=OPERATOR, now=things.order.occurred_at)
        event.remove(Mapper, "load", load)
        db.session.commit()
        assert act.counts["products"] == 301
    assert [x for x in loaded if not isinstance(x, Deletion)] == []
    for kind in STORE_TAKES:
        touching = [s for s in sent if s.startswith(f"UPDATE {kind} ")]
        assert len(touching) <= (2 if kind == "staff_pins" else 1), kind
    assert len(sent) < 25


def test_a_single_row_is_thrown_away_only_without_living_children(things):
    with within(things.merchant), pytest.raises(Refused, match="It still has 1 product"):
        trash.soft_delete(db.session.get(Store, things.store.id), by=OPERATOR, now=things.order.occurred_at)
    db.session.rollback()
    assert lives(things.store)


def test_a_person_without_memberships_is_a_single_row(session, now):
    user = make_user()
    act_id = trash.soft_delete(user, by=OPERATOR, now=now).id
    session.commit()
    assert look(act_id).counts == {"users": 1}


# people


def test_a_person_takes_the_memberships_in_every_merchant_along(app):
    user = make_user("Ada")
    here, there = (stage() for _ in "ab")
    members = [make_member(t.store, user) for t in (here, there)]
    pins = [make_pin(t.store, m) for t, m in zip((here, there), members, strict=True)]
    act = throw(user)
    assert look(act).counts == {"users": 1}
    assert look(act).merchant_id == 0
    with across_merchants(db.session, "a test"):
        parts = db.session.scalars(select(Deletion).where(Deletion.parent_id == act)).all()
        assert sorted(p.merchant_id for p in parts) == sorted(t.merchant.id for t in (here, there))
        assert {p.root_label for p in parts} == {"Ada"}
        assert [p.counts for p in parts] == [{"store_users": 1, "staff_pins": 1}] * 2
        db.session.rollback()
    for row in (*members, *pins):
        assert bare(row.__table__.name, row.id).deletion_id in part_ids(act)
    assert findings() == []


def part_ids(act):
    with across_merchants(db.session, "a test"):
        ids = db.session.scalars(select(Deletion.id).where(Deletion.parent_id == act)).all()
        db.session.rollback()
    return ids


def test_a_person_dies_also_where_all_is_dead_already(things):
    user = make_user()
    make_member(things.store, user)
    throw(things.store)
    act = throw(user)
    assert part_ids(act) == []
    assert findings() == []


def test_deleting_a_person_deletes_no_merchant(things):
    boss = make_user()
    make_owner(things.merchant, boss)
    throw(boss)
    assert lives(things.merchant)


# the last owner


def test_the_last_owner_of_a_living_merchant_stays(things):
    with pytest.raises(Refused) as no, scope_of(things.owner):
        trash.soft_delete_cascade(things.owner, by=OPERATOR, now=things.order.occurred_at)
    db.session.rollback()
    assert (no.value.code, lives(things.owner)) == ("last_owner", True)


def test_the_person_behind_the_last_owner_stays(things):
    user = db.session.get(User, things.owner.user_id)
    with pytest.raises(Refused, match="Invite another owner first"):
        trash.soft_delete_cascade(user, by=OPERATOR, now=things.order.occurred_at)
    db.session.rollback()
    assert lives(things.owner)


def test_one_of_two_owners_may_go(things):
    make_owner(things.merchant)
    throw(things.owner)
    assert not lives(things.owner)


def test_the_owner_of_a_dead_merchant_may_go(things):
    user_id = things.owner.user_id
    throw(things.merchant)
    throw(db.session.get(User, user_id))
    assert findings() == []


def test_the_merchant_itself_goes_with_its_last_owner(things):
    throw(things.merchant)
    assert not lives(things.owner)


# what protects


def test_what_protects_refuses_with_a_sentence(things):
    with classified("orders", "store_id", Rule.PROTECT):
        with pytest.raises(Refused, match="Orders still need it") as no, within(things.merchant):
            trash.soft_delete_cascade(things.store, by=OPERATOR, now=things.order.occurred_at)
        db.session.rollback()
        assert (no.value.code, lives(things.store), lives(things.product)) == ("protected", True, True)
        throw(things.order)
        throw(things.store)
    assert not lives(things.store)


def test_what_has_no_life_protects_too(things):
    with classified("order_lines", "product_id", Rule.PROTECT):
        with pytest.raises(Refused, match="Order lines still need it"), within(things.merchant):
            trash.soft_delete_cascade(things.product, by=OPERATOR, now=things.order.occurred_at)
        db.session.rollback()


@pytest.mark.parametrize("column", ["merchant_id", "sold_by_id"])
def test_a_deletion_asks_only_those_who_protect_what_falls(things, column):
    """A key that protects the merchant, or a person of the same number, is not in the way of a card."""
    db.session.rollback()
    sold = make_order(things.store, sold_by_id=things.owner.user_id)
    assert sold.sold_by_id
    with classified("orders", column, Rule.PROTECT):
        throw(things.card)
        throw(things.customer)
    assert not lives(things.customer)


# who may see it later, and how long it stays


@pytest.mark.parametrize(("days", "left"), [(30, 30), (7, 7), (0, None)])
def test_the_merchant_says_how_long_it_stays(app, now, days, left):
    things = stage(make_merchant(retention_days=days))
    act_id = throw(things.product)
    with within(things.merchant.id):
        act = db.session.get(Deletion, (things.merchant.id, act_id))
        assert act.days_left(now) == left
        assert act.days_left(now + timedelta(days=400)) == (None if left is None else 0)
        act.hold = True
        assert act.days_left(now) is None
        db.session.rollback()


def test_a_deletion_is_written_down(things):
    act = throw(things.store)
    with within(things.merchant.id):
        entry = db.session.scalars(select(AuditEntry)).one()
        assert (entry.action, entry.subject_id, entry.store_id) == (
            "stores.delete",
            things.store.id,
            things.store.id,
        )
        assert entry.details == {"deletion_id": act}
        db.session.rollback()


# sessions


def open_for(user_id):
    query = select(LoginSession).where(LoginSession.user_id == user_id)
    found = [s.ended_why for s in db.session.scalars(query)]
    db.session.rollback()
    return found


@pytest.mark.parametrize("what", ["member", "store", "merchant", "user"])
def test_whom_a_deletion_puts_out_is_signed_out(things, what):
    user = db.session.get(User, things.member.user_id)
    stranger = make_user()
    make_login(user), make_login(user), make_login(stranger)
    act = throw(user if what == "user" else getattr(things, what))
    assert open_for(user.id) == ["removed", "removed"]
    assert open_for(stranger.id) == [None]
    with across_merchants(db.session, "a test"):
        by = Actor(None, Role.ADMIN)
        found = db.session.scalars(select(Deletion).where(Deletion.id == act)).one()
        trash.restore(found, by=by, now=found.deleted_at)
        db.session.commit()
    assert open_for(user.id) == ["removed", "removed"]  # a restore signs nobody in


def test_a_session_that_ended_keeps_its_reason(things):
    user = db.session.get(User, things.member.user_id)
    make_login(user, ended_at=things.order.occurred_at, ended_why="signed out")
    throw(things.member)
    assert open_for(user.id) == ["signed out"]


def test_deleting_a_product_signs_nobody_out(things):
    user = db.session.get(User, things.member.user_id)
    make_login(user)
    throw(things.product)
    assert open_for(user.id) == [None]


# helpers of this file are what they say


def test_a_manager_is_written_down_as_manager(things):
    by = manager_of(things.store)
    assert look(throw(things.product, by=by)).deleted_by_role == "manager"
    act = throw(make_product(make_store(db.session.get(Merchant, things.merchant.id))))
    change(act, hold=True)
    assert look(act).hold
    assert first_owner(things.merchant).id == things.owner.id
