"""Posting the points of many receipts at once: row for row what `ledger.earning.earn` would post.

The cards of a chunk are locked in the order of their ids; balances, tiers and expiry are counted in
memory, then written with a few statements. Specification of loyalty, sections 2, 7 and 9: within a
batch nothing expires, and a late earn leaves the points 30 days.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select

from portal.extensions import db
from portal.models.loyalty_card import LoyaltyCard
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.models.standing import TierChange
from portal.services.imports.batches import add_rows
from portal.services.imports.standing import qualifying
from portal.services.ledger import expiring, tiers
from portal.services.ledger.earning import points_by, rules_of
from portal.services.ledger.visits import Visit


class Sale(NamedTuple):
    """One order that may earn: whose, where, when, and how many cents count."""

    order_id: int
    customer_id: int
    store_id: int | None
    occurred_at: datetime
    spent_cents: int
    eligible_cents: int
    attempt_no: int = 1


@dataclass
class Posted:
    """What was posted: points and card by order, and why an order earned nothing."""

    points: dict[int, int] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)
    cards: dict[int, int] = field(default_factory=dict)


def post_all(sales: Sequence[Sale], program: LoyaltyProgram, *, visit: Visit) -> Posted:
    """Post the earns of orders, in the order given, on the cards their customers have in the program.

    `visit` says by whom, when and in which batch; store and time are the sale's own. An order whose
    customer has no card, or a suspended one, earns nothing, and is named with its code.
    """
    cards = lock_cards(program, {sale.customer_id for sale in sales})
    writer = _Writer(program, cards, visit)
    for sale in sales:
        writer.earn(sale)
    writer.write()
    return writer.posted


def lock_cards(program: LoyaltyProgram, customer_ids: set[int]) -> dict[int, LoyaltyCard]:
    """Lock the cards that customers have in the program, and find each by its customer."""
    query = select(LoyaltyCard).where(
        LoyaltyCard.merchant_id == program.merchant_id,
        LoyaltyCard.program_id == program.id,
        LoyaltyCard.customer_id.in_(customer_ids),
    )
    # In the order of ids: two imports lock the same cards in the same order.
    held = query.order_by(LoyaltyCard.id).with_for_update().execution_options(populate_existing=True)
    return {card.customer_id: card for card in db.session.scalars(held)}


class _Writer:
    """Counts in memory what the verb would have counted one by one."""

    def __init__(self, program: LoyaltyProgram, cards: dict[int, LoyaltyCard], visit: Visit) -> None:
        self.program, self.cards, self.visit = program, cards, visit
        self.posted = Posted()
        self.rows: list[dict[str, Any]] = []
        self.climbs: list[tuple[int, dict[str, Any]]] = []
        self.rules: dict[str | None, dict[str, Any]] = {}
        self.qualifying = qualifying(program, list(cards.values()), visit.now)

    def earn(self, sale: Sale) -> None:
        card = self.cards.get(sale.customer_id)
        if card is None or card.status == "suspended":
            self.posted.refused[sale.order_id] = "no_card" if card is None else "card_suspended"
            return
        if card.tier_key not in self.rules:
            self.rules[card.tier_key] = rules_of(self.program, card.tier_key)
        rules = self.rules[card.tier_key]
        points = points_by(rules, sale.eligible_cents)
        card.points_balance += points
        self.rows.append(self._row(card, sale, points, rules))
        told = {"type": "earn", "points_delta": points, "created_at": self.visit.now}
        expiring.note_posted(card, LoyaltyTransaction(occurred_at=sale.occurred_at, **told))
        self.posted.points[sale.order_id] = points
        self.posted.cards[sale.order_id] = card.id
        self._climb(card, sale, points)

    def _row(self, card: LoyaltyCard, sale: Sale, points: int, rules: dict[str, Any]) -> dict[str, Any]:
        return {
            "merchant_id": card.merchant_id,
            "card_id": card.id,
            "program_id": card.program_id,
            "type": "earn",
            "points_delta": points,
            "stamps_delta": 0,
            "points_after": card.points_balance,
            "stamps_after": card.stamps_balance,
            "amount_cents": sale.spent_cents,
            "eligible_cents": sale.eligible_cents,
            "order_id": sale.order_id,
            "attempt_no": sale.attempt_no,
            "store_id": sale.store_id,
            "staff_id": self.visit.by.user_id,
            "device_id": self.visit.device_id,
            "source": self.visit.source,
            "rule_snapshot": rules,
            "program_version": self.program.version,
            "batch_id": self.visit.batch_id,
            "is_pin_unverified": self.visit.is_pin_unverified,
            "occurred_at": sale.occurred_at,
            "created_at": self.visit.now,
        }

    def _climb(self, card: LoyaltyCard, sale: Sale, points: int) -> None:
        """Lift the card to the tier its points reach; the purchase that crosses counted by the old rule."""
        standing = self.qualifying.get(card.id)
        if standing is None:
            return
        standing.add(points, sale.occurred_at)
        reached = tiers.tier_for(self.program, standing.points)
        if reached is None or not standing.is_higher(reached["key"], card.tier_key):
            return
        change = {
            "merchant_id": card.merchant_id,
            "card_id": card.id,
            "from_key": card.tier_key,
            "to_key": reached["key"],
            "qualifying_points": standing.points,
            "program_version": self.program.version,
            "changed_at": self.visit.now,
        }
        self.climbs.append((len(self.rows) - 1, change))
        card.tier_key = reached["key"]

    def write(self) -> None:
        if not self.rows:
            return
        add_rows(LoyaltyTransaction, self.rows)
        add_rows(TierChange, self._changes())
        db.session.flush()  # the cards, all at once

    def _changes(self) -> list[dict[str, Any]]:
        """Name the row that lifted each card."""
        causes = {self.rows[at]["order_id"] for at, _change in self.climbs}
        row = LoyaltyTransaction
        mine = (row.merchant_id == self.program.merchant_id, row.type == "earn", row.order_id.in_(causes))
        made = select(row.order_id, row.id).where(*mine).order_by(row.id)  # the last attempt is the one
        ids = dict(db.session.execute(made).all()) if causes else {}
        return [{**change, "transaction_id": ids[self.rows[at]["order_id"]]} for at, change in self.climbs]
