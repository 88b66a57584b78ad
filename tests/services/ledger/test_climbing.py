"""Section 9 of the rules of loyalty: climbing with a purchase. Going down is the night's."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.extensions import db
from portal.models import TierChange
from tests.factories import give
from tests.services.ledger.stage import DAY, at, sentences
from tests.services.trash_stage import statements

TIERS = [
    {"key": "base", "name": "Base", "threshold": 0, "multiplier_bp": 10_000},
    {"key": "silver", "name": "Silver", "threshold": 100, "multiplier_bp": 15_000},
    {"key": "gold", "name": "Gold", "threshold": 300, "multiplier_bp": 20_000},
]


@pytest.fixture
def tiered(shop_with):
    return shop_with(tier_config=TIERS, void_window_hours=8_760)


def changes(shop):
    found = db.session.scalars(TierChange.of(shop.merchant).order_by(TierChange.id))
    return [(one.from_key, one.to_key, one.qualifying_points) for one in found]


REACHED = [
    ("a cent below the threshold", [9999], "base"),
    ("the threshold is included", [10_000], "silver"),
    ("in two purchases", [5000, 5000], "silver"),
    ("over two thresholds at once", [30_000], "gold"),
    ("a purchase of nothing is in the first", [0], "base"),
]


@sentences("spent tier", REACHED)
def test_a_purchase_lifts_to_the_tier_its_points_reach(tiered, spent, tier):
    for n, cents in enumerate(spent):
        tiered.earn(cents, n)
    db.session.refresh(tiered.card)
    assert tiered.card.tier_key == tier


def test_the_purchase_that_crosses_earns_at_the_old_rate_the_next_at_the_new(tiered):
    assert [tiered.earn(10_000, n).points for n in range(3)] == [100, 150, 150]
    assert [tiered.earn(10_000, n).points for n in range(3, 5)] == [200, 200]


def test_above_the_highest_tier_nothing_is_counted(tiered):
    tiered.earn(10_000)
    with statements() as before:
        tiered.earn(20_000, 1)
    with statements() as after:
        assert tiered.earn(10_000, 2).points == 200
    assert (len(before) - len(after)) >= 2
    assert not [each for each in after if "refund_reversal" in each]


def test_every_change_is_a_row(tiered):
    tiered.earn(1000)
    row = tiered.earn(10_000, 1).rows[0]
    assert changes(tiered) == [(None, "base", 10), ("base", "silver", 110)]
    change = db.session.scalars(select(TierChange).order_by(TierChange.id.desc())).first()
    assert (change.transaction_id, change.changed_at) == (row.id, at(1))
    assert (change.program_version, change.card_id) == (tiered.program.version, tiered.card.id)


NET = [
    ("net of refunds", lambda shop, row: shop.refund(row, 5000, 1)),
    ("net of voids", lambda shop, row: shop.void(row, 1)),
]


@sentences("take", NET)
def test_what_was_taken_back_does_not_qualify(tiered, take):
    take(tiered, tiered.earn(9000).rows[0])
    tiered.earn(5000, 2)
    assert tiered.card.tier_key == "base"


def test_a_voided_refund_qualifies_again(tiered):
    row = tiered.earn(9000).rows[0]
    tiered.void(tiered.refund(row, 5000, 1).rows[0], 2)
    tiered.earn(1000, 3)
    assert tiered.card.tier_key == "silver"


@pytest.mark.parametrize("kind", ["welcome_bonus", "adjust", "import", "redeem_cancel"])
def test_only_what_was_earned_qualifies(tiered, kind):
    give(tiered.card, kind=kind, points=500)
    tiered.earn(1000, 1)
    assert tiered.card.tier_key == "base"


def test_spending_takes_nothing_off(tiered):
    tiered.earn(9000)
    give(tiered.card, points=-90)
    tiered.earn(1000, 1)
    assert tiered.card.tier_key == "silver"


WINDOW = [("within the window", 29, "silver"), ("out of it", 31, "base")]


@sentences("days tier", WINDOW)
def test_the_window_counts_by_when_it_happened(shop_with, days, tier):
    shop = shop_with(tier_config=TIERS, tier_window_days=30)
    shop.earn(9000)
    shop.earn(1000, days * DAY)
    assert shop.card.tier_key == tier


def test_a_late_post_counts_when_it_happened(shop_with):
    shop = shop_with(tier_config=TIERS, tier_window_days=30)
    shop.earn(9000, 40 * DAY, happened_at=at(0) - timedelta(days=1))
    shop.earn(1000, 40 * DAY + 1)
    assert shop.card.tier_key == "base"


def test_a_purchase_never_takes_down(tiered):
    tiered.earn(30_000)
    row = tiered.movements()[0]
    tiered.void(row, 1)
    tiered.earn(100, 2)
    assert tiered.card.tier_key == "gold"


def test_a_tier_that_is_gone_is_the_lowest(tiered):
    tiered.card.tier_key = "platinum"
    db.session.commit()
    tiered.earn(100)
    assert tiered.card.tier_key == "base"


def test_without_tiers_nobody_moves(points_shop):
    points_shop.earn(100_000)
    assert (points_shop.card.tier_key, changes(points_shop)) == (None, [])
