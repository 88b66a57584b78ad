"""Turning frozen points into stamps, and frozen stamps into points."""

from decimal import Decimal

import pytest
from sqlalchemy import select

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models import AuditEntry, LoyaltyTransaction
from portal.services import programs
from portal.services.ledger.converting import convert, convert_some, frozen_currency, rate_of
from tests.factories import NOW, give, make_card, manager_of
from tests.services.ledger.stage import Shop


def refusal(work):
    with pytest.raises(Refused) as no:
        work()
    return no.value.code


def legs(shop: Shop, card=None):
    rows = LoyaltyTransaction.of(shop.merchant).where(LoyaltyTransaction.type == "convert")
    mine = rows.where(LoyaltyTransaction.card_id == (card or shop.card).id).order_by(LoyaltyTransaction.id)
    return db.session.scalars(mine).all()


def test_frozen_points_become_stamps_in_two_linked_rows(shop_with):
    shop = shop_with(loyalty_type="stamps", stamps_target=10, convert_rate=Decimal("0.1"))
    give(shop.card, points=59)
    done = convert(shop.card.id, visit=shop.visit())
    taken, given = legs(shop)
    assert (taken.points_delta, taken.stamps_delta, given.points_delta, given.stamps_delta) == (-59, 0, 0, 5)
    assert (given.linked_id, given.rule_snapshot, done.code) == (taken.id, {"rate": "0.1000"}, "converted")
    assert (shop.card.points_balance, shop.card.stamps_balance) == (0, 5)


def test_frozen_stamps_become_points_at_a_rate_given(shop_with):
    shop = shop_with(loyalty_type="points", convert_rate=Decimal(10))
    give(shop.card, stamps=7)
    convert(shop.card.id, visit=shop.visit(), rate=Decimal("12.5"))
    assert (shop.card.points_balance, shop.card.stamps_balance) == (87, 0)  # 87.5, floored


def test_stamps_that_fill_a_card_become_a_reward(shop_with):
    shop = shop_with(loyalty_type="stamps", stamps_target=10)
    give(shop.card, points=120)
    done = convert(shop.card.id, visit=shop.visit(), rate=Decimal("0.1"))
    assert [row.type for row in done.rows] == ["convert", "convert", "stamp_complete"]
    assert shop.card.stamps_balance == 2


def test_what_would_give_nothing_stays(shop_with):
    shop = shop_with(loyalty_type="stamps", convert_rate=Decimal("0.1"))
    give(shop.card, points=9)
    assert refusal(lambda: convert(shop.card.id, visit=shop.visit())) == "nothing_to_convert"
    assert (shop.card.points_balance, legs(shop)) == (9, [])


def test_a_negative_balance_is_not_converted(shop_with):
    shop = shop_with(loyalty_type="stamps", convert_rate=Decimal(1))
    give(shop.card, points=-5)
    assert refusal(lambda: convert(shop.card.id, visit=shop.visit())) == "nothing_to_convert"


@pytest.mark.parametrize("rate", [None, Decimal(0), Decimal(-1), Decimal("NaN")])
def test_a_rate_is_needed(shop_with, rate):
    shop = shop_with(loyalty_type="stamps")
    give(shop.card, points=5)
    assert refusal(lambda: convert(shop.card.id, visit=shop.visit(), rate=rate)) == "no_rate"


def test_only_an_owner_converts_and_only_what_is_frozen(shop_with):
    shop = shop_with(loyalty_type="hybrid", convert_rate=Decimal(1))
    assert refusal(lambda: convert(shop.card.id, visit=shop.visit(by=manager_of()))) == "not_allowed"
    assert refusal(lambda: convert(shop.card.id, visit=shop.visit())) == "nothing_frozen"
    assert frozen_currency(shop.program) is None
    shop.change(loyalty_type="points")
    assert (frozen_currency(shop.program), rate_of(shop.program)) == ("stamps", 1)


def test_one_key_converts_once(shop_with):
    shop = shop_with(loyalty_type="stamps", convert_rate=Decimal(1))
    give(shop.card, points=5)
    convert(shop.card.id, visit=shop.visit(key="k"))
    again = convert(shop.card.id, visit=shop.visit(key="k"))
    assert (again.is_replay, shop.card.stamps_balance) == (True, 5)
    with pytest.raises(Conflict, match="another request"):
        convert(shop.card.id, visit=shop.visit(key="k"), rate=Decimal(2))


def test_all_cards_are_converted_chunk_by_chunk(shop_with):
    shop = shop_with(loyalty_type="stamps", stamps_target=100, convert_rate=Decimal("0.5"))
    cards = [shop.card, *(make_card(shop.program) for _ in range(3))]
    for card, points in zip(cards, (4, 1, 7, 10), strict=True):
        give(card, points=points)
    first = convert_some(shop.program, visit=shop.visit(key="run"), limit=2)
    db.session.commit()
    assert first == (2, 11, 5, cards[2].id)  # the card with 1 point would get nothing
    rest = convert_some(shop.program, visit=shop.visit(key="run"), after=first.after, limit=2)
    db.session.commit()
    assert rest == (1, 10, 5, None)
    assert [(card.points_balance, card.stamps_balance) for card in cards] == [(0, 2), (1, 0), (0, 3), (0, 5)]
    again = convert_some(shop.program, visit=shop.visit(key="run"), limit=2)
    assert again == (0, 0, 0, None)


def test_a_card_whose_points_came_back_is_not_converted_twice_by_one_key(shop_with):
    shop = shop_with(loyalty_type="stamps", stamps_target=100, convert_rate=Decimal(1))
    give(shop.card, points=4)
    convert_some(shop.program, visit=shop.visit(key="run"))
    give(shop.card, points=4)
    assert convert_some(shop.program, visit=shop.visit(key="run")).cards == 0
    assert convert_some(shop.program, visit=shop.visit()).cards == 1


def test_frozen_points_do_not_expire_and_are_converted_whenever_it_is(shop_with):
    shop = shop_with(loyalty_type="stamps", stamps_target=100, points_expiration_days=10)
    give(shop.card, points=4, kind="earn")
    late = shop.visit(60 * 24 * 40)
    assert convert_some(shop.program, visit=late, rate=Decimal(1)).cards == 1
    rows = db.session.scalars(LoyaltyTransaction.of(shop.merchant).order_by(LoyaltyTransaction.id))
    assert [row.type for row in rows] == ["earn", "convert", "convert"]


def test_only_an_owner_converts_all(shop_with):
    shop = shop_with(loyalty_type="stamps", convert_rate=Decimal(1))
    assert refusal(lambda: convert_some(shop.program, visit=shop.visit(by=manager_of()))) == "not_allowed"


def test_a_change_of_type_freezes_and_deletes_nothing(shop_with):
    shop = shop_with(loyalty_type="points")
    give(shop.card, points=40)
    programs.change_program(shop.program, by=shop.owner, now=NOW, loyalty_type="stamps")
    assert (shop.card.points_balance, frozen_currency(shop.program)) == (40, "points")


def test_converting_is_written_down(shop_with):
    shop = shop_with(loyalty_type="stamps", convert_rate=Decimal(1))
    give(shop.card, points=4)
    convert_some(shop.program, visit=shop.visit())
    db.session.flush()
    entries = db.session.scalars(select(AuditEntry).where(AuditEntry.merchant_id == shop.merchant.id))
    assert [(e.action, e.details) for e in entries] == [("loyalty_programs.convert", {"cards": 1})]
