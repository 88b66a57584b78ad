"""The numbers merchants look at: each as it is defined, and none changed by a deletion."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from portal.extensions import db
from portal.models.actor import OPERATOR, Actor, Role
from portal.services import programs, trash
from portal.services.ledger.adjusting import adjust
from portal.services.ledger.expiring import due_at
from portal.services.ledger.merging import merge_customers
from portal.services.ledger.numbers import (
    Liability,
    Members,
    Period,
    Points,
    balances,
    liability,
    members,
    points,
)
from portal.services.ledger.reports import Flow, cohorts, staff_operations, store_flows
from tests.factories import (
    NOW,
    give,
    make_card,
    make_customer,
    make_member,
    make_merchant,
    make_reward,
    make_store,
    make_token,
    make_user,
    manager_of,
    staff_of,
    within,
)
from tests.services.ledger.stage import DAY, Shop

DAYS = Period(NOW - timedelta(days=1), NOW + timedelta(days=1))
YEARS = Period(NOW - timedelta(days=900), NOW + timedelta(days=900))


@pytest.fixture
def shop(shop_with) -> Shop:
    return shop_with(loyalty_type="hybrid", stamps_target=10)


def listed(shop: Shop, now=NOW):
    return list(balances(shop.merchant, now=now))


# Periods


def test_a_period_takes_whole_local_days(shop):
    """On 29 March 2026 the clocks go forward: the day has 23 hours."""
    period = Period.of_days(shop.merchant, date(2026, 3, 29), date(2026, 3, 29))
    assert period.until - period.since == timedelta(hours=23)
    assert period.since.astimezone(UTC) == datetime(2026, 3, 28, 23, tzinfo=UTC)


# Balances


def test_balances_are_listed_with_their_numbers(shop):
    token = {"kind": "number", "value": "62860028"}
    make_token(shop.card, **token)
    make_token(shop.card, kind="legacy", value="OLD-1")
    make_token(shop.card, kind="number", value="11111111", revoked_at=NOW)
    old = make_card(shop.program, make_customer(shop.merchant, external_ref="598"))
    make_token(old, kind="legacy", value="OLD-2")
    plain = make_card(shop.program)
    make_token(plain)
    give(shop.card, points=7, stamps=2)
    give(old, points=-3)
    assert listed(shop) == [
        ["external_ref", "card_number", "points", "stamps"],
        [None, "62860028", 7, 2],
        ["598", "OLD-2", -3, 0],
        [None, None, 0, 0],
    ]


def test_balances_leave_out_what_is_due_to_expire_and_the_dead(shop):
    shop.change(points_expiration_days=10)
    give(shop.card, points=7, kind="earn")
    dead = make_card(shop.program)
    trash.soft_delete_cascade(dead.customer, by=OPERATOR, now=NOW)
    db.session.commit()
    assert [row[2] for row in listed(shop)[1:]] == [7]
    assert [row[2] for row in listed(shop, NOW + timedelta(days=40))[1:]] == [0]


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Auckland"])
def test_a_balance_is_over_at_the_very_moment_its_points_are(shop_with, zone):
    """The question to the database and the rule of one card agree to the second."""
    shop = shop_with(zone, points_expiration_days=10)
    give(shop.card, points=7, kind="earn")
    due = due_at(shop.card, shop.program, shop.merchant.zone)
    assert due is not None
    second = timedelta(seconds=1)
    assert [listed(shop, at)[1][2] for at in (due - second, due)] == [7, 0]
    shop.card.expiry_floor_at = due + timedelta(days=3)
    db.session.commit()
    assert [listed(shop, at)[1][2] for at in (due, due + timedelta(days=3))] == [7, 0]


def test_without_a_program_there_is_a_header(shop):
    programs.delete_program(shop.program, by=OPERATOR, now=NOW)
    db.session.commit()
    assert len(listed(shop)) == 1


# Members


def test_who_came_once_and_who_came_again(shop):
    again, once, never = shop.card, make_card(shop.program), make_card(shop.program)
    for card in (again, once, never):
        give(card, kind="enrol")
    shop.earn(5_00)
    shop.stamp(1, 60)
    shop.earn(5_00, on=once)
    shop.void(shop.earn(5_00, 30, on=once).rows[0], 31)
    adjust(never.id, points=5, reason_code="goodwill", visit=shop.visit())
    db.session.commit()
    found = members(shop.merchant, DAYS)
    assert (found, found.repeat_bp) == (Members(joined=3, active=2, repeated=1), 5_000)


def test_a_purchase_with_stamps_is_one_visit(shop):
    shop.earn(5_00, stamps=1)
    assert members(shop.merchant, DAYS) == Members(0, 1, 0)


def test_who_was_merged_is_one_person(shop):
    other = make_card(shop.program)
    shop.earn(5_00)
    shop.earn(5_00, on=other)
    merge_customers(shop.card.customer, other.customer, visit=shop.visit(5))
    db.session.commit()
    assert members(shop.merchant, DAYS) == Members(0, 1, 1)


def test_who_was_merged_joined_once(shop):
    other = make_card(shop.program)
    for card in (shop.card, other):
        give(card, kind="enrol")
    merge_customers(shop.card.customer, other.customer, visit=shop.visit(5))
    db.session.commit()
    assert members(shop.merchant, DAYS).joined == 1


def test_nobody_came(shop):
    assert members(shop.merchant, DAYS).repeat_bp is None


# Points


def test_issued_less_what_left_is_what_is_there(shop):
    shop.change(points_expiration_days=30, minimum_redemption_points=0)
    earned = shop.earn(100_00).rows[0]
    shop.refund(earned, 20_00, 1)
    shop.void(shop.earn(7_00, 2).rows[0], 3)
    reward = make_reward(shop.program, points_required=10)
    shop.issue(reward, 4)
    shop.cancel(shop.issue(reward, 5).rows[0].reward_issue_id, 6)
    shop.void(shop.issue(reward, 7, at_once=True).rows[0], 8)
    adjust(shop.card.id, points=-5, reason_code="correction", visit=shop.visit(9))
    other = make_card(shop.program)
    shop.earn(9_00, 10, on=other)
    merge_customers(shop.card.customer, other.customer, visit=shop.visit(11))
    db.session.commit()
    found = points(shop.merchant, DAYS)
    assert found == Points(issued=89, redeemed=10, expired=0, forfeited=0, taken=5)
    assert shop.card.points_balance == 84 - 10
    shop.earn(1_00, 200 * DAY)
    every = points(shop.merchant)
    assert every == Points(issued=90, redeemed=10, expired=74, forfeited=0, taken=5)
    assert (shop.card.points_balance, every.breakage_bp) == (1, 74 * 10_000 // 84)


def test_what_is_taken_by_hand_is_not_issued_less(shop):
    shop.earn(50_00)
    adjust(shop.card.id, points=20, reason_code="goodwill", visit=shop.visit(1))
    adjust(shop.card.id, points=-91_064, reason_code="correction", visit=shop.visit(2))
    back = adjust(shop.card.id, points=-7, reason_code="correction", visit=shop.visit(3)).rows[0]
    shop.void(back, 4)
    db.session.commit()
    found = points(shop.merchant, DAYS)
    assert found == Points(issued=70, redeemed=0, expired=0, forfeited=0, taken=91_064)
    assert shop.card.points_balance == 70 - 91_064


def test_no_points_left_yet_is_no_breakage():
    assert Points(5, 0, 0, 0).breakage_bp == 0
    assert Points(5, -9, 3, 0).breakage_bp == 0


# Liability


def test_what_is_owed_gross_and_net(shop):
    shop.change(point_value_cents=Decimal("0.5"), minimum_redemption_points=0)
    give(shop.card, points=101)
    give(make_card(shop.program), points=-50)
    shop.issue(make_reward(shop.program, points_required=20))
    shop.stamp(10, 1)
    db.session.commit()
    owed = liability(shop.merchant, now=NOW)
    assert owed == Liability(81, 20, 1, 0, Decimal("0.5"))
    assert (owed.gross_cents, owed.net_cents) == (50, 50)
    lost = Liability(1_000, 0, 0, 2_500, Decimal(1))
    assert (lost.gross_cents, lost.net_cents) == (1_000, 750)


def test_full_cards_not_collected_are_owed_at_what_they_remember(shop):
    shop.change(stamps_reward_value_cents=350, point_value_cents=Decimal(1))
    give(shop.card, points=100)
    shop.stamp(10, 1)
    shop.change(stamps_reward_value_cents=900)
    shop.stamp(10, 2)
    taken = shop.stamp(10, 3).rows[-1].reward_issue_id
    shop.redeem(taken, 4)
    db.session.commit()
    owed = liability(shop.merchant, now=NOW)
    assert (owed.stamp_rewards, owed.stamp_cents, owed.gross_cents) == (2, 350 + 900, 100 + 1_250)
    assert Liability(1_000, 0, 1, 2_500, Decimal(1), 350).net_cents == 750 + 350
    assert Liability(1_000, 0, 1, 2_500, None, 350).net_cents == 350


def test_without_a_value_there_is_no_sum(shop):
    give(shop.card, points=5)
    owed = liability(shop.merchant, now=NOW)
    assert (owed.points, owed.gross_cents, owed.net_cents) == (5, None, None)


def test_what_is_due_to_expire_is_not_owed(shop):
    shop.change(points_expiration_days=10)
    give(shop.card, points=5, kind="earn")
    assert liability(shop.merchant, now=NOW + timedelta(days=40)).points == 0


def test_a_merchant_without_a_program_owes_nothing(app):
    merchant = make_merchant()
    with within(merchant):
        assert liability(merchant, now=NOW) == Liability(0, 0, 0, 0, None)


# Stores


def test_points_are_followed_from_store_to_store(shop):
    shop.change(minimum_redemption_points=0)
    gare, nord = make_store(shop.merchant, "Gare"), make_store(shop.merchant, "Nord")
    shop.earn(30_00, store_id=gare.id)
    shop.earn(30_00, 1, store_id=nord.id)
    give(shop.card, points=10)
    reward = make_reward(shop.program, points_required=40)
    shop.issue(reward, 2, at_once=True, store_id=nord.id)
    shop.void(shop.earn(99_00, 3, store_id=gare.id).rows[0], 4)
    shop.cancel(shop.issue(make_reward(shop.program, points_required=5), 5).rows[0].reward_issue_id, 6)
    open_one = shop.issue(make_reward(shop.program, points_required=25), 7, store_id=gare.id)
    assert store_flows(shop.merchant, YEARS) == [Flow(gare.id, nord.id, 30), Flow(nord.id, nord.id, 10)]
    shop.redeem(open_one.rows[0].reward_issue_id, 8)
    assert store_flows(shop.merchant, YEARS) == [
        Flow(None, None, 5),
        Flow(gare.id, nord.id, 30),
        Flow(nord.id, None, 20),
        Flow(nord.id, nord.id, 10),
    ]
    before = Period(NOW - timedelta(days=9), NOW)
    assert store_flows(shop.merchant, before) == []


def test_points_nobody_collected_come_from_nowhere(shop):
    """A card below zero that is filled up later: what was spent without being there is left out."""
    shop.change(minimum_redemption_points=0)
    give(shop.card, points=5)
    give(shop.card, points=-9)
    give(shop.card, points=20)
    shop.issue(make_reward(shop.program, points_required=16), at_once=True)
    assert store_flows(shop.merchant, YEARS) == [Flow(None, None, 16)]


# Staff


def test_who_did_what_and_whose_corrections_stand_out(shop):
    shop.change(minimum_redemption_points=0)
    gare = make_store(shop.merchant)
    nina, odd, boss = (
        staff_of(gare, user=make_user()),
        staff_of(gare, user=make_user()),
        manager_of(user=make_user()),
    )
    for minute in range(30):
        shop.earn(10_00, minute, by=nina)
    shop.stamp(1, 40, by=nina)
    shop.issue(make_reward(shop.program, points_required=5), 41, at_once=True, by=nina)
    for minute in range(50, 55):
        shop.void(shop.earn(10_00, minute, by=odd).rows[0], minute, by=odd)
    adjust(shop.card.id, points=-3, reason_code="correction", visit=shop.visit(60, by=boss))
    db.session.commit()
    people = staff_operations(shop.merchant, DAYS)
    told = [
        (p.staff_id, p.purchases, p.stamps, p.rewards, p.voids, p.adjustments, p.adjusted_points)
        for p in people
    ]
    assert told == [
        (nina.user_id, 30, 1, 1, 0, 0, 0),
        (odd.user_id, 5, 0, 0, 5, 0, 0),
        (boss.user_id, 0, 0, 0, 0, 1, -3),
    ]
    assert [p.is_outlier for p in people] == [False, True, False]


# Months


def test_of_each_months_members_how_many_came_back(shop):
    zone = shop.merchant.zone
    second = make_card(shop.program)
    late = make_card(shop.program)
    give(shop.card, kind="enrol", at=datetime(2026, 1, 31, 23, 30, tzinfo=zone))
    give(second, kind="enrol", at=datetime(2026, 1, 5, tzinfo=zone))
    give(late, kind="enrol", at=datetime(2026, 3, 1, 0, 30, tzinfo=zone))  # still February in UTC
    for card, *days in ((shop.card, (2, 3), (2, 9)), (second, (1, 5)), (late, (3, 1))):
        for month, day in days:
            give(card, points=5, kind="earn", at=datetime(2026, month, day, 12, tzinfo=zone))
    found = cohorts(shop.merchant, now=datetime(2026, 4, 1, 12, tzinfo=zone))
    assert found == [((2026, 1), 2, (1, 1, 0, 0)), ((2026, 3), 1, (1, 0))]
    only = cohorts(shop.merchant, now=datetime(2026, 4, 1, 12, tzinfo=zone), months=2)
    assert [cohort.month for cohort in only] == [(2026, 3)]


def test_whose_purchases_were_all_voided_was_never_here(shop):
    """As after an import that was undone; a balance that was brought along alone is no coming either."""
    taken_over, brought = make_card(shop.program), make_card(shop.program)
    shop.void(shop.earn(5_00).rows[0], 1)
    give(brought, kind="import", points=5)
    shop.void(shop.earn(5_00, on=taken_over).rows[0], 1)
    assert cohorts(shop.merchant, now=NOW + timedelta(days=1)) == []
    shop.earn(5_00, 2, on=taken_over)
    month = (NOW.year, NOW.month)
    assert cohorts(shop.merchant, now=NOW + timedelta(days=1)) == [(month, 1, (1,))]


# Nothing is lost


@pytest.mark.parametrize("what", ["store", "member", "customer", "program", "card", "reward"])
def test_deleting_changes_no_number(shop, what):
    shop.change(minimum_redemption_points=0, point_value_cents=Decimal(1), points_expiration_days=100)
    store = make_store(shop.merchant)
    member = make_member(store)
    person = Actor(member.user_id, Role.STAFF)
    give(shop.card, kind="enrol")
    shop.earn(50_00, store_id=store.id, by=person)
    shop.stamp(10, 1, store_id=store.id, by=person)
    reward = make_reward(shop.program, points_required=10)
    shop.issue(reward, 2, store_id=store.id, by=person)
    shop.issue(reward, 3, at_once=True, store_id=store.id)
    now = NOW + timedelta(days=2)

    def numbers():
        db.session.expire_all()
        return (
            members(shop.merchant, YEARS),
            points(shop.merchant, YEARS),
            liability(shop.merchant, now=now),
            store_flows(shop.merchant, YEARS),
            staff_operations(shop.merchant, YEARS),
            cohorts(shop.merchant, now=now),
        )

    before, listed_before = numbers(), listed(shop, now)
    roots = {
        "store": store,
        "member": member,
        "customer": shop.card.customer,
        "program": shop.program,
        "card": shop.card,
        "reward": reward,
    }
    act = trash.soft_delete_cascade(roots[what], by=OPERATOR, now=now)
    db.session.commit()
    assert numbers() == before
    trash.restore(act, by=OPERATOR, now=now)
    db.session.commit()
    assert (numbers(), listed(shop, now)) == (before, listed_before)
