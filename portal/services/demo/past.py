"""What happened at the café of the demo: customers with cards, and a month of sales."""

from datetime import datetime, timedelta
from random import Random

from portal.extensions import db
from portal.models.customer import Customer
from portal.models.loyalty_card import CardToken, LoyaltyCard
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.merchant import Merchant
from portal.models.order import Order, OrderLine
from portal.models.product import Product
from portal.models.store import Store

FIRST = ("Anouk", "Bilal", "Carole", "Diego", "Elise", "Fatima", "Georges", "Hana", "Ines", "Jeff")
LAST = ("Thill", "Santos", "Wagner", "Costa", "Reuter", "Silva", "Krier", "Benali", "Lentz", "Faber")
CUSTOMERS, SALES = 30, 150


def live_a_month(
    merchant: Merchant, shops: list[Store], program: LoyaltyProgram, *, seed: int, now: datetime
) -> None:
    """Enrol customers and sell to them; nobody has points yet, for points come from the ledger."""
    chance = Random(seed)  # noqa: S311 - a demo needs the same luck every time, not a secret
    members = _enrol(merchant, shops, program, chance, now)
    shelf: dict[int, list[Product]] = {}
    for product in db.session.scalars(Product.of(merchant).order_by(Product.id)):
        shelf.setdefault(product.store_id, []).append(product)
    for number in range(1, SALES + 1):
        shop = chance.choice(shops)
        buyer = chance.choice(members) if chance.random() < 0.7 else None
        basket = chance.sample(shelf[shop.id], k=chance.randint(1, 4))
        when = now - timedelta(days=12, minutes=chance.randint(1, 43_200))  # before the kiosk closed
        _sell(shop, buyer, basket, f"{shop.store_code.upper()}-{number:04}", when)


def _enrol(
    merchant: Merchant, shops: list[Store], program: LoyaltyProgram, chance: Random, now: datetime
) -> list[Customer]:
    members = []
    for number in range(CUSTOMERS):
        name = f"{chance.choice(FIRST)} {chance.choice(LAST)}"
        members.append(
            Customer(
                merchant_id=merchant.id,
                name=name,
                phone=f"+352621{100_000 + number * 7919 % 900_000:06}",
                home_store_id=chance.choice(shops).id,
                created_at=now - timedelta(days=chance.randint(43, 90)),
            )
        )
    db.session.add_all(members)
    db.session.flush()  # the cards need their ids
    cards = [
        LoyaltyCard(merchant_id=merchant.id, program_id=program.id, customer_id=m.id, created_at=m.created_at)
        for m in members
    ]
    db.session.add_all(cards)
    db.session.flush()  # the tokens need their ids
    for number, card in enumerate(cards):
        token = _with_check_digit(f"{1_000_000 + number * 104_729 % 9_000_000}")
        db.session.add(CardToken(merchant_id=merchant.id, card_id=card.id, kind="number", value=token))
    return members


def _with_check_digit(digits: str) -> str:
    """Add the last digit by which a mistyped number is noticed (Luhn)."""
    doubled = [int(d) * (2 - i % 2) for i, d in enumerate(reversed(digits))]
    total = sum(n - 9 if n > 9 else n for n in doubled)
    return f"{digits}{-total % 10}"


def _sell(shop: Store, buyer: Customer | None, basket: list[Product], number: str, when: datetime) -> None:
    order = Order(
        merchant_id=shop.merchant_id,
        store_id=shop.id,
        customer_id=buyer.id if buyer else None,
        number=number,
        total_cents=sum(product.price_cents for product in basket),
        occurred_at=when,
        created_at=when,
    )
    db.session.add(order)
    db.session.flush()  # the lines need its id
    for position, product in enumerate(basket, 1):
        line = OrderLine(
            merchant_id=shop.merchant_id,
            order_id=order.id,
            product_id=product.id,
            position=position,
            name=product.name,
            unit_price_cents=product.price_cents,
            amount_cents=product.price_cents,
            earns_points=product.earns_points,
        )
        db.session.add(line)
