"""The welcome bonus of people who are merged: one that waits is not lost, and of two one stays."""

import pytest

from portal.extensions import db
from portal.models import LoyaltyCard
from portal.services import programs, trash
from portal.services.ledger.enrolling import change_member
from portal.services.ledger.merging import merge_customers
from portal.services.ledger.verifying import verify
from portal.services.ledger.welcoming import give_welcome_bonus
from tests.factories import make_customer, make_merchant, make_program, owner_of, within
from tests.services.merging import apart, balance, buy, join, merge, rows, visit

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


def bonus_in_the_trash(shop):
    """Let Lea have her bonus in a program that lies in the trash now; a new one runs. Her record."""
    had = join(shop, "Lea", **LEA)
    program = programs.find_program(shop)
    programs.delete_program(program, by=owner_of(shop), now=visit(shop, 2).now)
    db.session.commit()
    make_program(shop, welcome_bonus_points=30, points_per_euro=1)
    return had


def test_of_two_bonuses_in_different_programs_the_one_in_the_living_is_reversed(shop, program):
    had = bonus_in_the_trash(shop)
    other = join(shop, "Lea M", 3, email="lea@example.com")
    done = merge(shop, had, other)
    (card,) = living_cards(shop)
    assert (card.customer_id, card.points_balance) == (had.customer.id, 0)
    assert [row.points_delta for row in rows(other, "adjust")] == [-30]
    apart(shop, done)
    assert balance(other) == (30, 0)


def test_the_survivors_is_reversed_when_it_is_the_one_in_the_living_program(shop, program):
    bonus_in_the_trash(shop)
    survivor = join(shop, "Lea M", 3, email="lea@example.com")
    again = join(shop, "Lea", 4, **LEA)  # known by her phone: a card, and no second bonus
    buy(shop, again, 7, minutes=5)
    done = merge(shop, survivor, again)
    assert (balance(survivor), [row.points_delta for row in rows(survivor, "adjust")]) == ((7, 0), [-30])
    apart(shop, done)
    assert (balance(survivor), balance(again)) == ((30, 0), (7, 0))


def test_of_two_bonuses_in_the_trash_none_is_reversed_before_its_program_is_back(shop, program):
    had = bonus_in_the_trash(shop)
    other = join(shop, "Lea M", 3, email="lea@example.com")
    newer = programs.delete_program(programs.find_program(shop), by=owner_of(shop), now=visit(shop, 5).now)
    db.session.commit()
    make_program(shop, welcome_bonus_points=0, points_per_euro=1)
    one, two = join(shop, "Lea", 6, **LEA), join(shop, "Lea M", 6, email="lea@example.com")
    buy(shop, two, 7, minutes=7)
    merge(shop, one, two)
    assert (balance(one), rows(one, "adjust"), rows(two, "adjust")) == ((7, 0), [], [])
    current = programs.find_program(shop)
    programs.delete_program(current, by=owner_of(shop), now=visit(shop, 12).now)
    trash.restore(newer, by=owner_of(shop), now=visit(shop, 15).now)
    db.session.commit()
    assert list(verify(shop.id)) == []
    assert [(card.customer_id, card.points_balance) for card in living_cards(shop)] == [(had.customer.id, 0)]
    assert [row.points_delta for row in rows(other, "adjust")] == [-30]


def living_cards(shop):
    return db.session.scalars(LoyaltyCard.of(shop)).all()


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
