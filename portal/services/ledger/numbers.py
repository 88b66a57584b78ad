"""The numbers merchants look at, each defined here and in docs/run/loyalty.md (specification of loyalty, 13).

They are summed from the ledger, with the dead: that a store, a product, a colleague, a customer or the
program was deleted changes none of them. A period is of local days, and counts by when things happened.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, case, exists, func, or_, select
from sqlalchemy.orm import aliased

from portal.extensions import db
from portal.models.customer import Customer
from portal.models.loyalty_card import CardToken, LoyaltyCard
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.models.merchant import Merchant
from portal.models.reward_issue import RewardIssue
from portal.services.exports import Row
from portal.services.ledger.nightly import is_due
from portal.services.programs import find_program

DEAD_TOO = {"include_deleted": True}
STREAM = {"yield_per": 2_000}
BALANCES = ("external_ref", "card_number", "points", "stamps")
ISSUED = ("earn", "welcome_bonus", "adjust", "import", "convert", "refund_reversal")
DOWNWARDS = ("adjust", "convert")  # given when they add, else taken by hand or turned into stamps
REDEEMED = ("redeem", "redeem_cancel", "refund_return")
WHOLE_BP = 10_000
Movement = LoyaltyTransaction


@dataclass(frozen=True)
class Period:
    """From the beginning of one moment to just before another, in UTC."""

    since: datetime
    until: datetime

    @classmethod
    def of_days(cls, merchant: Merchant, first: date, last: date) -> "Period":
        """Take local days of the merchant, both included; one has 23 to 25 hours."""
        zone = merchant.zone
        midnights = (datetime.combine(day, time(), tzinfo=zone) for day in (first, last + timedelta(days=1)))
        return cls(*(midnight.astimezone(UTC) for midnight in midnights))

    def holds(self, moment: Any) -> ColumnElement[bool]:
        """Ask whether a column's moment lies in it."""
        within: ColumnElement[bool] = (moment >= self.since) & (moment < self.until)
        return within


@dataclass(frozen=True)
class Members:
    """Who came: joined, active (one visit or more), repeated (two or more)."""

    joined: int
    active: int
    repeated: int

    @property
    def repeat_bp(self) -> int | None:
        """The repeat rate in basis points; None when nobody came."""
        return self.repeated * WHOLE_BP // self.active if self.active else None


@dataclass(frozen=True)
class Points:
    """What became of points: issued less all the others is how the balances changed."""

    issued: int
    redeemed: int
    expired: int
    forfeited: int
    taken: int = 0

    @property
    def breakage_bp(self) -> int:
        """Of the points that left, the share that nobody used, in basis points; 0 when none left."""
        unused = self.expired + self.forfeited
        left = unused + self.redeemed
        return max(0, unused) * WHOLE_BP // left if left > 0 else 0


@dataclass(frozen=True)
class Liability:
    """What the merchant still owes: points on cards, and rewards of points or full cards not collected."""

    points: int
    in_rewards: int
    stamp_rewards: int
    breakage_bp: int
    point_value_cents: Decimal | None
    stamp_cents: int = 0

    @property
    def gross_cents(self) -> int | None:
        """What all of it is worth, full cards at what they remember; None when nothing has a value.

        Points are worth what the program says, floored.
        """
        points = self._points_cents
        if points is None:
            return self.stamp_cents or None
        return points + self.stamp_cents

    @property
    def _points_cents(self) -> int | None:
        if self.point_value_cents is None:
            return None
        value = (self.points + self.in_rewards) * self.point_value_cents
        return int(value.to_integral_value(ROUND_FLOOR))

    @property
    def net_cents(self) -> int | None:
        """The same, less of the points the share that so far was never used."""
        gross = self.gross_cents
        return None if gross is None else gross - (self._points_cents or 0) * self.breakage_bp // WHOLE_BP


def balances(merchant: Merchant, *, now: datetime) -> Iterator[Row]:
    """Yield every living card of the program, the header first: whose, its number, points net of expiry."""
    yield list(BALANCES)
    program = find_program(merchant)
    if program is None:
        return
    cards = (
        select(Customer.external_ref, _number(), _net(program, merchant, now), LoyaltyCard.stamps_balance)
        .join(LoyaltyCard.customer)
        .where(LoyaltyCard.merchant_id == merchant.id, LoyaltyCard.program_id == program.id)
        .order_by(LoyaltyCard.id)
    )
    for row in db.session.execute(cards, execution_options=STREAM):
        yield list(row)


def members(merchant: Merchant, period: Period) -> Members:
    """Count who joined and who came; a person merged into another is that other."""
    holder = func.coalesce(Customer.merged_into_id, Customer.id)
    visits = (
        select(holder.label("holder"), func.count().label("visits"))
        .select_from(Movement)
        .join(LoyaltyCard, _is(LoyaltyCard, Movement.card_id))
        .join(Customer, _is(Customer, LoyaltyCard.customer_id, LoyaltyCard))
        .where(Movement.merchant_id == merchant.id, is_visit(), period.holds(Movement.occurred_at))
        .group_by(holder)
        .subquery()
    )
    many = func.count(case((visits.c.visits > 1, 1)))
    active, repeated = db.session.execute(
        select(func.count(), many).select_from(visits), execution_options=DEAD_TOO
    ).one()
    enrolled = [Movement.merchant_id == merchant.id, period.holds(Movement.occurred_at)]
    joined = db.session.scalar(who_joined(enrolled), execution_options=DEAD_TOO)
    return Members(joined or 0, active, repeated)


def who_joined(held: Sequence[ColumnElement[bool]]) -> Select[int]:
    """Count the members enrolled by such movements; a person merged into another is that other."""
    people = select(func.count(func.coalesce(Customer.merged_into_id, Customer.id).distinct()))
    return (
        people.select_from(Movement)
        .join(LoyaltyCard, _is(LoyaltyCard, Movement.card_id))
        .join(Customer, _is(Customer, LoyaltyCard.customer_id, LoyaltyCard))
        .where(*held, Movement.type == "enrol")
    )


def is_visit() -> ColumnElement[bool]:
    """Ask whether a movement is a visit: a purchase, or stamps without one; not voided."""
    void = aliased(Movement)
    undone = exists().where(
        void.merchant_id == Movement.merchant_id, void.type == "void", void.reverses_id == Movement.id
    )
    stamped = (Movement.type == "stamp") & Movement.linked_id.is_(None)
    return or_(Movement.type == "earn", stamped) & ~undone


def points(merchant: Merchant, period: Period | None = None) -> Points:
    """Sum up what became of points, of a period or of all time; a void counts as what it voids."""
    given = aliased(Movement)
    kind = kind_of(given)
    sums = (
        select(kind, func.sum(Movement.points_delta))
        .outerjoin(given, _is(given, Movement.reverses_id))
        .where(Movement.merchant_id == merchant.id)
        .group_by(kind)
    )
    if period is not None:
        sums = sums.where(period.holds(Movement.occurred_at))
    of: dict[str, int] = {name: int(total) for name, total in db.session.execute(sums)}
    return Points(
        issued=sum(of.get(name, 0) for name in ISSUED),
        redeemed=-sum(of.get(name, 0) for name in REDEEMED),
        expired=-of.get("expire", 0),
        forfeited=-of.get("forfeit", 0),
        taken=-of.get("taken", 0),
    )


def kind_of(given: Any) -> ColumnElement[str]:
    """Say what a movement counts as: a void as what it voids, and what takes away by hand as taken."""
    kind = case((Movement.type == "void", given.type), else_=Movement.type)
    change = case((Movement.type == "void", given.points_delta), else_=Movement.points_delta)
    return case((kind.in_(DOWNWARDS) & (change < 0), "taken"), else_=kind)


def liability(merchant: Merchant, *, now: datetime) -> Liability:
    """Sum up what is owed now, cards in the trash too, for they may come back; purged ones do not.

    A card below zero owes nothing to anybody, and takes nothing off what others are owed.
    """
    program = find_program(merchant) or _last_program(merchant)
    held = func.sum(case((LoyaltyCard.points_balance > 0, _net(program, merchant, now)), else_=0))
    cards = select(held).where(LoyaltyCard.merchant_id == merchant.id, LoyaltyCard.purged_at.is_(None))
    open_ones = (
        select(
            func.sum(RewardIssue.points_price),
            func.count(case((RewardIssue.stamps_target > 0, 1))),
            func.sum(case((RewardIssue.stamps_target > 0, RewardIssue.discount_cents))),
        )
        .join(LoyaltyCard, _is(LoyaltyCard, RewardIssue.card_id, RewardIssue))
        .where(
            RewardIssue.merchant_id == merchant.id,
            RewardIssue.status == "issued",
            or_(RewardIssue.expires_at.is_(None), RewardIssue.expires_at > now),
            LoyaltyCard.purged_at.is_(None),
        )
    )
    in_rewards, stamp_rewards, stamp_cents = db.session.execute(open_ones, execution_options=DEAD_TOO).one()
    return Liability(
        points=int(db.session.scalar(cards, execution_options=DEAD_TOO) or 0),
        in_rewards=int(in_rewards or 0),
        stamp_rewards=stamp_rewards,
        breakage_bp=points(merchant).breakage_bp,
        point_value_cents=program.point_value_cents if program else None,
        stamp_cents=int(stamp_cents or 0),
    )


def _is(model: Any, key: Any, of: Any = Movement) -> ColumnElement[bool]:
    same: ColumnElement[bool] = (model.merchant_id == of.merchant_id) & (model.id == key)
    return same


def _net(program: LoyaltyProgram | None, merchant: Merchant, now: datetime) -> ColumnElement[int]:
    """Read points net of what is due to expire, which the night has not posted yet."""
    held: Any = LoyaltyCard.points_balance
    is_over = is_due(program, merchant, now) if program else None
    if program is None or is_over is None:
        return held  # type: ignore[no-any-return]  # a column
    return case((is_over & (LoyaltyCard.program_id == program.id), 0), else_=held)


def _last_program(merchant: Merchant) -> LoyaltyProgram | None:
    """Find the program that was deleted last: its points are still owed."""
    newest = LoyaltyProgram.of(merchant).order_by(LoyaltyProgram.id.desc()).limit(1)
    return db.session.scalar(newest, execution_options=DEAD_TOO)


def _number() -> Any:
    """Find the number on the card; a number taken over from an old card when it has no other."""
    numbers = select(CardToken.value).where(
        CardToken.merchant_id == LoyaltyCard.merchant_id,
        CardToken.card_id == LoyaltyCard.id,
        CardToken.kind.in_(("number", "legacy")),
        CardToken.revoked_at.is_(None),
    )
    newest = numbers.order_by(CardToken.kind.desc(), CardToken.id.desc()).limit(1)
    return newest.correlate(LoyaltyCard).scalar_subquery()
