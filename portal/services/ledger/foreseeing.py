"""What an adjustment would make of a card, before anybody agrees to it; writes nothing."""

from dataclasses import dataclass
from datetime import datetime

from portal.models.loyalty_card import LoyaltyCard
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.merchant import Merchant
from portal.services.ledger.expiring import balance_at
from portal.words import _, ngettext, number


@dataclass(frozen=True)
class Foreseen:
    """The balances before and after, and how many cards the stamps fill; None for what does not move."""

    points: tuple[int, int] | None
    stamps: tuple[int, int] | None
    filled: int

    @property
    def is_below_zero(self) -> bool:
        """Whether the points end below zero."""
        return self.points is not None and self.points[1] < 0

    @property
    def sentence(self) -> str:
        """Say it: 517 → −99,482 points."""
        told = []
        if self.points:
            told.append(_("%(before)s → %(after)s points", **_written(self.points)))
        if self.stamps:
            told.append(_("%(before)s → %(after)s stamps", **_written(self.stamps)))
        if self.filled:
            told.append(ngettext("%(num)s full card", "%(num)s full cards", self.filled))
        return ", ".join(told)


def foresee(
    card: LoyaltyCard,
    program: LoyaltyProgram,
    merchant: Merchant,
    *,
    points: int = 0,
    stamps: int = 0,
    now: datetime,
) -> Foreseen:
    """Say how the card would stand; points that are due to expire are gone before, as when it is posted."""
    have = balance_at(card, program, merchant.zone, now)
    held = card.stamps_balance
    is_filling = stamps > 0 and program.is_stamps_enabled
    filled = max(0, (held + stamps) // program.stamps_target) if is_filling else 0
    return Foreseen(
        points=(have, have + points) if points else None,
        stamps=(held, held + stamps - filled * program.stamps_target) if stamps else None,
        filled=filled,
    )


def _written(balances: tuple[int, int]) -> dict[str, str]:
    return {"before": number(balances[0]), "after": number(balances[1])}
