"""Points given and redeemed day by day, as the dashboard draws them; both are defined in numbers.py."""

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Integer, and_, case, cast, extract, func, select
from sqlalchemy.orm import aliased

from portal.extensions import db
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.models.merchant import Merchant
from portal.services.ledger.numbers import ISSUED, REDEEMED, Period, kind_of

Movement = LoyaltyTransaction
QUARTER = 900  # seconds; midnight is at a whole quarter of an hour of UTC in every zone


class Day(NamedTuple):
    """What one day of the merchant gave and took."""

    day: date
    issued: int
    redeemed: int


def points_by_day(
    merchant: Merchant, period: Period, *, store_ids: Collection[int] | None = None
) -> list[Day]:
    """Sum up each local day of the period, also those of nothing; of the stores named, or of all."""
    given = aliased(Movement)
    reversed_ = and_(given.merchant_id == Movement.merchant_id, given.id == Movement.reverses_id)
    held = [Movement.merchant_id == merchant.id, period.holds(Movement.occurred_at)]
    if store_ids is not None:
        held.append(Movement.store_id.in_(store_ids))
    quarter = cast(func.floor(cast(extract("epoch", Movement.occurred_at), Integer) / QUARTER), Integer)
    columns: list[Any] = [quarter.label("quarter"), kind_of(given).label("kind"), Movement.points_delta]
    moved = select(*columns).outerjoin(given, reversed_).where(*held, Movement.points_delta != 0).subquery()
    sums = [_sum(moved.c, ISSUED).label("issued"), _sum(moved.c, REDEEMED).label("redeemed")]
    found = db.session.execute(select(moved.c.quarter, *sums).group_by(moved.c.quarter))
    return _days(merchant, period, list(found))


def _sum(moved: Any, kinds: Collection[str]) -> Any:
    return func.coalesce(func.sum(case((moved.kind.in_(kinds), moved.points_delta), else_=0)), 0)


def _days(merchant: Merchant, period: Period, found: list[Any]) -> list[Day]:
    first = period.since.astimezone(merchant.zone).date()
    last = (period.until - timedelta(seconds=1)).astimezone(merchant.zone).date()
    sums = {first + timedelta(days=n): [0, 0] for n in range((last - first).days + 1)}
    for row in found:
        day = datetime.fromtimestamp(row.quarter * QUARTER, UTC).astimezone(merchant.zone).date()
        sums[day][0] += int(row.issued)
        sums[day][1] -= int(row.redeemed)
    return [Day(day, *both) for day, both in sums.items()]
