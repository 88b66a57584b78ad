"""Points that come back from the trash have 30 days before any of them expires."""

from datetime import timedelta

import pytest

from portal.extensions import db
from portal.models import LoyaltyCard, LoyaltyProgram
from portal.services import programs, trash
from portal.services.ledger.nightly import expire_some
from tests.factories import NOW, OPERATOR, give, make_card, within
from tests.services.ledger.stage import dead, open_shop

LATER = NOW + timedelta(days=300)
FLOOR = LATER + timedelta(days=30)


@pytest.fixture
def shop(app):
    shop = open_shop(points_expiration_days=100)
    with within(shop.merchant):
        give(shop.card, points=20, kind="earn")
        yield shop


def thrown_and_restored(root):
    act = trash.soft_delete_cascade(root, by=OPERATOR, now=NOW)
    db.session.commit()
    trash.restore(act, by=OPERATOR, now=LATER)
    db.session.commit()


def floors(shop):
    card, program = dead(shop.card), dead(shop.program)
    assert isinstance(card, LoyaltyCard)
    assert isinstance(program, LoyaltyProgram)
    return card.expiry_floor_at, program.expiry_floor_at


@pytest.mark.parametrize("what", ["customer", "card"])
def test_a_customer_or_a_card_comes_back_with_30_days(shop, what):
    thrown_and_restored(shop.card.customer if what == "customer" else shop.card)
    assert floors(shop) == (FLOOR, None)
    assert expire_some(shop.merchant, now=FLOOR - timedelta(seconds=1)).done == 0
    assert expire_some(shop.merchant, now=FLOOR).done == 1


@pytest.mark.parametrize("what", ["program", "merchant"])
def test_a_program_comes_back_with_30_days_for_all_its_cards(shop, what):
    thrown_and_restored(getattr(shop, what))
    assert floors(shop) == (None, FLOOR)
    assert expire_some(shop.merchant, now=FLOOR - timedelta(seconds=1)).done == 0
    assert expire_some(shop.merchant, now=FLOOR).done == 1


def test_a_later_floor_stays(shop):
    later = FLOOR + timedelta(days=9)
    shop.card.expiry_floor_at = later
    db.session.commit()
    thrown_and_restored(shop.card)
    assert floors(shop) == (later, None)


def test_an_earlier_floor_is_put_off(shop):
    shop.card.expiry_floor_at = FLOOR - timedelta(days=9)
    db.session.commit()
    thrown_and_restored(shop.card)
    assert floors(shop) == (FLOOR, None)


@pytest.mark.parametrize("what", ["customer", "card", "program"])
def test_where_points_never_expire_every_column_stays(shop, what):
    shop.change(points_expiration_days=None)
    thrown_and_restored(shop.card.customer if what == "customer" else getattr(shop, what))
    assert floors(shop) == (None, None)


@pytest.mark.parametrize("what", ["program", "merchant"])
def test_a_restore_in_chunks_sets_the_floor_too(shop, monkeypatch, what):
    make_card(shop.program)
    act = trash.soft_delete_cascade(getattr(shop, what), by=OPERATOR, now=NOW)
    db.session.commit()
    monkeypatch.setattr("portal.services.trash.bring_back.IN_ONE_TRANSACTION", 1)
    trash.restore(act, by=OPERATOR, now=LATER)
    db.session.commit()
    while not trash.continue_some(act, now=LATER + timedelta(days=1), limit=1):
        db.session.commit()
    db.session.commit()
    assert floors(shop) == (None, FLOOR)


def test_switching_expiry_on_or_shortening_it_leaves_30_days(shop):
    """Held by the program's verb; longer needs no floor."""
    programs.change_program(shop.program, by=shop.owner, now=NOW, points_expiration_days=200)
    assert shop.program.expiry_floor_at is None
    programs.change_program(shop.program, by=shop.owner, now=LATER, points_expiration_days=50)
    assert shop.program.expiry_floor_at == FLOOR
    db.session.commit()
    assert expire_some(shop.merchant, now=FLOOR - timedelta(seconds=1)).done == 0
    assert expire_some(shop.merchant, now=FLOOR).done == 1
    programs.change_program(shop.program, by=shop.owner, now=FLOOR, points_expiration_days=None)
    programs.change_program(
        shop.program, by=shop.owner, now=FLOOR + timedelta(days=1), points_expiration_days=900
    )
    assert shop.program.expiry_floor_at == FLOOR + timedelta(days=31)
