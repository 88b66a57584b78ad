"""How far many members are on their way to the next tier, read with a few statements.

The same sum as `ledger.tiers.qualifying_points`: earned net of refunds and voids, merged cards included.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, func, select

from portal.extensions import db
from portal.models.customer import Customer
from portal.models.loyalty_card import LoyaltyCard
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.loyalty_transaction import LoyaltyTransaction

DEAD_TOO = {"include_deleted": True}
ROW = LoyaltyTransaction


@dataclass
class Standing:
    """The qualifying points of one card, counted on as receipts are posted."""

    keys: list[str]
    since: datetime | None
    points: int = 0

    def add(self, points: int, occurred_at: datetime) -> None:
        """Count what was just earned, if it lies in the program's window."""
        if self.since is None or occurred_at > self.since:
            self.points += points

    def is_higher(self, key: str, than: str | None) -> bool:
        """Whether a tier lies above another, or above none."""
        return self.keys.index(key) > (self.keys.index(than) if than in self.keys else -1)


def qualifying(program: LoyaltyProgram, cards: Sequence[LoyaltyCard], now: datetime) -> dict[int, Standing]:
    """Read the standing of each card; empty when the program has no tiers."""
    if not program.tier_config or not cards:
        return {}
    keys = [tier["key"] for tier in program.tier_config]
    days = program.tier_window_days
    since = None if days is None else now - timedelta(days=days)
    found = {card.id: Standing(keys, since) for card in cards}
    of_card = _cards_of_the_same(program, cards)
    for card_id, points in _earned(program.merchant_id, list(of_card), since):
        found[of_card[card_id]].points += points
    return found


def _cards_of_the_same(program: LoyaltyProgram, cards: Sequence[LoyaltyCard]) -> dict[int, int]:
    """Lead each card, and the dead ones of people merged into its holder, to the card that counts."""
    mine = {card.customer_id: card.id for card in cards}
    merged = (
        select(LoyaltyCard.id, LoyaltyCard.customer_id, Customer.merged_into_id)
        .join(
            Customer,
            (Customer.merchant_id == LoyaltyCard.merchant_id) & (Customer.id == LoyaltyCard.customer_id),
        )
        .where(
            LoyaltyCard.merchant_id == program.merchant_id,
            LoyaltyCard.program_id == program.id,
            Customer.id.in_(mine) | Customer.merged_into_id.in_(mine),
        )
    )
    found = db.session.execute(merged, execution_options=DEAD_TOO)
    return {
        card_id: mine[customer_id] if customer_id in mine else mine[survivor or 0]
        for card_id, customer_id, survivor in found
    }


def _earned(merchant_id: int, card_ids: list[int], since: datetime | None) -> list[tuple[int, int]]:
    """Sum up by card what was earned and not taken back."""
    mine = (ROW.merchant_id == merchant_id, ROW.card_id.in_(card_ids))
    voided = _voided(merchant_id, card_ids)
    earns = [*mine, ROW.type == "earn", ROW.id.not_in(voided)]
    if since is not None:
        earns.append(ROW.occurred_at > since)
    sums = select(ROW.card_id, func.sum(ROW.points_delta)).where(*earns).group_by(ROW.card_id)
    found = [(card_id, int(points)) for card_id, points in db.session.execute(sums)]
    back = select(ROW.linked_id, ROW.rule_snapshot).where(
        *mine, ROW.type == "refund_reversal", ROW.id.not_in(voided)
    )
    owed: dict[int, int] = {}
    for earn_id, snapshot in db.session.execute(back):
        owed[earn_id or 0] = owed.get(earn_id or 0, 0) + int(snapshot["owed"])
    if owed:
        held = select(ROW.id, ROW.card_id).where(*earns, ROW.id.in_(owed))
        found += [(card_id, -owed[earn_id]) for earn_id, card_id in db.session.execute(held)]
    return found


def _voided(merchant_id: int, card_ids: list[int]) -> Select[int | None]:
    return select(ROW.reverses_id).where(
        ROW.merchant_id == merchant_id,
        ROW.card_id.in_(card_ids),
        ROW.type == "void",
        ROW.reverses_id.is_not(None),
    )
