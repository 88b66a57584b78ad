"""Orders that are here without points earn when they are imported again with `earn`."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.errors import Refused
from portal.models import (
    Deletion,
    ImportBatch,
    ImportRow,
    LoyaltyCard,
    LoyaltyTransaction,
    Order,
    TierChange,
)
from portal.models.actor import OPERATOR
from portal.services import orders, trash
from portal.services.ledger.visits import Visit
from portal.services.ledger.voiding import void
from tests.factories import (
    NOW,
    make_card,
    make_customer,
    make_merchant,
    make_product,
    make_program,
    make_store,
    within,
)
from tests.services.importing import committed, take_orders, undo

HEADER = "number,date,store,customer_id,sku,amount\n"
ROWS = HEADER + "".join(f"R{n},2026-03-0{n},gare,1,,10.00\n" for n in range(1, 6))
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def bean(session):
    return make_merchant("Bean")


@pytest.fixture
def gare(bean):
    return make_store(bean, "Gare")


@pytest.fixture
def program(bean):
    return make_program(bean, loyalty_type="points", points_per_euro=10, minimum_purchase_cents=500)


@pytest.fixture
def kelly(bean, gare, program):
    kelly = make_customer(bean, "Kelly", external_ref="1")
    make_card(program, kelly)
    return kelly


def all_of(session, merchant, model):
    with within(merchant):
        return list(session.scalars(model.of(merchant).order_by(model.id)))


def balance(session, merchant):
    return [card.points_balance for card in all_of(session, merchant, LoyaltyCard)]


def again(merchant, text=ROWS, **asked):
    return take_orders(merchant, text, is_earning=True, now=LATER, **asked)


def _refund(session, merchant, sold):
    with committed(merchant.id):
        order = session.scalars(Order.of(merchant).where(Order.id == sold.id)).one()
        orders.refund_order(order, visit=Visit(by=OPERATOR, now=LATER), amount_cents=100)


def test_orders_imported_without_points_earn_when_they_come_again(session, bean, gare, kelly):
    make_product(gare, "Card", sku="gift", earns_points=False)
    text = HEADER + "R1,2026-03-01,gare,1,gift,4.00\nR1,2026-03-01,gare,1,,6.00\nR2,2026-03-02,gare,1,,4.00\n"
    take_orders(bean, text)
    assert balance(session, bean) == [0]
    counts, outcomes, batch = again(bean, text)
    assert [each.outcome for each in outcomes] == ["updated", "updated"]
    assert (counts["new"], counts["updated"], counts["earned"], counts["points"]) == (0, 2, 2, 60)
    rows = all_of(session, bean, LoyaltyTransaction)
    sold = all_of(session, bean, Order)
    assert [(row.type, row.points_delta, row.attempt_no) for row in rows] == [("earn", 60, 1), ("earn", 0, 1)]
    assert [row.order_id for row in rows] == [order.id for order in sold]
    assert (rows[0].amount_cents, rows[0].eligible_cents, rows[0].store_id) == (1000, 600, gare.id)
    assert (rows[0].occurred_at, rows[0].created_at) == (sold[0].occurred_at, LATER)
    assert {row.batch_id for row in rows} == {batch.id}
    assert (batch.counts["updated"], balance(session, bean)) == (2, [60])
    _, outcomes, batch = again(bean, text)
    assert ([each.outcome for each in outcomes], batch) == (["unchanged", "unchanged"], None)
    assert len(all_of(session, bean, LoyaltyTransaction)) == 2


def test_new_ones_and_those_here_earn_in_the_order_of_time(session, bean, kelly):
    take_orders(bean, HEADER + "R2,2026-03-02,gare,1,,10.00\n")
    counts, _, _ = again(bean)
    assert (counts["new"], counts["updated"], counts["earned"]) == (4, 1, 5)
    rows = all_of(session, bean, LoyaltyTransaction)
    assert [row.points_after for row in rows] == [100, 200, 300, 400, 500]
    assert [row.occurred_at for row in rows] == sorted(row.occurred_at for row in rows)


def test_orders_restored_after_an_undo_earn_anew_and_lift_to_the_tier(session, bean, gare):
    tiers = [
        {"key": "bronze", "name": "Bronze", "threshold": 0, "multiplier_bp": 10_000},
        {"key": "gold", "name": "Gold", "threshold": 300, "multiplier_bp": 20_000},
    ]
    program = make_program(bean, loyalty_type="points", points_per_euro=10, tier_config=tiers)
    make_card(program, make_customer(bean, external_ref="1"))
    _, _, batch = take_orders(bean, ROWS, is_earning=True)
    before = balance(session, bean)
    undo(batch)
    assert balance(session, bean) == [0]
    with committed(bean.id):
        for act in session.scalars(select(Deletion).order_by(Deletion.id)).all():
            trash.restore(act, by=OPERATOR, now=LATER)
    counts, _, _ = again(bean)
    assert counts["updated"] == 5
    assert balance(session, bean) >= before
    earns = [row for row in all_of(session, bean, LoyaltyTransaction) if row.type == "earn"]
    assert [row.attempt_no for row in earns] == [1] * 5 + [2] * 5
    changes = all_of(session, bean, TierChange)
    assert all(change.transaction_id in {row.id for row in earns} for change in changes)
    assert again(bean)[2] is None


def test_points_voided_by_hand_and_money_given_back_stay_as_they_are(session, bean, kelly):
    take_orders(bean, HEADER + "R1,2026-03-01,gare,1,,10.00\n", is_earning=True)
    take_orders(bean, ROWS)
    with committed(bean.id):
        void(session.scalars(LoyaltyTransaction.of(bean)).one(), visit=Visit(by=OPERATOR, now=NOW))
    _refund(session, bean, all_of(session, bean, Order)[1])
    _, outcomes, _ = again(bean)
    assert [each.outcome for each in outcomes] == ["unchanged", "unchanged", *["updated"] * 3]
    assert balance(session, bean) == [300]


def test_whoever_has_no_card_or_a_suspended_one_is_named_again(session, bean, gare, program):
    make_customer(bean, external_ref="1")
    make_card(program, make_customer(bean, external_ref="2"), status="suspended")
    text = ROWS + "S1,2026-03-06,gare,2,,10.00\nS2,2026-03-07,gare,,,10.00\n"
    take_orders(bean, text)
    counts, outcomes, batch = again(bean, text)
    assert {each.outcome for each in outcomes} == {"unchanged"}
    assert (counts["no_card"], counts["card_suspended"], batch) == (5, 1, None)
    assert len(all_of(session, bean, ImportBatch)) == 1


def test_what_differs_from_the_order_here_earns_nothing(session, bean, kelly):
    take_orders(bean, ROWS)
    _, outcomes, _ = again(bean, ROWS.replace("10.00", "11.00"))
    assert {each.outcome for each in outcomes} == {"unchanged"}
    assert balance(session, bean) == [0]


def test_without_earn_nothing_changes(session, bean, kelly):
    take_orders(bean, ROWS)
    assert take_orders(bean, ROWS)[2] is None
    assert balance(session, bean) == [0]


def test_an_order_that_earned_in_the_same_moment_is_passed_over(session, bean, kelly, monkeypatch):
    take_orders(bean, ROWS)
    monkeypatch.setattr("portal.services.imports.late.waiting", _once_then_none())
    _, outcomes, batch = again(bean)
    assert ({each.outcome for each in outcomes}, batch) == ({"unchanged"}, None)


def _once_then_none():
    left = [True, True, False]
    return lambda _merchant_id, outcomes: list(outcomes) if left.pop(0) else []


def test_cut_off_they_go_on_and_are_told_as_one(session, bean, kelly, monkeypatch):
    take_orders(bean, ROWS)
    monkeypatch.setattr("portal.services.imports.orders.CHUNK", 2)
    take_orders(bean, ROWS, is_earning=True, now=LATER, stop_after=1)
    assert balance(session, bean) == [200]
    counts, _, batch = again(bean)
    assert (counts["updated"], counts["resumed"], counts["points"]) == (5, 2, 500)
    assert (balance(session, bean), batch.counts["updated"]) == ([500], 5)
    assert [row.fate for row in all_of(session, bean, ImportRow)] == ["new"] * 5 + ["changed"] * 5


def test_taken_back_the_points_go_and_the_orders_stay(session, bean, kelly, monkeypatch):
    monkeypatch.setattr("portal.services.imports.undoing_orders.CHUNK", 2)
    _, _, first = take_orders(bean, HEADER + "R1,2026-03-01,gare,1,,10.00\nR2,2026-03-02,gare,1,,10.00\n")
    _, _, second = again(bean)
    with pytest.raises(Refused, match=r"Void those first, or undo that import\."):
        undo(first, now=LATER)
    session.rollback()
    counts = undo(second, now=LATER)
    assert (counts["taken_back"], counts["voided"]) == (3, 5)
    assert (balance(session, bean), len(all_of(session, bean, Order))) == ([0], 2)
    assert again(bean)[0]["updated"] == 2


def test_points_of_orders_refunded_since_are_not_taken_back(session, bean, kelly):
    take_orders(bean, ROWS)
    _, _, batch = again(bean)
    _refund(session, bean, all_of(session, bean, Order)[0])
    with pytest.raises(Refused, match="1 refund was made"):
        undo(batch, now=LATER)
    session.rollback()


def test_an_order_deleted_after_it_got_points_is_not_made_by_that_import(session, bean, kelly):
    take_orders(bean, ROWS)
    _, _, batch = again(bean)
    undo(batch, now=LATER)
    sold = all_of(session, bean, Order)[0]
    with committed(bean.id):
        order = session.scalars(Order.of(bean).where(Order.id == sold.id)).one()
        orders.delete_order(order, by=OPERATOR, now=LATER)
    _, outcomes, _ = again(bean)
    assert [each.outcome for each in outcomes] == ["skipped", *["updated"] * 4]
