"""What stamps would have been put on by other rules: pause, most a day, most at once, and the target."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, select

from portal.extensions import db
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.loyalty_transaction import LoyaltyTransaction

STAMP_RULES = (
    "loyalty_type",
    "stamps_target",
    "cooldown_minutes",
    "max_daily_stamps",
    "max_stamps_per_transaction",
)
AT_A_TIME = 2_000


@dataclass
class Stamped:
    """Stamps put on and cards filled, by one set of rules."""

    rules: LoyaltyProgram
    stamps: int = 0
    full_cards: int = 0

    def put_on(self, card: list[Any], zone: ZoneInfo) -> None:
        """Put the stamps of one card on again, the earliest first; what is refused counts for nothing."""
        if not self.rules.is_stamps_enabled:
            return
        last: datetime | None = None
        day: date | None = None
        today, given = 0, 0
        for row in card:
            local = row.occurred_at.astimezone(zone).date()
            day, today = local, today if local == day else 0
            if not self._refuses(row, last, today):
                last, today, given = row.occurred_at, today + row.stamps_delta, given + row.stamps_delta
        begun = max(0, card[0].stamps_after - card[0].stamps_delta)  # what was on it before these days
        self.stamps += given
        self.full_cards += (begun + given) // self.rules.stamps_target if given else 0

    def _refuses(self, row: Any, last: datetime | None, today: int) -> bool:
        rules = self.rules
        pause = timedelta(minutes=rules.cooldown_minutes)
        is_soon = last is not None and row.occurred_at - last < pause
        is_over = 0 < rules.max_daily_stamps < today + row.stamps_delta
        return bool(is_soon or is_over or row.stamps_delta > rules.max_stamps_per_transaction)


def stamped_by(
    rules: tuple[LoyaltyProgram, LoyaltyProgram], standing: tuple[ColumnElement[bool], ...], zone: ZoneInfo
) -> list[Stamped]:
    """Put the stamps that stand on again by each of the rules; reads them in a stream, card by card."""
    counted = [Stamped(each) for each in rules]
    row = LoyaltyTransaction
    columns = (row.card_id, row.occurred_at, row.stamps_delta, row.stamps_after)
    query = select(*columns).where(*standing).order_by(row.card_id, row.occurred_at, row.id)
    stream = db.session.execute(query, execution_options={"yield_per": AT_A_TIME})
    for _card_id, found in groupby(stream, key=attrgetter("card_id")):
        card = list(found)
        for each in counted:
            each.put_on(card, zone)
    return counted
