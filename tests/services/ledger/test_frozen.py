"""What lies frozen on the cards, and what converting it would give."""

from decimal import Decimal

import pytest

from portal.errors import Refused
from portal.extensions import db
from portal.services.ledger.converting import Converted, convert_some
from portal.services.ledger.frozen import converted_by, frozen_on_cards, look_ahead
from tests.factories import NOW, give, make_card
from tests.services.ledger.stage import DAY, at

RATE = Decimal("0.1")


def holding(shop, *points, **beside):
    """Give each of so many cards points; the first is the shop's own."""
    cards = [shop.card, *(make_card(shop.program) for _ in points[1:])]
    for card, held in zip(cards, points, strict=True):
        give(card, points=held, **beside)
    return cards


def look(shop, rate=RATE, now=NOW):
    return look_ahead(shop.program, shop.merchant, rate, now=now)


def refusal(work):
    with pytest.raises(Refused) as no:
        work()
    return no.value.code


def test_nothing_is_frozen_where_both_count_or_nothing_lies_there(shop_with):
    shop = shop_with(loyalty_type="hybrid")
    give(shop.card, points=5, stamps=5)
    assert frozen_on_cards(shop.program, shop.merchant, now=NOW) is None
    assert refusal(lambda: look(shop)) == "nothing_frozen"
    shop.change(loyalty_type="points")
    assert frozen_on_cards(shop.program, shop.merchant, now=NOW) == ("stamps", 1, 5)


def test_frozen_points_are_counted_without_debts(shop_with):
    shop = shop_with(loyalty_type="stamps")
    holding(shop, 40, 2, -7, 0)
    assert frozen_on_cards(shop.program, shop.merchant, now=NOW) == ("points", 2, 42)


def test_what_it_does_is_what_the_verb_does(shop_with):
    shop = shop_with(loyalty_type="stamps", stamps_target=10)
    cards = holding(shop, 59, 59, 9, 120, -3)
    give(cards[0], stamps=6)
    seen = look(shop)
    assert (seen.cards, seen.taken, seen.given, seen.rounded) == (3, 238, 22, 2)
    assert (seen.kept_cards, seen.kept, seen.rewards) == (1, 9, 2)
    done = convert_some(shop.program, visit=shop.visit(key="run"), rate=RATE)
    db.session.commit()
    assert (done.cards, done.taken, done.given) == (seen.cards, seen.taken, seen.given)
    assert converted_by("run", shop.merchant) == Converted(3, 238, 22, None)
    assert converted_by("ru", shop.merchant) == Converted(0, 0, 0, None)
    assert refusal(lambda: look(shop)) == "nothing_to_convert"


def test_stamps_become_points_and_fill_nothing(shop_with):
    shop = shop_with(loyalty_type="points", stamps_target=2)
    holding(shop, 1, 1, stamps=7)
    seen = look(shop, Decimal("2.5"))
    assert (seen.currency, seen.cards, seen.taken, seen.given) == ("stamps", 2, 14, 34)
    assert (seen.rounded, seen.rewards) == (2, 0)


def test_points_that_are_due_to_expire_are_none(shop_with):
    shop = shop_with(loyalty_type="stamps", points_expiration_days=10)
    give(shop.card, points=40, kind="earn")
    assert frozen_on_cards(shop.program, shop.merchant, now=NOW) == ("points", 1, 40)
    late = at(40 * DAY)
    assert frozen_on_cards(shop.program, shop.merchant, now=late) is None
    assert refusal(lambda: look(shop, now=late)) == "nothing_to_convert"


def test_a_rate_turned_round_is_refused(shop_with):
    shop = shop_with(loyalty_type="stamps", stamps_target=10)
    give(shop.card, points=101)
    assert look(shop, Decimal("9.9")).rewards == 99
    assert refusal(lambda: look(shop, Decimal(10))) == "too_many_rewards"
    assert refusal(lambda: look(shop, None)) == "no_rate"
