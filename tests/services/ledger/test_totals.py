"""Putting things into the trash changes no total in any report, and what comes back is as it was."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from portal.extensions import db
from portal.models import LoyaltyCard, LoyaltyTransaction, Merchant, RewardIssue
from portal.services import trash
from portal.services.ledger import numbers, reports
from tests.factories import (
    NOW,
    give,
    make_card,
    make_customer,
    make_member,
    make_order,
    make_product,
    make_reward,
    make_store,
    make_user,
    staff_of,
)
from tests.services.ledger.stage import DAY, at

DEAD_TOO = {"include_deleted": True}
YEAR = numbers.Period(NOW - timedelta(days=365), NOW + timedelta(days=365))


@pytest.fixture
def busy(shop_with):
    """A shop where everything has happened: in two stores, by two people, on two cards."""
    shop = shop_with(
        loyalty_type="hybrid", stamps_target=5, points_expiration_days=40, void_window_hours=8_760
    )
    shop.store, other = make_store(shop.merchant), make_store(shop.merchant)
    shop.product = make_product(shop.store)
    shop.member = make_member(shop.store, make_user())
    by = {"by": staff_of(shop.store, user=shop.member.user), "store_id": shop.store.id}
    shop.customer = shop.card.customer
    shop.reward = make_reward(shop.program, points_required=10)
    order = make_order(shop.store, shop.customer, [shop.product], total_cents=5000)
    give(shop.card, kind="enrol", at=at(-DAY))
    earned = shop.earn(5000, **by, order_id=order.id, stamps=5).rows[0]
    shop.issue(shop.reward, 5, at_once=True, **by)
    shop.issue(shop.reward, 6, store_id=other.id)
    shop.refund(earned, 1000, 7, **by)
    shop.void(shop.earn(300, 8, **by).rows[0], 9, **by)
    shop.redeem(shop.issues()[0].id, 10, store_id=other.id)
    first = shop.card
    shop.card = make_card(shop.program, make_customer(shop.merchant))
    shop.earn(900, 50 * DAY, store_id=other.id)
    shop.card = first
    return shop


def totals(shop):
    """Every number that a merchant looks at."""
    db.session.expire_all()
    row, merchant = LoyaltyTransaction, db.session.get(Merchant, shop.merchant.id)
    summed = select(row.type, func.count(), func.sum(row.points_delta), func.sum(row.stamps_delta))
    held = select(func.count(), func.sum(LoyaltyCard.points_balance), func.sum(LoyaltyCard.stamps_balance))
    issued = select(RewardIssue.status, func.count()).group_by(RewardIssue.status)
    told = {
        "ledger": sorted(map(tuple, db.session.execute(summed.group_by(row.type)))),
        "cards": tuple(db.session.execute(held, execution_options=DEAD_TOO).one()),
        "rewards": sorted(map(tuple, db.session.execute(issued))),
        "points": numbers.points(merchant, YEAR),
        "ever": numbers.points(merchant),
        "members": numbers.members(merchant, YEAR),
        "liability": numbers.liability(merchant, now=at(30 * DAY)),
        "flows": reports.store_flows(merchant, YEAR),
        "staff": [vars(one) for one in reports.staff_operations(merchant, YEAR)],
        "cohorts": reports.cohorts(merchant, now=at(60 * DAY)),
    }
    db.session.rollback()
    return told


def test_the_shop_has_something_in_every_report(busy):
    told = totals(busy)
    assert (told["points"].issued, told["points"].redeemed) == (49, 20)
    assert {kind for kind, *_ in told["ledger"]} == {
        "enrol",
        "earn",
        "stamp",
        "stamp_complete",
        "redeem",
        "refund_reversal",
        "void",
    }
    assert len(told["staff"]) == 2
    assert all(told.values())


KINDS = ["store", "product", "member", "customer", "program", "reward", "card"]


@pytest.mark.parametrize("kind", KINDS)
def test_deleting_and_restoring_changes_no_total(busy, kind):
    before = totals(busy)
    act = trash.soft_delete_cascade(getattr(busy, kind), by=busy.owner, now=at(DAY))
    db.session.commit()
    assert totals(busy) == before
    trash.restore(act, by=busy.owner, now=at(2 * DAY))
    db.session.commit()
    after = totals(busy)
    assert after == before


def test_a_deleted_person_stays_in_the_numbers(busy):
    before = totals(busy)
    user = busy.member.user
    from portal.models.tenancy import across_merchants

    with across_merchants(db.session, "a test"):
        trash.soft_delete_cascade(user, by=busy.owner, now=at(DAY))
        db.session.commit()
    assert totals(busy) == before


def balances(shop, moment):
    merchant = db.session.get(Merchant, shop.merchant.id)
    return list(numbers.balances(merchant, now=moment))


def test_restoring_a_program_brings_identical_balances(busy):
    before = balances(busy, at(DAY))
    rows = select(
        LoyaltyCard.id, LoyaltyCard.points_balance, LoyaltyCard.stamps_balance, LoyaltyCard.tier_key
    )
    cards = db.session.execute(rows.order_by(LoyaltyCard.id)).all()
    act = trash.soft_delete_cascade(busy.program, by=busy.owner, now=at(DAY))
    db.session.commit()
    assert len(balances(busy, at(DAY))) == 1  # the header alone
    trash.restore(act, by=busy.owner, now=at(DAY + 5))
    db.session.commit()
    assert balances(busy, at(DAY)) == before
    assert db.session.execute(rows.order_by(LoyaltyCard.id)).all() == cards


def test_restoring_a_program_gives_thirty_days_to_points_that_were_due(busy):
    act = trash.soft_delete_cascade(busy.program, by=busy.owner, now=at(DAY))
    db.session.commit()
    trash.restore(act, by=busy.owner, now=at(300 * DAY))
    db.session.commit()
    busy.earn(0, 329 * DAY)
    assert busy.rows().count(("expire", -20, 0)) == 0
