"""A merge taken back within a day: what came with it goes again, what came after stays."""

from datetime import timedelta

import pytest

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models import (
    CardToken,
    LoyaltyCard,
    RewardIssue,
)
from portal.services import customers, programs, trash
from portal.services.customers import change_customer
from portal.services.ledger.earning import earn
from portal.services.ledger.merging import merge_customers
from portal.services.ledger.refunding import reverse_earn
from portal.services.ledger.rewarding import cancel_reward, issue_reward
from portal.services.ledger.stamping import stamp
from portal.services.ledger.voiding import void
from tests.factories import (
    NOW,
    make_customer,
    make_merchant,
    make_program,
    make_reward,
    owner_of,
    within,
)
from tests.services.merging import (
    STAMPS,
    actions,
    apart,
    balance,
    buy,
    columns,
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


def test_a_second_bonus_taken_under_another_merge_is_given_back_to_whom_it_was_given(shop):
    make_program(shop, welcome_bonus_points=50)
    lea, third = join(shop, "Lea", phone="621 123 456"), join(shop, "Lea K", phone="621 222 222")
    other = join(shop, "Lea M")
    first = merge(shop, other, third, 2)
    second = merge(shop, lea, other, 3)
    assert balance(lea) == (50, 0)
    apart(shop, second, 5)
    apart(shop, first, 6)
    assert [balance(each)[0] for each in (lea, other, third)] == [50, 0, 50]


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
