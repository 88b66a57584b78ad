"""Turning what a program does not count any more into what it counts (specification of loyalty, section 10).

After a change of type the other currency is frozen: it stays on the card and is neither collected nor
spent. The owner may convert it, all of a card at once.
"""

from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import NamedTuple

from sqlalchemy import select

from portal.errors import Refused
from portal.extensions import db
from portal.models.actor import Actor, Role
from portal.models.loyalty_card import LoyaltyCard
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.services import audit
from portal.services.ledger.accounts import Account, Posting, once
from portal.services.ledger.stamping import complete
from portal.services.ledger.visits import Visit
from portal.words import _

CHUNK = 200


class Converted(NamedTuple):
    """What one chunk did; `after` is where the next begins, None when there is none."""

    cards: int
    taken: int
    given: int
    after: int | None


def convert(card_id: int, *, visit: Visit, rate: Decimal | None = None) -> Posting:
    """Turn all frozen points of a card into stamps, or all frozen stamps into points; two linked rows.

    `rate` is how many of the new are given for one of the old, the program's own unless told; the
    result is floored once. What would give nothing is left as it is. Raises Refused("not_allowed",
    "nothing_frozen", "no_rate", "nothing_to_convert").
    """
    _refuse_others(visit.by)

    def work(account: Account) -> Posting:
        if not _post(account, rate_of(account.program, rate)):
            message = _("The card has nothing frozen that would give anything at this rate.")
            raise Refused("nothing_to_convert", message)
        audit.record("convert", account.card, by=visit.by)
        return Posting(account.card, account.rows, "converted")

    return once(card_id, "convert", {"rate": rate}, work, visit=visit)


def convert_some(
    program: LoyaltyProgram, *, visit: Visit, rate: Decimal | None = None, after: int = 0, limit: int = CHUNK
) -> Converted:
    """Convert the next cards, by their numbers; the door commits each chunk and goes on `after` it.

    Interrupted, it may begin anew: what is converted has nothing frozen left. The visit's key begins
    the key of each card. Raises Refused("not_allowed", "nothing_frozen", "no_rate").
    """
    _refuse_others(visit.by)
    per_one = rate_of(program, rate)
    cards = _with_frozen(program, per_one, after, limit)
    legs = [legs for card_id in cards if (legs := _of_many(card_id, visit, per_one))]
    if legs:
        audit.record("convert", program, by=visit.by, cards=len(legs))
    old, new = _ways(program)
    taken = -sum(getattr(pair[0], f"{old}_delta") for pair in legs)
    given = sum(getattr(pair[1], f"{new}_delta") for pair in legs)
    return Converted(len(legs), taken, given, cards[-1] if len(cards) == limit else None)


def frozen_currency(program: LoyaltyProgram) -> str | None:
    """Say what the program does not count: "points", "stamps", or None when it counts both."""
    if program.is_points_enabled and program.is_stamps_enabled:
        return None
    return "stamps" if program.is_points_enabled else "points"


def rate_of(program: LoyaltyProgram, rate: Decimal | None = None) -> Decimal:
    """Find the rate to convert at; raises Refused("nothing_frozen", "no_rate")."""
    if frozen_currency(program) is None:
        raise Refused("nothing_frozen", _("This program counts points and stamps; nothing is frozen."))
    per_one = program.convert_rate if rate is None else rate
    if per_one is None or not per_one.is_finite() or per_one <= 0:
        raise Refused("no_rate", _("Give a rate above 0: how many for one."), field="rate")
    return per_one


def _refuse_others(by: Actor) -> None:
    if by.role < Role.OWNER:
        raise Refused("not_allowed", _("An owner converts balances. Ask one."))


def _ways(program: LoyaltyProgram) -> tuple[str, str]:
    """Say from what to what."""
    return ("stamps", "points") if program.is_points_enabled else ("points", "stamps")


def _with_frozen(program: LoyaltyProgram, per_one: Decimal, after: int, limit: int) -> list[int]:
    """Lock the next living cards that hold enough to give at least one."""
    frozen = getattr(LoyaltyCard, f"{_ways(program)[0]}_balance")
    found = select(LoyaltyCard.id).where(
        LoyaltyCard.merchant_id == program.merchant_id,
        LoyaltyCard.program_id == program.id,
        LoyaltyCard.id > after,
        frozen >= int((1 / per_one).to_integral_value(ROUND_CEILING)),
    )
    return list(db.session.scalars(found.order_by(LoyaltyCard.id).limit(limit).with_for_update()))


def _of_many(card_id: int, visit: Visit, per_one: Decimal) -> list[LoyaltyTransaction]:
    def work(account: Account) -> Posting:
        is_done = _post(account, per_one)
        return Posting(account.card, account.rows, "converted" if is_done else "nothing_to_convert")

    mine = replace(visit, key=f"{visit.key}/{card_id}" if visit.key else None)
    posting = once(card_id, "convert", {"rate": per_one}, work, visit=mine)
    return [] if posting.is_replay else [row for row in posting.rows if row.type == "convert"]


def _post(account: Account, per_one: Decimal) -> bool:
    """Post both legs; False when nothing would be given, or nothing is there."""
    old, new = _ways(account.program)
    held = getattr(account.card, f"{old}_balance")
    given = int((held * per_one).to_integral_value(ROUND_FLOOR))
    if given <= 0:
        return False
    snapshot = {"rate": str(per_one)}
    taken = account.post("convert", **{old: -held}, rule_snapshot=snapshot)
    row = account.post("convert", **{new: given}, rule_snapshot=snapshot, linked_id=taken.id)
    if new == "stamps":
        complete(account, row)
    return True
