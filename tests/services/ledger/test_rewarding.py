"""Section 5 of the rules of loyalty: taking a reward, and taking it back."""

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import text

from portal.extensions import db
from portal.services import rewards, trash
from portal.services.ledger import rewarding
from portal.services.ledger.visits import Visit
from tests.factories import (
    NOW,
    give,
    make_card,
    make_merchant,
    make_program,
    make_reward,
    make_store,
    make_user,
    manager_of,
    staff_of,
    within,
)
from tests.services.ledger.stage import DAY, FOR_EVER, HOUR, PLAIN, at, refused, sentences

TIERS = [
    {"key": key, "name": key.title(), "threshold": n, "multiplier_bp": 10_000}
    for n, key in enumerate(["base", "silver", "gold"])
]


@pytest.fixture
def shop_of(shop_with):
    """Open a shop with so many points on the card and one reward."""

    def opened(points=100, reward=None, **rules):
        shop = shop_with(**rules)
        shop.reward = make_reward(shop.program, **{"points_required": 100, "stock": 3} | (reward or {}))
        if points:
            give(shop.card, points=points)
        return shop

    return opened


def stock(shop):
    db.session.refresh(shop.reward)
    return shop.reward.stock


# what it takes

NEEDS = [
    ("balance ≥ points_required: equal is enough", {"points": 100}, None),
    ("one point is missing", {"points": 99}, "insufficient_points"),
    ("a card with nothing", {"points": 0}, "insufficient_points"),
    ("a negative card cannot redeem", {"points": -5}, "insufficient_points"),
    ("balance ≥ minimum_redemption_points: equal is enough", {"minimum_redemption_points": 100}, None),
    ("below the minimum", {"minimum_redemption_points": 101}, "below_redemption_minimum"),
    ("in stock: the last one", {"reward": {"stock": 1}}, None),
    ("none in stock", {"reward": {"stock": 0}}, "out_of_stock"),
    ("endless stock", {"reward": {"stock": None}}, None),
    ("valid from this very moment", {"reward": {"valid_from": NOW}}, None),
    ("not valid yet", {"reward": {"valid_from": at(1)}}, "not_valid_today"),
    ("valid until just after", {"reward": {"valid_until": at(1)}}, None),
    ("valid until just before this moment", {"reward": {"valid_until": NOW}}, "not_valid_today"),
    ("program paused", {"is_active": False}, "not_redeeming"),
    ("program paused, before redeem_until", {"is_active": False, "redeem_until": at(1)}, None),
    ("program paused, redeem_until is over", {"is_active": False, "redeem_until": NOW}, "not_redeeming"),
    ("no limit for each customer", {"reward": {"per_customer_limit": None}}, None),
]


@sentences("what code", NEEDS)
def test_a_reward_needs(shop_of, what, code):
    shop = shop_of(**what)
    if code is None:
        shop.issue(shop.reward)
        assert [i.status for i in shop.issues()] == ["issued"]
        return
    before = (stock(shop), shop.points, shop.rows())
    with refused(code):
        shop.issue(shop.reward)
    assert (stock(shop), shop.points, shop.rows(), shop.issues()) == (*before, [])


def test_the_refusal_says_how_many_points_are_missing(shop_of):
    shop = shop_of(points=42)
    with refused("insufficient_points", "58 points", short=58):
        shop.issue(shop.reward)


def test_a_suspended_card_takes_nothing(shop_of):
    shop = shop_of()
    shop.card.status = "suspended"
    db.session.commit()
    with refused("card_suspended"):
        shop.issue(shop.reward)


@pytest.mark.parametrize("kind", ["trash", "another program", "unknown"])
def test_a_reward_that_is_not_offered_here_is_refused(shop_of, kind):
    shop = shop_of()
    if kind == "trash":
        rewards.delete_reward(shop.reward, by=shop.owner, now=NOW)
        db.session.commit()
    elif kind == "another program":
        other = make_program(make_merchant(), **PLAIN)
        shop.reward = make_reward(other, points_required=1)
    else:
        shop.reward.id = 999
    with db.session.no_autoflush, refused("reward_gone"):
        rewarding.issue_reward(shop.card.id, shop.reward.id, visit=shop.visit())
    db.session.rollback()


# (tier of the card, tier of the reward, allowed)
REACHES = [
    ("any member", None, None, True),
    ("any member has a reward of no tier", "gold", None, True),
    ("the tier itself", "silver", "silver", True),
    ("a higher tier", "gold", "silver", True),
    ("a lower tier", "base", "silver", False),
    ("no tier yet", None, "base", False),
    ("a tier that is gone", "platinum", "base", False),
]


@sentences("mine wanted ok", REACHES)
def test_the_tier_must_be_met(shop_of, mine, wanted, ok):
    shop = shop_of(tier_config=TIERS, reward={"tier_key": wanted})
    shop.card.tier_key = mine
    db.session.commit()
    if ok:
        shop.issue(shop.reward)
    else:
        with refused("wrong_tier"):
            shop.issue(shop.reward)


def test_only_in_the_stores_it_is_offered_in(shop_of):
    shop = shop_of(points=300)
    here, there = make_store(shop.merchant), make_store(shop.merchant)
    rewards.change_reward(shop.reward, by=shop.owner, store_ids=[here.id])
    db.session.commit()
    with refused("wrong_store"):
        shop.issue(shop.reward, store_id=there.id)
    shop.issue(shop.reward, store_id=here.id)
    assert shop.issues()[0].issued_store_id == here.id


# the limit for each customer


def test_each_customer_may_have_it_so_often(shop_of):
    shop = shop_of(points=500, reward={"per_customer_limit": 2})
    shop.issue(shop.reward)
    shop.issue(shop.reward, 1, at_once=True)
    with refused("limit_reached"):
        shop.issue(shop.reward, 2)
    shop.cancel(shop.issues()[0].id, 3)
    shop.issue(shop.reward, 4)
    assert [i.status for i in shop.issues()] == ["cancelled", "redeemed", "issued"]


def test_the_limit_is_of_the_customer_also_with_a_new_card(shop_of):
    """A card in the trash and a new one in its place: it is the same person still."""
    shop = shop_of(reward={"per_customer_limit": 1})
    shop.issue(shop.reward)
    customer = shop.card.customer
    trash.soft_delete(shop.card, by=shop.owner, now=NOW)
    db.session.commit()
    shop.card = make_card(shop.program, customer)
    give(shop.card, points=100)
    with refused("limit_reached"):
        shop.issue(shop.reward, 1)


def test_another_customer_may_have_it_all_the_same(shop_of):
    shop = shop_of(reward={"per_customer_limit": 1})
    shop.issue(shop.reward)
    shop.card = make_card(shop.program)
    give(shop.card, points=100)
    shop.issue(shop.reward)


# issue, redeem, cancel


def test_issuing_takes_points_and_stock_and_handing_over_takes_nothing_more(shop_of):
    shop = shop_of(points=150, reward={"discount_cents": 450}, reward_valid_days=7)
    here, there = make_store(shop.merchant), make_store(shop.merchant)
    row = shop.issue(shop.reward, store_id=here.id).rows[0]
    issue = shop.issues()[0]
    assert (row.type, row.points_delta, row.reward_issue_id, shop.points, stock(shop)) == (
        "redeem",
        -100,
        issue.id,
        50,
        2,
    )
    assert (issue.status, issue.points_price, issue.discount_cents) == ("issued", 100, 450)
    assert issue.expires_at == at(8 * DAY - 10.5 * HOUR)  # 00:00 in Luxembourg of the day after the last
    shop.redeem(issue.id, 5, store_id=there.id)
    issue = shop.issues()[0]
    assert (issue.status, issue.redeemed_at, shop.points, stock(shop)) == ("redeemed", at(5), 50, 2)
    assert (issue.issued_store_id, issue.redeemed_store_id) == (here.id, there.id)
    assert shop.rows()[1:] == [("redeem", -100, 0), ("redeem", 0, 0)]


def test_at_the_till_issuing_and_handing_over_is_one_act(shop_of):
    shop = shop_of()
    posting = shop.issue(shop.reward, at_once=True, key="k")
    assert (posting.code, shop.rows()[1:]) == ("redeemed", [("redeem", -100, 0)])
    assert [(i.status, i.redeemed_at) for i in shop.issues()] == [("redeemed", NOW)]


def test_the_price_is_the_servers_and_an_issue_remembers_it(shop_of):
    shop = shop_of(points=150)
    shop.issue(shop.reward)
    shop.reward.points_required = 5
    db.session.commit()
    shop.cancel(shop.issues()[0].id, 1)
    assert shop.points == 150


def test_taking_back_an_issued_reward_gives_points_and_stock_back(shop_of):
    shop = shop_of()
    shop.issue(shop.reward)
    shop.cancel(shop.issues()[0].id, 1)
    assert (shop.points, stock(shop), shop.rows()[2:]) == (100, 3, [("redeem_cancel", 100, 0)])
    issue = shop.issues()[0]
    assert (issue.status, issue.cancelled_at) == ("cancelled", at(1))


def test_endless_stock_stays_endless(shop_of):
    shop = shop_of(reward={"stock": None})
    shop.issue(shop.reward)
    shop.cancel(shop.issues()[0].id, 1)
    assert stock(shop) is None


def test_the_stock_of_a_reward_in_the_trash_comes_back_too(shop_of):
    shop = shop_of()
    shop.issue(shop.reward)
    rewards.delete_reward(shop.reward, by=shop.owner, now=NOW)
    db.session.commit()
    shop.cancel(shop.issues()[0].id, 1)
    with db.session.no_autoflush:
        asked = text("SELECT stock FROM loyalty_rewards WHERE deleted_at IS NOT NULL AND merchant_id = :m")
        assert db.session.scalar(asked, {"m": shop.merchant.id}) == 3


def test_a_stamp_reward_costs_its_stamps_alone(shop_of):
    shop = shop_of(loyalty_type="hybrid", stamps_target=10)
    shop.stamp(13)
    issue = shop.issues()[0]
    shop.redeem(issue.id, 1)
    assert (shop.points, shop.stamps, shop.issues()[0].status) == (100, 3, "redeemed")


def test_a_stamp_reward_that_is_taken_back_returns_its_stamps(shop_of):
    shop = shop_of(loyalty_type="stamps", stamps_target=10, points=0)
    shop.stamp(13)
    shop.cancel(shop.issues()[0].id, 1)
    assert (shop.stamps, shop.issues()[0].status) == (13, "cancelled")


ENDED = {
    "redeemed": lambda shop, issue: shop.redeem(issue, 1),
    "cancelled": lambda shop, issue: shop.cancel(issue, 1),
}


@pytest.mark.parametrize("act", ["redeem", "cancel"])
@pytest.mark.parametrize("end", ENDED.values(), ids=ENDED)
def test_what_is_done_is_done(shop_of, end, act):
    shop = shop_of()
    shop.issue(shop.reward)
    issue = shop.issues()[0].id
    end(shop, issue)
    rows = shop.rows()
    with refused("already_redeemed"):
        getattr(shop, act)(issue, 2)
    assert shop.rows() == rows


@pytest.mark.parametrize("act", ["redeem", "cancel"])
def test_an_expired_reward_is_neither_taken_nor_taken_back(shop_of, act):
    shop = shop_of(reward_valid_days=1, void_window_hours=FOR_EVER)
    shop.issue(shop.reward)
    issue = shop.issues()[0]
    with refused("issue_expired", at=issue.expires_at):
        getattr(shop, act)(issue.id, now=issue.expires_at)
    getattr(shop, act)(issue.id, now=issue.expires_at - timedelta(seconds=1))


@pytest.mark.parametrize("act", ["redeem", "cancel"])
def test_a_reward_of_another_card_is_not_here(shop_of, act):
    shop = shop_of()
    shop.issue(shop.reward)
    issue = shop.issues()[0].id
    shop.card = make_card(shop.program)
    with refused("issue_gone"):
        getattr(shop, act)(issue, 1)


def test_an_issued_reward_is_not_handed_over_while_the_card_is_negative(shop_of):
    shop = shop_of()
    shop.issue(shop.reward)
    give(shop.card, points=-1)
    with refused("insufficient_points", short=1):
        shop.redeem(shop.issues()[0].id, 1)
    give(shop.card, points=1)
    shop.redeem(shop.issues()[0].id, 2)


HANDING = [
    ("a paused program", {"is_active": False}, "not_redeeming"),
    ("before redeem_until", {"is_active": False, "redeem_until": at(10)}, None),
]


@sentences("rules code", HANDING)
def test_an_issued_reward_is_handed_over_only_while_rewards_can_be_had(shop_of, rules, code):
    shop = shop_of()
    shop.issue(shop.reward)
    shop.change(**rules)
    if code:
        with refused(code):
            shop.redeem(shop.issues()[0].id, 1)
    else:
        shop.redeem(shop.issues()[0].id, 1)


@pytest.mark.postgresql
def test_an_issue_somebody_else_just_handed_over_is_not_handed_over_twice(shop_of, elsewhere):
    """This session read it a moment ago; what counts is how it stands once the card is locked."""
    shop = shop_of()
    shop.issue(shop.reward)
    issue = shop.issues()[0]
    merchant, card, issue_id, by = shop.merchant.id, shop.card.id, issue.id, shop.owner

    def hand_over():
        with within(merchant):
            rewarding.redeem(card, issue_id, visit=Visit(by=by, now=at(1)))
            db.session.commit()

    assert issue.status == "issued"  # read, and not thrown away by a commit
    elsewhere(hand_over).result()
    with refused("already_redeemed"):
        rewarding.redeem(card, issue_id, visit=shop.visit(2))


# who may take back, and for how long

UNDO = [
    ("the same staff at once", "staff", 0, None),
    ("the same staff within 10 minutes", "staff", 10, None),
    ("the same staff later", "staff", 10.1, "not_allowed"),
    ("other staff", "other", 1, "not_allowed"),
    ("a manager within the window", "manager", 24 * HOUR, None),
    ("a manager after it", "manager", 24 * HOUR + 1, "too_late"),
    ("an owner within the window", "owner", 24 * HOUR, None),
    ("an owner after it", "owner", 24 * HOUR + 1, "too_late"),
]


def people(shop, store):
    one, two, boss = make_user(), make_user(), make_user()
    return {
        "staff": staff_of(store, user=one),
        "other": staff_of(store, user=two),
        "manager": manager_of(store, user=boss),
        "owner": shop.owner,
    }


@pytest.mark.parametrize("paid_in", ["points", "stamps"])
@sentences("who minutes code", UNDO)
def test_who_may_take_an_issued_reward_back_and_for_how_long(shop_of, who, minutes, code, paid_in):
    shop = shop_of(loyalty_type="hybrid", stamps_target=10)
    actors = people(shop, make_store(shop.merchant))
    take = partial(shop.issue, shop.reward) if paid_in == "points" else partial(shop.stamp, 10)
    take(0, by=actors["staff"])
    issue = shop.issues()[0].id
    if code:
        with refused(code):
            shop.cancel(issue, minutes, by=actors[who])
    else:
        shop.cancel(issue, minutes, by=actors[who])
        assert shop.points == 100


def test_frozen_points_buy_nothing_until_they_count_again(shop_with):
    """Type change freezes the other currency (section 10)."""
    shop = shop_with(loyalty_type="hybrid")
    reward = make_reward(shop.program, points_required=50)
    shop.earn(10_000)
    shop.change(loyalty_type="stamps")
    with refused("frozen"):
        shop.issue(reward, 1)
    shop.change(loyalty_type="points")
    shop.issue(reward, 2)
    assert shop.points == 50
