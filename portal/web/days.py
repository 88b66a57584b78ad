"""Days as people mean them: from midnight to midnight where the merchant is."""

from datetime import date, datetime, time, timedelta

from portal.web.scope import current_merchant, now

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
