"""Days as people mean them: from midnight to midnight where the merchant is."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement

from portal.errors import Refused
from portal.web.scope import current_merchant, now
from portal.words import _

FIRST, LAST = date(1970, 1, 2), date(9000, 1, 1)


def day_in(typed: str) -> date | None:
    """Read a day out of a filter; None when it is none."""
    try:
        day = date.fromisoformat(typed)
    except ValueError:
        return None
    return day if FIRST <= day <= LAST else None


def today() -> date:
    """The day it is at the merchant's."""
    return now().astimezone(current_merchant().zone).date()


def midnight(day: date, *, days: int = 0) -> datetime:
    """The beginning of a day in the merchant's zone, or of the one so many days later."""
    return datetime.combine(day + timedelta(days=days), time.min, tzinfo=current_merchant().zone)


def wrong_days(filters: Mapping[str, str], *names: str) -> dict[str, str]:
    """Say of each of these filters that was typed and is no day what would be one."""
    said = _("“%(typed)s” is no day from %(first)s to %(last)s. A day looks like %(example)s.")
    real = {"first": FIRST.isoformat(), "last": LAST.isoformat(), "example": today().isoformat()}
    typed = {name: filters[name] for name in names if filters[name] and day_in(filters[name]) is None}
    return {name: said % (real | {"typed": text}) for name, text in typed.items()}


def refuse_wrong_days(filters: Mapping[str, str], *names: str) -> None:
    """Refuse a file for days that are none, instead of handing out all."""
    for name, sentence in wrong_days(filters, *names).items():
        raise Refused("bad_day", sentence, field=name)


def between(column: Any, first: str, last: str) -> list[ColumnElement[bool]]:
    """From the first day to the end of the last one; nothing at all where one of them is no day."""
    begins, ends = day_in(first), day_in(last)
    if (first and begins is None) or (last and ends is None):
        return [column.is_(None)]  # every row has one; false() would take all other conditions away
    bounds = [column >= midnight(begins)] if begins else []
    return bounds + ([column < midnight(ends, days=1)] if ends else [])
