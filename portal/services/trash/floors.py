"""Time for points that come back: none expire in the 30 days after a restore.

Specification of loyalty, section 7. It concerns programs in which points expire, and no others: there a
restore leaves every column as it was.
"""

from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, Table, and_, case, or_, select

from portal.models.deletion import Deletion
from portal.models.ownership import table_of
from portal.services.ledger.expiring import NOTICE
from portal.services.trash import rows

# A card that comes back with its program has the program's floor.
OF_ITS_OWN = ("customers", "loyalty_cards")


def alive_again(act: Deletion, table: Table) -> dict[str, Any]:
    """Say what is written into the rows of a table that come back: life, and a floor where points expire."""
    now = cast("datetime", act.restored_at)  # set before the first row comes back
    if table.name == "loyalty_programs":
        return rows.ALIVE | _floor(table, table.c.points_expiration_days.is_not(None), now)
    if table.name == "loyalty_cards" and act.root_kind in OF_ITS_OWN:
        return rows.ALIVE | _floor(table, _expires(table), now)
    return rows.ALIVE


def _floor(table: Table, expires: ColumnElement[bool], now: datetime) -> dict[str, Any]:
    floor, held = now + NOTICE, table.c.expiry_floor_at
    is_lower = or_(held.is_(None), held < floor)
    return {"expiry_floor_at": case((and_(expires, is_lower), floor), else_=held)}


def _expires(cards: Table) -> ColumnElement[bool]:
    """Whether points of the card's program expire."""
    programs = table_of("loyalty_programs")
    return (
        select(programs.c.id)
        .where(
            programs.c.merchant_id == cards.c.merchant_id,
            programs.c.id == cards.c.program_id,
            programs.c.points_expiration_days.is_not(None),
        )
        .exists()
    )
