"""Section 6 of the rules of loyalty: what was a mistake is reversed, once."""

import pytest
from sqlalchemy import select

from portal.extensions import db
from portal.models import AuditEntry, LoyaltyTransaction, ReviewItem
from portal.models.loyalty_transaction import TYPES, VOIDABLE
from portal.services import trash
from tests.factories import (
    NOW,
    give,
    make_reward,
    make_store,
    make_user,
    manager_of,
    staff_of,
)
from tests.services.ledger.stage import DAY, FOR_EVER, HOUR, dead, refused, sentences

STAMPS = {"loyalty_type": "stamps", "stamps_target": 10}
# What each type may move, to write one by hand.
MOVES = {
    "earn": 5,
    "adjust": 5,
    "redeem": -5,
    "refund_reversal": -5,
    "expire": -5,
    "forfeit": -5,
    "welcome_bonus": 5,
}


@pytest.mark.parametrize("kind", sorted(set(TYPES) - set(VOIDABLE) - {"void"}))
def test_only_some_kinds_can_be_voided(points_shop, kind):
    row = give(points_shop.card, kind=kind, points=MOVES.get(kind, 0))
    with refused("not_voidable"):
        points_shop.void(row, 1)


def test_they_are_earn_stamp_adjust_redeem_and_refund_reversal():
    assert set(VOIDABLE) == {"earn", "stamp", "adjust", "redeem", "refund_reversal"}


def test_a_void_cannot_be_voided(points_shop):
    void = points_shop.void(points_shop.earn(500).rows[0], 1).rows[0]
    with refused("not_voidable"):
        points_shop.void(void, 2)


DONE = {
    "earn": lambda shop: shop.earn(500).rows[0],
    "stamp": lambda shop: shop.stamp(3).rows[0],
    "adjust up": lambda shop: give(shop.card, kind="adjust", points=7, stamps=1),
    "adjust down": lambda shop: give(shop.card, kind="adjust", points=-7, stamps=-1),
    "redeem": lambda shop: shop.issue(shop.reward, at_once=True).rows[0],
    "refund": lambda shop: shop.refund(shop.earned, 1000).rows[0],
}


@pytest.fixture
def full_shop(shop_with):
    shop = shop_with(loyalty_type="hybrid", stamps_target=10)
    shop.reward = make_reward(shop.program, points_required=10, stock=1)
    shop.earned = shop.earn(2000, stamps=1).rows[0]
    return shop


@pytest.mark.parametrize("do", DONE.values(), ids=DONE)
def test_a_void_reverses_a_row_exactly_and_once(full_shop, do):
    shop = full_shop
    before = (shop.points, shop.stamps)
    row = do(shop)
    void = shop.void(row, 1, reason_code="mistake", key="k").rows[0]
    assert (shop.points, shop.stamps) == before
    assert (void.type, void.reverses_id, void.linked_id) == ("void", row.id, row.id)
    assert (void.points_delta, void.stamps_delta) == (-row.points_delta, -row.stamps_delta)
    assert (void.reason_code, void.order_id) == ("mistake", row.order_id)
    with refused("already_voided"):
        shop.void(row, 2)
    assert shop.void(row, 3, reason_code="mistake", key="k").is_replay


def test_a_void_by_a_manager_is_in_the_log(points_shop):
    row = points_shop.earn(500).rows[0]
    points_shop.void(row, 1)
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action.like("%void%"))).one()
    assert entry.details["transaction_id"] == row.id


# refunds and voids


def test_an_earn_with_a_live_refund_cannot_be_voided_the_rest_is_refunded(points_shop):
    row = points_shop.earn(1999).rows[0]
    back = points_shop.refund(row, 1000, 1).rows[0]
    with refused("has_refunds", "Refund the rest"):
        points_shop.void(row, 2)
    points_shop.void(back, 3)
    points_shop.void(row, 4)
    assert points_shop.points == 0


def test_what_expired_is_not_taken_by_a_void_either(shop_with):
    shop = shop_with(points_expiration_days=10, void_window_hours=FOR_EVER)
    row = shop.earn(2000).rows[0]
    give(shop.card, points=-5)
    shop.earn(0, 30 * DAY)
    assert (shop.void(row, 31 * DAY).points, shop.points) == (-5, -5)


def test_a_void_forgives_as_the_policy_of_the_purchase_says(shop_with):
    shop = shop_with(clawback_policy="clamp_to_zero")
    row = shop.earn(2000).rows[0]
    give(shop.card, points=-15)
    shop.change(clawback_policy="allow_negative")
    void = shop.void(row, 1).rows[0]
    assert (void.points_delta, void.rule_snapshot["forgiven"], shop.points) == (-5, 15, 0)


@pytest.mark.parametrize("what", ["customer", "program"])
def test_voids_may_post_to_a_dead_card(points_shop, what):
    row = points_shop.earn(2000).rows[0]
    owner = points_shop.card.customer if what == "customer" else points_shop.program
    trash.soft_delete_cascade(owner, by=points_shop.owner, now=NOW)
    db.session.commit()
    points_shop.void(row, 1)
    assert dead(points_shop.card).points_balance == 0


# stamps

NINE = [
    ("9 + 12, void the 12 → 9", [9, 12], 1, 9, ["cancelled", "cancelled"]),
    ("9 + 12, void the 9 → 2 of the next card, one reward left", [9, 12], 0, 2, ["issued", "cancelled"]),
    ("one reward is enough", [9, 2], 1, 9, ["cancelled"]),
    ("no reward was needed", [3, 4], 1, 3, []),
    ("the balance is exactly 0: nothing is cancelled", [10, 5], 1, 0, ["issued"]),
    ("all of it", [25], 0, 0, ["cancelled", "cancelled"]),
]


@sentences("stamps which left issues", NINE)
def test_voiding_stamps_cancels_open_rewards_the_newest_first_until_it_is_not_negative(
    shop_with, stamps, which, left, issues
):
    shop = shop_with(**STAMPS)
    rows = [shop.stamp(n, minute).rows[0] for minute, n in enumerate(stamps)]
    shop.void(rows[which], 9)
    assert (shop.stamps, [i.status for i in shop.issues()]) == (left, issues)
    assert db.session.scalars(select(ReviewItem)).all() == []


def test_each_reward_returns_the_target_it_remembers(shop_with):
    shop = shop_with(**STAMPS)
    first = shop.stamp(10).rows[0]
    shop.change(stamps_target=4)
    shop.stamp(4, 1)
    shop.void(first, 2)
    assert (shop.stamps, [i.status for i in shop.issues()]) == (4, ["cancelled", "cancelled"])


def test_rewards_handed_over_stay_and_the_missing_stamps_are_flagged(shop_with):
    shop = shop_with(**STAMPS)
    row = shop.stamp(12).rows[0]
    shop.redeem(shop.issues()[0].id, 1)
    store = make_store(shop.merchant)
    void = shop.void(row, 2, store_id=store.id).rows[0]
    assert (shop.stamps, [i.status for i in shop.issues()]) == (-10, ["redeemed"])
    item = db.session.scalars(select(ReviewItem)).one()
    assert (item.kind, item.status, item.card_id, item.store_id) == (
        "negative_stamps",
        "open",
        shop.card.id,
        store.id,
    )
    assert (item.transaction_id, item.details, item.created_at) == (void.id, {"stamps": -10}, void.created_at)


def test_a_reward_whose_time_is_over_gives_nothing_back(shop_with):
    shop = shop_with(**STAMPS, reward_valid_days=1, void_window_hours=FOR_EVER)
    row = shop.stamp(12).rows[0]
    shop.void(row, 3 * DAY)
    assert (shop.stamps, [i.status for i in shop.issues()]) == (-10, ["issued"])


def test_stamps_of_a_card_below_zero_count_up_again(shop_with):
    shop = shop_with(**STAMPS)
    row = shop.stamp(12).rows[0]
    shop.redeem(shop.issues()[0].id, 1)
    shop.void(row, 2)
    shop.stamp(19, 3)
    assert (shop.stamps, len(shop.issues())) == (9, 1)


def test_a_points_reward_is_not_cancelled_for_stamps(full_shop):
    shop = full_shop
    shop.issue(shop.reward)
    row = shop.stamp(12, 1).rows[0]
    shop.void(row, 2)
    assert sorted(i.status for i in shop.issues()) == ["cancelled", "issued"]


# rewards


def test_voiding_a_reward_taken_at_the_till_gives_points_and_stock_back(full_shop):
    shop = full_shop
    row = shop.issue(shop.reward, at_once=True, store_id=make_store(shop.merchant).id).rows[0]
    void = shop.void(row, 1).rows[0]
    db.session.refresh(shop.reward)
    issue = shop.issues()[0]
    assert (shop.points, shop.reward.stock, issue.status, issue.redeemed_at) == (20, 1, "cancelled", None)
    assert (issue.redeemed_store_id, void.reward_issue_id) == (None, issue.id)
    with refused("not_redeemed"):
        shop.void(shop.issue(shop.reward, 2).rows[0], 3)


def test_voiding_what_paid_for_a_reward_handed_over_later_gives_points_and_stock_back(full_shop):
    shop = full_shop
    paid = shop.issue(shop.reward).rows[0]
    handed = shop.redeem(paid.reward_issue_id, 1).rows[0]
    shop.void(paid, 2)
    db.session.refresh(shop.reward)
    assert (shop.points, shop.reward.stock, shop.issues()[0].status) == (20, 1, "cancelled")
    with refused("not_redeemed"):
        shop.void(handed, 3)


def test_voiding_the_handing_over_leaves_the_reward_ready(full_shop):
    shop = full_shop
    paid = shop.issue(shop.reward).rows[0]
    handed = shop.redeem(paid.reward_issue_id, 1).rows[0]
    with db.session.no_autoflush:
        shop.void(handed, 2)
    assert (shop.points, shop.issues()[0].status) == (10, "issued")
    shop.redeem(paid.reward_issue_id, 3)
    assert shop.issues()[0].status == "redeemed"


def test_voiding_the_handing_over_of_a_stamp_reward_leaves_it_ready(shop_with):
    shop = shop_with(**STAMPS)
    shop.stamp(10)
    handed = shop.redeem(shop.issues()[0].id, 1).rows[0]
    shop.void(handed, 2)
    assert (shop.stamps, shop.issues()[0].status) == (0, "issued")


def test_the_window_of_a_reward_begins_when_it_was_handed_over(full_shop):
    shop = full_shop
    paid = shop.issue(shop.reward).rows[0]
    shop.redeem(paid.reward_issue_id, 30 * HOUR)
    shop.void(paid, 54 * HOUR)
    assert shop.points == 20


# who, and for how long

WINDOWS = [
    ("the same staff at once", "staff", 0, None),
    ("the same staff, exactly 10 minutes", "staff", 10, None),
    ("the same staff, a second more", "staff", 10 + 1 / 60, "not_allowed"),
    ("other staff", "other", 1, "not_allowed"),
    ("a manager, exactly the window", "manager", 24 * HOUR, None),
    ("a manager, a second more", "manager", 24 * HOUR + 1 / 60, "too_late"),
    ("an owner, a second more", "owner", 24 * HOUR + 1 / 60, "too_late"),
    ("an administrator, years later", "admin", 1000 * DAY, None),
]


@sentences("who minutes code", WINDOWS)
def test_who_may_void_and_for_how_long(points_shop, who, minutes, code):
    from tests.factories import ADMIN

    shop, store = points_shop, make_store(points_shop.merchant)
    one = staff_of(store, user=make_user())
    people = {
        "staff": one,
        "other": staff_of(store, user=make_user()),
        "manager": manager_of(store, user=make_user()),
        "owner": shop.owner,
        "admin": ADMIN,
    }
    row = shop.earn(500, by=one).rows[0]
    if code:
        with refused(code):
            shop.void(row, minutes, by=people[who])
    else:
        shop.void(row, minutes, by=people[who])
    assert shop.points == (5 if code else 0)


def test_the_window_is_the_programs(shop_with):
    shop = shop_with(void_window_hours=1)
    row = shop.earn(500).rows[0]
    with refused("too_late", "1 hour"):
        shop.void(row, 61)


def test_posted_late_the_window_begins_with_the_posting(points_shop):
    row = points_shop.earn(500, 30 * HOUR, happened_at=NOW).rows[0]
    points_shop.void(row, 50 * HOUR)
    assert isinstance(row, LoyaltyTransaction)
    assert points_shop.points == 0
