"""The welcome bonus of people who are merged: one that waits is not lost, and of two one stays."""

import pytest

from portal.extensions import db
from portal.models import LoyaltyCard
from portal.services.ledger.enrolling import change_member
from portal.services.ledger.merging import merge_customers
from portal.services.ledger.verifying import verify
from portal.services.ledger.welcoming import give_welcome_bonus
from tests.factories import make_customer, make_merchant, make_program, within
from tests.services.merging import apart, balance, join, merge, rows, visit

LEA = {"phone": "621 123 456"}


@pytest.fixture
def shop(app):
    merchant = make_merchant()
    with within(merchant):
        yield merchant


@pytest.fixture
def program(shop):
    return make_program(shop, welcome_bonus_points=50, points_per_euro=1)


def into_imported(shop, loser, **contact):
    """Merge somebody into a record that was imported, which has no card; the merge, and its new card."""
    survivor = make_customer(shop, **{"phone": None, **contact})
    done = merge_customers(survivor, loser.customer, visit=visit(shop, 10), secret="key")
    assert list(verify(shop.id)) == []
    return done, db.session.scalars(LoyaltyCard.of(shop).where(LoyaltyCard.customer_id == survivor.id)).one()


def scan(shop, card, minutes=15):
    """Scan the card; what was waiting is given."""
    posting = give_welcome_bonus(card.id, visit=visit(shop, minutes), secret="key")
    return posting.code, posting.points


def test_a_bonus_that_waits_for_the_first_scan_comes_to_the_survivor_once(shop, program):
    waiting = join(shop, "Lea", is_self=True, **LEA)
    _, card = into_imported(shop, waiting)
    assert scan(shop, card) == ("bonus", 50)
    assert scan(shop, card, 16) == ("no_bonus", 0)


def test_a_bonus_that_waits_for_a_contact_comes_with_the_survivors(shop, program):
    _, card = into_imported(shop, join(shop, "Lea"), email="lea@example.com")
    assert scan(shop, card) == ("bonus", 50)


def test_a_bonus_that_waits_for_a_contact_comes_when_the_survivor_tells_one(shop, program):
    _, card = into_imported(shop, join(shop, "Lea"))
    assert scan(shop, card) == ("no_bonus", 0)
    told = change_member(card.customer, visit=visit(shop, 20), secret="key", email="lea@example.com")
    assert (told.bonus, card.points_balance) == (50, 50)


def test_who_had_a_bonus_gets_no_second_by_a_merge(shop, program):
    had, waiting = join(shop, "Lea", **LEA), join(shop, "Lea M", is_self=True, email="lea@example.com")
    merge(shop, had, waiting)
    assert scan(shop, had.card) == ("no_bonus", 0)
    assert balance(had) == (50, 0)


def test_of_two_that_wait_one_is_given(shop, program):
    one = join(shop, "Lea", is_self=True, **LEA)
    two = join(shop, "Lea M", is_self=True, email="lea@example.com")
    merge(shop, one, two)
    assert [scan(shop, one.card), scan(shop, one.card, 16)] == [("bonus", 50), ("no_bonus", 0)]
    assert rows(one, "welcome_bonus")[0].linked_id == rows(one, "enrol")[0].id


def test_taken_apart_the_bonus_is_theirs_who_waited_and_comes_no_second_time(shop, program):
    waiting = join(shop, "Lea", is_self=True, **LEA)
    done, card = into_imported(shop, waiting)
    scan(shop, card)
    apart(shop, done)
    assert (card.points_balance, balance(waiting)) == (0, (50, 0))
    assert scan(shop, waiting.card, 30) == ("no_bonus", 0)
    assert list(verify(shop.id)) == []


def test_taken_apart_before_it_was_given_it_waits_on(shop, program):
    waiting = join(shop, "Lea", is_self=True, **LEA)
    done, _ = into_imported(shop, waiting)
    apart(shop, done)
    assert scan(shop, waiting.card, 30) == ("bonus", 50)
