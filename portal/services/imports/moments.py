"""Understanding days and times: which way round they are written, and what the clock of the merchant said."""

import re
from datetime import UTC, date, datetime, time, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from portal.errors import Refused
from portal.words import _

ORDERS = ("mdy", "dmy")  # which way round 3/4/2026 is meant
ISO = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})")
SIGNED = re.compile(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4}|[0-9]{2})")
CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]+)?)?(?:\s*([AaPp])\.?[Mm]\.?)?")
BETWEEN = re.compile(r"(?<=[0-9])T(?=[0-9])")
OFFSET = re.compile(r"\s*(Z|UTC|[+-][0-9]{2}:?[0-9]{2})$", re.IGNORECASE)


@lru_cache(maxsize=4096)
def day(text: str, order: str | None) -> date:
    """Read a day: 2026-03-14 always, 3/14/2026 when `order` says mdy or dmy.

    Raises Refused("bad_date", "ambiguous").
    """
    found, signed = ISO.fullmatch(text), SIGNED.fullmatch(text)
    if signed is not None and order is None:
        raise _which_first(text, signed)
    try:
        if found is not None:
            return date(int(found[1]), int(found[2]), int(found[3]))
        if signed is not None:
            return _turned(signed, str(order))
    except ValueError:  # the 31st of June
        pass
    raise _no_date(text)


def _which_first(text: str, found: re.Match[str]) -> Refused:
    """Ask which way round days are written; one day that is certain does not say it for the others."""
    month_first, day_first = (_is_day(found, order) for order in ORDERS)
    if month_first and day_first:
        message = _("“%(text)s” may be read two ways. Say --dates mdy or --dates dmy.", text=text)
    elif month_first:
        message = _("“%(text)s” has the month first. Say so of the whole file: --dates mdy.", text=text)
    elif day_first:
        message = _("“%(text)s” has the day first. Say so of the whole file: --dates dmy.", text=text)
    else:
        return _no_date(text)
    return Refused("ambiguous", message)


def _is_day(found: re.Match[str], order: str) -> bool:
    try:
        _turned(found, order)
    except ValueError:
        return False
    return True


def _no_date(text: str) -> Refused:
    return Refused("bad_date", _("“%(text)s” is no date. Write it like 2026-03-14.", text=text))


def _turned(found: re.Match[str], order: str) -> date:
    first, second, year = int(found[1]), int(found[2]), int(found[3])
    month, of_month = (first, second) if order == "mdy" else (second, first)
    return date(year + 2000 if year < 100 else year, month, of_month)


@lru_cache(maxsize=4096)
def moment(on: str, at: str, order: str | None, zone: ZoneInfo) -> datetime:
    """Read when something was sold, in UTC: by the clock of the merchant, unless the text names its own.

    `on` may hold the time, too; without one it was 00:00. An hour that comes twice is the first of
    the two, one that was skipped is the hour after. Raises Refused("bad_date", "bad_time", "ambiguous").
    """
    written, clock = BETWEEN.sub(" ", on).partition(" ")[::2]
    clock = at or clock
    offset = OFFSET.search(clock)
    told = _time(OFFSET.sub("", clock).strip())
    when = datetime.combine(day(written, order), told, tzinfo=_zone(offset[1]) if offset else zone)
    try:
        return when.astimezone(UTC)
    except OverflowError:  # the last evening of the year 9999
        raise _no_date(written) from None


def _zone(offset: str) -> tzinfo | None:
    if offset.upper() in ("Z", "UTC"):
        return UTC
    try:
        return datetime.strptime(offset.replace(":", ""), "%z").tzinfo
    except ValueError:  # +25:00
        raise _no_time(offset) from None


def _time(text: str) -> time:
    if not text:
        return time()
    found = CLOCK.fullmatch(text)
    try:
        if found is not None:
            return time(_hour(int(found[1]), found[4]), int(found[2]), int(found[3] or 0))
    except ValueError:  # 25:00
        pass
    raise _no_time(text)


def _no_time(text: str) -> Refused:
    return Refused("bad_time", _("“%(text)s” is no time of the day. Write it like 14:30.", text=text))


def _hour(hour: int, half: str | None) -> int:
    if half is None:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError(hour)
    return hour % 12 + (12 if half in "pP" else 0)
