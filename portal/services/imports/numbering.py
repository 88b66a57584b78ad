"""Numbers of our own for imported cards that nothing else leads to, many at once."""

import secrets

from sqlalchemy import select

from portal.extensions import db
from portal.models.loyalty_card import CardToken
from portal.services.cards import with_check_digit


def free_numbers(merchant_id: int, count: int) -> list[str]:
    """Draw as many 8-digit numbers that no living card of the merchant has."""
    found: set[str] = set()
    while len(found) < count:
        drawn = {_drawn() for _each in range(count - len(found))} - found
        taken = select(CardToken.value).where(
            CardToken.merchant_id == merchant_id,
            CardToken.kind == "number",
            CardToken.value.in_(drawn),
            CardToken.revoked_at.is_(None),
        )
        found |= drawn - set(db.session.scalars(taken))
    return list(found)


def _drawn() -> str:
    return with_check_digit(str(secrets.randbelow(9_000_000) + 1_000_000))
