"""Section 4 of the rules of loyalty: stamps. Each row names the sentence it holds to."""

from datetime import UTC, datetime, timedelta

import pytest

from portal.models import LoyaltyTransaction
from tests.factories import NOW, make_card, make_store
from tests.services.ledger.stage import DAY, HOUR, Shop, at, refused, sentences

STAMPS = {"loyalty_type": "stamps", "stamps_target": 10}


@pytest.fixture
def stamps_shop(shop_with) -> Shop:
    return shop_with(**STAMPS)


# cooldown: (the sentence, cooldown, first stamp, second stamp, when the second happened, allowed?)
COOLDOWN = [
    ("refused less than the cooldown after", 15, (0, 14, None), False),
    ("a second before it is over", 15, (0, 15 - 1 / 60, None), False),
    ("exactly equal passes", 15, (0, 15, None), True),
    ("long after", 15, (0, 60, None), True),
    ("0 switches it off", 0, (0, 0, None), True),
    ("a late post less than the cooldown before a stamp", 15, (60, 70, 50), False),
    ("a late post exactly the cooldown before", 15, (60, 70, 45), True),
    ("a late post less than the cooldown after", 15, (60, 90, 70), False),
    ("a late post exactly the cooldown after", 15, (60, 90, 75), True),
    ("a late post long before", 15, (60, 61, 5), True),
    ("it is occurred_at that counts, not when it was posted", 15, (0, 1, -HOUR), True),
]


@sentences("minutes moments ok", COOLDOWN)
def test_cooldown_before_and_after_the_moment_it_happened(shop_with, minutes, moments, ok):
    first, second, happened = moments
    shop = shop_with(**STAMPS, cooldown_minutes=minutes)
    shop.stamp(1, first)
    late = {} if happened is None else {"happened_at": at(happened)}
    if ok:
        shop.stamp(1, second, **late)
    else:
        with refused("cooldown"):
            shop.stamp(1, second, **late)
    assert shop.stamps == 1 + ok


def test_a_stamp_at_any_store_counts_for_the_cooldown(shop_with):
    shop = shop_with(**STAMPS, cooldown_minutes=15)
    here, there = make_store(shop.merchant), make_store(shop.merchant)
    shop.stamp(1, 0, store_id=here.id)
    with refused("cooldown"):
        shop.stamp(1, 10, store_id=there.id)


def test_a_stamp_on_another_card_does_not(shop_with):
    shop = shop_with(**STAMPS, cooldown_minutes=15)
    shop.stamp(1)
    shop.card = make_card(shop.program)
    shop.stamp(1, 1)
    assert shop.stamps == 1


NEXT = [
    (10, 5 * 60, "in 5 minutes"),
    (14, 60, "in 1 minute."),
    (14.5, 30, "in 1 minute."),
    (0, 900, "in 15 minutes"),
]


@pytest.mark.parametrize(("minutes", "after", "says"), NEXT)
def test_the_refusal_says_when_the_next_stamp_is_possible(shop_with, minutes, after, says):
    shop = shop_with(**STAMPS, cooldown_minutes=15)
    shop.stamp(1)
    with refused("cooldown", says, at=at(15), after=after):
        shop.stamp(1, minutes)


def test_voided_stamps_do_not_count_for_the_cooldown(shop_with):
    shop = shop_with(**STAMPS, cooldown_minutes=15)
    shop.void(shop.stamp(1).rows[0], 1)
    shop.stamp(1, 2)
    assert shop.stamps == 1


def test_the_cooldown_of_the_day_holds_not_that_of_the_stamp_before(shop_with):
    shop = shop_with(**STAMPS, cooldown_minutes=60)
    shop.stamp(1)
    shop.change(cooldown_minutes=5)
    shop.stamp(1, 5)


# the daily cap

CAP = [
    ("exactly the cap", [3], 2, None),
    ("the whole request is refused, not a part of it", [3], 3, 2),
    ("nothing left", [5], 1, 0),
    ("one left", [4], 2, 1),
    ("more than the cap at once", [], 6, 5),
    ("many small ones", [1, 1, 1, 1], 2, 1),
]


@sentences("before quantity left", CAP)
def test_above_the_daily_cap_all_is_refused_saying_how_many_are_left(shop_with, before, quantity, left):
    shop = shop_with(**STAMPS, max_daily_stamps=5)
    for n, units in enumerate(before):
        shop.stamp(units, n)
    if left is None:
        shop.stamp(quantity, 30)
        assert shop.stamps == sum(before) + quantity
        return
    with refused("daily_cap", f"Only {left} more" if left else "has had its 5", left=left):
        shop.stamp(quantity, 30)
    assert shop.stamps == sum(before)


def test_no_cap_when_it_is_0(shop_with):
    shop = shop_with(**STAMPS, max_daily_stamps=0)
    shop.stamp(100)
    shop.stamp(100, 1)
    assert len(shop.issues()) == 20


def test_voided_stamps_do_not_count_for_the_cap(shop_with):
    shop = shop_with(**STAMPS, max_daily_stamps=5)
    row = shop.stamp(5).rows[0]
    shop.void(row, 1)
    shop.stamp(5, 2)
    assert shop.stamps == 5


def test_the_cap_counts_units_put_on_also_of_cards_completed_meanwhile(shop_with):
    shop = shop_with(loyalty_type="stamps", stamps_target=2, max_daily_stamps=5)
    shop.stamp(4)
    with refused("daily_cap", left=1):
        shop.stamp(2, 1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# (zone, day of how many hours, its first and its last moment, the moments just outside), all UTC
DAYS = [
    ("Europe/Luxembourg", 24, "2026-03-13 23:00", "2026-03-14 22:59:59"),
    ("Europe/Luxembourg", 23, "2026-03-28 23:00", "2026-03-29 21:59:59"),
    ("Europe/Luxembourg", 25, "2026-10-24 22:00", "2026-10-25 22:59:59"),
    ("America/New_York", 23, "2026-03-08 05:00", "2026-03-09 03:59:59"),
    ("America/New_York", 25, "2026-11-01 04:00", "2026-11-02 04:59:59"),
    ("Asia/Kathmandu", 24, "2026-03-13 18:15", "2026-03-14 18:14:59"),
    # its clocks jump at midnight: the day begins at 01:00
    ("Africa/Cairo", 23, "2026-04-23 22:00", "2026-04-24 20:59:59"),
]


@pytest.mark.parametrize(("zone", "hours", "first", "last"), DAYS)
def test_a_day_is_the_merchants_own_also_of_23_or_25_hours(shop_with, zone, hours, first, last):
    shop = shop_with(zone, **STAMPS, max_daily_stamps=2)
    begins, ends = utc(first), utc(last)
    assert ends - begins == timedelta(hours=hours, seconds=-1)
    moments = [begins - timedelta(seconds=1), begins, ends, ends + timedelta(seconds=1)]
    for moment in moments:
        shop.stamp(1, 0, now=moment)
    for moment in (begins, begins + timedelta(hours=12), ends):
        with refused("daily_cap", left=0, at=ends + timedelta(seconds=1)):
            shop.stamp(1, 0, now=ends + timedelta(days=3), happened_at=moment)
    shop.stamp(1, 0, now=ends + timedelta(days=3), happened_at=begins - timedelta(seconds=1))


def test_changing_the_time_zone_moves_no_posted_row_only_what_comes(shop_with):
    shop = shop_with("Europe/Luxembourg", **STAMPS, max_daily_stamps=2)
    row = shop.stamp(2, 0, now=utc("2026-03-14 23:30")).rows[0]  # the 15th in Luxembourg
    shop.merchant.timezone = "UTC"  # the 14th in UTC
    shop.stamp(1, 0, now=utc("2026-03-15 00:30"))
    assert row.occurred_at == utc("2026-03-14 23:30")


# quantities

QUANTITIES = [(1, True), (7, True), (8, False), (0, False), (-1, False)]


@pytest.mark.parametrize(("quantity", "ok"), QUANTITIES)
def test_one_to_the_most_stamps_at_once(shop_with, quantity, ok):
    shop = shop_with(**STAMPS | {"max_stamps_per_transaction": 7})
    if ok:
        shop.stamp(quantity)
    else:
        with refused("bad_quantity", "1 to 7", most=7):
            shop.stamp(quantity)
    assert shop.stamps == quantity * ok


REFUSED = [
    ("a paused program", {"is_active": False}, {}, "paused"),
    ("a program of points", {"loyalty_type": "points"}, {}, "no_stamps"),
    ("a suspended card", {}, {"status": "suspended"}, "card_suspended"),
]


@sentences("rules card code", REFUSED)
def test_who_may_not_collect_hears_why(shop_with, rules, card, code):
    shop = shop_with(**STAMPS | rules)
    shop.card = make_card(shop.program, **card)
    with refused(code):
        shop.stamp()
    assert shop.rows() == []


# full cards

FULL = [
    ("one short", 10, [9], 0, 9),
    ("on reaching the target", 10, [9, 1], 1, 0),
    ("surplus begins the next: 9 + 12 → 2 rewards, balance 1", 10, [9, 12], 2, 1),
    ("many at once", 3, [10], 3, 1),
    ("a target of one", 1, [4], 4, 0),
    ("exactly twice", 5, [10], 2, 0),
]


@sentences("target stamps rewards left", FULL)
def test_a_full_card_becomes_a_reward_and_the_surplus_loops(shop_with, target, stamps, rewards, left):
    shop = shop_with(loyalty_type="stamps", stamps_target=target)
    for n, quantity in enumerate(stamps):
        posting = shop.stamp(quantity, n)
    assert (len(shop.issues()), shop.stamps) == (rewards, left)
    assert posting.stamps == stamps[-1]
    assert [i.stamps_target for i in shop.issues()] == [target] * rewards
    assert shop.rows().count(("stamp_complete", 0, -target)) == rewards


def test_the_row_of_a_full_card_names_the_stamps_and_the_reward(stamps_shop):
    stamp, complete = stamps_shop.stamp(10).rows
    assert (complete.linked_id, complete.reward_issue_id) == (stamp.id, stamps_shop.issues()[0].id)
    assert stamp.rule_snapshot["stamps_target"] == 10


def test_a_reward_once_issued_survives_later_changes_of_target(stamps_shop):
    shop = stamps_shop
    shop.stamp(10)
    shop.change(stamps_target=5)
    shop.stamp(5, 1)
    assert [(i.stamps_target, i.status) for i in shop.issues()] == [(10, "issued"), (5, "issued")]
    shop.cancel(shop.issues()[0].id, 2)
    assert shop.stamps == 10


def test_a_lower_target_completes_with_the_next_stamp(stamps_shop):
    stamps_shop.stamp(9)
    stamps_shop.change(stamps_target=4)
    assert len(stamps_shop.issues()) == 0
    stamps_shop.stamp(1, 1)
    assert (len(stamps_shop.issues()), stamps_shop.stamps) == (2, 2)


VALID = [(None, None), (30, "2026-04-13 22:00"), (1, "2026-03-15 23:00")]


@pytest.mark.parametrize(("days", "until"), VALID)
def test_a_reward_is_valid_until_the_end_of_its_last_local_day(shop_with, days, until):
    shop = shop_with(**STAMPS, reward_valid_days=days, stamps_reward_value_cents=350)
    shop.stamp(10, store_id=make_store(shop.merchant).id)
    issue = shop.issues()[0]
    assert issue.expires_at == (utc(until) if until else None)
    assert (issue.discount_cents, issue.issued_at, issue.points_price) == (350, NOW, 0)
    assert issue.issued_store_id


def test_a_late_stamp_is_issued_now_and_happened_then(stamps_shop):
    row = stamps_shop.stamp(10, DAY, happened_at=at(HOUR)).rows[0]
    assert (row.occurred_at, row.created_at, stamps_shop.issues()[0].issued_at) == (
        at(HOUR),
        at(DAY),
        at(DAY),
    )
    assert stamps_shop.card.last_activity_at == at(HOUR)


def test_stamps_do_not_touch_points(shop_with):
    shop = shop_with(loyalty_type="hybrid", stamps_target=10)
    row = shop.stamp(3).rows[0]
    assert isinstance(row, LoyaltyTransaction)
    assert (shop.points, shop.stamps, row.points_after, row.stamps_after) == (0, 3, 0, 3)
