"""Understanding days and times in imported files."""

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from portal.errors import Refused
from portal.services.imports.moments import day, moment
from portal.services.imports.values import Money, line_money, quantity, whole

NEW_YORK = ZoneInfo("America/New_York")


def at(*parts):
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "order", "means"),
    [
        ("2026-03-14", None, date(2026, 3, 14)),
        ("2026-3-4", "dmy", date(2026, 3, 4)),
        ("3/4/2026", "mdy", date(2026, 3, 4)),
        ("3/4/2026", "dmy", date(2026, 4, 3)),
        ("04.03.26", "dmy", date(2026, 3, 4)),
        ("3/14/26", "mdy", date(2026, 3, 14)),
    ],
)
def test_a_day_is_read(text, order, means):
    assert day(text, order) == means


@pytest.mark.parametrize(
    ("text", "order", "why"),
    [
        ("3/4/2026", None, "“3/4/2026” may be read two ways. Say --dates mdy or --dates dmy"),
        ("3/20/26", None, "“3/20/26” has the month first. Say so of the whole file: --dates mdy"),
        ("20.3.26", None, "“20.3.26” has the day first. Say so of the whole file: --dates dmy"),
        ("20/20/26", None, "no date"),
        ("2026-02-30", None, "no date"),
        ("31/4/2026", "dmy", "no date"),
        ("13/13/2026", "mdy", "no date"),
        ("yesterday", None, "no date"),
        ("", None, "no date"),
    ],
)
def test_what_is_no_day_or_two_is_refused(text, order, why):
    with pytest.raises(Refused, match=why):
        day(text, order)


@pytest.mark.parametrize(
    ("on", "clock", "means"),
    [
        ("2019-04-01", "12:04:43", at(2019, 4, 1, 16, 4, 43)),
        ("2019-04-01", "", at(2019, 4, 1, 4)),
        ("2019-04-01 12:04", "", at(2019, 4, 1, 16, 4)),
        ("2019-04-01T12:04:43.5", "", at(2019, 4, 1, 16, 4, 43)),
        ("2019-04-01", "12:15 AM", at(2019, 4, 1, 4, 15)),
        ("2019-04-01", "1:15 p.m.", at(2019, 4, 1, 17, 15)),
        ("2019-04-01 12:00:00 -0500", "", at(2019, 4, 1, 17)),
        ("2019-04-01T12:00:00+02:00", "", at(2019, 4, 1, 10)),
        ("2019-04-01T12:00:00Z", "", at(2019, 4, 1, 12)),
        ("2019-04-01 12:00 UTC", "", at(2019, 4, 1, 12)),
        # A day of 23 hours: half past two was skipped. A day of 25: half past one comes twice.
        ("2019-03-10", "02:30", at(2019, 3, 10, 7, 30)),
        ("2019-03-10", "03:30", at(2019, 3, 10, 7, 30)),
        ("2019-11-03", "01:30", at(2019, 11, 3, 5, 30)),
        ("2019-11-03", "02:30", at(2019, 11, 3, 7, 30)),
    ],
)
def test_a_moment_is_that_of_the_merchants_clock_unless_it_names_its_own(on, clock, means):
    assert moment(on, clock, None, NEW_YORK) == means


@pytest.mark.parametrize("clock", ["25:00", "13:00 PM", "0:15 am", "noon", "12.30"])
def test_what_is_no_time_is_refused(clock):
    with pytest.raises(Refused, match="no time of the day"):
        moment("2019-04-01", clock, None, NEW_YORK)


@pytest.mark.parametrize("on", ["9999-12-31 23:59", "0001-01-01 00:00 +0500"])
def test_what_lies_beyond_the_calendar_is_no_date(on):
    with pytest.raises(Refused, match="is no date"):
        moment(on, "", None, NEW_YORK)


@pytest.mark.parametrize("clock", ["10:00 +25:00", "10:00 -0175"])
def test_what_is_no_offset_is_no_time(clock):
    with pytest.raises(Refused, match="no time of the day"):
        moment("2019-04-01", clock, None, NEW_YORK)


@pytest.mark.parametrize(("text", "means"), [("2", "2"), ("2.0", "2.0"), ("0,250", "0.250")])
def test_a_quantity_is_read(text, means):
    assert quantity(text) == Decimal(means)


@pytest.mark.parametrize("text", ["-1", "two", "1.2345", "1e3"])
def test_what_is_no_quantity_is_refused(text):
    with pytest.raises(Refused, match="no quantity"):
        quantity(text)


def test_the_money_of_a_line_is_read():
    assert line_money("$3.50") == Money(350, "$")


@pytest.mark.parametrize("text", ["-3.50", "(3.50)", "3.50-"])
def test_money_given_back_is_no_sale(text):
    with pytest.raises(Refused, match="money given back"):
        line_money(text)


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("120", (120, False)),
        ("120.00", (120, False)),
        ("7,5", (7, True)),
        ("1,250.50", (1250, True)),
        ("1.250,00", (1250, False)),
        ("-5", (-5, False)),
        ("\u22125.5", (-6, True)),
        ("-0", (0, False)),
    ],
)
def test_a_balance_is_a_whole_number(text, means):
    assert whole(text) == means


@pytest.mark.parametrize("text", ["--5", "1,23.5", "many", "-"])
def test_what_is_no_balance_is_refused(text):
    with pytest.raises(Refused, match="no balance"):
        whole(text)


@pytest.mark.parametrize("text", ["1,250", "1.250", "-1,250"])
def test_a_balance_that_may_be_thousands_is_refused_not_cut(text):
    with pytest.raises(Refused, match="may be thousands or decimals"):
        whole(text)
