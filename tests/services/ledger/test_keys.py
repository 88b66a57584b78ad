"""Section 3 of the rules of loyalty: one key, one effect."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from portal.errors import Conflict
from portal.extensions import db
from portal.models import IdempotencyKey, LoyaltyCard, LoyaltyTransaction
from portal.services import trash
from portal.services.cards import lift_suspension, suspend_card
from portal.services.ledger.earning import earn
from portal.services.once import forget_old_keys
from portal.services.orders import refund_order
from tests.factories import NOW, make_card, make_order, make_reward, make_store, staff_of, within
from tests.services.ledger.stage import DAY, open_shop, refused

TWO_DAYS = 2 * DAY


def keys(shop):
    return db.session.scalar(select(func.count()).where(IdempotencyKey.merchant_id == shop.merchant.id))


def conflicts(code):
    return pytest.raises(Conflict, check=lambda no: no.code == code)


@pytest.fixture
def stocked(shop_with):
    """A hybrid shop with a reward for 10 points, one in stock, and 50 points on the card."""
    shop = shop_with(loyalty_type="hybrid", stamps_target=3, welcome_bonus_points=0)
    shop.reward = make_reward(shop.program, points_required=10, stock=1)
    shop.earned = shop.earn(5000).rows[0]
    return shop


def redeeming(shop):
    issue = shop.issue(shop.reward, 1).rows[-1].reward_issue_id
    return lambda **v: shop.redeem(issue, 5, **v)


def cancelling(shop):
    issue = shop.issue(shop.reward, 1).rows[-1].reward_issue_id
    return lambda **v: shop.cancel(issue, 5, **v)


ACTS = {
    "earn": lambda shop: lambda **v: shop.earn(300, 5, **v),
    "stamp": lambda shop: lambda **v: shop.stamp(4, 5, **v),
    "issue": lambda shop: lambda **v: shop.issue(shop.reward, 5, **v),
    "at once": lambda shop: lambda **v: shop.issue(shop.reward, 5, at_once=True, **v),
    "redeem": redeeming,
    "cancel": cancelling,
    "refund": lambda shop: lambda **v: shop.refund(shop.earned, 1000, 5, **v),
    "void": lambda shop: lambda **v: shop.void(shop.earned, 5, **v),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_the_same_key_and_request_give_the_first_result_and_no_new_row(stocked, act):
    do = act(stocked)
    first = do(key="k")
    rows, points, stamps = stocked.rows(), stocked.points, stocked.stamps
    again = do(key="k")
    assert (first.is_replay, again.is_replay) == (False, True)
    assert (again.code, [r.id for r in again.rows]) == (first.code, [r.id for r in first.rows])
    assert (again.points, again.stamps, again.card.id) == (first.points, first.stamps, stocked.card.id)
    assert (stocked.rows(), stocked.points, stocked.stamps) == (rows, points, stamps)
    assert all(row.key_id for row in first.rows)


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_a_result_is_given_again_also_when_the_card_died_since(stocked, act):
    do = act(stocked)
    first = do(key="k")
    trash.soft_delete_cascade(stocked.card.customer, by=stocked.owner, now=NOW)
    db.session.commit()
    again = do(key="k")
    assert again.is_replay
    assert [r.id for r in again.rows] == [r.id for r in first.rows]


@pytest.mark.parametrize("kind", ["program", "store"])
def test_a_result_is_given_again_also_when_its_program_or_store_died_since(points_shop, kind):
    shop, store = points_shop, make_store(points_shop.merchant)
    first = shop.earn(300, key="k", store_id=store.id)
    trash.soft_delete_cascade(store if kind == "store" else shop.program, by=shop.owner, now=NOW)
    db.session.commit()
    again = shop.earn(300, key="k", store_id=store.id)
    assert [r.id for r in again.rows] == [r.id for r in first.rows]


def test_what_expired_just_before_belongs_to_the_act_but_not_to_its_points(shop_with):
    shop = shop_with(points_expiration_days=1)
    shop.earn(2000)
    first = shop.earn(500, 4 * DAY, key="k")
    again = shop.earn(500, 9 * DAY, key="k")
    assert [r.type for r in first.rows] == [r.type for r in again.rows] == ["expire", "earn"]
    assert (first.points, again.points, shop.points) == (5, 5, 5)


OTHERS = {
    "another amount": lambda shop: shop.earn(301, key="k"),
    "other lines that earn nothing": lambda shop: shop.earn(300, excluded_cents=10, key="k"),
    "the same part that counts, of another bill": lambda shop: shop.earn(310, excluded_cents=10, key="k"),
    "an order": lambda shop: shop.earn(300, key="k", order_id=shop.order.id),
    "stamps too": lambda shop: shop.earn(300, stamps=1, key="k"),
    "another card": lambda shop: shop.earn(300, on=make_card(shop.program), key="k"),
    "another store": lambda shop: shop.earn(300, store_id=shop.order.store_id, key="k"),
    "another verb": lambda shop: shop.stamp(1, key="k"),
    "a refund": lambda shop: shop.refund(shop.earned, 300, key="k"),
}


@pytest.mark.parametrize("act", OTHERS.values(), ids=OTHERS)
def test_the_same_key_with_another_request_is_a_conflict(stocked, act):
    stocked.order = make_order(make_store(stocked.merchant))
    stocked.earn(300, 1, key="k")
    rows = stocked.rows()
    with conflicts("key_reused"):
        act(stocked)
    db.session.rollback()
    assert stocked.rows() == rows


def test_the_discount_and_the_excluded_lines_are_not_the_same_request(points_shop):
    points_shop.earn(300, discount_cents=10, key="k")
    with conflicts("key_reused"):
        points_shop.earn(300, excluded_cents=10, key="k")


def test_somebody_else_asking_again_gets_the_same_answer(points_shop):
    """The key belongs to the request: a colleague's tablet that repeats it does nothing twice."""
    store = make_store(points_shop.merchant)
    first = points_shop.earn(300, key="k")
    again = points_shop.earn(300, 1, key="k", by=staff_of(store))
    assert (again.is_replay, again.rows[0].id) == (True, first.rows[0].id)


def test_a_refused_request_does_not_use_its_key_up(shop_with):
    shop = shop_with(loyalty_type="stamps", cooldown_minutes=15)
    shop.stamp(1)
    with refused("cooldown"):
        shop.stamp(1, 5, key="k")
    assert keys(shop) == 0
    later = shop.stamp(1, 15, key="k")
    assert (later.is_replay, shop.stamps) == (False, 2)


def test_a_key_whose_first_request_was_refused_may_ask_for_something_else(points_shop):
    with refused("bad_amount"):
        points_shop.earn(-5, key="k")
    assert points_shop.earn(5_00, key="k").points == 5


def test_a_refused_request_leaves_nothing_not_even_the_expiry_before_it(shop_with):
    shop = shop_with(points_expiration_days=1)
    reward = make_reward(shop.program, points_required=10)
    shop.earn(2000)
    with refused("insufficient_points"):
        shop.issue(reward, 4 * DAY, key="k")
    assert (shop.rows(), keys(shop), shop.issues()) == ([("earn", 20, 0)], 0, [])


def test_two_merchants_use_the_same_key_each_for_themselves(app):
    shops = [open_shop(), open_shop()]
    for shop in shops:
        with within(shop.merchant):
            assert not shop.earn(300, key="k").is_replay
            assert shop.earn(300, key="k").is_replay
            assert (shop.points, keys(shop)) == (3, 1)


def test_without_a_key_each_request_counts(points_shop):
    points_shop.earn(300)
    points_shop.earn(300)
    assert points_shop.points == 6


def kept_keys(shop, days):
    """Forget old keys so many days from now, and name those that are left."""
    db.session.commit()
    forget_old_keys(datetime.now(UTC) + timedelta(days=days))
    db.session.commit()
    return sorted(db.session.scalars(select(IdempotencyKey.key)))


def test_keys_of_ledger_writes_live_for_ever(points_shop):
    points_shop.earn(300, key="k")
    assert kept_keys(points_shop, 10_000) == ["k"]
    assert points_shop.earn(300, 10_000 * DAY, key="k").is_replay


def test_keys_of_refunds_live_for_ever_also_where_nothing_was_earned(points_shop):
    order = make_order(make_store(points_shop.merchant), total_cents=500)
    refund_order(order, amount_cents=100, visit=points_shop.visit(key="k"))
    assert kept_keys(points_shop, 10_000) == ["k"]


def test_other_keys_of_a_merchant_are_forgotten_after_thirty_days(points_shop):
    card = points_shop.card.id
    suspend_card(card, visit=points_shop.visit(key="suspended"))
    lift_suspension(card, visit=points_shop.visit(key="lifted"))
    points_shop.earn(300, key="earned")
    assert kept_keys(points_shop, 29) == ["earned", "lifted", "suspended"]
    assert kept_keys(points_shop, 31) == ["earned"]
    suspend_card(card, visit=points_shop.visit(key="suspended"))
    assert db.session.get(LoyaltyCard, (points_shop.merchant.id, card)).status == "suspended"


def test_keys_are_forgotten_in_every_merchant(points_shop):
    other = open_shop("Europe/Paris")
    with within(other.merchant):
        suspend_card(other.card.id, visit=other.visit(key="theirs"))
        db.session.commit()
    assert kept_keys(points_shop, 31) == []
    with within(other.merchant):
        assert db.session.scalars(select(IdempotencyKey.key)).all() == []


def test_no_such_card(points_shop):
    with conflicts("card_gone"):
        earn(999_999, spent_cents=1, visit=points_shop.visit())


def test_a_row_points_to_its_key(points_shop):
    row = points_shop.earn(300, key="k").rows[0]
    key = db.session.scalars(select(IdempotencyKey).where(IdempotencyKey.id == row.key_id)).one()
    assert (key.key, key.result_kind, key.result_id) == ("k", "earned", points_shop.card.id)
    assert db.session.scalar(select(LoyaltyTransaction.key_id)) == key.id
