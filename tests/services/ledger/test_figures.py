"""The numbers at a glance are the numbers of the reports."""

from datetime import timedelta
from decimal import Decimal

import pytest

from portal.extensions import db
from portal.services import reviews, trash
from portal.services.ledger import numbers
from portal.services.ledger.earning import earn
from portal.services.ledger.figures import Terms, glance
from portal.services.ledger.numbers import Period
from portal.services.ledger.rewarding import issue_reward
from portal.services.ledger.stamping import stamp
from portal.services.ledger.visits import Visit
from portal.services.ledger.voiding import void
from tests.factories import (
    NOW,
    OWNER,
    give,
    make_card,
    make_customer,
    make_merchant,
    make_program,
    make_reward,
    make_store,
    within,
)

LATELY = Period(NOW - timedelta(days=30), NOW + timedelta(days=1))
NEVER = Terms(True, None, None, None)


@pytest.fixture
def shop(app):
    merchant = make_merchant()
    with within(merchant):
        yield merchant


def ago(days=0, **more):
    return Visit(by=OWNER, now=NOW - timedelta(days=days), **more)


def busy(shop):
    """Three members who come, join, take a reward and have things taken back; one of them merged."""
    usual = {"points_per_euro": 10, "minimum_redemption_points": 0, "point_value_cents": Decimal("0.5")}
    program = make_program(shop, loyalty_type="hybrid", cooldown_minutes=0, max_daily_stamps=0, **usual)
    survivor = make_customer(shop)
    cards = [make_card(program, person) for person in (survivor, None, None)]
    cards.append(make_card(program, make_customer(shop, merged_into_id=survivor.id)))
    for card in cards:
        give(card, kind="enrol", at=NOW - timedelta(days=40 if card is cards[0] else 9))
        earn(card.id, spent_cents=3000, visit=ago(8))
    void(earn(cards[1].id, spent_cents=900, visit=ago(7)).rows[-1], visit=ago(7))
    stamp(cards[2].id, visit=ago(6), quantity=2)
    earn(cards[2].id, spent_cents=700, visit=ago(45))
    issue_reward(cards[0].id, make_reward(program, points_required=120).id, visit=ago(1))
    give(cards[1], points=-500, kind="adjust", at=NOW - timedelta(days=1))
    reviews.flag("negative_stamps", "void", merchant_id=shop.id, now=NOW)
    db.session.flush()
    program.stamps_reward_value_cents = 350
    stamp(cards[3].id, visit=ago(2), quantity=program.stamps_target)
    return program, cards


def test_they_are_those_of_the_reports(shop):
    program, _ = busy(shop)
    terms = Terms(
        program.is_points_enabled,
        program.points_expiration_days,
        program.expiry_floor_at,
        program.point_value_cents,
    )
    seen = glance(shop, LATELY, terms, now=NOW)
    points, owed = numbers.points(shop, LATELY), numbers.liability(shop, now=NOW)
    assert seen.members == numbers.members(shop, LATELY)
    assert (seen.members.joined, seen.members.active, seen.members.repeated) == (3, 3, 2)
    assert (seen.issued, seen.redeemed) == (points.issued, points.redeemed)
    assert (seen.redeemed, points.taken) == (120, 500)
    assert (seen.owed.points, seen.owed.in_rewards) == (owed.points, owed.in_rewards)
    assert seen.owed.gross_cents == owed.gross_cents
    assert (seen.owed.stamp_rewards, seen.owed.stamp_cents) == (1, owed.stamp_cents) == (1, 350)
    assert seen.open_items == reviews.how_many_open(shop) == 1
    assert (seen.expiring_points, seen.expiring_cards) == (0, 0)


def test_a_store_has_its_own_movements_and_no_other(shop):
    _, cards = busy(shop)
    store = make_store(shop)
    earn(cards[1].id, spent_cents=100, visit=ago(1, store_id=store.id))
    seen = glance(shop, LATELY, NEVER, now=NOW, store_ids=[store.id])
    assert (seen.members.active, seen.members.joined, seen.issued) == (1, 0, 10)
    assert glance(shop, LATELY, NEVER, now=NOW, store_ids=[]).issued == 0


def test_what_expires_within_thirty_days_is_told_and_what_is_due_is_owed_no_more(shop):
    program = make_program(shop, loyalty_type="points", points_per_euro=10, points_expiration_days=100)
    cards = [make_card(program) for _ in range(4)]
    for card, days in zip(cards, (101, 75, 71, 70), strict=True):
        earn(card.id, spent_cents=1000 + days, visit=ago(days))
    terms = Terms(True, 100, None, Decimal(1))
    seen = glance(shop, LATELY, terms, now=NOW)
    assert (seen.expiring_cards, seen.expiring_points) == (2, 107 + 107)
    assert seen.owed.points == 107 + 107 + 107
    trash.soft_delete_cascade(cards[1].customer, by=OWNER, now=NOW)
    seen = glance(shop, LATELY, terms, now=NOW)
    assert (seen.expiring_cards, seen.owed.points) == (1, 321)
    later = terms._replace(expiry_floor_at=NOW + timedelta(days=31))
    assert glance(shop, LATELY, later, now=NOW).expiring_cards == 0


def test_nothing_yet_is_nothing(shop):
    seen = glance(shop, LATELY, NEVER, now=NOW)
    assert (seen.issued, seen.redeemed, seen.owed.points, seen.owed.gross_cents) == (0, 0, 0, None)
    assert seen.members.repeat_bp is None
