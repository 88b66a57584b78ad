"""Emptying the trash: what may go for good, what is emptied and kept, and in what portions."""

from datetime import timedelta

import pytest
from sqlalchemy import JSON, String, select

from portal.errors import Refused
from portal.extensions import db
from portal.models import AuditEntry, Deletion, OrderLine, User
from portal.models.actor import JOBS, OPERATOR
from portal.models.base import Key, Model
from portal.models.ownership import Rule
from portal.models.tenancy import across_merchants
from portal.services import trash
from portal.services.trash.names import CLASSES
from tests.factories import (
    NOW,
    make_customer,
    make_login,
    make_merchant,
    make_order,
    make_owner,
    make_product,
    make_store,
    make_user,
    owner_of,
    within,
)
from tests.ownership_rules import classified
from tests.services.test_trash_delete import TAKES, part_ids
from tests.services.trash_stage import (
    bare,
    bring,
    change,
    empty,
    everything,
    findings,
    look,
    stage,
    statements,
    throw,
)

LATER = NOW + timedelta(days=31)
# Words that say nothing of a person or a business, and stay on an emptied row.
HARMLESS = {
    "merchants": {"timezone", "currency", "country", "locale"},
    "store_users": {"role"},
    "loyalty_programs": {"loyalty_type", "clawback_policy", "card_color"},
    "loyalty_cards": {"status"},
    "card_tokens": {"kind"},
}


@pytest.fixture
def things(app):
    return stage()


@pytest.mark.parametrize("what", ["product", "token", "device", "reward", "pin", "member"])
def test_what_nothing_points_at_is_removed(app, what):
    things = stage()
    if what == "product":
        things.product = make_product(things.store)
    act = throw(getattr(things, what))
    empty(act)
    assert bare(getattr(things, what).__table__.name, getattr(things, what).id) is None
    assert (look(act).status, look(act).purged_at) == ("purged", NOW)
    assert look(act).counts == look(act).departed
    assert findings() == []


def test_what_history_points_at_is_emptied_and_kept(things):
    act = throw(things.store)
    empty(act)
    store = bare("stores", things.store.id)
    assert (store.name, store.store_code, store.city) == (
        f"deleted store #{things.store.id}",
        f"deleted-{things.store.id}",
        None,
    )
    assert (store.deletion_id, store.deleted_at, store.purged_at) == (act, NOW, NOW)
    with within(things.merchant.id):
        order = db.session.get(type(things.order), things.order.id)
        assert order.store.name == store.name
        db.session.rollback()
    assert findings() == []


def test_an_emptied_row_is_passed_over_next_time(things):
    first = throw(things.product)
    empty(first)
    again = throw(things.store)
    empty(again)
    assert bare("products", things.product.id).purged_at == NOW
    assert look(first).departed == {"products": 1}
    assert findings() == []


def test_a_root_takes_its_dead_descendants_whoever_killed_them(things):
    extra = make_product(things.store)
    first, second = throw(extra), throw(things.store)
    empty(second)
    assert bare("products", extra.id) is None
    assert (look(first).status, look(first).departed) == ("purged", {"products": 1})
    assert findings() == []


def test_a_card_goes_with_one_owner_though_it_waits_for_the_other(things):
    customer, program = throw(things.customer), throw(things.program)
    bring(customer)  # the card waits for the program now
    again = throw(things.customer)
    empty(again)
    assert bare("loyalty_cards", things.card.id) is None
    assert look(program).departed == {"loyalty_cards": 1, "card_tokens": 1}
    assert findings() == []


def test_a_whole_merchant_is_emptied(things):
    other = stage()
    before = [r for r in everything()["products"] if r.merchant_id == other.merchant.id]
    act = throw(things.merchant)
    empty(act)
    left = {
        k: [r for r in rows if getattr(r, "merchant_id", None) == things.merchant.id]
        for k, rows in everything().items()
    }
    # The order stays, and with it what it points at, without a word.
    assert {k: len(rows) for k, rows in left.items() if rows} == {
        "orders": 1,
        "stores": 1,
        "customers": 1,
        "products": 1,
    }
    assert bare("merchants", things.merchant.id).name == f"deleted merchant #{things.merchant.id}"
    assert [r for r in everything()["products"] if r.merchant_id == other.merchant.id] == before
    assert findings() == []


def test_an_order_takes_its_lines_along(things):
    act = throw(things.order)
    empty(act)
    with within(things.merchant.id):
        assert db.session.scalars(select(OrderLine)).all() == []
        db.session.rollback()
    assert bare("orders", things.order.id) is None


def test_a_person_goes_from_every_merchant(things):
    user = db.session.get(User, things.member.user_id)
    make_login(user)
    act = throw(user)
    (part,) = part_ids(act)
    empty(act)
    assert bare("users", user.id) is None
    assert bare("store_users", things.member.id) is None
    assert (look(act).status, look(part).status) == ("purged", "purged")
    assert findings() == []


def test_a_person_who_deleted_others_is_emptied_and_kept(things):
    boss = make_user("Boss", username="boss", is_platform_admin=True)
    make_owner(things.merchant, boss)
    throw(things.product, by=owner_of(things.merchant, boss))
    act = throw(boss)
    empty(act)
    user = bare("users", boss.id)
    assert (user.display_name, user.email, user.username) == (f"deleted person #{boss.id}", None, None)
    assert not user.is_platform_admin
    assert findings() == []


def test_a_part_of_a_persons_deletion_is_not_purged_alone(things):
    throw_person = throw(db.session.get(User, things.member.user_id))
    (part,) = part_ids(throw_person)
    with pytest.raises(Refused) as no:
        empty(part)
    assert no.value.code == "part"


def test_a_hold_stops_the_purge(things):
    act = throw(things.product)
    set_hold(act, things, trash.hold)
    with pytest.raises(Refused) as no:
        empty(act)
    assert no.value.code == "on_hold"
    set_hold(act, things, trash.release)
    empty(act)
    assert look(act).status == "purged"


def set_hold(act, things, verb):
    with within(things.merchant.id):
        for _ in "12":  # a second time changes nothing
            verb(db.session.get(Deletion, (things.merchant.id, act)), by=OPERATOR)
        db.session.commit()


def test_holding_is_written_down_once(things):
    act = throw(things.product)
    set_hold(act, things, trash.hold)
    with within(things.merchant.id):
        actions = db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
        db.session.rollback()
    assert actions == ["products.delete", "products.hold"]


def test_what_left_the_trash_is_not_held(things):
    act = throw(things.product)
    bring(act)
    with pytest.raises(Refused) as no:
        set_hold(act, things, trash.hold)
    db.session.rollback()
    assert no.value.code == "not_in_trash"


@pytest.mark.parametrize("status", ["running", "restoring", "restored"])
def test_only_what_lies_in_the_trash_is_purged(things, status):
    act = throw(things.product)
    change(act, status=status)
    with pytest.raises(Refused) as no:
        empty(act)
    assert no.value.code == "in_progress"


def test_a_purged_act_is_purged_once(things):
    act = throw(things.product)
    empty(act)
    before = look(act)
    empty(act, now=LATER)
    assert look(act) == before


def test_what_protects_refuses_the_purge_too(things):
    act = throw(things.store)
    with classified("orders", "store_id", Rule.PROTECT):
        with pytest.raises(Refused, match=r"Orders still need it\. Purge them first"):
            empty(act)
        empty(throw(things.order))
        empty(act)
    assert bare("stores", things.store.id) is None


# how long it stays


def due(merchant, now):
    with within(merchant.id):
        found = [act.id for act in trash.due_for_purge(now)]
        db.session.rollback()
    return found


def test_what_is_due_is_found_in_its_order(things):
    second = throw(things.store, now=NOW + timedelta(hours=1))
    first = throw(things.card)
    other = throw(stage().store)
    assert due(things.merchant, LATER) == [first, second]
    assert other not in due(things.merchant, LATER)
    assert due(things.merchant, NOW + timedelta(days=29)) == []


def test_what_is_held_kept_for_ever_or_not_in_the_trash_is_never_due(app):
    things = stage()
    held, back, part = throw(things.product), throw(things.card), throw(things.member)
    change(held, hold=True)
    change(part, parent_id=held)
    bring(back)
    assert due(things.merchant, LATER) == []
    keeps = stage(make_merchant(retention_days=0))
    throw(keeps.store)
    assert due(keeps.merchant, NOW + timedelta(days=9999)) == []


@pytest.mark.postgresql
def test_a_purge_at_work_is_stepped_around(things, elsewhere):
    act = throw(things.card)
    merchant_id = things.merchant.id
    with within(merchant_id):
        assert [a.id for a in trash.due_for_purge(LATER)] == [act]  # locked until we commit

        def look_too():
            with within(merchant_id):
                return [a.id for a in trash.due_for_purge(LATER)]

        assert elsewhere(look_too).result() == []
        db.session.rollback()
    assert elsewhere(look_too).result() == [act]


# in portions


def test_a_purge_goes_in_portions_and_can_be_taken_up_again(things):
    for _ in range(7):
        make_product(things.store)
    act_id = throw(things.store)
    with within(things.merchant.id):
        act = db.session.get(Deletion, (things.merchant.id, act_id))
        trash.start_purge(act, by=JOBS)
        db.session.commit()
        assert act.status == "purging"
        steps = 1
        while not trash.purge_some(act, now=NOW, limit=3):
            db.session.commit()  # all the next one needs is in the database
            assert trash.unfinished() == [act]
            steps += 1
        db.session.commit()
        assert trash.purge_some(act, now=NOW)  # finished is finished
        assert trash.unfinished() == []
        db.session.rollback()
    assert steps > 4
    assert look(act_id).departed == look(act_id).counts
    assert findings() == []


def test_an_interrupted_purge_is_continued(things):
    act_id = throw(things.store)
    change(act_id, status="purging")
    with within(things.merchant.id):
        act = db.session.get(Deletion, (things.merchant.id, act_id))
        while not trash.continue_some(act, now=NOW):
            db.session.commit()
        db.session.commit()
    assert look(act_id).status == "purged"
    assert findings() == []


def test_each_row_removed_costs_no_statement_of_its_own(things):
    rows = [make_product(things.store) for _ in range(40)]
    act = throw(things.store)
    with statements() as sent:
        empty(act)
    deletes = [s for s in sent if s.startswith("DELETE FROM products")]
    assert len(rows) == 40
    assert len(deletes) == 1


# nothing said is left


@pytest.mark.parametrize("name", sorted(t.name for t in CLASSES if "deletion_id" in t.c))
def test_an_emptied_row_says_nothing(name):
    """Every column that holds words is written over, or stands on the list of harmless ones."""
    table = Model.metadata.tables[name]
    keys = {k for f in table.foreign_key_constraints for k in f.column_keys}
    columns = [c for c in table.c if c.computed is None]  # those follow what is written over
    words = {c.name for c in columns if isinstance(c.type, String | JSON | type(Key)) and c.name not in keys}
    scrubbed = set(CLASSES[table].scrubs)
    harmless = HARMLESS.get(name, set())
    assert words - scrubbed - harmless - {"tier_config"} == set()
    assert scrubbed <= set(table.c.keys())
    assert not harmless & scrubbed


@pytest.mark.parametrize("name", sorted(t.name for t in CLASSES if "deletion_id" in t.c))
def test_what_a_purge_writes_fits_the_column(name):
    table = Model.metadata.tables[name]
    for column, value in CLASSES[table].scrubs.items():
        assert value is not None or table.c[column].nullable, column


def test_two_emptied_rows_do_not_clash(app):
    """The words written in are unique where the column is."""
    merchant = make_merchant()
    for store in (make_store(merchant), make_store(merchant)):
        make_order(store, make_customer(merchant))
        db.session.expunge_all()
        empty(throw(store))
    with across_merchants(db.session, "a test"):
        codes = {r.store_code for r in everything()["stores"]}
    assert len(codes) == 2


def test_counts_stay_what_they_were(things):
    act = throw(things.store)
    empty(act)
    assert look(act).counts == TAKES["store"]


def test_a_hold_on_a_part_stops_the_purge_of_the_whole(session, now):
    merchant = make_merchant()
    store = make_store(merchant)
    product = make_product(store)
    with within(merchant):
        part = trash.soft_delete(session.merge(product), by=OPERATOR, now=now)
        trash.hold(part, by=OPERATOR)
        whole = trash.soft_delete_cascade(session.merge(store), by=OPERATOR, now=now)
        with pytest.raises(Refused) as no:
            trash.purge(whole, by=OPERATOR, now=now)
        assert no.value.code == "on_hold"
        trash.release(part, by=OPERATOR)
        trash.purge(whole, by=OPERATOR, now=now)
        assert part.status == "purged"
