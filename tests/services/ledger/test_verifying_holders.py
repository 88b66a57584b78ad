"""`verify` finds what does not belong to who holds the card, or came before its time."""

import pytest
from sqlalchemy import update

from portal.extensions import db
from portal.models import RewardIssue
from tests.factories import make_card
from tests.services.ledger.stage import DAY, at
from tests.services.ledger.test_verifying import put, rules

pytestmark = [
    pytest.mark.unbalanced("writes what no verb writes"),
    pytest.mark.unguarded("changes a row in SQL"),
]


@pytest.fixture
def shop(shop_with):
    shop = shop_with(loyalty_type="hybrid", stamps_target=10, reward_valid_days=30)
    yield shop
    db.session.rollback()


def test_a_void_on_the_card_of_somebody_else(shop):
    earn = shop.earn(10_00).rows[0]
    told = {"owed": 10, "set_off": [], "forgiven": 0}
    links = {"reverses_id": earn.id, "linked_id": earn.id, "rule_snapshot": told}
    put(shop, "void", card=make_card(shop.program), points_delta=-10, **links)
    assert rules(shop) == ["voided_elsewhere"]


def test_a_reward_on_the_card_of_somebody_else(shop):
    shop.stamp(10)
    other = make_card(shop.program)
    db.session.execute(
        update(RewardIssue).where(RewardIssue.merchant_id == shop.merchant.id).values(card_id=other.id)
    )
    assert "reward_elsewhere" in rules(shop)


def test_a_merge_with_a_stranger(shop):
    shop.earn(10_00)
    left = put(shop, "merge_out", points_delta=-10, reason_code="merge")
    links = {"linked_id": left.id, "reason_code": "merge"}
    put(shop, "merge_in", points_delta=10, card=make_card(shop.program), **links)
    assert rules(shop) == ["merged_with_a_stranger"]


def test_points_of_somebody_who_was_not_erased_were_forfeited(shop):
    shop.earn(10_00)
    put(shop, "forfeit", points_delta=-10)
    assert rules(shop) == ["forfeited"]


@pytest.mark.parametrize(
    ("due", "posted", "found"),
    [(99, 99, ["expired_early"]), (101, 100, ["expired_early"]), (101, 101, [])],
)
def test_points_that_expired_before_their_time(shop, due, posted, found):
    shop.earn(10_00)
    days = {"points_expiration_days": 100}
    when = {"occurred_at": at(due * DAY), "created_at": at(posted * DAY)}
    put(shop, "expire", points_delta=-10, source="system", rule_snapshot=days, **when)
    assert rules(shop) == found


def test_a_shortfall_forgiven_by_rules_that_forgive_nothing(shop):
    earn = shop.earn(10_00).rows[0]
    told = {"owed": 10, "set_off": [], "forgiven": 10}
    put(shop, "void", points_delta=0, reverses_id=earn.id, linked_id=earn.id, rule_snapshot=told)
    assert rules(shop) == ["forgiven"]
