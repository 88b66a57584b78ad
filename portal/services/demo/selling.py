"""Ringing up sales at the café of the demo."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from sqlalchemy import insert

from portal.extensions import db
from portal.models.actor import Actor
from portal.models.customer import Customer
from portal.models.order import Order, OrderLine
from portal.models.product import Product
from portal.models.store import Store

DRINKS = ("Coffee", "Tea", "Cold drinks")


@dataclass
class Shop:
    """One store with its shelf, those who serve and who runs it, and how many sales it has had.

    The lines of its sales are gathered, and written many at a time by `write_lines`.
    """

    store: Store
    shelf: Sequence[Product]
    staff: Sequence[Actor]
    manager: Actor
    sales: int = field(default=0)
    lines: list[dict[str, Any]] = field(default_factory=list)

    def basket(self, chance: Random) -> list[Product]:
        """Take one to four things off the shelf that are still sold."""
        sold = [product for product in self.shelf if not product.is_deleted]
        return chance.sample(sold, k=chance.randint(1, 4))

    def ring_up(self, basket: Sequence[Product], buyer: Customer | None, by: Actor, when: datetime) -> Order:
        """Write down a sale, and keep its lines in mind."""
        self.sales += 1
        order = Order(
            merchant_id=self.store.merchant_id,
            store_id=self.store.id,
            customer_id=buyer.id if buyer else None,
            sold_by_id=by.user_id,
            number=f"{self.store.store_code.upper()}-{self.sales:04}",
            total_cents=sum(product.price_cents for product in basket),
            occurred_at=when,
        )
        db.session.add(order)
        db.session.flush()  # the lines need its id
        self.lines += [_line(order, place, product) for place, product in enumerate(basket, 1)]
        return order

    def write_lines(self) -> None:
        """Write the lines of all sales since the last time."""
        if self.lines:
            db.session.execute(insert(OrderLine), self.lines)
            self.lines = []


def excluded(basket: Sequence[Product]) -> int:
    """Sum up what of a basket earns nothing."""
    return sum(product.price_cents for product in basket if not product.earns_points)


def drinks(basket: Sequence[Product]) -> int:
    """Count what a stamp is put on for."""
    return sum(product.category in DRINKS for product in basket)


def _line(order: Order, place: int, product: Product) -> dict[str, Any]:
    return {
        "merchant_id": order.merchant_id,
        "order_id": order.id,
        "product_id": product.id,
        "position": place,
        "name": product.name,
        "unit_price_cents": product.price_cents,
        "amount_cents": product.price_cents,
        "earns_points": product.earns_points,
    }
