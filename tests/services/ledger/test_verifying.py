"""Checking a ledger: nothing is found in a good one, and each fault put into it is found by its rule.

Faults are put into a transaction that is rolled back, for the ledger itself takes no changes.
"""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from portal.extensions import db
from portal.models import (
    IdempotencyKey,
    LoyaltyTransaction,
    OrderRefund,
    RewardIssue,
    TierChange,
)
from portal.services import programs, trash
from portal.services.ledger.adjusting import adjust
from portal.services.ledger.converting import convert
from portal.services.ledger.grading import run_tiers_some
from portal.services.ledger.merging import merge_customers
from portal.services.ledger.nightly import expire_rewards_some, expire_some
from portal.services.ledger.verifying import size_of, unguarded, verify
from tests.factories import (
    NOW,
    OPERATOR,
    make_card,
    make_earn,
    make_merge,
    make_order,
    make_reward,
    make_store,
)
from tests.services.ledger.stage import DAY, Shop

TIERS = [
    {"key": "bronze", "name": "Bronze", "threshold": 0, "multiplier_bp": 10_000},
    {"key": "silver", "name": "Silver", "threshold": 50, "multiplier_bp": 15_000},
]


def rules(shop: Shop) -> list[str]:
    db.session.flush()
    return sorted({finding.rule for finding in verify(shop.merchant.id)})


def put(shop: Shop, kind: str, **fields) -> LoyaltyTransaction:
    """Write a row past the verbs; its balances after add up, unless told."""
    card = fields.pop("card", shop.card)
    points, stamps = fields.get("points_delta", 0), fields.get("stamps_delta", 0)
    card.points_balance += points
    card.stamps_balance += stamps
    row = LoyaltyTransaction(
        **{
            "merchant_id": shop.merchant.id,
            "card_id": card.id,
            "program_id": shop.program.id,
            "type": kind,
            "points_after": card.points_balance,
            "stamps_after": card.stamps_balance,
            "source": "portal",
            "program_version": shop.program.version,
            "rule_snapshot": {},
            "occurred_at": NOW,
            "created_at": NOW,
            **fields,
        }
    )
    db.session.add(row)
    db.session.flush()
    return row


@pytest.fixture
def shop(shop_with):
    shop = shop_with(loyalty_type="hybrid", stamps_target=10, reward_valid_days=30, tier_config=TIERS)
    yield shop
    db.session.rollback()


def first_month(shop: Shop) -> LoyaltyTransaction:
    """A purchase refunded in parts, rewards taken in every way, stamps voided; answers the purchase."""
    order = make_order(make_store(shop.merchant), shop.card.customer, total_cents=80_00)
    earned = make_earn(order, shop.card)
    for minute, cents in enumerate((10_00, 5_01, 4_99), 1):
        back = shop.refund(earned, cents, minute)
    shop.void(back.rows[0], 5)
    shop.refund(earned, 7_77, 6)
    reward = make_reward(shop.program, points_required=15, stock=9)
    kept = shop.issue(reward, 10).rows[0].reward_issue_id
    shop.issue(reward, 11, at_once=True)
    shop.void(shop.issue(reward, 12, at_once=True).rows[0], 13)
    shop.cancel(shop.issue(reward, 14).rows[0].reward_issue_id, 15)
    shop.stamp(9, 20)
    shop.void(shop.stamp(12, 21).rows[0], 22)
    shop.stamp(4, 23)
    expire_rewards_some(shop.merchant, now=NOW + timedelta(days=25))
    assert db.session.get(RewardIssue, kept).status == "expired"
    db.session.commit()
    return earned


def test_a_year_of_everything_is_well(shop_with):
    shop = shop_with(
        loyalty_type="hybrid",
        stamps_target=10,
        reward_valid_days=20,
        points_expiration_days=100,
        tier_config=TIERS,
        tier_window_days=200,
        clawback_policy="clamp_to_zero",
        convert_rate=Decimal("0.5"),
    )
    earned = first_month(shop)
    adjust(shop.card.id, points=-3, reason_code="correction", visit=shop.visit(26 * DAY))
    other = make_card(shop.program)
    shop.earn(33_00, 30 * DAY, on=other)
    merge_customers(shop.card.customer, other.customer, visit=shop.visit(31 * DAY))
    db.session.commit()
    expire_some(shop.merchant, now=NOW + timedelta(days=200))
    db.session.commit()
    shop.refund(earned, 5_00, 201 * DAY)
    shop.earn(12_00, 202 * DAY)
    run_tiers_some(shop.merchant, now=NOW + timedelta(days=202))
    db.session.commit()
    shop.change(loyalty_type="stamps")
    convert(shop.card.id, visit=shop.visit(203 * DAY))
    trash.soft_delete_cascade(shop.card.customer, by=OPERATOR, now=NOW + timedelta(days=502))
    db.session.commit()
    shop.refund(earned, 1_00, 510 * DAY)
    assert list(verify(shop.merchant.id)) == []
    cards, movements = size_of(shop.merchant.id)
    assert (cards, movements > 30) == (2, True)
    assert unguarded() == []


def test_an_empty_ledger_is_well(shop):
    assert (rules(shop), size_of(shop.merchant.id)) == ([], (1, 0))


def test_a_balance_that_is_not_its_sum(shop):
    shop.earn(10_00)
    shop.card.points_balance += 1
    db.session.flush()
    found = list(verify(shop.merchant.id))
    assert [(f.rule, f.card_id) for f in found] == [("balance", shop.card.id)]
    assert found[0].sentence == "has 11 points and 0 stamps, its ledger 10 and 0"


def test_a_balance_without_any_row(shop):
    shop.card.stamps_balance = 3
    assert rules(shop) == ["balance"]


def test_a_row_whose_balance_after_is_wrong(shop):
    put(shop, "adjust", points_delta=5, points_after=6)
    assert rules(shop) == ["running_balance"]


def test_an_order_that_earned_twice(shop):
    order = make_order(make_store(shop.merchant), shop.card.customer, total_cents=10_00)
    first = make_earn(order, shop.card)
    again = {"points_delta": 10, "amount_cents": 1000, "eligible_cents": 1000, "attempt_no": 2}
    put(shop, "earn", order_id=order.id, rule_snapshot=first.rule_snapshot, **again)
    assert rules(shop) == ["earned_twice"]


def test_a_purchase_that_gave_other_points(shop):
    snapshot = shop.earn(10_00).rows[0].rule_snapshot
    put(shop, "earn", points_delta=11, amount_cents=1000, eligible_cents=1000, rule_snapshot=snapshot)
    assert rules(shop) == ["purchase"]


def test_a_purchase_of_which_more_counted_than_was_paid(shop):
    snapshot = shop.earn(10_00).rows[0].rule_snapshot
    put(shop, "earn", points_delta=10, amount_cents=900, eligible_cents=1000, rule_snapshot=snapshot)
    assert rules(shop) == ["purchase"]


def test_a_purchase_that_took_down_no_rules(shop):
    put(shop, "earn", points_delta=10, amount_cents=1000, eligible_cents=1000)
    assert rules(shop) == ["rules_taken_down"]


def test_a_void_that_does_not_mirror(shop):
    given = shop.stamp(3).rows[0]
    put(shop, "void", stamps_delta=-2, reverses_id=given.id, rule_snapshot={"owed": 0})
    assert rules(shop) == ["voided_wrongly"]


def test_a_void_of_what_cannot_be_voided(shop):
    given = put(shop, "import", points_delta=3)
    put(shop, "void", points_delta=-3, reverses_id=given.id, rule_snapshot={"owed": 3})
    assert rules(shop) == ["voided_wrongly"]


def test_a_void_that_took_other_points(shop):
    given = put(shop, "adjust", points_delta=5)
    put(shop, "void", points_delta=-4, reverses_id=given.id, rule_snapshot={"owed": 5})
    assert rules(shop) == ["taken_back"]


def test_refunds_of_more_than_counted(shop):
    given = shop.earn(10_00).rows[0]
    put(
        shop,
        "refund_reversal",
        points_delta=-10,
        linked_id=given.id,
        eligible_cents=1_001,
        rule_snapshot={"owed": 10},
    )
    assert rules(shop) == ["refunded_too_much"]


def test_a_refund_of_a_voided_purchase(shop):
    given = shop.earn(10_00).rows[0]
    shop.void(given, 1)
    put(
        shop,
        "refund_reversal",
        points_delta=-1,
        linked_id=given.id,
        eligible_cents=100,
        rule_snapshot={"owed": 1},
    )
    assert rules(shop) == ["refunded_too_much"]


def test_a_refund_that_took_other_points_than_were_kept(shop):
    given = shop.earn(10_00).rows[0]
    put(
        shop,
        "refund_reversal",
        points_delta=-4,
        linked_id=given.id,
        eligible_cents=500,
        rule_snapshot={"owed": 4},
    )
    assert rules(shop) == ["refund"]


@pytest.mark.parametrize("has_link", [True, False])
def test_a_refund_of_no_purchase(shop, has_link):
    linked = put(shop, "adjust", points_delta=9).id if has_link else None
    put(
        shop,
        "refund_reversal",
        points_delta=-4,
        linked_id=linked,
        eligible_cents=5,
        rule_snapshot={"owed": 4},
    )
    assert rules(shop) == ["refund_of_nothing"]


def test_more_money_back_than_was_paid(shop):
    order = make_order(make_store(shop.merchant), shop.card.customer, total_cents=10_00)
    db.session.add(
        OrderRefund(
            merchant_id=shop.merchant.id, order_id=order.id, amount_cents=1_001, lines=[], occurred_at=NOW
        )
    )
    found = rules(shop)
    assert found == ["order_refunded_too_much"]


def test_one_loss_set_off_twice(shop):
    given = shop.earn(10_00).rows[0]
    lost = put(shop, "expire", points_delta=-10)
    parts = [{"row": lost.id, "points": 10}]
    told = {"linked_id": given.id, "rule_snapshot": {"owed": 5, "set_off": parts}}
    told["rule_snapshot"] = {"owed": 5, "set_off": [{"row": lost.id, "points": 5}]}
    put(shop, "refund_reversal", eligible_cents=500, **told)
    assert rules(shop) == []
    more = {"owed": 5, "set_off": [{"row": lost.id, "points": 6}], "forgiven": -1}
    put(shop, "refund_reversal", eligible_cents=500, linked_id=given.id, rule_snapshot=more)
    assert rules(shop) == ["set_off"]


@pytest.mark.parametrize("status", ["cancelled", "expired", "issued"])
def test_a_reward_whose_rows_say_otherwise(shop, status):
    shop.earn(100_00)
    issue_id = shop.issue(make_reward(shop.program, points_required=15), 1).rows[0].reward_issue_id
    issue = db.session.get(RewardIssue, issue_id)
    if status == "issued":
        put(shop, "redeem_cancel", points_delta=15, reward_issue_id=issue_id)
    issue.status = status
    assert rules(shop) == ["reward"]


def test_a_stamp_reward_that_gave_stamps_back_though_it_expired(shop):
    row = shop.stamp(10).rows[1]
    issue = db.session.get(RewardIssue, row.reward_issue_id)
    issue.status = "expired"
    assert rules(shop) == []
    put(shop, "redeem_cancel", stamps_delta=10, reward_issue_id=issue.id)
    assert rules(shop) == ["reward"]


def test_a_reward_without_any_row_and_a_row_without_a_reward(shop):
    db.session.add(
        RewardIssue(merchant_id=shop.merchant.id, card_id=shop.card.id, points_price=5, issued_at=NOW)
    )
    put(shop, "stamp", stamps_delta=10)
    put(shop, "stamp_complete", stamps_delta=-10)
    assert rules(shop) == ["no_reward", "reward"]


def test_what_came_after_its_card_was_deleted(shop):
    trash.soft_delete_cascade(shop.card.customer, by=OPERATOR, now=NOW)
    put(shop, "adjust", points_delta=1, created_at=NOW + timedelta(seconds=90))  # waited for the lock
    assert rules(shop) == []
    put(shop, "forfeit", points_delta=-1, created_at=NOW + timedelta(days=1))
    assert rules(shop) == ["forfeited"]  # nobody was erased
    put(shop, "adjust", points_delta=1, created_at=NOW + timedelta(days=1))
    assert rules(shop) == ["after_death", "forfeited"]


def test_a_key_without_a_result(shop):
    key = IdempotencyKey(merchant_id=shop.merchant.id, key="k", request_hash="x")
    db.session.add(key)
    db.session.flush()
    put(shop, "adjust", points_delta=1, key_id=key.id)
    assert rules(shop) == ["key"]


def test_a_tier_where_no_step_led(shop):
    shop.card.tier_key = "silver"
    assert rules(shop) == ["tier"]


def test_a_step_that_does_not_begin_where_the_last_ended(shop):
    for source, target in ((None, "bronze"), ("gold", "silver")):
        db.session.add(
            TierChange(
                merchant_id=shop.merchant.id,
                card_id=shop.card.id,
                from_key=source,
                to_key=target,
                qualifying_points=0,
                program_version=1,
                changed_at=NOW,
            )
        )
        db.session.flush()
    shop.card.tier_key = "silver"
    assert rules(shop) == ["tier_steps"]


def test_the_tier_of_a_purged_card_is_forgotten(shop):
    shop.earn(60_00)
    act = trash.soft_delete_cascade(shop.card.customer, by=OPERATOR, now=NOW)
    db.session.commit()
    trash.purge(act, by=OPERATOR, now=NOW)
    db.session.commit()
    assert rules(shop) == []


def test_arrivals_and_departures_go_in_pairs(shop):
    other = make_card(shop.program)
    put(shop, "import", points_delta=5, card=other)
    left = put(shop, "merge_out", points_delta=-5, card=other)
    assert rules(shop) == ["merged_away"]
    make_merge(shop.card.customer, other.customer)
    put(shop, "merge_in", points_delta=4, linked_id=left.id)
    assert rules(shop) == ["merged"]


def test_a_conversion_has_two_halves(shop):
    put(shop, "import", points_delta=5)
    taken = put(shop, "convert", points_delta=-5, rule_snapshot={"rate": "1"})
    assert rules(shop) == ["converted"]
    put(shop, "convert", stamps_delta=5, linked_id=taken.id, rule_snapshot={"rate": "1"})
    assert rules(shop) == []


@pytest.mark.parametrize("currency", ["points_delta", "stamps_delta"])
def test_something_left_on_the_card_of_a_merged_customer(shop, currency):
    other = make_card(shop.program)
    merge_customers(shop.card.customer, other.customer, visit=shop.visit())
    put(shop, "import", card=other, **{currency: 4})
    assert rules(shop) == ["left_behind"]
    program = programs.delete_program(shop.program, by=shop.owner, now=NOW)
    assert rules(shop) == []
    program.status = "restoring"
    assert rules(shop) == []


def test_what_was_in_the_trash_alone_before_a_merge_is_left_there(shop):
    other = make_card(shop.program)
    put(shop, "import", card=other, points_delta=4)
    trash.soft_delete_cascade(other, by=OPERATOR, now=NOW)
    merge_customers(shop.card.customer, other.customer, visit=shop.visit())
    assert rules(shop) == []


def test_points_that_expired_although_they_were_frozen(shop):
    shop.earn(10_00)
    programs.change_program(shop.program, by=shop.owner, now=NOW, loyalty_type="stamps")
    put(shop, "expire", points_delta=-10)
    assert rules(shop) == ["expired_frozen"]


@pytest.mark.parametrize("kind", ["expire", "forfeit"])
def test_what_expires_or_is_forfeited_leaves_nothing(shop, kind):
    put(shop, "import", points_delta=5)
    put(shop, kind, points_delta=-4)
    assert "not_emptied" in rules(shop)


def test_rules_that_never_were(shop):
    put(shop, "adjust", points_delta=1, program_version=7)
    assert rules(shop) == ["version"]


@pytest.mark.parametrize("verb", ["update", "delete"])
@pytest.mark.unguarded("drops a trigger")
@pytest.mark.sqlite
def test_a_missing_trigger_is_named(shop, verb):
    db.session.execute(text(f"DROP TRIGGER loyalty_transactions_no_{verb}"))
    assert [f.sentence for f in unguarded()] == [f"the trigger loyalty_transactions_no_{verb} is missing"]


def test_another_merchants_faults_are_not_ours(shop, shop_with):
    stranger = shop_with()
    stranger.card.points_balance = 5
    assert rules(stranger) == ["balance"]
    from tests.factories import within

    with within(shop.merchant):
        assert list(verify(shop.merchant.id)) == []
