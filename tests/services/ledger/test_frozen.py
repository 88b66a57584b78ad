"""What lies frozen on the cards, and what converting it would give."""

from decimal import Decimal

import pytest

from portal.errors import Refused
from portal.extensions import db
from portal.services import programs
from portal.services.ledger import expiring, nightly
from portal.services.ledger.converting import Converted, convert_some
from portal.services.ledger.figures import Terms, glance
from portal.services.ledger.frozen import converted_by, frozen_on_cards, look_ahead
from portal.services.ledger.numbers import Period, liability
from portal.services.ledger.verifying import verify
from tests.factories import give, make_card
from tests.services.ledger.stage import DAY, at

RATE = Decimal("0.1")


def holding(shop, *points, **beside):
    """Give each of so many cards points; the first is the shop's own."""
    cards = [shop.card, *(make_card(shop.program) for _ in points[1:])]
    for card, held in zip(cards, points, strict=True):
        give(card, points=held, **beside)
    return cards


def look(shop, rate=RATE):
    return look_ahead(shop.program, rate)


def refusal(work):
    with pytest.raises(Refused) as no:
        work()
    return no.value.code


def test_nothing_is_frozen_where_both_count_or_nothing_lies_there(shop_with):
    shop = shop_with(loyalty_type="hybrid")
    give(shop.card, points=5, stamps=5)
    assert frozen_on_cards(shop.program) is None
    assert refusal(lambda: look(shop)) == "nothing_frozen"
    shop.change(loyalty_type="points")
    assert frozen_on_cards(shop.program) == ("stamps", 1, 5)


def test_frozen_points_are_counted_without_debts(shop_with):
    shop = shop_with(loyalty_type="stamps")
    holding(shop, 40, 2, -7, 0)
    assert frozen_on_cards(shop.program) == ("points", 2, 42)


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


@pytest.fixture
def frozen_shop(shop_with):
    """Points are gone after ten days without a visit, and 40 of them were frozen before."""
    shop = shop_with(loyalty_type="hybrid", points_expiration_days=10)
    shop.earn(40_00)
    change(shop, 1, loyalty_type="stamps")
    return shop


def change(shop, minutes, **rules):
    programs.change_program(shop.program, by=shop.owner, now=at(minutes), **rules)
    db.session.commit()


def test_frozen_points_do_not_expire(frozen_shop):
    shop, late = frozen_shop, 400 * DAY
    assert expiring.due_at(shop.card, shop.program, shop.merchant.zone) is None
    assert expiring.balance_at(shop.card, shop.program, shop.merchant.zone, at(late)) == 40
    assert nightly.expire_some(shop.merchant, now=at(late)).done == 0
    assert nightly.warn_some(shop.merchant, now=at(5 * DAY)).done == 0
    shop.stamp(1, late)
    assert (shop.points, frozen_on_cards(shop.program)) == (40, ("points", 1, 40))
    seen = glance(shop.merchant, Period(at(0), at(late)), terms_of(shop.program), now=at(late))
    assert (seen.owed.points, seen.expiring_points) == (40, 0)
    assert liability(shop.merchant, now=at(late)).points == 40
    assert list(verify(shop.merchant.id)) == []


def terms_of(program):
    return Terms(program.is_points_enabled, program.points_expiration_days, program.expiry_floor_at, None)


@pytest.mark.parametrize("kind", ["points", "hybrid"])
def test_points_that_count_again_have_thirty_days(frozen_shop, kind):
    shop, again = frozen_shop, 100 * DAY
    change(shop, 50 * DAY, points_expiration_days=5)
    assert shop.program.expiry_floor_at is None
    change(shop, again, loyalty_type=kind)
    zone = shop.merchant.zone
    assert expiring.due_at(shop.card, shop.program, zone) == shop.program.expiry_floor_at == at(130 * DAY)
    assert nightly.expire_some(shop.merchant, now=at(130 * DAY - 1)).done == 0
    assert nightly.expire_some(shop.merchant, now=at(130 * DAY)).done == 1
    db.session.commit()
    assert list(verify(shop.merchant.id)) == []


def test_points_that_never_expire_need_no_floor_when_they_count_again(shop_with):
    shop = shop_with(loyalty_type="stamps")
    change(shop, 1, loyalty_type="points")
    assert shop.program.expiry_floor_at is None


def test_points_that_counted_all_along_are_not_put_off_by_a_new_type(shop_with):
    shop = shop_with(loyalty_type="points", points_expiration_days=10)
    change(shop, 1, loyalty_type="hybrid")
    assert shop.program.expiry_floor_at is None


def test_frozen_points_are_converted_however_long_they_lay(frozen_shop):
    shop = frozen_shop
    convert_some(shop.program, visit=shop.visit(400 * DAY), rate=RATE)
    db.session.commit()
    assert (shop.points, shop.stamps) == (0, 4)


def test_frozen_stamps_that_become_points_have_thirty_days(shop_with):
    shop = shop_with(loyalty_type="stamps", points_expiration_days=10)
    shop.stamp(4)
    change(shop, 1, loyalty_type="points")
    convert_some(shop.program, visit=shop.visit(400 * DAY), rate=RATE * 10)
    db.session.commit()
    db.session.refresh(shop.card)
    due = expiring.due_at(shop.card, shop.program, shop.merchant.zone)
    assert (shop.points, due) == (4, at(430 * DAY))


def test_a_rate_turned_round_is_refused(shop_with):
    shop = shop_with(loyalty_type="stamps", stamps_target=10)
    give(shop.card, points=101)
    assert look(shop, Decimal("9.9")).rewards == 99
    assert refusal(lambda: look(shop, Decimal(10))) == "too_many_rewards"
    assert refusal(lambda: look(shop, None)) == "no_rate"
