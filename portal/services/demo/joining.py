"""Joining the program of the café in the demo."""

from portal.extensions import db
from portal.models.customer import Customer
from portal.models.loyalty_card import CardToken, LoyaltyCard
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.standing import ConsentEvent
from portal.services.demo.crowd import Member
from portal.services.demo.selling import Shop
from portal.services.ledger.accounts import open_account
from portal.services.ledger.visits import Visit


def join(member: Member, shop: Shop, program: LoyaltyProgram, visit: Visit) -> tuple[Customer, LoyaltyCard]:
    """Give somebody a card, with the welcome bonus."""
    keys = {"merchant_id": program.merchant_id}
    customer = Customer(
        name=member.name, phone=member.phone, email=member.email, home_store_id=shop.store.id, **keys
    )
    db.session.add(customer)
    db.session.flush()  # the card needs its id
    card = LoyaltyCard(program_id=program.id, customer_id=customer.id, **keys)
    db.session.add(card)
    db.session.flush()  # the token needs its id
    value = with_check_digit(f"{1_000_000 + card.id * 104_729 % 9_000_000}")
    db.session.add(CardToken(card_id=card.id, kind="number", value=value, **keys))
    consent = ConsentEvent(
        customer_id=customer.id, is_given=member.agrees, source="till", occurred_at=visit.now, **keys
    )
    if member.agrees:
        db.session.add(consent)
    account = open_account(card.id, visit)
    account.post("enrol")
    account.post("welcome_bonus", points=program.welcome_bonus_points)
    return customer, card


def with_check_digit(digits: str) -> str:
    """Add the last digit by which a mistyped number is noticed (Luhn)."""
    doubled = [int(d) * (2 - i % 2) for i, d in enumerate(reversed(digits))]
    total = sum(n - 9 if n > 9 else n for n in doubled)
    return f"{digits}{-total % 10}"
