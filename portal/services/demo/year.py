"""A year at the café of the demo: members come, buy, collect and take rewards."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from random import Random

from sqlalchemy import select

from portal.extensions import db
from portal.models.actor import Actor
from portal.models.customer import Customer
from portal.models.loyalty_card import LoyaltyCard
from portal.models.loyalty_reward import LoyaltyReward
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.models.merchant import Merchant
from portal.models.reward_issue import RewardIssue
from portal.services.demo.calendar import Deed
from portal.services.demo.crowd import Member, gather, opening_hours
from portal.services.demo.selling import Shop, drinks, excluded
from portal.services.ledger.earning import earn
from portal.services.ledger.enrolling import enrol
from portal.services.ledger.rewarding import issue_reward, redeem
from portal.services.ledger.visits import Visit

PASSERS_BY = 240
CLOSED = timedelta(days=12)  # since when the last store is no more
REWARDS = ("claim", "take", "save", "save", "save")


@dataclass
class Cafe:
    """The café with its stores and those who joined; all luck comes from one seed.

    Only the codes of cards are drawn anew each time. `secret` is the application's secret key.
    """

    merchant: Merchant
    shops: Sequence[Shop]
    secret: str
    chance: Random
    now: datetime
    rewards: Sequence[LoyaltyReward] = ()
    members: dict[Member, tuple[Customer, LoyaltyCard]] = field(default_factory=dict)
    earned: list[LoyaltyTransaction] = field(default_factory=list)

    def deeds(self) -> Iterator[Deed]:
        """Name all that members and passers-by do, in no order."""
        for member in gather(self.chance, homes=len(self.shops), now=self.now):
            yield Deed(member.joined, partial(self.enrol, member))
            yield from (Deed(when, partial(self.serve, member)) for when in member.visits)
        for _ in range(PASSERS_BY):
            days = min(self.chance.randint(0, 365), self.chance.randint(0, 365))  # more of late
            when = opening_hours(self.now - timedelta(days=days), self.chance)
            if when < self.now:
                yield Deed(when, self.sell)

    def visit(self, shop: Shop, by: Actor, when: datetime) -> Visit:
        """Stand at the till of a shop."""
        return Visit(by=by, now=when, source="till", store_id=shop.store.id)  # no key: nothing comes twice

    def enrol(self, member: Member, when: datetime) -> None:
        """Let somebody join at the till."""
        shop = self._shop(member.home, when)
        joined = enrol(
            self.merchant,
            visit=self.visit(shop, self.chance.choice(shop.staff), when),
            secret=self.secret,
            name=member.name,
            phone=member.phone,
            email=member.email,
            agrees=member.agrees,
        )
        self.members[member] = (joined.customer, joined.card)

    def write_lines(self) -> None:
        """Write down the lines of every sale that was rung up."""
        for shop in self.shops:
            shop.write_lines()

    def sell(self, when: datetime) -> None:
        """Sell to somebody who stays unknown."""
        shop = self._shop(self.chance.randrange(len(self.shops)), when)
        shop.ring_up(shop.basket(self.chance), None, self.chance.choice(shop.staff), when)

    def serve(self, member: Member, when: datetime) -> None:
        """Sell to a member, who earns, and may take a reward."""
        customer, card = self.members[member]
        shop = self._shop(member.home if self.chance.random() < 0.8 else -1, when)
        by, basket = self.chance.choice(shop.staff), shop.basket(self.chance)
        order = shop.ring_up(basket, customer, by, when)
        posting = earn(
            card.id,
            spent_cents=order.total_cents,
            excluded_cents=excluded(basket),
            order_id=order.id,
            stamps=drinks(basket),
            visit=self.visit(shop, by, when),
        )
        self.earned += [row for row in posting.rows if row.type == "earn"]
        self._reward(card, self.visit(shop, by, when))

    def _reward(self, card: LoyaltyCard, visit: Visit) -> None:
        """Hand over what is open, or ask for what the points are enough for; most save them."""
        mood = self.chance.choice(REWARDS)
        ready = self._ready(card, visit.now) if mood != "save" or self.chance.random() < 0.4 else None
        if ready is not None:
            redeem(card.id, ready.id, visit=visit)
            return
        wanted = [reward for reward in self.rewards if reward.points_required <= card.points_balance]
        if wanted and mood != "save":
            reward = self.chance.choice(wanted)
            issue_reward(card.id, reward.id, visit=visit, at_once=mood == "take")

    def _ready(self, card: LoyaltyCard, when: datetime) -> RewardIssue | None:
        """Find what lies ready for the card, the oldest first."""
        mine = (RewardIssue.merchant_id == card.merchant_id, RewardIssue.card_id == card.id)
        ready = select(RewardIssue).where(
            *mine, RewardIssue.status == "issued", RewardIssue.expires_at > when
        )
        return db.session.scalar(ready.order_by(RewardIssue.id).limit(1))

    def _shop(self, number: int, when: datetime) -> Shop:
        """Find the shop of that number, or another one when it is closed or none is meant."""
        shops = self.shops if when < self.now - CLOSED else self.shops[:-1]
        return shops[number] if 0 <= number < len(shops) else self.chance.choice(shops)
