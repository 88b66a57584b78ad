"""Two records of one person made one."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models import (
    Customer,
    CustomerMerge,
    Deletion,
    LoyaltyCard,
    LoyaltyTransaction,
    Order,
    RewardIssue,
    TierChange,
)
from portal.services import cards, consents, customers, trash
from portal.services.customers import change_customer
from portal.services.ledger.accounts import open_account
from portal.services.ledger.merging import merge_customers
from portal.services.ledger.refunding import reverse_earn
from portal.services.ledger.rewarding import cancel_reward, issue_reward
from portal.services.ledger.stamping import stamp
from portal.services.ledger.unmerging import unmerge
from portal.services.ledger.visits import Visit
from portal.services.ledger.voiding import void
from portal.services.same_person import same_person
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
from tests.services.merging import (
    STAMPS,
    TIERS,
    actions,
    apart,
    balance,
    buy,
    join,
    merge,
    pair,
    rows,
    visit,
)


@pytest.fixture
def shop(app):
    merchant = make_merchant()
    with within(merchant):
        yield merchant


@pytest.fixture
def program(shop):
    return make_program(shop, **STAMPS)


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
    consents.note_consent(other.customer, is_given=True, source="till", by=owner_of(shop), now=NOW)
    merge(shop, lea, other)
    assert db.session.get(Order, order.id).customer_id == other.customer.id
    theirs = select(Order).where(Order.merchant_id == shop.id)
    found = theirs.where(Order.customer_id.in_(same_person(lea.customer)))
    assert db.session.scalars(found, execution_options={"include_deleted": {Customer}}).one().id == order.id
    assert consents.consent_of(lea.customer).is_given


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


def test_what_people_merged_before_earned_lifts_the_last_survivor_at_once(shop, program):
    lea, other = pair(shop)
    third = join(shop, "Lea K")
    for who, euros in ((third, 40), (other, 30), (lea, 35)):
        buy(shop, who, euros)
    merge(shop, other, third, 2)
    program.tier_config = TIERS
    db.session.commit()
    merge(shop, lea, other, 3)
    step = db.session.scalars(TierChange.of(shop).order_by(TierChange.id.desc())).first()
    assert (lea.card.tier_key, step.qualifying_points) == ("gold", 105)


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
