"""The core of the ledger: one act, its rows, its balance, its key."""

from datetime import timedelta

import pytest

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models import LoyaltyTransaction
from portal.services import rewards, trash
from portal.services.ledger.earning import earn, points_for
from portal.services.ledger.refunding import reverse_earn
from portal.services.ledger.rewarding import cancel_reward, issue_reward, redeem
from portal.services.ledger.stamping import stamp
from portal.services.ledger.visits import Visit
from portal.services.ledger.voiding import void
from tests.factories import (
    NOW,
    make_card,
    make_merchant,
    make_program,
    make_reward,
    make_store,
    owner_of,
    within,
)


@pytest.fixture
def shop(app):
    merchant = make_merchant()
    with within(merchant):
        yield merchant


def visit(shop, minutes=0, **more):
    return Visit(by=owner_of(shop), now=NOW + timedelta(minutes=minutes), **more)


@pytest.mark.parametrize(
    ("cents", "per_euro", "bp", "points"),
    [(1999, 10, 10_000, 199), (1990, 1, 15_000, 29), (58, 50, 10_000, 29), (0, 10, 10_000, 0)],
)
def test_points_are_floored_once_at_the_end(cents, per_euro, bp, points):
    assert points_for(cents, per_euro, bp) == points


def test_a_refund_in_three_parts_takes_back_exactly_what_was_earned(shop):
    card = make_card(make_program(shop, loyalty_type="points", points_per_euro=1))
    earned = earn(card.id, spent_cents=1999, visit=visit(shop)).rows[0]
    backs = [reverse_earn(earned, cents, visit=visit(shop)).points for cents in (1000, 500, 499)]
    assert (earned.points_delta, backs, card.points_balance) == (19, [-10, -5, -4], 0)


def test_the_same_key_posts_once_and_another_request_is_refused(shop):
    card = make_card(make_program(shop, loyalty_type="points", points_per_euro=1))
    first = earn(card.id, spent_cents=500, visit=visit(shop, key="k"))
    again = earn(card.id, spent_cents=500, visit=visit(shop, 3, key="k"))
    assert (again.is_replay, again.code, [r.id for r in again.rows]) == (
        True,
        "earned",
        [r.id for r in first.rows],
    )
    assert card.points_balance == 5
    with pytest.raises(Conflict, match="another request"):
        earn(card.id, spent_cents=501, visit=visit(shop, key="k"))


def test_surplus_stamps_begin_the_next_card(shop):
    card = make_card(
        make_program(
            shop,
            loyalty_type="stamps",
            cooldown_minutes=0,
            max_daily_stamps=0,
            stamps_target=10,
            max_stamps_per_transaction=20,
        )
    )
    stamp(card.id, visit=visit(shop), quantity=9)
    done = stamp(card.id, visit=visit(shop, 1), quantity=12)
    assert ([r.type for r in done.rows], card.stamps_balance) == (
        ["stamp", "stamp_complete", "stamp_complete"],
        1,
    )
    void(done.rows[0], visit=visit(shop, 2))
    assert card.stamps_balance == 9


def test_a_reward_is_issued_handed_over_and_taken_back(shop):
    program = make_program(shop, loyalty_type="points", points_per_euro=10, minimum_redemption_points=0)
    reward = make_reward(program, points_required=100, stock=1)
    card = make_card(program)
    earn(card.id, spent_cents=1000, visit=visit(shop))
    issued = issue_reward(card.id, reward.id, visit=visit(shop, 1))
    issue_id = issued.rows[0].reward_issue_id
    assert (card.points_balance, reward.stock) == (0, 0)
    handed = redeem(card.id, issue_id, visit=visit(shop, 2))
    void(handed.rows[0], visit=visit(shop, 3))
    cancel_reward(card.id, issue_id, visit=visit(shop, 4))
    db.session.refresh(reward)
    assert (card.points_balance, reward.stock) == (100, 1)
    with pytest.raises(Refused, match="already"):
        redeem(card.id, issue_id, visit=visit(shop, 5))


def test_what_expired_is_not_taken_twice(shop):
    program = make_program(shop, loyalty_type="points", points_per_euro=1, points_expiration_days=10)
    card = make_card(program)
    earned = earn(card.id, spent_cents=2000, visit=visit(shop)).rows[0]
    later = earn(card.id, spent_cents=100, visit=visit(shop, 60 * 24 * 30))
    assert [(r.type, r.points_delta) for r in later.rows] == [("expire", -20), ("earn", 1)]
    done = reverse_earn(earned, 2000, visit=visit(shop, 60 * 24 * 31))
    assert (done.points, card.points_balance) == (0, 1)


def test_a_dead_card_earns_nothing_but_may_be_refunded(shop):
    card = make_card(make_program(shop, loyalty_type="points", points_per_euro=1))
    earned = earn(card.id, spent_cents=2000, visit=visit(shop)).rows[0]
    db.session.commit()
    trash.soft_delete_cascade(card.customer, by=owner_of(shop), now=NOW)
    db.session.commit()
    with pytest.raises(Conflict, match="not there any more"):
        earn(card.id, spent_cents=100, visit=visit(shop))
    reverse_earn(earned, 1000, visit=visit(shop, 5))
    rows = LoyaltyTransaction.of(shop).order_by(LoyaltyTransaction.id)
    assert [row.points_after for row in db.session.scalars(rows)] == [20, 10]


def test_a_reward_is_taken_only_in_its_stores_and_from_its_tier_up(shop):
    tiers = [
        {"key": key, "name": key, "threshold": n, "multiplier_bp": 10_000} for n, key in enumerate("abc")
    ]
    program = make_program(
        shop, loyalty_type="points", points_per_euro=100, minimum_redemption_points=0, tier_config=tiers
    )
    here, there = make_store(shop), make_store(shop)
    reward = make_reward(program, points_required=1)
    rewards.change_reward(reward, by=owner_of(shop), store_ids=[here.id], tier_key="b")
    card = make_card(program, tier_key="a")
    with pytest.raises(Refused, match="is missing"):
        issue_reward(card.id, reward.id, visit=visit(shop, store_id=here.id))
    earn(card.id, spent_cents=1, visit=visit(shop))
    assert card.tier_key == "b"
    with pytest.raises(Refused, match="not offered in this store"):
        issue_reward(card.id, reward.id, visit=visit(shop, store_id=there.id))
    rewards.change_reward(reward, by=owner_of(shop), tier_key="c")
    with pytest.raises(Refused, match="higher tier"):
        issue_reward(card.id, reward.id, visit=visit(shop, store_id=here.id))
    rewards.change_reward(reward, by=owner_of(shop), tier_key="a")
    assert issue_reward(card.id, reward.id, visit=visit(shop, store_id=here.id)).points == -1
