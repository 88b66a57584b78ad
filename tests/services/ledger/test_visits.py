"""When an act happened: late is fine, what is yet to come is refused by every verb."""

from dataclasses import replace
from datetime import timedelta

import pytest

from portal.errors import Refused
from portal.services.ledger.visits import AHEAD, Visit
from tests.factories import NOW, owner_of
from tests.services.ledger.stage import DAY, at

SECOND = timedelta(seconds=1)


def test_a_clock_may_be_two_minutes_fast(points_shop):
    assert points_shop.earn(500, happened_at=NOW + AHEAD).rows[0].occurred_at == NOW + timedelta(minutes=2)
    assert points_shop.earn(500, 40 * DAY, happened_at=NOW).points == 5


@pytest.mark.parametrize("act", ["earn", "stamp"])
def test_what_lies_further_ahead_is_refused_and_posts_nothing(shop_with, act):
    shop = shop_with(loyalty_type="hybrid", stamps_target=10)
    later = NOW + AHEAD + SECOND
    with pytest.raises(Refused, match="lies in the future") as no:
        getattr(shop, act)(5, happened_at=later, key="k")
    assert (no.value.code, no.value.details["field"]) == ("in_the_future", "happened_at")
    assert no.value.details["at"] == NOW + SECOND
    assert (shop.points, shop.stamps) == (0, 0)
    assert not getattr(shop, act)(5, 1, happened_at=later, key="k").is_replay  # the key was not used up


def test_a_visit_told_again_with_another_time_is_looked_at_again(points_shop):
    visit = Visit(by=owner_of(points_shop.merchant), now=NOW)
    assert visit.occurred_at == NOW
    with pytest.raises(Refused):
        replace(visit, happened_at=at(DAY))
