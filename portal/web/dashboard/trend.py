"""The drawing of points issued and redeemed: bars for each day, and the same as a table."""

from datetime import datetime, time
from typing import Any, NamedTuple

from flask import abort

from portal.extensions import db
from portal.models.store import Store
from portal.services.ledger.daily import Day, points_by_day
from portal.services.ledger.numbers import Period
from portal.web.dashboard.loyalty import stores_of
from portal.web.dashboard.spans import Span, asked_span
from portal.web.days import midnight, today
from portal.web.scope import current_merchant, in_own_stores

HEIGHT = 100  # of the drawing, whatever its size on the page
STEP, BAR = 10, 4  # from one day to the next, and the width of one bar


class Bar(NamedTuple):
    """One bar, from the bottom up."""

    look: str
    x: int
    y: int
    height: int


def trend() -> dict[str, Any]:
    """Gather the days asked for: bars as they are drawn, and the days in figures, the newest first."""
    span = _span()
    period = Period(span.begins, midnight(today(), days=1))
    days = points_by_day(current_merchant(), period, store_ids=stores_of(span))
    most = max(max(day.issued, day.redeemed) for day in days)
    told = [(_noon(day), day) for day in days]
    return {
        "span": span,
        "bars": _bars(days, most),
        "width": STEP * len(days),
        "height": HEIGHT,
        "most": most,
        "first": told[0][0],
        "last": told[-1][0],
        "days": [each for each in reversed(told) if each[1].issued or each[1].redeemed],
    }


def _span() -> Span:
    """Read over which days, in which store; a store that is not theirs is not there."""
    span = asked_span()
    if span.store_id is not None:
        stores = Store.of(current_merchant()).where(Store.id == span.store_id)
        if db.session.scalar(in_own_stores(stores, Store.id)) is None:
            abort(404)
    return span


def _bars(days: list[Day], most: int) -> list[Bar]:
    bars = []
    for n, day in enumerate(days):
        for look, points, beside in (("issued", day.issued, 1), ("redeemed", day.redeemed, 1 + BAR)):
            if points > 0:
                height = max(1, points * HEIGHT // most)
                bars.append(Bar(look, n * STEP + beside, HEIGHT - height, height))
    return bars


def _noon(day: Day) -> datetime:
    """A moment of that day, to be written as a day."""
    return datetime.combine(day.day, time(12), tzinfo=current_merchant().zone)
