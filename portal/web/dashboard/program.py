"""The loyalty program at a glance."""

from datetime import datetime
from typing import Any, NamedTuple

from portal.web.scope import current_merchant
from portal.words import _, later, ngettext

TYPES: dict[str, Any] = {
    "stamps": later("Stamps"),
    "points": later("Points"),
    "hybrid": later("Stamps and points"),
}


class Program(NamedTuple):
    """What a merchant wants to see of it without opening it."""

    name: str
    collects: str
    earning: list[str]
    is_active: bool
    since: datetime | None
    redeem_until: datetime | None
    version: int
    rewards: int


def program_of(row: Any) -> Program:
    """Make it of what the figures select."""
    return Program(
        name=row.card_name or _("Loyalty card"),
        collects=str(TYPES[row.loyalty_type]),
        earning=_earning(row),
        is_active=row.is_active,
        since=row.switched_at or (row.activated_at if row.is_active else None),
        redeem_until=row.redeem_until,
        version=row.program_version,
        rewards=row.rewards,
    )


def _earning(row: Any) -> list[str]:
    """Say what it takes: 10 stamps for a free coffee; 1 point for each EUR."""
    told = []
    if row.loyalty_type in ("stamps", "hybrid"):
        target, reward = row.stamps_target, row.stamps_reward_description
        told.append(
            ngettext("%(num)s stamp: %(reward)s", "%(num)s stamps: %(reward)s", target, reward=reward)
        )
    if row.loyalty_type in ("points", "hybrid"):
        currency = current_merchant().currency
        each = row.points_per_euro
        told.append(
            ngettext(
                "%(num)s point per %(currency)s", "%(num)s points per %(currency)s", each, currency=currency
            )
        )
    return told
