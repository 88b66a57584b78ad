"""Acts too large for one transaction: in chunks, each all or nothing, and taken up again."""

import pytest
from sqlalchemy import select

from portal.errors import Conflict
from portal.extensions import db
from portal.models import AuditEntry, Deletion, Merchant, Product, User
from portal.services import trash
from portal.services.trash import bring_back, rows, throw_away
from tests.factories import (
    NOW,
    make_customer,
    make_login,
    make_product,
    make_program,
    make_store,
    within,
)
from tests.services.test_trash_delete import TAKES, open_for
from tests.services.trash_stage import (
    bare,
    bring,
    everything,
    findings,
    lives,
    look,
    stage,
    statements,
    throw,
)


@pytest.fixture
def things(app, monkeypatch):
    """A store with many products, where three rows are too many for one transaction."""
    things = stage()
    for _ in range(6):
        make_product(things.store)
    for module in (throw_away, bring_back):
        monkeypatch.setattr(module, "IN_ONE_TRANSACTION", 3)
    return things


def go_on(act_id, merchant_id, limit=2, most=100):
    """Continue until it is finished, a transaction a chunk; returns how many it took."""
    for step in range(1, most + 1):
        with within(merchant_id):
            act = db.session.get(Deletion, (merchant_id, act_id))
            is_finished = trash.continue_some(act, now=NOW, limit=limit)
            db.session.commit()
        if is_finished:
            return step
    return None


def test_a_large_deletion_takes_its_root_at_once_and_the_rest_in_chunks(things):
    act = throw(things.store)
    assert look(act).status == "running"
    assert not lives(things.store)
    assert lives(things.product)
    assert findings() == []  # the doctor looks away while it runs
    assert go_on(act, things.merchant.id) > 3
    assert (look(act).status, look(act).counts) == ("done", TAKES["store"] | {"products": 7})
    assert findings() == []


def test_each_chunk_is_bounded(things):
    act = throw(things.store)
    for taken in (1, 3, 5):
        go_on(act, things.merchant.id, limit=2, most=1 if taken > 1 else 0)
        dead = [r for found in everything().values() for r in found if r.deletion_id == act]
        assert len(dead) <= taken


def test_an_interrupted_deletion_is_found_and_finished(things):
    act = throw(things.store)
    go_on(act, things.merchant.id, most=2)
    with within(things.merchant.id):
        assert [a.id for a in trash.unfinished()] == [act]
        db.session.rollback()
    go_on(act, things.merchant.id)
    assert findings() == []


def test_while_it_runs_it_does_not_come_back_nor_die_again(things):
    act = throw(things.store)
    with pytest.raises(Conflict, match="still in progress"):
        bring(act)
    assert throw(things.store) == act


def test_while_it_runs_nothing_is_made_below(things):
    throw(things.store)
    with pytest.raises(Conflict):
        make_product(things.store)
    db.session.rollback()


def test_a_large_deletion_signs_people_out_when_it_is_finished(things):
    user = db.session.get(User, things.member.user_id)
    make_login(user)
    act = throw(things.store)
    go_on(act, things.merchant.id)
    assert open_for(user.id) == ["removed"]


def test_a_large_restore_goes_in_chunks_too(things):
    before = everything()
    act = throw(things.store)
    go_on(act, things.merchant.id)
    assert bring(act) == {"stores": 1}
    assert look(act).status == "restoring"
    assert findings() == []
    assert go_on(act, things.merchant.id) > 3
    assert look(act).status == "restored"
    assert everything() == before
    assert findings() == []


def test_a_large_restore_hands_over_chunk_by_chunk(things):
    user = db.session.get(User, things.member.user_id)
    act = throw(things.store)
    go_on(act, things.merchant.id)
    bring(act)
    person = throw(user)  # dies while the store is still coming back
    go_on(act, things.merchant.id)
    assert lives(things.store)
    assert not lives(things.member)
    assert findings() == []
    bring(person)
    assert lives(things.pin)
    assert findings() == []


def test_a_value_taken_while_a_large_restore_runs_stops_it_whole(things):
    sku = things.product.sku
    act = throw(things.store)
    go_on(act, things.merchant.id)
    bring(act)
    twin_id = make_product(things.store, sku=sku).id
    with pytest.raises(Conflict) as no:
        go_on(act, things.merchant.id)
    db.session.rollback()
    assert (no.value.code, no.value.conflicts[0].field) == ("value_taken", "sku")
    assert look(act).status == "restoring"
    with within(things.merchant.id):
        twin = db.session.get(Product, (things.merchant.id, twin_id))
    throw(twin)
    go_on(act, things.merchant.id)
    assert lives(things.product)
    assert findings() == []


def test_the_end_of_each_is_written_down(things):
    act = throw(things.store)
    go_on(act, things.merchant.id)
    bring(act)
    go_on(act, things.merchant.id)
    with within(things.merchant.id):
        actions = db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
        db.session.rollback()
    words = ("delete", "finish_delete", "restore", "finish_restore")
    assert actions == [f"stores.{word}" for word in words]


def test_what_is_finished_has_nothing_to_go_on(things):
    act = throw(things.card)
    assert go_on(act, things.merchant.id) == 1
    assert look(act).status == "done"


def test_a_small_act_among_many_rows_is_counted_and_stays_whole(things, monkeypatch):
    """The bound from the ids is too high: then the rows are counted."""
    with statements() as sent:
        act = throw(make_store(db.session.get(Merchant, things.merchant.id)))
    assert look(act).status == "done"
    assert any("count(" in s for s in sent)


def test_a_large_merchant_goes_and_comes_back_whole(things):
    merchant = db.session.get(Merchant, things.merchant.id)
    for _ in range(3):
        make_customer(merchant)
    before = everything()
    act = throw(merchant)
    go_on(act, things.merchant.id, limit=3)
    assert findings() == []
    assert {k for k, found in everything().items() if any(r.deletion_id is None for r in found)} == {
        "users",
        "orders",
    }
    bring(act)
    go_on(act, things.merchant.id, limit=3)
    assert everything() == before
    assert findings() == []


@pytest.mark.postgresql
def test_a_long_act_may_take_longer_than_a_page(things, monkeypatch):
    monkeypatch.setattr(rows, "LONG", 0)
    for module in (throw_away, bring_back):
        monkeypatch.setattr(module, "IN_ONE_TRANSACTION", 1000)
    with statements() as sent:
        throw(things.program)
    assert sum("SET LOCAL statement_timeout" in s for s in sent) == 1
    assert make_program(db.session.get(Merchant, things.merchant.id)).id
    assert bare("loyalty_programs", things.program.id).deletion_id
