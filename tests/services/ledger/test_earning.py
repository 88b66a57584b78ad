"""Section 2 of the rules of loyalty: what a purchase earns. Each row names the sentence it holds to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.errors import Refused
from portal.extensions import db
from portal.services import trash
from portal.services.amounts import cents_from
from portal.services.ledger import earning
from portal.services.ledger.earning import MOST_CENTS, earn, points_for
from tests.factories import NOW, make_card, make_order, make_reward, make_store
from tests.services.ledger.stage import DAY, refused, sentences
from tests.services.trash_stage import statements

TIERS = [
    {"key": "base", "name": "Base", "threshold": 0, "multiplier_bp": 10_000},
    {"key": "plus", "name": "Plus", "threshold": 100, "multiplier_bp": 15_000},
]

ONE_FLOOR = [
    # the sentence's own examples
    ("19.99 at 10/€ = 199", "19.99", 10, 10_000, 199),
    ("19.90 at 1/€ ×1.5 = 29", "19.90", 1, 15_000, 29),
    ("0.58 at 50/€ = 29", "0.58", 50, 10_000, 29),
    # a comma is as good as a point
    ("19,99 at 10/€ = 199", "19,99", 10, 10_000, 199),
    # a cent earns nothing until a point is full
    ("0.99 at 1/€ = 0", "0.99", 1, 10_000, 0),
    ("1.00 at 1/€ = 1", "1.00", 1, 10_000, 1),
    ("0.01 at 100/€ = 1", "0.01", 100, 10_000, 1),
    # one floor, at the end: flooring before the multiplier would give 1
    ("1.99 at 1/€ ×2 = 3", "1.99", 1, 20_000, 3),
    ("0.99 at 1/€ ×1.5 = 1", "0.99", 1, 15_000, 1),
    # what a float gets wrong: 0.29 × 100 is 28.999…
    ("0.29 at 100/€ = 29", "0.29", 100, 10_000, 29),
    ("1.15 at 100/€ = 115", "1.15", 100, 10_000, 115),
    ("0 earns 0", "0", 10, 10_000, 0),
    ("no points per euro", "100", 0, 10_000, 0),
    # the largest that can be meant still fits
    ("a hundred million at the most", "100000000.00", 10_000, 1_000_000, 10**14),
]


@sentences("typed per_euro bp points", ONE_FLOOR)
def test_points_are_eligible_times_rate_times_multiplier_with_one_floor(typed, per_euro, bp, points):
    assert points_for(cents_from(typed), per_euro, bp) == points


@given(st.integers(0, MOST_CENTS), st.integers(0, 10_000), st.integers(1_000, 1_000_000))
def test_points_are_never_more_than_the_exact_value_and_less_than_one_below(cents, per_euro, bp):
    points = points_for(cents, per_euro, bp)
    exact = cents * per_euro * bp
    assert isinstance(points, int)
    assert points * 1_000_000 <= exact < (points + 1) * 1_000_000


ELIGIBLE = [
    ("the whole bill", {}, 2000, 20),
    ("minus excluded lines", {"excluded_cents": 500}, 1500, 15),
    ("minus the redemption discount", {"discount_cents": 300}, 1700, 17),
    ("minus both", {"excluded_cents": 500, "discount_cents": 300}, 1200, 12),
    ("nothing left", {"excluded_cents": 2000}, 0, 0),
    ("never below zero", {"excluded_cents": 1900, "discount_cents": 500}, 0, 0),
]


@sentences("less eligible points", ELIGIBLE)
def test_eligible_is_the_total_less_discount_and_excluded_lines(points_shop, less, eligible, points):
    row = points_shop.earn(2000, **less).rows[0]
    assert (row.amount_cents, row.eligible_cents, row.points_delta) == (2000, eligible, points)
    assert points_shop.points == points


MINIMUM = [
    ("a cent below", 999, {}, "below_minimum", 0),
    ("equal qualifies", 1000, {}, "earned", 10),
    ("above", 1001, {}, "earned", 10),
    ("the eligible part counts, not the total", 1500, {"excluded_cents": 501}, "below_minimum", 0),
    ("the eligible part is just enough", 1500, {"excluded_cents": 500}, "earned", 10),
]


@sentences("cents less code points", MINIMUM)
def test_below_the_minimum_purchase_nothing_is_earned_but_the_visit_is_recorded(
    shop_with, cents, less, code, points
):
    shop = shop_with(minimum_purchase_cents=1000)
    posting = shop.earn(cents, **less)
    assert (posting.code, posting.points, shop.rows()) == (code, points, [("earn", points, 0)])


def test_a_purchase_of_nothing_is_a_visit_that_keeps_points_from_expiring(points_shop):
    posting = points_shop.earn(0, 5)
    assert (posting.code, posting.points, len(posting.rows)) == ("earned", 0, 1)
    assert points_shop.card.last_activity_at == posting.rows[0].occurred_at


def test_the_row_takes_down_the_rules_it_was_counted_by(shop_with):
    shop = shop_with(
        points_per_euro=3, minimum_purchase_cents=50, tier_config=TIERS, clawback_policy="clamp_to_zero"
    )
    row = shop.earn(100).rows[0]
    assert row.rule_snapshot == {
        "points_per_euro": 3,
        "multiplier_bp": 10_000,
        "tier_key": None,
        "minimum_purchase_cents": 50,
        "clawback_policy": "clamp_to_zero",
    }
    assert (row.program_version, row.program_id) == (shop.program.version, shop.program.id)


def test_the_row_says_who_where_when_and_through_what(points_shop):
    store = make_store(points_shop.merchant)
    row = points_shop.earn(100, 7, store_id=store.id, source="till", is_pin_unverified=True).rows[0]
    assert (row.staff_id, row.store_id, row.source, row.is_pin_unverified) == (
        points_shop.owner.user_id,
        store.id,
        "till",
        True,
    )
    assert row.occurred_at == row.created_at == points_shop.visit(7).now


@pytest.mark.parametrize(
    "amounts",
    [
        {"spent_cents": -1},
        {"spent_cents": MOST_CENTS + 1},
        {"spent_cents": 1, "excluded_cents": -1},
        {"spent_cents": 1, "discount_cents": -1},
    ],
)
def test_an_amount_nobody_can_mean_is_refused(points_shop, amounts):
    with refused("bad_amount"):
        earn(points_shop.card.id, visit=points_shop.visit(), **amounts)
    assert points_shop.rows() == []


REFUSED = [
    ("a paused program", {"is_active": False}, {}, "not_earning"),
    ("a program of stamps", {"loyalty_type": "stamps"}, {}, "no_points"),
    ("a suspended card", {}, {"status": "suspended"}, "card_suspended"),
]


@sentences("rules card code", REFUSED)
def test_who_may_not_earn_hears_why(shop_with, rules, card, code):
    shop = shop_with(**rules)
    shop.card = make_card(shop.program, **card)
    with refused(code):
        shop.earn(1000)
    assert shop.rows() == []


GONE = [
    ("program", "program_gone"),
    ("customer", "card_gone"),
    ("card", "card_gone"),
    ("store", "store_gone"),
]


@pytest.mark.parametrize(("what", "code"), GONE)
@pytest.mark.parametrize("act", ["earn", "stamp", "issue", "redeem", "cancel"])
def test_to_what_is_in_the_trash_nothing_is_posted(shop_with, act, what, code):
    """Only refunds, voids and forfeits may post to a dead card."""
    shop = shop_with(loyalty_type="hybrid", stamps_target=5)
    store, reward = make_store(shop.merchant), make_reward(shop.program, points_required=5)
    shop.earn(1000)
    issue = shop.issue(reward).rows[0].reward_issue_id
    rows = shop.rows()
    gone = {"program": shop.program, "customer": shop.card.customer, "card": shop.card, "store": store}
    trash.soft_delete_cascade(gone[what], by=shop.owner, now=NOW)
    db.session.commit()
    given = {"earn": 100, "stamp": 1, "issue": reward, "redeem": issue, "cancel": issue}
    with refused(code):
        getattr(shop, act)(given[act], 1, store_id=store.id)
    assert shop.rows() == rows


# attempts


@pytest.fixture
def sale(points_shop):
    """A shop and an order."""
    return points_shop, make_order(make_store(points_shop.merchant), total_cents=1000)


def test_an_order_earns_once(sale):
    shop, order = sale
    first = shop.earn(1000, order_id=order.id).rows[0]
    with refused("already_earned"):
        shop.earn(1000, 1, order_id=order.id)
    assert (first.order_id, first.attempt_no, shop.rows()) == (order.id, 1, [("earn", 10, 0)])


def test_the_first_attempt_does_not_look_for_voided_ones(sale):
    shop, order = sale
    with statements() as sent:
        shop.earn(1000, order_id=order.id)
    assert len([each for each in sent if "count(*)" in each]) == 1


def test_a_further_attempt_needs_that_no_live_earn_of_the_order_is_left(sale):
    shop, order = sale
    first = shop.earn(1000, order_id=order.id).rows[0]
    shop.void(first, 1)
    second = shop.earn(1000, 2, order_id=order.id).rows[0]
    assert (second.attempt_no, shop.points) == (2, 10)
    with refused("already_earned"):
        shop.earn(1000, 3, order_id=order.id)


def test_a_refunded_earn_is_still_live(sale):
    """Only a void makes room for another attempt: the refund says that the goods came back."""
    shop, order = sale
    first = shop.earn(1000, order_id=order.id).rows[0]
    shop.refund(first, 1000, 1)
    with refused("already_earned"):
        shop.earn(1000, 2, order_id=order.id)


def test_purchases_without_an_order_earn_each(points_shop):
    points_shop.earn(1000)
    assert points_shop.earn(1000, 1).rows[0].attempt_no is None
    assert points_shop.points == 20


def test_two_orders_earn_each(sale):
    shop, order = sale
    another = make_order(make_store(shop.merchant), total_cents=500)
    shop.earn(1000, order_id=order.id)
    shop.earn(500, order_id=another.id)
    assert shop.points == 15


def test_an_order_that_earned_on_one_card_earns_on_no_other(sale):
    shop, order = sale
    shop.earn(1000, order_id=order.id)
    with refused("already_earned"):
        shop.earn(1000, 1, on=make_card(shop.program), order_id=order.id)


def test_an_order_in_the_trash_earns_nothing(sale):
    shop, order = sale
    trash.soft_delete_cascade(order, by=shop.owner, now=NOW)
    db.session.commit()
    with refused("order_gone"):
        shop.earn(1000, 1, order_id=order.id)


# tiers


def test_the_purchase_that_crosses_earns_at_the_old_rate_and_the_next_at_the_new(shop_with):
    shop = shop_with(tier_config=TIERS)
    assert [shop.earn(10_000, n).points for n in range(2)] == [100, 150]


def test_a_tier_that_is_gone_from_the_rules_counts_once(shop_with):
    shop = shop_with(tier_config=TIERS)
    assert earning.multiplier_of(shop.program, "gone") == 10_000
    assert earning.multiplier_of(shop.program, "plus") == 15_000


# points and stamps of one purchase


HYBRID = {"loyalty_type": "hybrid", "stamps_target": 10}


def test_one_purchase_posts_points_and_stamps_together(shop_with):
    shop = shop_with(**HYBRID)
    posting = shop.earn(1000, stamps=2, key="a")
    assert [(r.type, r.points_delta, r.stamps_delta) for r in posting.rows] == [
        ("earn", 10, 0),
        ("stamp", 0, 2),
    ]
    assert (posting.points, posting.stamps, posting.refused) == (10, 2, None)
    assert posting.rows[1].linked_id == posting.rows[0].id


@pytest.mark.parametrize(
    ("rules", "stamps", "code"),
    [
        (HYBRID | {"cooldown_minutes": 15}, 1, "cooldown"),
        (HYBRID | {"max_daily_stamps": 2}, 2, "daily_cap"),
        (HYBRID | {"max_stamps_per_transaction": 2}, 3, "bad_quantity"),
        ({"loyalty_type": "points"}, 1, "no_stamps"),
    ],
)
def test_refused_stamps_do_not_refuse_the_points_and_the_answer_says_both(shop_with, rules, stamps, code):
    shop = shop_with(**rules)
    if code != "no_stamps":
        shop.stamp()
    before = shop.stamps
    posting = shop.earn(1000, 1, stamps=stamps, key="k")
    assert (posting.points, posting.stamps, posting.refused.code) == (10, 0, code)
    assert (shop.points, shop.stamps) == (10, before)
    again = shop.earn(1000, DAY, stamps=stamps, key="k")
    assert again.is_replay
    assert (again.points, again.refused.code, str(again.refused)) == (10, code, str(posting.refused))


def test_a_refusal_of_the_points_refuses_the_stamps_too(shop_with):
    shop = shop_with(**HYBRID)
    with pytest.raises(Refused):
        shop.earn(-1, stamps=1)
    assert shop.rows() == []
