"""What is frozen on the cards, and what converting it would give (specification of loyalty, section 10).

Counted by the rule of `converting`: all of a card at once, floored once, and where that is nothing,
nothing is taken. Nothing is written here.
"""

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, select

from portal.errors import Refused
from portal.extensions import db
from portal.models.loyalty_card import LoyaltyCard
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.models.merchant import Merchant
from portal.models.records import IdempotencyKey
from portal.services.ledger.converting import Converted, frozen_currency, rate_of
from portal.words import _, ngettext

MOST_FILLED = 100  # times that one card may become full by a conversion: more is a rate turned round
Movement = LoyaltyTransaction


class Frozen(NamedTuple):
    """What lies frozen: "points" or "stamps", on how many cards, and how many together."""

    currency: str
    cards: int
    held: int


@dataclass
class Outlook:
    """What a rate would do: cards converted, what is taken and given, and what stays as it is.

    `rounded` are cards on which a part of a point or stamp falls away; `rewards` come of full cards.
    """

    currency: str
    rate: Decimal
    cards: int = 0
    taken: int = 0
    given: int = 0
    rounded: int = 0
    rewards: int = 0
    kept_cards: int = 0
    kept: int = 0
    most_filled: int = 0

    def add(self, held: int, beside: int, cards: int, target: int) -> None:
        """Count so many cards that hold the same, with so much of the other currency beside it."""
        exact = held * self.rate
        given = int(exact.to_integral_value(ROUND_FLOOR))
        if given <= 0:
            self.kept_cards += cards
            self.kept += held * cards
            return
        self.cards += cards
        self.taken += held * cards
        self.given += given * cards
        self.rounded += cards if exact != given else 0
        if self.currency == "points":
            filled = max(0, beside + given) // target
            self.rewards += filled * cards
            self.most_filled = max(self.most_filled, filled)


def frozen_on_cards(program: LoyaltyProgram) -> Frozen | None:
    """Count what is frozen on living cards; None when there is nothing."""
    currency = frozen_currency(program)
    if currency is None:
        return None
    held = _held(currency)
    sums = select(func.count(), func.sum(held)).where(*_of(program), held > 0)
    cards, total = db.session.execute(sums).one()
    return Frozen(currency, cards, int(total)) if cards else None


def look_ahead(program: LoyaltyProgram, rate: Decimal | None) -> Outlook:
    """Count what converting all cards would do at this rate, the program's own unless told.

    Raises Refused("nothing_frozen", "no_rate", "nothing_to_convert", "too_many_rewards").
    """
    per_one = rate_of(program, rate)
    seen = Outlook(str(frozen_currency(program)), per_one)
    held = _held(seen.currency)
    beside = LoyaltyCard.stamps_balance if seen.currency == "points" else LoyaltyCard.points_balance
    alike = select(held, beside, func.count()).where(*_of(program), held > 0).group_by(held, beside)
    for balance, other, cards in db.session.execute(alike):
        seen.add(balance, other, cards, program.stamps_target)
    _refuse_what_makes_no_sense(seen)
    return seen


def converted_by(key: str, merchant: Merchant) -> Converted:
    """Sum up what the acts with this key converted, in however many chunks."""
    keys = select(IdempotencyKey.id).where(
        IdempotencyKey.merchant_id == merchant.id, IdempotencyKey.key.startswith(f"{key}/", autoescape=True)
    )
    mine = (Movement.merchant_id == merchant.id, Movement.type == "convert", Movement.key_id.in_(keys))
    is_taken = Movement.linked_id.is_(None)
    moved = func.sum(Movement.points_delta + Movement.stamps_delta)
    sums = dict(db.session.execute(select(is_taken, moved).where(*mine).group_by(is_taken)).all())
    cards = db.session.scalar(select(func.count(Movement.card_id.distinct())).where(*mine)) or 0
    return Converted(cards, -int(sums.get(True, 0)), int(sums.get(False, 0)), None)


def _of(program: LoyaltyProgram) -> tuple[ColumnElement[bool], ...]:
    return (LoyaltyCard.merchant_id == program.merchant_id, LoyaltyCard.program_id == program.id)


def _held(currency: str) -> Any:
    """Read what a card holds of it; what is frozen does not expire."""
    return LoyaltyCard.stamps_balance if currency == "stamps" else LoyaltyCard.points_balance


def _refuse_what_makes_no_sense(seen: Outlook) -> None:
    if not seen.cards:
        message = _("At this rate no card would get anything. Give a higher one.")
        raise Refused("nothing_to_convert", message, field="rate")
    if seen.most_filled > MOST_FILLED:
        message = ngettext(
            "At this rate a card would be filled %(num)s time. Say how many stamps one point is, like 0.1.",
            "At this rate a card would be filled %(num)s times. Say how many stamps one point is, like 0.1.",
            seen.most_filled,
        )
        raise Refused("too_many_rewards", message, field="rate")
