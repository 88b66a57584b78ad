"""What an adjustment would make of a card is what it makes of it."""

from datetime import timedelta

import pytest

from portal.services.ledger.adjusting import adjust
from portal.services.ledger.foreseeing import foresee
from portal.services.ledger.visits import Visit
from tests.factories import NOW, OWNER, give, make_card, make_merchant, make_program, within


@pytest.fixture
def shop(app):
    merchant = make_merchant()
    with within(merchant):
        yield merchant


@pytest.mark.parametrize(
    ("points", "stamps", "said"),
    [
        (-99_999, 0, "517 → -99,482 points"),
        (0, 3, "0 → 3 stamps"),
        (5, 21, "517 → 522 points, 0 → 1 stamps, 2 full cards"),
    ],
)
def test_it_is_what_comes_of_it(shop, points, stamps, said):
    program = make_program(shop, loyalty_type="hybrid", stamps_target=10)
    card = make_card(program)
    give(card, points=517)
    seen = foresee(card, program, shop, points=points, stamps=stamps, now=NOW)
    assert (seen.sentence, seen.is_below_zero) == (said, points < -517)
    adjust(card.id, points=points, stamps=stamps, reason_code="goodwill", visit=Visit(by=OWNER, now=NOW))
    assert card.points_balance == (seen.points[1] if seen.points else 517)
    assert card.stamps_balance == (seen.stamps[1] if seen.stamps else 0)


def test_what_is_due_to_expire_is_gone_before(shop):
    program = make_program(shop, loyalty_type="points", points_expiration_days=10)
    card = make_card(program)
    give(card, points=517, kind="earn")
    seen = foresee(card, program, shop, points=-5, now=NOW + timedelta(days=40))
    assert (seen.points, seen.stamps, seen.is_below_zero) == ((0, -5), None, True)
