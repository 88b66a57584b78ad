"""What people do with cards: codes that lead to them, lost ones, suspended ones."""

from datetime import timedelta

import pytest

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models import AuditEntry, CardToken
from portal.services import cards, customers
from portal.services.ledger.earning import earn
from portal.services.ledger.visits import Visit
from tests.factories import (
    NOW,
    make_card,
    make_merchant,
    make_program,
    make_store,
    make_token,
    manager_of,
    owner_of,
    staff_of,
    within,
)


@pytest.fixture
def shop(app):
    merchant = make_merchant(public_ref="lumiere")
    with within(merchant):
        yield merchant


@pytest.fixture
def card(shop):
    return make_card(make_program(shop, points_per_euro=1))


def visit(shop, minutes=0, by=None, **more):
    return Visit(by=by or owner_of(shop), now=NOW + timedelta(minutes=minutes), **more)


def actions(shop):
    return [entry.action for entry in db.session.scalars(AuditEntry.of(shop).order_by(AuditEntry.id))]


@pytest.mark.parametrize(("digits", "number"), [("1234567", "12345674"), ("9999999", "99999997")])
def test_the_last_digit_fits_the_others(digits, number):
    assert cards.with_check_digit(digits) == number
    assert cards.is_number(number)


@pytest.mark.parametrize("text", ["12345675", "1234567", "123456740", "1234567a", "١٢٣٤٥٦٧٤", ""])
def test_what_is_mistyped_is_no_number(text):
    assert not cards.is_number(text)


def test_every_code_leads_to_the_card(shop, card):
    codes = cards.give_codes(card, shop)
    make_token(card, kind="legacy", value="OLD-77")
    assert codes.qr.startswith("lumiere.")
    spaced = f" {codes.number[:4]} {codes.number[4:]}"
    for code in (codes.qr, codes.number, spaced, f"{codes.number[:4]}-{codes.number[4:]}", "OLD-77 "):
        assert cards.find_card(shop, code) == card
    assert cards.number_of(card) == codes.number


def test_the_qr_is_kept_as_a_hash(shop, card):
    codes = cards.give_codes(card, shop)
    db.session.flush()
    kept = {token.kind: token.value for token in db.session.scalars(CardToken.of(shop))}
    assert kept["number"] == codes.number
    assert codes.qr.partition(".")[2] not in kept["qr"]
    assert len(kept["qr"]) == 64


def test_a_number_of_ours_goes_before_an_old_one(shop, card):
    other = make_card(card.program)
    make_token(other, kind="legacy", value="12345674")
    assert cards.find_card(shop, "12345674") == other
    make_token(card, kind="number", value="12345674")
    assert cards.find_card(shop, "12345674") == card


@pytest.mark.parametrize(
    "code", ["", "  ", "nothing", "12345674", "lumiere.", "lumiere.wrong", "other.secret"]
)
def test_a_code_nobody_has_is_refused(shop, card, code):
    cards.give_codes(card, shop)
    with pytest.raises(Refused, match="No card has this code") as refused:
        cards.find_card(shop, code)
    assert refused.value.code == "unknown_card"


def test_codes_of_another_merchant_lead_nowhere(shop):
    strange = make_merchant(public_ref="corner")
    with within(strange):
        theirs = make_card(make_program(strange))
        codes = cards.give_codes(theirs, strange)
        db.session.commit()
    for code in (codes.qr, codes.number, codes.qr.replace("corner", "lumiere")):
        with pytest.raises(Refused, match="No card has this code"):
            cards.find_card(shop, code)


def test_a_lost_card_is_replaced_and_keeps_its_balance(shop, card):
    earn(card.id, spent_cents=700, visit=visit(shop))
    old = cards.give_codes(card, shop)
    make_token(card, kind="legacy", value="OLD-77")
    done = cards.replace_token(card.id, visit=visit(shop, 60 * 14))
    assert (done.card, done.is_replay, card.points_balance) == (card, False, 7)
    assert cards.find_card(shop, done.codes.qr) == card
    assert cards.number_of(card) == done.codes.number != old.number
    for code in (old.qr, old.number, "OLD-77"):
        # 09:30 and 14 hours are the next day in Luxembourg.
        with pytest.raises(Refused, match=r"replaced on 2026-03-15") as refused:
            cards.find_card(shop, code)
        assert refused.value.details["at"] == NOW + timedelta(hours=14)
    assert actions(shop) == ["loyalty_cards.replace_token"]


def test_replaced_twice_with_one_key_is_replaced_once(shop, card):
    first = cards.replace_token(card.id, visit=visit(shop, key="k"))
    again = cards.replace_token(card.id, visit=visit(shop, 1, key="k"))
    assert (again.codes, again.is_replay) == (None, True)
    assert cards.find_card(shop, first.codes.qr) == card


def test_a_card_in_the_trash_says_so(shop, card):
    codes = cards.give_codes(card, shop)
    customers.delete_customer(card.customer, by=owner_of(shop), now=NOW)
    with pytest.raises(Conflict, match="in the trash"):
        cards.find_card(shop, codes.number)
    assert cards.number_of(card) is None
    with pytest.raises(Conflict, match="not there any more"):
        cards.replace_token(card.id, visit=visit(shop))


def test_the_number_of_a_dead_card_may_be_given_again(shop, card):
    make_token(card, kind="number", value="12345674")
    customers.delete_customer(card.customer, by=owner_of(shop), now=NOW)
    heir = make_card(card.program)
    make_token(heir, kind="number", value="12345674")
    assert cards.find_card(shop, "12345674") == heir


def test_a_number_that_is_taken_is_not_given(shop, card, monkeypatch):
    drawn = iter([234_567, 234_567, 5])
    monkeypatch.setattr(cards.secrets, "randbelow", lambda _: next(drawn))
    assert cards.give_codes(card, shop).number == "12345674"
    assert cards.give_codes(make_card(card.program), shop).number == cards.with_check_digit("1000005")


def test_when_no_number_is_free_it_says_so(shop, card, monkeypatch):
    monkeypatch.setattr(cards.secrets, "randbelow", lambda _: 234_567)
    cards.give_codes(card, shop)
    with pytest.raises(Conflict, match="No free card number"):
        cards.give_codes(make_card(card.program), shop)


def test_a_suspended_card_earns_nothing_until_it_is_lifted(shop, card):
    assert cards.suspend_card(card.id, visit=visit(shop)).status == "suspended"
    cards.suspend_card(card.id, visit=visit(shop, 1))
    with pytest.raises(Refused, match="suspended"):
        earn(card.id, spent_cents=700, visit=visit(shop, 2))
    assert cards.lift_suspension(card.id, visit=visit(shop, 3)).status == "active"
    cards.lift_suspension(card.id, visit=visit(shop, 4))
    assert earn(card.id, spent_cents=700, visit=visit(shop, 5)).points == 7
    assert actions(shop) == ["loyalty_cards.suspend", "loyalty_cards.lift"]


@pytest.mark.parametrize("verb", [cards.suspend_card, cards.lift_suspension])
def test_staff_ask_a_manager(shop, card, verb):
    store = make_store(shop)
    with pytest.raises(Refused, match="Ask a manager") as refused:
        verb(card.id, visit=visit(shop, by=staff_of(store)))
    assert refused.value.code == "not_allowed"
    assert verb(card.id, visit=visit(shop, by=manager_of(store))) == card


@pytest.mark.parametrize("verb", [cards.suspend_card, cards.lift_suspension, cards.replace_token])
def test_another_merchants_card_is_not_there(shop, verb):
    strange = make_merchant()
    with within(strange):
        theirs = make_card(make_program(strange))
    with pytest.raises(Conflict, match="not there any more"):
        verb(theirs.id, visit=visit(shop))
