"""Section 6 of the rules of loyalty: giving money back takes points back, exactly."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.extensions import db
from portal.models import LoyaltyTransaction
from portal.services import trash
from portal.services.ledger.earning import points_for
from portal.services.ledger.merging import merge_customers
from portal.services.ledger.refunding import reverse_earn
from portal.services.ledger.verifying import verify
from tests.factories import NOW, give, make_card, make_reward, make_store
from tests.services.ledger.stage import DAY, at, dead, done, refused, sentences

SPLITS = [
    ("19 points on 19.99, refunded 10.00, 5.00, 4.99", 1999, [1000, 500, 499], [-10, -5, -4]),
    ("in one", 1999, [1999], [-19]),
    ("cent by cent keeps what is full", 300, [1, 99, 100, 100], [-1, 0, -1, -1]),
    ("capped at what is left", 1999, [1500, 1500, 10], [-15, -4, 0]),
    ("eligible 0 posts 0", 1999, [0], [0]),
    ("a purchase that earned nothing", 99, [99], [0]),
]


@sentences("cents parts points", SPLITS)
def test_a_refund_takes_back_what_was_kept_before_less_what_is_kept_now(points_shop, cents, parts, points):
    row = points_shop.earn(cents).rows[0]
    backs = [points_shop.refund(row, part, n).points for n, part in enumerate(parts, 1)]
    assert backs == points
    assert points_shop.points == row.points_delta + sum(points)


@given(st.data())
def test_any_split_adds_up_to_what_was_earned(data):
    eligible = data.draw(st.integers(1, 10_000_000))
    points = points_for(eligible, data.draw(st.integers(0, 10_000)), data.draw(st.integers(1_000, 1_000_000)))
    row = LoyaltyTransaction(points_delta=points, eligible_cents=eligible)
    cuts = sorted(data.draw(st.lists(st.integers(0, eligible), max_size=8)))
    kept = [row.kept_after_refunds(cut) for cut in [0, *cuts, eligible]]
    assert (kept[0], kept[-1]) == (points, 0)
    assert kept == sorted(kept, reverse=True)
    assert sum(before - after for before, after in pairwise(kept)) == points


def test_what_is_kept_never_falls_below_nothing():
    row = LoyaltyTransaction(points_delta=19, eligible_cents=1999)
    assert row.kept_after_refunds(5000) == 0
    assert LoyaltyTransaction(points_delta=0, eligible_cents=0).kept_after_refunds(0) == 0


def test_the_row_says_what_it_was_about(points_shop):
    earned = points_shop.earn(1999).rows[0]
    store = make_store(points_shop.merchant)
    row = points_shop.refund(earned, 1000, 5, store_id=store.id, source="till").rows[0]
    assert (row.type, row.linked_id, row.eligible_cents) == ("refund_reversal", earned.id, 1000)
    assert (row.store_id, row.source, row.staff_id) == (store.id, "till", points_shop.owner.user_id)
    assert row.rule_snapshot == {"owed": 10, "set_off": [], "forgiven": 0}


def test_a_negative_refund_is_no_refund(points_shop):
    row = points_shop.earn(1999).rows[0]
    with refused("bad_amount"):
        points_shop.refund(row, -1)


def test_a_voided_purchase_has_nothing_to_refund(points_shop):
    row = points_shop.earn(1999).rows[0]
    points_shop.void(row, 1)
    with refused("already_voided"):
        points_shop.refund(row, 1000, 2)
    assert points_shop.points == 0


# never today's rule

CHANGES = {
    "more points for a euro": lambda shop: shop.change(points_per_euro=50),
    "a higher minimum": lambda shop: shop.change(minimum_purchase_cents=10_000),
    "another policy": lambda shop: shop.change(clawback_policy="clamp_to_zero"),
    "a multiplier": lambda shop: shop.change(
        tier_config=[{"key": "a", "name": "A", "threshold": 0, "multiplier_bp": 50_000}]
    ),
    "stamps instead of points": lambda shop: shop.change(loyalty_type="stamps"),
    "switched off": lambda shop: shop.change(is_active=False),
    "the program is in the trash": lambda shop: throw(shop, shop.program),
    "the customer is in the trash": lambda shop: throw(shop, shop.card.customer),
    "the card is in the trash": lambda shop: throw(shop, shop.card),
    "the card is suspended": lambda shop: suspend(shop.card),
}


def throw(shop, row):
    trash.soft_delete_cascade(row, by=shop.owner, now=NOW)
    db.session.commit()


def suspend(card):
    card.status = "suspended"
    db.session.commit()


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_refund_works_by_the_rules_of_the_purchase_whatever_came_after(points_shop, change):
    row = points_shop.earn(1999).rows[0]
    give(points_shop.card, points=-5)
    change(points_shop)
    db.session.expire_all()
    backs = [points_shop.refund(row, part, n).points for n, part in enumerate([1000, 500, 499], 1)]
    assert backs == [-10, -5, -4]
    assert dead(points_shop.card).points_balance == -5


def test_a_refund_in_a_store_that_is_in_the_trash(points_shop):
    store = make_store(points_shop.merchant)
    row = points_shop.earn(1999, store_id=store.id).rows[0]
    throw(points_shop, store)
    assert points_shop.refund(row, 1999, 1, store_id=store.id).points == -19


# too little balance

SPENT = [
    ("allow_negative: the card goes below zero", "allow_negative", 12, (-19, -12, 0)),
    ("clamp_to_zero: the shortfall is forgiven, in the row", "clamp_to_zero", 12, (-7, 0, 12)),
    ("clamp_to_zero: enough is there", "clamp_to_zero", 0, (-19, 0, 0)),
    ("clamp_to_zero: nothing is there", "clamp_to_zero", 19, (0, 0, 19)),
    ("clamp_to_zero: a card below zero already is not lifted", "clamp_to_zero", 25, (0, -6, 19)),
]


@sentences("policy spent after", SPENT)
def test_too_little_balance(shop_with, policy, spent, after):
    taken, left, forgiven = after
    shop = shop_with(clawback_policy=policy)
    row = shop.earn(1999).rows[0]
    give(shop.card, points=-spent)
    back = shop.refund(row, 1999, 1)
    assert (back.points, shop.points, back.rows[0].rule_snapshot["forgiven"]) == (taken, left, forgiven)


def test_the_policy_of_the_purchase_forgives_also_after_it_changed(shop_with):
    shop = shop_with(clawback_policy="clamp_to_zero")
    row = shop.earn(1999).rows[0]
    give(shop.card, points=-19)
    shop.change(clawback_policy="allow_negative")
    assert shop.refund(row, 1999, 1).points == 0


# what already expired is not taken twice


@pytest.fixture
def expiring_shop(shop_with):
    """Points are gone after ten days without a visit."""
    return shop_with(points_expiration_days=10)


def test_what_expired_since_is_set_off(expiring_shop):
    shop = expiring_shop
    row = shop.earn(2000).rows[0]
    shop.earn(100, 30 * DAY)
    back = shop.refund(row, 2000, 31 * DAY).rows[0]
    expired = next(r for r in shop.movements() if r.type == "expire")
    assert (back.points_delta, shop.points) == (0, 1)
    assert back.rule_snapshot == {"owed": 20, "set_off": [{"row": expired.id, "points": 20}], "forgiven": 0}


def test_an_expiry_that_is_due_is_posted_before_the_refund_and_set_off(expiring_shop):
    row = expiring_shop.earn(2000).rows[0]
    back = expiring_shop.refund(row, 2000, 30 * DAY)
    assert [(r.type, r.points_delta) for r in back.rows] == [("expire", -20), ("refund_reversal", 0)]


def test_only_what_expired_is_set_off_what_was_spent_is_owed(expiring_shop):
    shop = expiring_shop
    row = shop.earn(2000).rows[0]
    give(shop.card, points=-15)
    assert shop.refund(row, 2000, 30 * DAY).points == -15
    assert shop.points == -15


def test_what_one_reversal_set_off_is_not_set_off_again(expiring_shop):
    """Two purchases of 20, 10 spent, 30 expired: the first refund costs nothing, the second the 10."""
    shop = expiring_shop
    rows = [shop.earn(2000, n).rows[0] for n in range(2)]
    give(shop.card, points=-10)
    shop.earn(100, 30 * DAY)
    backs = [shop.refund(row, 2000, 31 * DAY + n).points for n, row in enumerate(rows)]
    assert (backs, shop.points) == ([0, -10], -9)


def test_in_parts_the_set_off_adds_up_to_what_expired(expiring_shop):
    shop = expiring_shop
    row = shop.earn(2000).rows[0]
    give(shop.card, points=-5)
    shop.earn(0, 30 * DAY)
    backs = [shop.refund(row, 500, 31 * DAY + n).points for n in range(4)]
    assert (backs, shop.points) == ([0, 0, 0, -5], -5)


def test_an_expiry_before_the_purchase_is_nothing_to_it(expiring_shop):
    shop = expiring_shop
    shop.earn(2000)
    row = shop.earn(700, 30 * DAY).rows[-1]
    assert shop.refund(row, 700, 31 * DAY).points == -7


def test_two_expiries_are_set_off_the_older_first(expiring_shop):
    shop = expiring_shop
    row = shop.earn(2000).rows[0]
    give(shop.card, points=-15)
    shop.earn(700, 30 * DAY)
    shop.earn(0, 60 * DAY)
    back = shop.refund(row, 2000, 61 * DAY).rows[0]
    assert [part["points"] for part in back.rule_snapshot["set_off"]] == [5, 7]
    assert back.points_delta == -8


def test_a_voided_refund_frees_what_it_had_set_off(expiring_shop):
    shop = expiring_shop
    rows = [shop.earn(2000, n).rows[0] for n in range(2)]
    give(shop.card, points=-20)
    shop.earn(0, 30 * DAY)
    first = shop.refund(rows[0], 2000, 31 * DAY).rows[0]
    shop.void(first, 31 * DAY + 1)
    assert shop.refund(rows[1], 2000, 31 * DAY + 2).points == 0
    assert shop.refund(rows[0], 2000, 31 * DAY + 3).points == -20


def test_a_forfeited_balance_is_not_taken_again(points_shop):
    row = points_shop.earn(2000).rows[0]
    give(points_shop.card, points=-20, kind="forfeit")
    assert points_shop.refund(row, 2000, 1).points == 0


# of somebody merged into another


@pytest.fixture
def merged(expiring_shop):
    """Twenty points on a record that is merged into another, whose own ten had expired before."""
    shop = expiring_shop
    loser, shop.card = shop.card, make_card(shop.program)
    shop.earn(1000)
    shop.earn(0, 20 * DAY)
    earned = shop.earn(2000, 20 * DAY, on=loser).rows[0]
    merge_customers(shop.card.customer, loser.customer, visit=shop.visit(21 * DAY))
    db.session.commit()
    return shop, earned


def test_a_refund_posts_to_the_survivor_and_sets_off_nothing_of_before(merged):
    shop, earned = merged
    back = shop.refund(earned, 2000, 22 * DAY).rows[0]
    assert (back.card_id, back.points_delta, shop.points) == (shop.card.id, -20, 0)


def test_what_expired_on_the_survivor_after_the_merge_is_set_off(merged):
    shop, earned = merged
    shop.earn(0, 60 * DAY)
    assert shop.rows().count(("expire", -20, 0)) == 1
    assert shop.refund(earned, 2000, 61 * DAY).points == 0


# a voided refund


def test_a_voided_refund_no_longer_counts_as_refunded(points_shop):
    row = points_shop.earn(1999).rows[0]
    first = points_shop.refund(row, 1000, 1).rows[0]
    assert points_shop.void(first, 2).points == 10
    backs = [points_shop.refund(row, part, 3 + n).points for n, part in enumerate([1000, 999])]
    assert (backs, points_shop.points) == ([-10, -9], 0)


def test_a_voided_refund_gives_back_what_it_took_not_what_it_forgave(shop_with):
    shop = shop_with(clawback_policy="clamp_to_zero")
    row = shop.earn(1999).rows[0]
    give(shop.card, points=-12)
    first = shop.refund(row, 1999, 1).rows[0]
    assert (shop.void(first, 2).points, shop.points) == (7, 7)


# a reward that comes back with the goods


@pytest.fixture
def reward_shop(points_shop):
    """A reward of 10 points was taken, and one of stamps waits."""
    points_shop.reward = make_reward(points_shop.program, points_required=10, stock=1)
    points_shop.earned = points_shop.earn(2000).rows[0]
    points_shop.issue(points_shop.reward, 1, at_once=True)
    return points_shop


def test_a_redeemed_reward_ticked_as_given_back_posts_refund_return(reward_shop):
    shop = reward_shop
    issue = shop.issues()[0]
    back = shop.refund(shop.earned, 2000, 2, given_back=[issue.id])
    assert [(r.type, r.points_delta) for r in back.rows] == [("refund_reversal", -20), ("refund_return", 10)]
    db.session.refresh(shop.reward)
    issue = shop.issues()[0]
    assert (shop.points, shop.reward.stock, issue.status) == (0, 1, "cancelled")
    assert (issue.redeemed_at, issue.redeemed_store_id, back.rows[1].reward_issue_id) == (
        None,
        None,
        issue.id,
    )


@pytest.fixture
def full_shop(shop_with):
    """A card of 5 stamps was filled by a purchase, and its reward handed over."""
    shop = shop_with(loyalty_type="hybrid", stamps_target=5, stamps_reward_value_cents=250)
    shop.earned = shop.earn(2000, stamps=5).rows[0]
    shop.redeem(shop.issues()[0].id, 1)
    return shop


def give_back(shop):
    back = shop.refund(shop.earned, 2000, 2, given_back=[shop.issues()[0].id])
    return [(row.type, row.stamps_delta) for row in back.rows[1:]]


@pytest.mark.parametrize("target", [5, 2, 9])
def test_a_stamp_reward_ticked_as_given_back_is_ready_anew(full_shop, target):
    """Its stamps come back and fill the card again, by the target and at the worth it remembers."""
    shop = full_shop
    shop.change(stamps_target=target, stamps_reward_value_cents=999, reward_valid_days=3)
    assert give_back(shop) == [("refund_return", 5), ("stamp_complete", -5)]
    old, new = shop.issues()
    assert (shop.stamps, old.status, new.status) == (0, "cancelled", "issued")
    assert (new.stamps_target, new.discount_cents, new.issued_at) == (5, 250, at(2))
    assert shop.movements()[-1].linked_id == shop.movements()[-2].id
    assert new.expires_at is not None
    shop.redeem(new.id, 3)
    assert list(verify(shop.merchant.id)) == []


def test_a_stamp_reward_fills_no_card_that_lacks_stamps(full_shop):
    shop = full_shop
    shop.void(shop.movements()[1], 1)
    assert (give_back(shop), shop.stamps) == ([("refund_return", 5)], 0)
    assert list(verify(shop.merchant.id)) == []


def test_stamps_that_are_frozen_by_now_come_back_and_fill_nothing(full_shop):
    shop = full_shop
    shop.change(loyalty_type="points")
    assert (give_back(shop), shop.stamps, len(shop.issues())) == ([("refund_return", 5)], 5, 1)


def test_on_a_card_in_the_trash_stamps_come_back_and_fill_nothing(full_shop):
    shop = full_shop
    trash.soft_delete_cascade(shop.card.customer, by=shop.owner, now=at(1))
    db.session.commit()
    assert give_back(shop) == [("refund_return", 5)]
    assert (dead(shop.card).stamps_balance, list(verify(shop.merchant.id))) == (5, [])


@pytest.mark.parametrize("state", ["returned", "issued", "unknown"])
def test_only_a_reward_that_was_handed_out_comes_back(reward_shop, state):
    shop = reward_shop
    issue = shop.issues()[0].id
    if state == "returned":
        shop.refund(shop.earned, 100, 2, given_back=[issue])
    elif state == "issued":
        give(shop.card, points=100)
        db.session.refresh(shop.reward)
        shop.reward.stock = 5
        db.session.commit()
        issue = shop.issue(shop.reward, 2).rows[0].reward_issue_id
    rows = shop.rows()
    with refused("issue_gone"):
        shop.refund(shop.earned, 100, 3, given_back=[999 if state == "unknown" else issue])
    assert shop.rows() == rows


def test_a_reward_taken_back_twice_in_one_refund_is_refused(reward_shop):
    issue = reward_shop.issues()[0].id
    with refused("issue_gone"):
        reward_shop.refund(reward_shop.earned, 100, 3, given_back=[issue, issue])


def test_what_is_no_purchase_cannot_be_refunded(points_shop):
    row = give(points_shop.card, points=10, kind="adjust")
    with refused("not_refundable"):
        done(reverse_earn(row, 1000, visit=points_shop.visit(1)))
