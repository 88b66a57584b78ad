"""Understanding cells: money, flags, roles."""

import pytest

from portal.errors import Refused
from portal.services.imports.values import Money, flag, money, role


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("18", 1800),
        ("18.00", 1800),
        ("18,00", 1800),
        ("4.5", 450),
        ("0,05", 5),
        ("$18.00", 1800),
        ("$ 18.00", 1800),
        ("18,00 €", 1800),
        ("EUR 18", 1800),
        ("18 chf", 1800),
        ("1,234.50", 123450),
        ("1.234,50", 123450),
        ("1'234.50", 123450),
        ("1 234,5", 123450),
        ("1\u00a0234,50", 123450),
        ("1,234,567.89", 123456789),
    ],
)
def test_an_amount_is_read_to_the_cent(text, cents):
    assert money(text).cents == cents


@pytest.mark.parametrize("text", ["1,234", "1.234", "$1,234"])
def test_an_amount_that_may_be_thousands_or_decimals_is_refused(text):
    with pytest.raises(Refused, match="thousands or decimals"):
        money(text)


@pytest.mark.parametrize(
    "text", ["", "free", "-4.50", "(4.50)", "1e3", "4.", ".5", "1,23,45", "1,234,50", "12 5", "$", "٣"]
)
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(Refused, match="no amount of money"):
        money(text)


@pytest.mark.parametrize(
    ("sign", "currency", "fits"),
    [("", "EUR", True), ("$", "USD", True), ("$", "EUR", False), ("EUR", "EUR", True), ("CHF", "EUR", False)],
)
def test_a_sign_fits_its_currencies(sign, currency, fits):
    assert Money(1, sign).is_of(currency) is fits


@pytest.mark.parametrize(
    ("text", "means"), [("Y", True), ("oui", True), ("1", True), ("N", False), ("FALSE", False)]
)
def test_a_flag_is_read(text, means):
    assert flag(text) is means


def test_an_unknown_flag_is_refused():
    with pytest.raises(Refused, match="“maybe” is neither yes nor no"):
        flag("maybe")


def test_a_role_is_read_without_regard_to_case():
    assert role("Manager") == "manager"


def test_an_owner_is_no_role_to_import():
    with pytest.raises(Refused, match="must be manager or staff"):
        role("owner")
