"""What the page of one order shows, and the form of its refunds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from flask import abort, url_for
from sqlalchemy import select
from sqlalchemy.orm import aliased

from portal.extensions import db
from portal.models.customer import Customer
from portal.models.loyalty_card import LoyaltyCard
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.order import Order, OrderLine
from portal.models.store import Store
from portal.models.user import User
from portal.services import refunds
from portal.services.ledger.sentences import Telling
from portal.services.ledger.statement import Line, lines_of_order
from portal.services.refunds import Left
from portal.web.happenings import link_to
from portal.web.removal import living_or_404
from portal.web.scope import current_merchant, now
from portal.words import _

NOBODY = LoyaltyProgram(tier_config=[], stamps_reward_description="")
DEAD_TOO = {"include_deleted": True}
SURVIVOR = aliased(Customer, name="survivor")


@dataclass(frozen=True)
class Page:
    """One order with its lines, and the names around it."""

    row: Any
    lines: Sequence[OrderLine]

    @property
    def order(self) -> Order:
        """The order itself."""
        order: Order = self.row.Order
        return order

    @property
    def store(self) -> str:
        """Where it was sold."""
        return _named(self.row.store_name, self.row.store_died)

    @property
    def person(self) -> str:
        """Who sold it."""
        return _named(self.row.person, self.row.person_died)

    @property
    def customer(self) -> str:
        """Who bought it, and who that is now; whom nothing is known of any more has a name that says so."""
        if self.row.survivor_name:
            now_is = _named(self.row.survivor_name, self.row.survivor_died)
            return _("%(name)s, now %(survivor)s", name=self.row.customer_name, survivor=now_is)
        return _named(self.row.customer_name, self.row.customer_died and not self.row.customer_purged)

    @property
    def customer_href(self) -> str:
        """Where the customer is to be seen, while they live; one that was merged is the survivor."""
        merged = self.row.survivor_id is not None
        died = self.row.survivor_died if merged else self.row.customer_died
        if self.order.customer_id is None or died:
            return ""
        return link_to(
            "customers.show", customer_id=self.row.survivor_id if merged else self.order.customer_id
        )

    @property
    def href(self) -> str:
        """The address of the order."""
        return url_for("orders.show", order_id=self.order.id)

    @cached_property
    def left(self) -> Left:
        """What went back so far, and what is left."""
        return refunds.left_of(self.order, self.lines)

    @cached_property
    def movements(self) -> list[Line]:
        """What the order moved on cards."""
        program = self.row.LoyaltyProgram or NOBODY
        return lines_of_order(self.order, Telling(current_merchant(), program))

    @property
    def void_since(self) -> datetime:
        """From when on movements can be voided: managers have the window of the program."""
        program = self.row.LoyaltyProgram
        return now() - timedelta(hours=program.void_window_hours if program else 0)

    @property
    def earn(self) -> Line | None:
        """What it earned, unless that was voided."""
        standing = [line for line in self.movements if line.row.type == "earn" and not line.is_voided]
        return standing[-1] if standing else None

    @property
    def has_stamps(self) -> bool:
        """Whether it moved stamps."""
        return any(line.row.stamps_delta for line in self.movements)

    @property
    def points(self) -> int:
        """Sum up the points it gives now; what a returned reward gave back is not of the order."""
        return sum(line.row.points_delta for line in self.movements if line.row.order_id is not None)

    @property
    def card_href(self) -> str:
        """Where the card it moved is to be seen, unless its customer is gone for good.

        After a merge that is the survivor's: a refund posts there.
        """
        if self.row.customer_purged:
            return ""
        cards = [self.row.survivor_card_id or line.row.card_id for line in self.movements]
        return link_to("cards.show", card_id=cards[-1]) if cards else ""

    @cached_property
    def rewards(self) -> list[tuple[int, str]]:
        """Name the rewards that were handed over with it, and may come back."""
        return refunds.rewards_taken_with(self.order, current_merchant().zone)


def opened(order_id: int) -> Page:
    """Read a living order of their stores with its lines and names in one statement; else answer 404."""
    found = db.session.execute(_told(order_id), execution_options=DEAD_TOO).all()
    if not found:
        abort(404)
    living_or_404(found[0].Order)
    lines = [row.OrderLine for row in found if row.OrderLine is not None]
    return Page(found[0], lines)


def _told(order_id: int) -> Any:
    here = current_merchant().id
    columns: list[Any] = [
        Order,
        OrderLine,
        LoyaltyProgram,
        Store.name.label("store_name"),
        Store.deleted_at.label("store_died"),
        Customer.name.label("customer_name"),
        Customer.deleted_at.label("customer_died"),
        Customer.purged_at.label("customer_purged"),
        SURVIVOR.id.label("survivor_id"),
        SURVIVOR.name.label("survivor_name"),
        SURVIVOR.deleted_at.label("survivor_died"),
        _card_of_survivor(here),
        User.display_name.label("person"),
        User.deleted_at.label("person_died"),
    ]
    newest = select(LoyaltyProgram.id).where(LoyaltyProgram.merchant_id == here)
    newest = newest.order_by(LoyaltyProgram.deleted_at.is_not(None), LoyaltyProgram.id.desc()).limit(1)
    return (
        select(*columns)
        .outerjoin(OrderLine, (OrderLine.merchant_id == here) & (OrderLine.order_id == Order.id))
        .outerjoin(Store, (Store.merchant_id == here) & (Store.id == Order.store_id))
        .outerjoin(Customer, (Customer.merchant_id == here) & (Customer.id == Order.customer_id))
        .outerjoin(SURVIVOR, (SURVIVOR.merchant_id == here) & (SURVIVOR.id == Customer.merged_into_id))
        .outerjoin(User, User.id == Order.sold_by_id)
        .outerjoin(
            LoyaltyProgram,
            (LoyaltyProgram.merchant_id == here) & (LoyaltyProgram.id == newest.scalar_subquery()),
        )
        .where(Order.merchant_id == here, Order.id == order_id)
        .order_by(OrderLine.position, OrderLine.id)
    )


def _card_of_survivor(merchant_id: int) -> Any:
    """Find the living card of whom the customer was merged into."""
    theirs = select(LoyaltyCard.id).where(
        LoyaltyCard.merchant_id == merchant_id,
        LoyaltyCard.customer_id == SURVIVOR.id,
        LoyaltyCard.deleted_at.is_(None),
    )
    return theirs.correlate(SURVIVOR).limit(1).scalar_subquery().label("survivor_card_id")


def _named(name: str | None, died: Any) -> str:
    return _("%(name)s (deleted)", name=name) if name and died else name or ""
