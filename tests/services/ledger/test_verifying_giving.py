"""Faults in what was given for points and stamps, put past the verbs, are found by their rules."""

import pytest

from portal.extensions import db
from portal.models import RewardIssue
from portal.services.ledger.adjusting import adjust
from portal.services.ledger.converting import convert
from tests.factories import NOW, make_reward
from tests.services.ledger.stage import at
from tests.services.ledger.test_verifying import put, rules


@pytest.fixture
def shop(shop_with):
    shop = shop_with(loyalty_type="hybrid", stamps_target=10)
    yield shop
    db.session.rollback()


def taken(shop, *, minutes=1):
    """Issue a reward of 20 points, and read it."""
    shop.issue(make_reward(shop.program, points_required=20), minutes)
    return shop.issues()[-1]


def test_rewards_taken_in_every_way_are_well(shop):
    shop.earn(100_00)
    shop.redeem(taken(shop).id, 2)
    shop.void(shop.movements()[-1], 3)  # ready again
    reward = make_reward(shop.program, points_required=20)
    shop.issue(reward, 4, at_once=True)
    bought = shop.earn(10_00, 5).rows[0]
    shop.refund(bought, 10_00, 6, given_back=[shop.issues()[-1].id])
    shop.stamp(10, 7)
    shop.redeem(shop.issues()[-1].id, 8)
    assert rules(shop) == []


def test_a_reward_that_cost_more_than_there_was(shop):
    shop.earn(5_00)
    issue = RewardIssue(merchant_id=shop.merchant.id, card_id=shop.card.id, points_price=9, issued_at=NOW)
    db.session.add(issue)
    db.session.flush()
    put(shop, "redeem", points_delta=-9, reward_issue_id=issue.id)
    assert rules(shop) == ["overdrawn"]


@pytest.mark.parametrize("kind", ["redeem_cancel", "refund_return"])
def test_a_return_of_no_reward(shop, kind):
    put(shop, kind, points_delta=9)
    assert rules(shop) == ["returned_nothing"]


def test_a_points_reward_that_nobody_handed_over(shop):
    shop.earn(50_00)
    issue = taken(shop)
    issue.status, issue.redeemed_at = "redeemed", at(2)
    assert rules(shop) == ["handed_over"]


@pytest.mark.parametrize("was_taken", [True, False])
def test_a_stamp_reward_whose_status_no_movement_made(shop, was_taken):
    shop.stamp(10)
    issue = shop.issues()[0]
    if was_taken:
        shop.redeem(issue.id, 1)
        issue = shop.issues()[0]
    told = ("issued", None) if was_taken else ("redeemed", at(1))
    issue.status, issue.redeemed_at = told
    assert rules(shop) == ["handed_over"]


@pytest.mark.parametrize(
    ("points", "stamps", "told", "found"),
    [
        (-59, 5, {"rate": "0.1"}, []),
        (-59, 6, {"rate": "0.1"}, ["converted_wrongly"]),
        (-50, 5, {"rate": "0.1"}, ["converted_wrongly"]),
        (-59, 5, {}, ["converted_wrongly"]),
        (-59, 5, {"rate": "much"}, ["converted_wrongly"]),
    ],
)
def test_a_conversion_gives_what_its_rate_says(shop, points, stamps, told, found):
    put(shop, "import", points_delta=59)
    first = put(shop, "convert", points_delta=points, rule_snapshot=told)
    put(shop, "convert", stamps_delta=stamps, linked_id=first.id, rule_snapshot=told)
    assert rules(shop) == found


def test_stamps_converted_into_points_are_well(shop):
    adjust(shop.card.id, stamps=7, reason_code="missing", visit=shop.visit())
    shop.change(loyalty_type="points", convert_rate=3)
    convert(shop.card.id, visit=shop.visit(1))
    assert rules(shop) == []
