"""What the last 90 days would have been by other rules."""

from datetime import timedelta

import pytest
from sqlalchemy import event, func, select

from portal.errors import Refused
from portal.extensions import db
from portal.models import LoyaltyTransaction, RewardIssue
from portal.services import trash
from portal.services.ledger.earning import earn
from portal.services.ledger.preview import Change, preview_rules
from portal.services.ledger.refunding import reverse_earn
from portal.services.ledger.stamping import stamp
from portal.services.ledger.visits import Visit
from portal.services.ledger.voiding import void
from tests.factories import NOW, OWNER, give, make_card, make_customer, make_merchant, make_program, within

TIERS = [
    {"key": "guest", "name": "Guest", "threshold": 0, "multiplier_bp": 10_000},
    {"key": "friend", "name": "Friend", "threshold": 100, "multiplier_bp": 15_000},
]


@pytest.fixture
def shop(app):
    merchant = make_merchant()
    with within(merchant):
        yield merchant


def ago(days=0, minutes=0):
    return Visit(by=OWNER, now=NOW - timedelta(days=days, minutes=minutes))


def program_of(shop, kind="points", **rules):
    usual = {"points_per_euro": 10, "cooldown_minutes": 0, "max_daily_stamps": 0}
    return make_program(shop, loyalty_type=kind, **usual | rules)


def test_nothing_differs_where_no_rule_does(shop):
    program = program_of(shop, "hybrid", tier_config=TIERS)
    card = make_card(program)
    earn(card.id, spent_cents=1999, visit=ago(5), stamps=2)
    earn(card.id, spent_cents=1999, visit=ago(4))
    seen = preview_rules(program, {}, now=NOW)
    assert (seen.purchases, seen.points, seen.up, seen.down) == (2, Change(199 + 299, 199 + 299), 0, 0)
    assert (seen.stamps, seen.full_cards) == (None, None)


def test_each_purchase_is_counted_again_with_one_floor_at_the_end(shop):
    program = program_of(shop)
    for cents in (1999, 58, 3):
        earn(make_card(program).id, spent_cents=cents, visit=ago(1))
    seen = preview_rules(program, {"points_per_euro": 50}, now=NOW)
    assert seen.points == Change(199 + 5, 999 + 29 + 1)
    assert seen.issued.difference == 825


def test_amounts_of_any_size_are_counted_to_the_point(shop):
    program = program_of(shop, points_per_euro=10_000)
    earn(make_card(program).id, spent_cents=9_999_999_999, visit=ago(1))
    tiers = [{"key": "top", "name": "Top", "threshold": 0, "multiplier_bp": 1_000_000}]
    seen = preview_rules(program, {"tier_config": tiers, "points_per_euro": 9_999}, now=NOW)
    assert seen.points == Change(999_999_999_900, 9_999_999_999 * 9_999 // 100)


def test_the_smallest_purchase_counts_when_equal(shop):
    program = program_of(shop)
    for cents in (999, 1000):
        earn(make_card(program).id, spent_cents=cents, visit=ago(1))
    assert preview_rules(program, {"minimum_purchase_cents": 1000}, now=NOW).points == Change(199, 100)


def test_only_the_last_90_days_and_what_was_not_voided_count(shop):
    program = program_of(shop)
    card = make_card(program)
    earn(card.id, spent_cents=1000, visit=ago(91))
    earn(card.id, spent_cents=1000, visit=ago(90))
    taken_back = earn(card.id, spent_cents=1000, visit=ago(1))
    void(taken_back.rows[-1], visit=ago(0))
    seen = preview_rules(program, {"points_per_euro": 20}, now=NOW)
    assert (seen.purchases, seen.points) == (1, Change(100, 200))


def test_a_program_without_points_would_have_given_none(shop):
    program = program_of(shop)
    earn(make_card(program).id, spent_cents=1000, visit=ago(1))
    assert preview_rules(program, {"loyalty_type": "stamps"}, now=NOW).points == Change(100, 0)


def test_the_welcome_bonus_counts_for_those_who_joined(shop):
    program = program_of(shop, welcome_bonus_points=20)
    for number in range(3):
        card = make_card(program)
        give(card, kind="enrol", at=NOW - timedelta(days=2))
        if number:
            give(card, points=20, kind="welcome_bonus", at=NOW - timedelta(days=2))
    seen = preview_rules(program, {"welcome_bonus_points": 50}, now=NOW)
    assert (seen.joined, seen.bonus, seen.issued) == (2, Change(40, 100), Change(40, 100))


def test_joining_gives_nothing_where_points_are_not_collected(shop):
    program = program_of(shop, "hybrid", welcome_bonus_points=20)
    give(make_card(program), kind="enrol", at=NOW - timedelta(days=2))
    assert preview_rules(program, {"loyalty_type": "stamps"}, now=NOW).bonus == Change(20, 0)
    program.loyalty_type = "stamps"
    assert preview_rules(program, {"loyalty_type": "hybrid"}, now=NOW).bonus == Change(0, 20)


def test_where_no_bonus_was_given_everybody_who_joined_counts(shop):
    program = program_of(shop)
    give(make_card(program), kind="enrol", at=NOW - timedelta(days=2))
    assert preview_rules(program, {"welcome_bonus_points": 50}, now=NOW).bonus == Change(0, 50)


def test_a_lower_threshold_moves_members_up_and_a_higher_one_down(shop):
    program = program_of(shop, tier_config=TIERS)
    for cents in (600, 1000, 1500):
        earn(make_card(program).id, spent_cents=cents, visit=ago(200))
    lower = [TIERS[0], TIERS[1] | {"threshold": 60}]
    higher = [TIERS[0], TIERS[1] | {"threshold": 101}]
    seen = [preview_rules(program, {"tier_config": tiers}, now=NOW) for tiers in (lower, higher, TIERS)]
    assert [(each.up, each.down) for each in seen] == [(1, 0), (0, 1), (0, 0)]


def test_more_points_for_a_purchase_move_members_up(shop):
    program = program_of(shop, tier_config=TIERS)
    earn(make_card(program).id, spent_cents=600, visit=ago(2))
    earn(make_card(program).id, spent_cents=600, visit=ago(100))
    seen = preview_rules(program, {"points_per_euro": 20}, now=NOW)
    assert (seen.up, seen.down) == (1, 0)


def test_refunds_and_the_window_count_against_a_tier(shop):
    program = program_of(shop, tier_config=TIERS)
    refunded = earn(make_card(program).id, spent_cents=1000, visit=ago(20)).rows[-1]
    reverse_earn(refunded, 100, visit=ago(19))
    earn(make_card(program).id, spent_cents=1000, visit=ago(20))
    assert preview_rules(program, {"tier_window_days": 10}, now=NOW).down == 1


def test_first_tiers_lift_those_who_reach_more_than_the_lowest(shop):
    program = program_of(shop)
    for cents in (600, 1000):
        earn(make_card(program).id, spent_cents=cents, visit=ago(2))
    seen = preview_rules(program, {"tier_config": TIERS}, now=NOW)
    assert (seen.up, seen.down) == (1, 0)
    program.tier_config = TIERS
    seen = preview_rules(program, {"tier_config": []}, now=NOW)
    assert (seen.up, seen.down) == (0, 0)


def test_a_tier_that_is_replaced_compares_by_what_it_takes(shop):
    program = program_of(shop, tier_config=TIERS)
    earn(make_card(program).id, spent_cents=1500, visit=ago(2))
    for threshold, moves in ((100, (0, 0)), (120, (1, 0)), (90, (0, 1))):
        renamed = [TIERS[0], TIERS[1] | {"key": "star", "threshold": threshold}]
        seen = preview_rules(program, {"tier_config": renamed}, now=NOW)
        assert (seen.up, seen.down) == moves


def test_the_purchases_of_merged_customers_are_the_survivors_and_the_trashed_are_no_members(shop):
    program = program_of(shop, tier_config=TIERS)
    survivor, gone = make_customer(shop), make_customer(shop)
    loser = make_customer(shop, merged_into_id=survivor.id)
    for customer in (survivor, loser, gone):
        earn(make_card(program, customer).id, spent_cents=600, visit=ago(200))
    for customer in (loser, gone):
        trash.soft_delete_cascade(customer, by=OWNER, now=NOW)
    db.session.flush()
    lower = [TIERS[0], TIERS[1] | {"threshold": 50}]
    higher = [TIERS[0], TIERS[1] | {"threshold": 200}]
    assert preview_rules(program, {"tier_config": lower}, now=NOW).up == 0
    assert preview_rules(program, {"tier_config": higher}, now=NOW).down == 1


@pytest.mark.parametrize(
    ("rules", "stamps", "full"),
    [
        ({"stamps_target": 3}, Change(6, 6), Change(1, 2)),
        ({"cooldown_minutes": 60}, Change(6, 5), Change(1, 1)),
        ({"cooldown_minutes": 30}, Change(6, 6), Change(1, 1)),
        ({"max_daily_stamps": 2}, Change(6, 2), Change(1, 0)),
        ({"max_stamps_per_transaction": 2}, Change(6, 3), Change(1, 0)),
        ({"loyalty_type": "points"}, Change(6, 0), Change(1, 0)),
    ],
)
def test_stamps_are_put_on_again_by_the_new_rules(shop, rules, stamps, full):
    program = program_of(shop, "stamps", stamps_target=5)
    card = make_card(program)
    for visit, quantity in ((ago(2, 60), 2), (ago(2, 30), 1), (ago(1), 3)):
        stamp(card.id, visit=visit, quantity=quantity)
    seen = preview_rules(program, rules, now=NOW)
    assert (seen.stamps, seen.full_cards) == (stamps, full)


def test_stamps_from_before_fill_the_card_too(shop):
    program = program_of(shop, "stamps", stamps_target=10, max_stamps_per_transaction=10)
    card = make_card(program)
    stamp(card.id, visit=ago(100), quantity=8)
    stamp(card.id, visit=ago(3), quantity=2)
    seen = preview_rules(program, {"stamps_target": 9}, now=NOW)
    assert (seen.stamps, seen.full_cards) == (Change(2, 2), Change(1, 1))


def test_a_day_of_stamps_is_the_merchants(shop):
    program = program_of(shop, "stamps", stamps_target=10)
    card = make_card(program)
    midnight = NOW.replace(hour=23, minute=0)  # of Luxembourg, in winter
    for minutes in (-1, 1):
        when = midnight - timedelta(days=3) + timedelta(minutes=minutes)
        stamp(card.id, visit=Visit(by=OWNER, now=when))
    assert preview_rules(program, {"max_daily_stamps": 1}, now=NOW).stamps == Change(2, 2)


def test_open_rewards_are_kept(shop):
    program = program_of(shop, "stamps", stamps_target=2)
    stamp(make_card(program).id, visit=ago(200), quantity=4)
    issue = db.session.scalars(select(RewardIssue).where(RewardIssue.merchant_id == shop.id)).first()
    issue.status, issue.cancelled_at = "cancelled", NOW
    assert preview_rules(program, {"stamps_target": 9}, now=NOW).kept == 1


def test_a_value_no_program_may_have_is_refused_as_saving_it_would(shop):
    program = program_of(shop)
    with pytest.raises(Refused, match="between 0 and 10,000"):
        preview_rules(program, {"points_per_euro": 10_001}, now=NOW)
    assert program.points_per_euro == 10


def test_it_writes_nothing_and_takes_four_statements_however_many_cards_there_are(shop):
    program = program_of(shop, "hybrid", tier_config=TIERS, welcome_bonus_points=5)
    for number in range(8):
        earn(make_card(program).id, spent_cents=600 + number, visit=ago(2), stamps=1)
    db.session.commit()
    program, shop_id = db.session.merge(program), shop.id
    before = db.session.scalar(
        select(func.count()).where(LoyaltyTransaction.merchant_id == shop_id).select_from(LoyaltyTransaction)
    )
    sent = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: sent.append(args[2]))
    preview_rules(program, {"points_per_euro": 2, "stamps_target": 4, "tier_config": TIERS}, now=NOW)
    assert len([words for words in sent if words.startswith("SELECT")]) <= 4
    assert not [words for words in sent if not words.startswith(("SELECT", "SET", "BEGIN"))]
    assert not db.session.new
    assert not db.session.dirty
    assert before == 16
