"""Amounts of money, as people of several countries write them."""

from decimal import Decimal

import pytest
from flask import g

from portal.errors import Refused
from portal.services.amounts import cents_from, part_from
from portal.web.filters import amount


@pytest.mark.parametrize(
    ("typed", "cents"),
    [
        ("19,99", 1999),
        ("19.99", 1999),
        ("4.5", 450),
        ("4.", 400),
        (",5", 50),
        (" +7 ", 700),
        ("-0.01", -1),
        ("1.234,50", 123450),
        ("1,234.50", 123450),
        ("1.234.567", 123456700),
        ("1,234,567.8", 123456780),
        ("1 234,50", 123450),
        ("1\u00a0234.50", 123450),
        ("1\u202f234\u202f567,89", 123456789),
        ("1'234.50", 123450),
        ("1\u2019234.50", 123450),
        ("1234567", 123456700),
    ],
)
def test_an_amount_is_read_as_it_was_meant(typed, cents):
    assert cents_from(typed) == cents


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("1.234", "This may be thousands or decimals. Write 1234.00, or at most two decimals."),
        ("12,500", "This may be thousands or decimals. Write 12500.00, or at most two decimals."),
        ("0.500", "An amount has at most two decimals, like 4.50."),
        ("1234.567", "An amount has at most two decimals, like 4.50."),
        ("1 234.567", "An amount has at most two decimals, like 4.50."),
        ("1.234,567", "An amount has at most two decimals, like 4.50."),
        *(
            (typed, "Write the amount in figures, like 4.50.")
            for typed in ("", ".", "-", "--1", "four", "1e5", "NaN", "4.5.0", "1,23,456", "12,34.50")
        ),
        ("1.234 567", "Write the amount in figures, like 4.50."),
        ("1.2.345,00", "Write the amount in figures, like 4.50."),
        ("\u0661", "Write the amount in figures, like 4.50."),
        ("9" * 200, "Write the amount in figures, like 4.50."),
    ],
)
def test_what_is_unclear_is_refused_with_what_would_be_right(typed, sentence):
    with pytest.raises(Refused) as refused:
        cents_from(typed)
    assert refused.value.message == sentence


def test_a_small_amount_has_up_to_six_decimals():
    assert part_from("0.005") == part_from("0,005") == Decimal("0.005")
    assert part_from("1.234") == Decimal("1.234")
    with pytest.raises(Refused, match=r"at most six decimals, like 0\.005"):
        part_from("0.0000001")
    with pytest.raises(Refused, match=r"in figures, like 0\.005"):
        part_from("half")


@pytest.mark.sqlite
def test_a_refusal_shows_the_form_the_reader_uses(app):
    with app.test_request_context(headers={"Accept-Language": "en"}):
        g.locale = "de"
        with pytest.raises(Refused, match=r"Write 1234,00, or"):
            cents_from("1,234", write=amount)
        assert amount(Decimal("0.005")) == "0,005"
        assert amount(Decimal("1.5")) == "1,5"
