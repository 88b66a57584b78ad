"""Points day by day: the days of the merchant, and together what the numbers at a glance say."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from portal.services.ledger.daily import points_by_day
from portal.services.ledger.earning import earn
from portal.services.ledger.figures import Terms, glance
from portal.services.ledger.numbers import Period
from portal.services.ledger.rewarding import issue_reward
from portal.services.ledger.visits import Visit
from portal.services.ledger.voiding import void
from tests.factories import OWNER, make_card, make_merchant, make_program, make_reward, make_store, within


@pytest.fixture
def shop(app):
    merchant = make_merchant()
    with within(merchant):
        yield merchant


def at(shop, day, hour, minute=0, **more):
    moment = datetime(2026, 3, day, hour, minute, tzinfo=ZoneInfo(shop.timezone))
    return Visit(by=OWNER, now=moment, **more)


def test_each_day_is_the_merchants_and_a_void_counts_as_what_it_voids(shop):
    program = make_program(shop, loyalty_type="points", points_per_euro=10, minimum_redemption_points=0)
    card, gare = make_card(program), make_store(shop)
    earn(card.id, spent_cents=1000, visit=at(shop, 28, 23, 59))
    earn(card.id, spent_cents=2000, visit=at(shop, 29, 0, store_id=gare.id))
    earn(card.id, spent_cents=700, visit=at(shop, 29, 23, 59))  # a day of 23 hours
    void(earn(card.id, spent_cents=900, visit=at(shop, 31, 9)).rows[-1], visit=at(shop, 31, 9))
    issue_reward(card.id, make_reward(program, points_required=120).id, visit=at(shop, 31, 10))
    period = Period.of_days(shop, date(2026, 3, 28), date(2026, 3, 31))
    days = points_by_day(shop, period)
    assert [(each.day.day, each.issued, each.redeemed) for each in days] == [
        (28, 100, 0),
        (29, 270, 0),
        (30, 0, 0),
        (31, 0, 120),
    ]
    told = glance(shop, period, Terms(True, None, None, None), now=period.until + timedelta(hours=1))
    assert (told.issued, told.redeemed) == (sum(d.issued for d in days), sum(d.redeemed for d in days))
    of_gare = points_by_day(shop, period, store_ids=[gare.id])
    assert [each.issued for each in of_gare] == [0, 200, 0, 0]
    assert sum(each.issued for each in points_by_day(shop, period, store_ids=[])) == 0
