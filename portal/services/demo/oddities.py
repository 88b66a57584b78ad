"""What does not happen every day at the café of the demo: refunds, mistakes, gifts, a lost card."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import select

from portal.extensions import db
from portal.models.actor import Actor
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.models.merchant import Merchant
from portal.models.order import Order, OrderLine
from portal.services import cards, orders
from portal.services.demo.calendar import PROGRAM, Deed
from portal.services.demo.year import Cafe
from portal.services.ledger.adjusting import adjust
from portal.services.ledger.grading import run_tiers_some
from portal.services.ledger.merging import merge_customers
from portal.services.ledger.nightly import expire_rewards_some, expire_some
from portal.services.ledger.refunding import refunded_so_far
from portal.services.ledger.visits import Visit
from portal.services.ledger.voiding import void

NIGHTS = timedelta(days=14)  # often enough to tell the story
REFUNDED, VOIDED = (160, 85, 31, 4), (120, 61, 18)
UNDONE_WITHIN = timedelta(hours=24)


@dataclass
class Oddities:
    """What managers and the night do at the café."""

    merchant: Merchant
    cafe: Cafe
    manager: Actor
    owner: Actor
    now: datetime

    def deeds(self) -> Iterator[Deed]:
        """Name all of it, in no order."""
        night = self.now - PROGRAM
        while (night := night + NIGHTS) < self.now:
            yield Deed(night, self.pass_a_night)
        yield Deed(self.now - timedelta(minutes=1), self.pass_a_night)
        yield from (self._ago(days, self.refund) for days in REFUNDED)
        yield from (self._ago(days, self.take_back) for days in VOIDED)
        gifts = (
            (96, 50, "goodwill", "Waited twenty minutes for a flat white"),
            (47, -30, "correction", None),
        )
        for days, points, reason, note in gifts:
            yield self._ago(days, partial(self.adjust, points=points, reason_code=reason, note=note))
        yield self._ago(2, partial(self.adjust, points=800, reason_code="missing"))  # above what one may
        yield self._ago(9, self.suspend)
        yield self._ago(14, self.replace)
        yield self._ago(8, self.merge)

    def pass_a_night(self, when: datetime) -> None:
        """Do what the jobs of the night do."""
        expire_rewards_some(self.merchant, now=when)
        expire_some(self.merchant, now=when)
        run_tiers_some(self.merchant, now=when)

    def refund(self, when: datetime) -> None:
        """Give the money back for one thing of the last purchase of a member."""
        self.cafe.write_lines()
        earned = self._newest()
        mine = (Order.merchant_id == earned.merchant_id, Order.id == earned.order_id)
        order = db.session.scalars(select(Order).where(*mine)).one()
        lines = select(OrderLine).where(
            OrderLine.merchant_id == order.merchant_id, OrderLine.order_id == order.id
        )
        line = db.session.scalars(lines.order_by(OrderLine.position).limit(1)).one()
        orders.refund_order(order, visit=self._visit(when), lines={line.id: line.amount_cents})

    def take_back(self, when: datetime) -> None:
        """Void the last purchase of a member, if it was today: it was somebody else's."""
        today = [row for row in self.cafe.earned if row.created_at > when - UNDONE_WITHIN]
        for earned in today[-1:]:
            self.cafe.earned.remove(earned)
            void(earned, visit=self._visit(when), reason_code="wrong_card")

    def adjust(self, when: datetime, *, points: int, reason_code: str, note: str | None = None) -> None:
        """Correct the card that was used last."""
        card_id = self.cafe.earned[-1].card_id
        adjust(card_id, points=points, reason_code=reason_code, note=note, visit=self._visit(when))

    def suspend(self, when: datetime) -> None:
        """Stop the card of a member who stopped coming."""
        mine = [card for _, card in self.cafe.members.values()]
        lapsed = min(mine, key=lambda card: card.last_activity_at or when)
        cards.suspend_card(lapsed.id, visit=self._visit(when))

    def replace(self, when: datetime) -> None:
        """Give somebody who lost their card a new code."""
        cards.replace_token(self.cafe.earned[-1].card_id, visit=self._visit(when))

    def merge(self, when: datetime) -> None:
        """Make one of two records of the person who joined last: they had a card all along."""
        first, *_, last = self.cafe.members
        survivor, loser = self.cafe.members[first], self.cafe.members[last]
        merge_customers(survivor[0], loser[0], visit=Visit(by=self.owner, now=when))
        self.cafe.members[last] = survivor

    def _newest(self) -> LoyaltyTransaction:
        """Find the newest purchase that nobody took anything back of."""
        newest = reversed(self.cafe.earned)
        return next(row for row in newest if row.points_delta > 0 and not refunded_so_far(row))

    def _visit(self, when: datetime) -> Visit:
        return Visit(by=self.manager, now=when)

    def _ago(self, days: int, do: Callable[[datetime], Any]) -> Deed:
        evening = (self.now - timedelta(days=days)).replace(hour=18, minute=15, second=0, microsecond=0)
        return Deed(evening, do)
