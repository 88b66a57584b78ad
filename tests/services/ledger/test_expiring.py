"""Section 7 of the rules of loyalty: points that nobody touches expire, as every posting sees it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from portal.extensions import db
from portal.models.loyalty_transaction import ACTIVITY, TYPES
from portal.services import trash
from portal.services.ledger import expiring
from portal.services.ledger.earning import earn
from tests.factories import NOW, give, make_reward
from tests.services.ledger.stage import DAY, at, dead, refused, sentences


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# 00:00 local of (local date of last activity + N + 1)
MOMENTS = [
    ("Luxembourg in winter", "Europe/Luxembourg", "2026-01-10 12:00", 10, "2026-01-20 23:00"),
    ("just before local midnight", "Europe/Luxembourg", "2026-01-10 22:59:59", 10, "2026-01-20 23:00"),
    ("just after local midnight", "Europe/Luxembourg", "2026-01-10 23:00", 10, "2026-01-21 23:00"),
    ("over the change to summer time", "Europe/Luxembourg", "2026-03-25 12:00", 10, "2026-04-04 22:00"),
    ("over the change to winter time", "Europe/Luxembourg", "2026-10-20 12:00", 10, "2026-10-30 23:00"),
    ("New York", "America/New_York", "2026-03-14 03:30", 1, "2026-03-15 04:00"),
    ("Kathmandu", "Asia/Kathmandu", "2026-03-14 18:14", 1, "2026-03-15 18:15"),
    ("a midnight that is not there", "Africa/Cairo", "2026-04-22 12:00", 1, "2026-04-23 22:00"),
    ("a year", "Europe/Luxembourg", "2026-03-14 09:30", 365, "2027-03-14 23:00"),
]


@sentences("zone last days due", MOMENTS)
def test_points_expire_at_midnight_after_the_last_day(zone, last, days, due):
    assert expiring.expires_at(utc(last), days, ZoneInfo(zone)) == utc(due)


@pytest.fixture
def ten_days(shop_with):
    """Points are gone after ten days without a visit: at 23:00 UTC of the 24th, midnight in Luxembourg."""
    return shop_with(points_expiration_days=10)


DUE = utc("2026-03-24 23:00")


def balance_at(shop, moment):
    return expiring.balance_at(shop.card, shop.program, shop.merchant.zone, moment)


def due(shop):
    db.session.refresh(shop.card)
    return expiring.due_at(shop.card, shop.program, shop.merchant.zone)


def test_the_balance_is_read_net_of_what_is_due_and_nothing_is_written(ten_days):
    ten_days.earn(2000)
    just_before = DUE - timedelta(microseconds=1)
    assert [balance_at(ten_days, moment) for moment in (just_before, DUE)] == [20, 0]
    assert not db.session.dirty
    assert len(ten_days.rows()) == 1


def test_a_negative_balance_stays_negative(ten_days):
    ten_days.earn(500)
    give(ten_days.card, points=-9)
    assert balance_at(ten_days, DUE) == -4
    ten_days.earn(0, 30 * DAY)
    assert [kind for kind, *_ in ten_days.rows()] == ["earn", "import", "earn"]


def test_without_the_rule_or_without_activity_nothing_expires(points_shop):
    points_shop.earn(2000)
    assert due(points_shop) is None
    assert balance_at(points_shop, at(10_000 * DAY)) == 20


# before any accepted posting

ACTS = {
    "earn": lambda shop: shop.earn(100, now=DUE),
    "stamp": lambda shop: shop.stamp(1, now=DUE),
    "refund": lambda shop: shop.refund(shop.earned, 100, now=DUE),
    "void": lambda shop: shop.void(shop.earned, now=DUE),
    "cancel": lambda shop: shop.cancel(shop.issues()[0].id, now=DUE),
    "redeem": lambda shop: shop.redeem(shop.issues()[0].id, now=DUE),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_due_expiry_is_posted_before_any_accepted_posting(shop_with, act):
    shop = shop_with(
        points_expiration_days=10, loyalty_type="hybrid", stamps_target=10, void_window_hours=8_760
    )
    reward = make_reward(shop.program, points_required=1)
    shop.earned = shop.earn(2000).rows[0]
    shop.issue(reward)
    rows = act(shop).rows
    assert (rows[0].type, rows[0].points_delta, rows[0].source) == ("expire", -19, "system")
    assert (rows[0].occurred_at, rows[0].created_at) == (DUE, DUE)
    assert len(rows) > 1


def test_expired_points_can_never_be_spent(ten_days):
    reward = make_reward(ten_days.program, points_required=20)
    ten_days.earn(2000)
    with refused("insufficient_points"):
        ten_days.issue(reward, now=DUE)
    ten_days.issue(reward, now=DUE - timedelta(seconds=1))


def test_expiry_is_posted_once(ten_days):
    ten_days.earn(2000)
    ten_days.earn(0, 30 * DAY)
    ten_days.earn(0, 31 * DAY)
    assert ten_days.rows().count(("expire", -20, 0)) == 1


def test_stamps_do_not_expire(shop_with):
    shop = shop_with(points_expiration_days=10, loyalty_type="hybrid", stamps_target=10)
    shop.stamp(3)
    shop.earn(0, 30 * DAY)
    assert shop.stamps == 3


def test_a_dead_card_has_nothing_posted_that_is_due(ten_days):
    row = ten_days.earn(2000).rows[0]
    trash.soft_delete_cascade(ten_days.card.customer, by=ten_days.owner, now=NOW)
    db.session.commit()
    ten_days.refund(row, 500, 30 * DAY)
    assert dead(ten_days.card).points_balance == 15


# what is activity

POSTED = {
    "enrol": (0, 0),
    "earn": (1, 0),
    "stamp": (0, 1),
    "redeem": (-1, 0),
    "welcome_bonus": (1, 0),
    "stamp_complete": (0, 0),
    "redeem_cancel": (1, 0),
    "refund_reversal": (-1, 0),
    "refund_return": (1, 0),
    "adjust": (1, 0),
    "expire": (-1, 0),
    "forfeit": (-1, 0),
    "merge_in": (1, 0),
    "merge_out": (-1, 0),
    "import": (1, 0),
    "convert": (1, 0),
}


@pytest.mark.parametrize("kind", sorted(POSTED))
def test_enrol_earn_stamp_and_redeem_are_activity_and_nothing_else(ten_days, kind):
    assert set(POSTED) | {"void"} == set(TYPES)
    ten_days.earn(2000)
    points, stamps = POSTED[kind]
    give(ten_days.card, kind=kind, points=points, stamps=stamps, at=at(4 * DAY))
    db.session.refresh(ten_days.card)
    moved = ten_days.card.last_activity_at == at(4 * DAY)
    assert moved == (kind in ACTIVITY) == (kind in {"enrol", "earn", "stamp", "redeem"})
    is_credit = points > 0 and not moved
    wanted = at(34 * DAY) if is_credit else DUE + timedelta(days=4 * moved)
    assert due(ten_days) == wanted


def test_a_void_is_no_activity(ten_days):
    ten_days.earn(2000)
    row = ten_days.earn(100, 1).rows[0]
    ten_days.void(row, 60)
    assert (ten_days.card.last_activity_at, due(ten_days)) == (at(1), DUE)


def test_an_act_that_happened_earlier_does_not_move_the_last_activity_back(ten_days):
    ten_days.earn(2000, 5 * DAY)
    ten_days.earn(0, 6 * DAY, happened_at=NOW)
    assert ten_days.card.last_activity_at == at(5 * DAY)


# thirty days at least

CREDITS = [
    ("an adjustment", "adjust", 5),
    ("a cancelled reward", "redeem_cancel", 5),
    ("a returned reward", "refund_return", 5),
    ("a merge", "merge_in", 5),
    ("an import", "import", 5),
    ("a conversion", "convert", 5),
]


@sentences("kind points", CREDITS)
def test_a_credit_that_is_no_activity_leaves_thirty_days(ten_days, kind, points):
    ten_days.earn(2000)
    give(ten_days.card, kind=kind, points=points, at=at(8 * DAY))
    assert due(ten_days) == at(38 * DAY)
    ten_days.earn(0, 38 * DAY)
    assert ("expire", -25, 0) in ten_days.rows()


def test_a_debit_leaves_no_longer(ten_days):
    ten_days.earn(2000)
    give(ten_days.card, kind="adjust", points=-5, at=at(8 * DAY))
    assert due(ten_days) == DUE


def test_a_voided_refund_is_a_credit(ten_days):
    row = ten_days.earn(2000).rows[0]
    back = ten_days.refund(row, 1000, 8 * DAY).rows[0]
    ten_days.void(back, 8 * DAY + 5)
    assert due(ten_days) == at(38 * DAY + 5)


def test_an_earn_posted_later_than_it_happened_leaves_thirty_days(ten_days):
    ten_days.earn(2000, 9 * DAY, happened_at=NOW)
    assert due(ten_days) == at(39 * DAY)


def test_an_earn_posted_late_when_its_days_are_over_already(ten_days):
    """What was there before has expired; what comes now may be used for thirty days."""
    ten_days.earn(2000)
    ten_days.earn(700, 30 * DAY, happened_at=at(5))
    assert (ten_days.points, due(ten_days)) == (7, at(60 * DAY))


def test_a_late_visit_without_points_leaves_thirty_days_too(ten_days):
    ten_days.earn(2000)
    ten_days.earn(0, 3 * DAY, happened_at=at(5))
    assert due(ten_days) == at(33 * DAY)


def test_the_longer_of_both_holds(shop_with):
    shop = shop_with(points_expiration_days=100)
    shop.earn(2000)
    give(shop.card, kind="adjust", points=5, at=at(1))
    assert due(shop) == utc("2026-06-22 22:00")


def test_a_credit_begins_the_time_of_a_card_without_activity(ten_days):
    give(ten_days.card, kind="import", points=5)
    assert due(ten_days) == at(30 * DAY)


def test_within_an_import_batch_nothing_expires(ten_days):
    from portal.models import ImportBatch

    ten_days.earn(2000)
    batch = ImportBatch(merchant_id=ten_days.merchant.id, kind="orders", source_hash="x")
    db.session.add(batch)
    db.session.commit()
    now = at(30 * DAY)
    visit = ten_days.visit(now=now, happened_at=at(2 * DAY), batch_id=batch.id, source="import")
    row = earn(ten_days.card.id, spent_cents=300, visit=visit).rows[0]
    db.session.commit()
    assert (ten_days.points, row.type, row.batch_id) == (23, "earn", batch.id)
    assert due(ten_days) == at(60 * DAY)


# floors


@pytest.mark.parametrize("on", ["program", "card"])
def test_a_floor_wins_over_an_earlier_date_and_only_grows(ten_days, on):
    ten_days.earn(2000)
    owner = getattr(ten_days, on)
    expiring.put_off(owner, at(9 * DAY))
    db.session.commit()
    assert due(ten_days) == at(39 * DAY)
    expiring.put_off(owner, at(5 * DAY))
    db.session.commit()
    assert due(ten_days) == at(39 * DAY)


def test_changing_the_time_zone_moves_later_deadlines_and_no_posted_row(ten_days):
    ten_days.earn(2000)
    ten_days.earn(500, 30 * DAY)
    posted = ten_days.movements()[1].occurred_at
    ten_days.merchant.timezone = "America/New_York"
    db.session.commit()
    assert (ten_days.movements()[1].occurred_at, posted) == (DUE, DUE)
    assert due(ten_days) == utc("2026-04-24 04:00")
