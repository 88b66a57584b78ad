"""Numbers below zero carry a true minus on every screen, as in the statement."""

import pytest
from flask import g

from portal.models.merchant import Merchant
from portal.web.filters import money
from portal.words import number

pytestmark = pytest.mark.sqlite


@pytest.mark.parametrize(
    ("locale", "figure", "amount"),
    [
        ("en-GB", "−99,482", "−€4.50"),
        ("de-LU", "−99.482", "−4,50\xa0€"),
        ("fr-LU", "−99.482", "−4,50\xa0€"),
        ("sv-SE", "−99\xa0482", "−4,50\xa0€"),
    ],
)
def test_a_number_below_zero_has_a_minus_and_no_hyphen(app, locale, figure, amount):
    with app.test_request_context():
        g.merchant = Merchant(currency="EUR", locale=locale)
        g.locale = locale.replace("-", "_")
        assert (number(-99_482), money(-450)) == (figure, amount)
        assert number(99_482).endswith("482")


def test_the_command_line_writes_plain_signs(app):
    assert number(-99_482) == "-99,482"
