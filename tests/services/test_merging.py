"""Two records of one person made one, and taken apart again."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models import (
    AuditEntry,
    CardToken,
    Customer,
    CustomerMerge,
    Deletion,
    LoyaltyCard,
    LoyaltyTransaction,
    Order,
    RewardIssue,
    TierChange,
)
from portal.services import cards, customers, programs, trash
from portal.services.customers import change_customer
from portal.services.ledger.accounts import open_account
from portal.services.ledger.earning import earn
from portal.services.ledger.enrolling import enrol
from portal.services.ledger.merging import merge_customers
from portal.services.ledger.refunding import reverse_earn
from portal.services.ledger.rewarding import cancel_reward, issue_reward
from portal.services.ledger.stamping import stamp
from portal.services.ledger.unmerging import unmerge
from portal.services.ledger.verifying import verify
from portal.services.ledger.visits import Visit
from portal.services.ledger.voiding import void
from portal.services.twins import deleted_twin
from tests.factories import (
    NOW,
    make_customer,
    make_merchant,
    make_order,
    make_program,
    make_reward,
    make_store,
    manager_of,
    owner_of,
    within,
)

TIERS = [
    {"key": "base", "name": "Base", "threshold": 0, "multiplier_bp": 10_000},
    {"key": "gold", "name": "Gold", "threshold": 100, "multiplier_bp": 10_000},
]
STAMPS = {
    "loyalty_type": "hybrid",
    "stamps_target": 10,
    "cooldown_minutes": 0,
    "max_daily_stamps": 0,
    "max_stamps_per_transaction": 20,
    "points_per_euro": 1,
    "minimum_redemption_points": 0,
}


@pytest.fixture
def shop(app):
    merchant = make_merchant()
    with within(merchant):
        yield merchant


@pytest.fixture
def program(shop):
    return make_program(shop, **STAMPS)


def visit(shop, minutes=0, **more):
    return Visit(by=owner_of(shop), now=NOW + timedelta(minutes=minutes), **more)


def join(shop, name, minutes=0, **more):
    return enrol(shop, visit=visit(shop, minutes), secret="key", name=name, **more)


def pair(shop, **more):
    """Lea and her other record."""
    return join(shop, "Lea", phone="621 123 456"), join(shop, "Lea M", email="lea@example.com", **more)


def buy(shop, who, euros, minutes=1):
    return earn(who.card.id, spent_cents=euros * 100, visit=visit(shop, minutes)).rows[-1]


def merge(shop, survivor, loser, minutes=10, **more):
    done = merge_customers(survivor.customer, loser.customer, visit=visit(shop, minutes, **more))
    assert list(verify(shop.id)) == []
    return done


def apart(shop, done, minutes=20, **more):
    undone = unmerge(done, visit=visit(shop, minutes, **more))
    assert list(verify(shop.id)) == []
    return undone


def balance(who):
    return (who.card.points_balance, who.card.stamps_balance)


def rows(who, *types):
    mine = (LoyaltyTransaction.merchant_id == who.card.merchant_id, LoyaltyTransaction.card_id == who.card.id)
    found = db.session.scalars(select(LoyaltyTransaction).where(*mine).order_by(LoyaltyTransaction.id))
    return [row for row in found if not types or row.type in types]


def actions(shop):
    return [entry.action for entry in db.session.scalars(AuditEntry.of(shop).order_by(AuditEntry.id))]


def columns(row, *but):
    db.session.refresh(row)
    names = set(row.__table__.c.keys()) - {"updated_at", *but}
    return {name: getattr(row, name) for name in names}


def test_points_and_stamps_move_in_two_linked_rows(shop, program):
    lea, other = pair(shop)
    buy(shop, lea, 30)
    buy(shop, other, 12, minutes=5)
    stamp(other.card.id, visit=visit(shop, 6), quantity=3)
    done = merge(shop, lea, other)
    assert (balance(lea), balance(other)) == ((42, 3), (0, 0))
    left, came = rows(other)[-1], rows(lea)[-1]
    assert (left.type, left.points_delta, left.stamps_delta) == ("merge_out", -12, -3)
    assert (came.type, came.points_delta, came.stamps_delta) == ("merge_in", 12, 3)
    assert (came.linked_id, came.reason_code) == (left.id, "merge")
    assert (done.survivor_id, done.loser_id) == (lea.customer.id, other.customer.id)
    assert (done.merged_by_id, done.merged_at) == (owner_of(shop).user_id, NOW + timedelta(minutes=10))
    assert actions(shop)[-2:] == ["customers.delete", "customers.merge"]


def test_a_negative_balance_moves_too(shop, program):
    lea, other = pair(shop)
    reward = make_reward(program, points_required=10)
    bought = buy(shop, other, 10)
    issue_reward(other.card.id, reward.id, visit=visit(shop, 2), at_once=True)
    reverse_earn(bought, 1000, visit=visit(shop, 3))
    buy(shop, lea, 4)
    merge(shop, lea, other)
    assert (balance(lea), balance(other)) == ((-6, 0), (0, 0))


def test_the_loser_lies_in_the_trash_and_comes_back_by_no_restore(shop, program):
    lea, other = pair(shop)
    done = merge(shop, lea, other)
    assert other.customer.is_deleted
    assert other.card.is_deleted
    assert other.customer.merged_into_id == lea.customer.id
    act = db.session.get(Deletion, done.loser_deletion_id)
    with pytest.raises(Refused, match="merged into another") as refused:
        trash.restore(act, by=owner_of(shop), now=NOW)
    assert refused.value.code == "merged"


def test_nobody_is_offered_a_merged_record_to_restore(shop, program):
    lea, other = join(shop, "Lea", phone="621 111 111"), join(shop, "Lea M", phone="621 123 456")
    luca = make_customer(shop, "Luca", phone="+352621222222")
    customers.delete_customer(luca, by=owner_of(shop), now=NOW)
    merge(shop, lea, other)
    change_customer(lea.customer, phone="621 123 456", by=owner_of(shop), now=NOW)
    assert deleted_twin(lea.customer, owner_of(shop)) is None
    change_customer(lea.customer, phone="621 222 222", by=owner_of(shop), now=NOW)
    assert deleted_twin(lea.customer, owner_of(shop)).root_id == luca.id


def test_every_code_leads_to_the_survivor(shop, program):
    lea, other = pair(shop)
    lost = cards.replace_token(other.card.id, visit=visit(shop))
    merge(shop, lea, other)
    for code in (lea.codes.qr, lea.codes.number, lost.codes.qr, lost.codes.number):
        assert cards.find_card(shop, code) == lea.card
    with pytest.raises(Refused, match="replaced on"):
        cards.find_card(shop, other.codes.qr)


def test_rewards_move_and_count_for_the_survivors_limit(shop, program):
    lea, other = pair(shop)
    reward = make_reward(program, points_required=10, per_customer_limit=1)
    buy(shop, other, 30)
    issued = issue_reward(other.card.id, reward.id, visit=visit(shop, 2)).rows[0].reward_issue_id
    merge(shop, lea, other)
    with pytest.raises(Refused, match="has had"):
        issue_reward(lea.card.id, reward.id, visit=visit(shop, 11))
    cancel_reward(lea.card.id, issued, visit=visit(shop, 12))
    assert balance(lea) == (30, 0)


def test_orders_and_consents_keep_their_record_and_are_found_for_both(shop, program):
    lea, other = pair(shop)
    order = make_order(make_store(shop), other.customer)
    customers.note_consent(other.customer, is_given=True, source="till", by=owner_of(shop), now=NOW)
    merge(shop, lea, other)
    assert db.session.get(Order, order.id).customer_id == other.customer.id
    theirs = select(Order).where(Order.merchant_id == shop.id)
    found = theirs.where(Order.customer_id.in_(customers.same_person(lea.customer)))
    assert db.session.scalars(found, execution_options={"include_deleted": {Customer}}).one().id == order.id
    assert customers.consent_of(lea.customer).is_given


def test_a_card_is_made_for_a_survivor_without_one(shop, program):
    lea = make_customer(shop, "Lea")
    other = join(shop, "Lea M", email="lea@example.com")
    buy(shop, other, 12, minutes=5)
    cards.suspend_card(other.card.id, visit=visit(shop, 6))
    done = merge_customers(lea, other.customer, visit=visit(shop, 10))
    card = cards.find_card(shop, other.codes.qr)
    assert (card.customer_id, card.points_balance, card.status) == (lea.id, 12, "suspended")
    assert card.last_activity_at == NOW + timedelta(minutes=5)
    assert done.moved["made_card"]
    kinds = select(LoyaltyTransaction.type).where(LoyaltyTransaction.card_id == card.id)
    assert db.session.scalars(kinds.where(LoyaltyTransaction.merchant_id == shop.id)).all() == ["merge_in"]


def test_records_without_cards_are_merged_too(shop):
    lea, other = make_customer(shop, "Lea"), make_customer(shop, "Lea M")
    done = merge_customers(lea, other, visit=visit(shop))
    assert (other.merged_into_id, "card_id" in done.moved) == (lea.id, False)
    unmerge(done, visit=visit(shop, 1))
    assert not db.session.get(Customer, other.id).is_deleted


def test_a_loser_without_a_card_brings_none(shop, program):
    lea = join(shop, "Lea")
    other = make_customer(shop, "Lea M")
    done = merge_customers(lea.customer, other, visit=visit(shop))
    assert "card_id" not in done.moved
    assert [row.type for row in rows(lea)] == ["enrol"]


def test_of_two_welcome_bonuses_one_is_reversed(shop):
    make_program(shop, welcome_bonus_points=50)
    lea, other = pair(shop)
    done = merge(shop, lea, other)
    assert balance(lea) == (50, 0)
    taken = rows(other, "adjust")[0]
    assert (taken.id, taken.points_delta, taken.reason_code) == (done.moved["bonus"], -50, "merge")
    third = join(shop, "Lea K")
    merge(shop, lea, third, 11)
    assert balance(lea) == (50, 0)
    fourth = join(shop, "Somebody")
    merge(shop, fourth, lea, 12)
    assert balance(fourth) == (50, 0)


def test_a_single_welcome_bonus_stays(shop, program):
    plain = join(shop, "Lea")
    rules = db.session.merge(program)
    rules.welcome_bonus_points = 50
    other = join(shop, "Lea M", phone="621 555 555")
    merge(shop, plain, other)
    assert balance(plain) == (50, 0)
    assert rows(other, "adjust") == []


def test_a_bonus_that_expired_is_not_taken_twice(shop):
    make_program(shop, welcome_bonus_points=50, points_expiration_days=10, points_per_euro=1)
    lea, other = pair(shop)
    month = 60 * 24 * 60
    bought = buy(shop, other, 20, minutes=month)
    merge(shop, lea, other, month + 5)
    taken = rows(other, "adjust")[0]
    assert (taken.points_delta, taken.rule_snapshot["set_off"][0]["points"]) == (0, 50)
    assert lea.card.points_balance == 20
    # What the bonus has set off is not set off again by a refund.
    assert reverse_earn(bought, 2000, visit=visit(shop, month + 9)).points == -20


def test_what_expired_on_the_losers_card_is_set_off_however_it_came_to_the_survivor(shop):
    make_program(shop, points_expiration_days=10, points_per_euro=1)
    lea, other = pair(shop)
    third = join(shop, "Lea K")
    day = 60 * 24
    bought = buy(shop, other, 20)
    apart(shop, merge(shop, lea, other, 2), 3)
    buy(shop, lea, 100, minutes=40 * day)
    merge(shop, lea, other, 40 * day)  # posts its expiry first
    apart(shop, merge(shop, lea, third, 40 * day + 1), 40 * day + 2)
    merge(shop, lea, third, 40 * day + 3)
    undone = reverse_earn(bought, 2000, visit=visit(shop, 41 * day))
    assert undone.rows[0].rule_snapshot["set_off"][0]["points"] == 20
    assert balance(lea) == (100, 0)


def test_what_expired_is_not_merged_back_to_life(shop):
    make_program(shop, points_expiration_days=10, points_per_euro=1)
    lea, other = pair(shop)
    buy(shop, other, 20)
    buy(shop, lea, 5, minutes=60 * 24 * 60)
    merge(shop, lea, other, 60 * 24 * 60 + 1)
    assert [row.type for row in rows(other)] == ["enrol", "earn", "expire", "merge_out"]
    assert balance(lea) == (5, 0)


def test_the_later_activity_and_floor_count(shop, program):
    lea, other = pair(shop)
    buy(shop, lea, 1, minutes=1)
    buy(shop, other, 1, minutes=7)
    other.card.expiry_floor_at = NOW + timedelta(days=90)
    merge(shop, lea, other)
    assert lea.card.last_activity_at == NOW + timedelta(minutes=7)
    assert lea.card.expiry_floor_at == NOW + timedelta(days=90)


@pytest.mark.parametrize(("had", "phone"), [(None, "+352621123456"), ("+352621777777", "+352621777777")])
def test_contacts_the_survivor_has_not_are_taken_over(shop, program, had, phone):
    lea = join(shop, "Lea", phone=had, email="own@example.com")
    other = join(shop, "Lea M", phone="621 123 456", email="lea@example.com")
    done = merge(shop, lea, other)
    assert (lea.customer.phone, lea.customer.email) == (phone, "own@example.com")
    assert (done.moved["phone"], done.moved["email"]) == (had is None, False)


def test_earlier_merges_point_at_the_last_survivor(shop, program):
    lea, other = pair(shop)
    third = join(shop, "Lea K")
    bought = buy(shop, third, 30)
    merge(shop, other, third, 2)
    merge(shop, lea, other, 3)
    db.session.expire_all()
    assert {third.customer.merged_into_id, other.customer.merged_into_id} == {lea.customer.id}
    assert balance(lea) == (30, 0)
    reverse_earn(bought, 3000, visit=visit(shop, 20))
    assert balance(lea) == (0, 0)
    assert open_account(third.card.id, visit(shop)).card == lea.card


def test_reversals_of_the_losers_rows_post_to_the_survivor(shop, program):
    lea, other = pair(shop)
    bought = buy(shop, other, 30)
    stamped = stamp(other.card.id, visit=visit(shop, 2), quantity=2).rows[0]
    merge(shop, lea, other)
    reverse_earn(bought, 1000, visit=visit(shop, 20))
    void(stamped, visit=visit(shop, 21))
    assert (balance(lea), balance(other)) == ((20, 0), (0, 0))
    assert [row.type for row in rows(lea)[-2:]] == ["refund_reversal", "void"]


def test_stamps_that_fill_a_card_together_bring_a_reward(shop, program):
    lea, other = pair(shop)
    stamp(lea.card.id, visit=visit(shop, 1), quantity=6)
    stamp(other.card.id, visit=visit(shop, 2), quantity=7)
    merge(shop, lea, other)
    issue = db.session.scalars(RewardIssue.of(shop)).one()
    assert (balance(lea), issue.card_id, issue.stamps_target) == ((0, 3), lea.card.id, 10)


def test_frozen_stamps_move_and_fill_nothing(shop, program):
    lea, other = pair(shop)
    stamp(lea.card.id, visit=visit(shop, 1), quantity=6)
    stamp(other.card.id, visit=visit(shop, 2), quantity=7)
    db.session.merge(program).loyalty_type = "points"
    merge(shop, lea, other)
    assert balance(lea) == (0, 13)


def test_what_both_earned_counts_for_the_tier(shop):
    make_program(shop, tier_config=TIERS, points_per_euro=1)
    lea, other = pair(shop)
    buy(shop, lea, 60)
    buy(shop, other, 50)
    done = merge(shop, lea, other)
    assert lea.card.tier_key == "gold"
    apart(shop, done)
    assert (lea.card.tier_key, other.card.tier_key) == ("base", "base")
    changes = db.session.scalars(TierChange.of(shop).where(TierChange.card_id == lea.card.id)).all()
    assert [change.to_key for change in changes] == ["base", "gold", "base"]


def test_nobody_falls_by_a_merge(shop):
    make_program(shop, tier_config=TIERS, points_per_euro=1)
    lea, other = pair(shop)
    bought = buy(shop, other, 100)
    reverse_earn(bought, 5000, visit=visit(shop, 2))
    assert other.card.tier_key == "gold"  # down only at night, after the grace
    done = merge(shop, lea, other)
    assert lea.card.tier_key == "gold"
    buy(shop, lea, 120, minutes=12)
    apart(shop, done)
    assert lea.card.tier_key == "gold"  # by their own purchases now


def test_one_key_merges_once(shop, program):
    lea, other = pair(shop)
    buy(shop, other, 12)
    first = merge(shop, lea, other, key="k")
    assert merge(shop, lea, other, 11, key="k") == first
    assert balance(lea) == (12, 0)
    with pytest.raises(Conflict, match="another request"):
        merge(shop, other, lea, 12, key="k")


def test_a_merge_is_the_owners(shop, program):
    lea, other = pair(shop)
    by = manager_of(make_store(shop))
    with pytest.raises(Refused, match="Only an owner"):
        merge_customers(lea.customer, other.customer, visit=Visit(by=by, now=NOW))
    done = merge(shop, lea, other)
    with pytest.raises(Refused, match="Only an owner"):
        unmerge(done, visit=Visit(by=by, now=NOW))


def test_nobody_is_merged_with_themselves_or_the_dead(shop, program):
    lea, other = pair(shop)
    with pytest.raises(Refused, match="two different"):
        merge(shop, lea, lea)
    customers.delete_customer(other.customer, by=owner_of(shop), now=NOW)
    for pair_ in ((lea, other), (other, lea)):
        with pytest.raises(Conflict, match="in the trash"):
            merge(shop, *pair_)


def test_another_merchants_customer_is_not_merged(shop, program):
    lea = join(shop, "Lea")
    strange = make_merchant()
    with within(strange):
        theirs = make_customer(strange, "Lea")
    with pytest.raises(Conflict, match="in the trash"):
        merge_customers(lea.customer, theirs, visit=visit(shop))


def test_another_merchants_merge_is_not_taken_apart(shop):
    strange = make_merchant()
    with within(strange):
        both = make_customer(strange, "Lea"), make_customer(strange, "Lea M")
        theirs = merge_customers(*both, visit=visit(strange))
    with pytest.raises(Conflict, match="not there any more"):
        apart(shop, theirs)


def test_taken_apart_everything_is_as_before(shop):
    program = make_program(shop, **STAMPS, welcome_bonus_points=50, points_expiration_days=365)
    reward = make_reward(program, points_required=10)
    lea, other = pair(shop)
    third = join(shop, "Lea K")
    merge(shop, other, third, 1)
    buy(shop, lea, 30, minutes=2)
    buy(shop, other, 12, minutes=3)
    stamp(lea.card.id, visit=visit(shop, 4), quantity=6)
    stamp(other.card.id, visit=visit(shop, 5), quantity=7)
    issue_reward(other.card.id, reward.id, visit=visit(shop, 6))
    everybody = [lea.customer, other.customer, third.customer, lea.card, third.card]
    everybody += db.session.scalars(CardToken.of(shop).order_by(CardToken.id)).all()
    before = [columns(each) for each in everybody]
    theirs = columns(other.card, "expiry_floor_at")
    done = merge(shop, lea, other)
    assert balance(lea) != (before[3]["points_balance"], before[3]["stamps_balance"])
    apart(shop, done)
    assert [columns(each) for each in everybody] == before
    assert columns(other.card, "expiry_floor_at") == theirs
    assert other.card.expiry_floor_at == NOW + timedelta(minutes=20, days=30)
    kept = {issue.status: issue.card_id for issue in db.session.scalars(RewardIssue.of(shop))}
    assert kept == {"issued": other.card.id, "cancelled": lea.card.id}
    assert (done.unmerged_at, actions(shop)[-1]) == (NOW + timedelta(minutes=20), "customers.unmerge")
    assert trash.doctor() == []


def test_what_was_earned_after_stays_with_the_survivor(shop, program):
    lea, other = pair(shop)
    buy(shop, other, 12)
    done = merge(shop, lea, other)
    buy(shop, lea, 5, minutes=15)
    stamp(lea.card.id, visit=visit(shop, 16), quantity=2)
    apart(shop, done)
    assert (balance(lea), balance(other)) == ((5, 2), (12, 0))
    assert lea.card.last_activity_at == NOW + timedelta(minutes=16)


def test_a_refund_of_the_losers_purchase_goes_with_it(shop, program):
    lea, other = pair(shop)
    reward = make_reward(program, points_required=2)
    bought = buy(shop, other, 12)
    stamped = stamp(other.card.id, visit=visit(shop, 2), quantity=3).rows[0]
    issued = issue_reward(other.card.id, reward.id, visit=visit(shop, 3)).rows[0].reward_issue_id
    buy(shop, lea, 30)
    done = merge(shop, lea, other)
    reverse_earn(bought, 1200, visit=visit(shop, 12))
    void(stamped, visit=visit(shop, 13))
    cancel_reward(lea.card.id, issued, visit=visit(shop, 14))
    apart(shop, done)
    assert (balance(lea), balance(other)) == ((30, 0), (0, 0))


def test_a_bonus_given_back_by_hand_is_not_given_twice(shop):
    make_program(shop, welcome_bonus_points=50)
    lea, other = pair(shop)
    done = merge(shop, lea, other)
    void(rows(other, "adjust")[0], visit=visit(shop, 11))
    assert balance(lea) == (100, 0)
    apart(shop, done)
    assert (balance(lea), balance(other)) == ((50, 0), (50, 0))


def test_a_reward_that_only_both_had_filled_is_cancelled(shop, program):
    lea, other = pair(shop)
    stamp(lea.card.id, visit=visit(shop, 1), quantity=6)
    stamp(other.card.id, visit=visit(shop, 2), quantity=3)
    done = merge(shop, lea, other)
    stamp(lea.card.id, visit=visit(shop, 11), quantity=2)
    assert balance(lea) == (0, 1)
    apart(shop, done)
    assert (balance(lea), balance(other)) == ((0, 8), (0, 3))
    assert db.session.scalars(RewardIssue.of(shop)).one().status == "cancelled"


def test_a_reward_the_survivor_filled_alone_stays(shop, program):
    lea, other = pair(shop)
    stamp(lea.card.id, visit=visit(shop, 1), quantity=12)
    stamp(other.card.id, visit=visit(shop, 2), quantity=8)
    done = merge(shop, lea, other)
    assert balance(lea) == (0, 0)
    apart(shop, done)
    assert (balance(lea), balance(other)) == ((0, 2), (0, 8))
    kept = [issue.status for issue in db.session.scalars(RewardIssue.of(shop).order_by(RewardIssue.id))]
    assert kept == ["issued", "cancelled"]


def test_a_card_made_for_the_merge_goes_again_unless_it_was_used(shop, program):
    for number, is_used in enumerate([False, True]):
        lea = make_customer(shop, "Lea")
        other = join(shop, "Lea M", email=f"lea{number}@example.com")
        done = merge_customers(lea, other.customer, visit=visit(shop, 10))
        if is_used:
            earn(done.moved["card_id"], spent_cents=500, visit=visit(shop, 11))
        apart(shop, done)
        left = db.session.scalars(LoyaltyCard.of(shop).where(LoyaltyCard.customer_id == lea.id)).all()
        assert [card.points_balance for card in left] == ([5] if is_used else [])


def test_contacts_go_back_unless_they_were_changed(shop, program):
    lea, other = join(shop, "Lea"), join(shop, "Lea M", phone="621 123 456", email="lea@example.com")
    done = merge(shop, lea, other)
    change_customer(lea.customer, email="new@example.com", by=owner_of(shop), now=NOW)
    apart(shop, done)
    assert (lea.customer.phone, lea.customer.email) == (None, "new@example.com")
    assert (other.customer.phone, other.customer.email) == ("+352621123456", "lea@example.com")


def test_a_phone_somebody_has_by_now_stands_in_the_way(shop, program):
    lea, other = join(shop, "Lea"), join(shop, "Lea M", phone="621 123 456")
    done = merge(shop, lea, other)
    change_customer(lea.customer, phone="621 999 999", by=owner_of(shop), now=NOW)
    join(shop, "Luca", phone="621 123 456")
    db.session.commit()
    with pytest.raises(Conflict, match="taken now by customer Luca"):
        apart(shop, done)
    db.session.rollback()


def test_one_key_takes_apart_once(shop, program):
    lea, other = pair(shop)
    buy(shop, other, 12)
    done = merge(shop, lea, other)
    assert apart(shop, done, key="k") == apart(shop, done, 25, key="k")
    assert balance(other) == (12, 0)
    with pytest.raises(Refused, match="taken back already"):
        apart(shop, done)


def test_after_a_day_a_merge_stands(shop, program):
    lea, other = pair(shop)
    done = merge(shop, lea, other, 0)
    with pytest.raises(Refused, match="24 hours") as refused:
        apart(shop, done, 60 * 24 + 1)
    assert refused.value.code == "too_late"
    apart(shop, done, 60 * 24)


def test_what_was_spent_since_cannot_be_told_apart(shop, program):
    lea, other = pair(shop)
    reward = make_reward(program, points_required=10)
    buy(shop, other, 30)
    done = merge(shop, lea, other)
    issue_reward(lea.card.id, reward.id, visit=visit(shop, 12))
    with pytest.raises(Refused, match="redeemed or have expired"):
        apart(shop, done)


def test_what_expired_since_cannot_be_told_apart(shop):
    make_program(shop, points_expiration_days=10, points_per_euro=1)
    lea, other = pair(shop)
    buy(shop, lea, 5)
    days = 60 * 24 * 10
    done = merge(shop, lea, other, days)  # brings nothing, so it puts nothing off
    with pytest.raises(Refused, match="redeemed or have expired"):
        apart(shop, done, days + 60 * 23)


def test_a_refund_that_was_voided_since_takes_nothing_from_whoever_comes_back(shop, program):
    lea, other = pair(shop)
    bought = buy(shop, other, 100)
    done = merge(shop, lea, other)
    back = reverse_earn(bought, 4000, visit=visit(shop, 11)).rows[-1]
    void(back, visit=visit(shop, 12))
    apart(shop, done)
    assert (balance(lea), balance(other)) == ((0, 0), (100, 0))


def test_a_refund_that_is_voided_after_all_comes_back_to_whose_purchase_it_was(shop, program):
    lea, other = pair(shop)
    bought = buy(shop, other, 100)
    done = merge(shop, lea, other)
    back = reverse_earn(bought, 4000, visit=visit(shop, 11)).rows[-1]
    apart(shop, done)
    assert (balance(lea), balance(other)) == ((0, 0), (60, 0))
    void(back, visit=visit(shop, 21))
    assert (balance(lea), balance(other)) == ((0, 0), (100, 0))


def test_merged_twice_a_refund_of_the_first_time_may_be_voided_in_the_second(shop, program):
    lea, other = pair(shop)
    bought = buy(shop, other, 100)
    done = merge(shop, lea, other)
    back = reverse_earn(bought, 4000, visit=visit(shop, 11)).rows[-1]
    apart(shop, done)
    again = merge(shop, lea, other, 30)
    void(back, visit=visit(shop, 31))
    apart(shop, again, 32)
    assert (balance(lea), balance(other)) == ((0, 0), (100, 0))


def test_a_stamp_that_was_voided_while_merged_counts_no_more_after(shop):
    make_program(shop, **STAMPS | {"cooldown_minutes": 60, "max_daily_stamps": 1})
    lea, other = pair(shop)
    given = stamp(other.card.id, visit=visit(shop, 1)).rows[0]
    done = merge(shop, lea, other)
    void(given, visit=visit(shop, 11))
    apart(shop, done)
    stamp(other.card.id, visit=visit(shop, 21))
    assert balance(other) == (0, 1)


def test_a_merge_under_another_is_taken_apart_after_it(shop, program):
    lea, other = pair(shop)
    third = join(shop, "Lea K")
    buy(shop, third, 30)
    first = merge(shop, other, third, 2)
    second = merge(shop, lea, other, 3)
    with pytest.raises(Refused, match="merged again"):
        apart(shop, first)
    apart(shop, second, 21)
    apart(shop, first, 22)
    assert [balance(each)[0] for each in (lea, other, third)] == [0, 0, 30]


def test_what_was_refunded_under_another_merge_is_not_given_back(shop, program):
    lea, other = pair(shop)
    third = join(shop, "Lea K")
    bought = buy(shop, third, 100)
    buy(shop, other, 50)
    first = merge(shop, other, third, 2)
    second = merge(shop, lea, other, 3)
    reverse_earn(bought, 3000, visit=visit(shop, 4))
    apart(shop, second, 5)
    apart(shop, first, 6)
    assert (balance(lea), balance(other), balance(third)) == ((0, 0), (50, 0), (70, 0))


def test_who_is_in_the_trash_is_not_taken_apart(shop, program):
    lea, other = pair(shop)
    done = merge(shop, lea, other)
    customers.delete_customer(lea.customer, by=owner_of(shop), now=NOW)
    with pytest.raises(Conflict, match="in the trash"):
        apart(shop, done)


def test_with_its_program_in_the_trash_nothing_is_taken_apart(shop, program):
    lea, other = pair(shop)
    done = merge(shop, lea, other)
    programs.delete_program(db.session.merge(program), by=owner_of(shop), now=NOW)
    with pytest.raises(Conflict, match="in the trash with its program"):
        apart(shop, done)


def test_two_owners_who_merge_each_way_merge_once(shop, program, elsewhere):
    lea, other = pair(shop)
    buy(shop, lea, 30)
    buy(shop, other, 12)
    ids, merchant_id, by = (lea.customer.id, other.customer.id), shop.id, owner_of(shop)
    db.session.commit()

    def at_once(survivor_id, loser_id):
        with within(merchant_id):
            both = [db.session.get(Customer, each) for each in (survivor_id, loser_id)]
            if None in both:
                return 1
            try:
                merge_customers(*both, visit=Visit(by=by, now=NOW))
            except Conflict:
                db.session.rollback()
                return 1
            db.session.commit()
            return 0

    sides = [elsewhere(at_once, *ids), elsewhere(at_once, *reversed(ids))]
    assert sum(side.result() for side in sides) == 1
    kept = db.session.scalars(LoyaltyCard.of(shop)).one()
    assert kept.points_balance == 42
    assert len(db.session.scalars(CustomerMerge.of(shop)).all()) == 1
