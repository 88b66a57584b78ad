"""Longer reports from the ledger: store by store, colleague by colleague, month by month.

The dead are in all of them: nothing is lost when a store, a colleague or a customer is deleted.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import aliased

from portal.extensions import db
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.models.merchant import Merchant
from portal.models.reward_issue import RewardIssue
from portal.services.ledger.numbers import Period, is_visit

Movement = LoyaltyTransaction
STREAM = {"include_deleted": True, "yield_per": 2_000}
DEAD_TOO = {"include_deleted": True}
Store = int | None
FEWEST, TIMES = 5, 3  # corrections that stand out: so many, and so many times the usual share


class Flow(NamedTuple):
    """Points collected in one store and redeemed in another; None is no store: the office, an import."""

    issued_store: Store
    redeemed_store: Store
    points: int


@dataclass
class Staff:
    """What one person did at the till and in the portal; `staff_id` None is the operator, or a job."""

    staff_id: int | None
    purchases: int
    stamps: int
    rewards: int
    voids: int
    adjustments: int
    adjusted_points: int
    is_outlier: bool = False

    @property
    def corrections(self) -> int:
        """Voids and adjustments together."""
        return self.voids + self.adjustments

    @property
    def operations(self) -> int:
        """Everything together."""
        return self.purchases + self.stamps + self.rewards + self.corrections


class Cohort(NamedTuple):
    """Who was first seen in a month (year, month), and how many of them came in it and in each till now."""

    month: tuple[int, int]
    members: int
    came: tuple[int, ...]


def store_flows(merchant: Merchant, period: Period) -> list[Flow]:
    """Say where points that were redeemed in the period had been collected: the oldest are spent first.

    What a reward cost counts where and when it was handed over; what was given back is left out.
    """
    total: dict[tuple[Store, Store], int] = defaultdict(int)
    for _card, rows in groupby(_spending(merchant), key=lambda row: row.card_id):
        for store, redeemed_store, points in _spent(rows, period):
            total[store, redeemed_store] += points
    flows = [Flow(*stores, points) for stores, points in total.items() if points]
    return sorted(flows, key=lambda flow: (flow.issued_store or 0, flow.redeemed_store or 0))


def _spending(merchant: Merchant) -> Iterator[Any]:
    """Stream what stands, card by card in posting order: no voids, nothing of a reward given back."""
    void = aliased(Movement)
    undone = (
        select(void.id)
        .where(void.merchant_id == Movement.merchant_id, void.type == "void", void.reverses_id == Movement.id)
        .exists()
    )
    issue = and_(RewardIssue.merchant_id == Movement.merchant_id, RewardIssue.id == Movement.reward_issue_id)
    stands = or_(RewardIssue.id.is_(None), RewardIssue.status.in_(("issued", "redeemed")))
    query = (
        select(
            Movement.card_id,
            Movement.type,
            Movement.points_delta,
            Movement.store_id,
            RewardIssue.redeemed_at,
            RewardIssue.redeemed_store_id,
        )
        .outerjoin(RewardIssue, issue)
        .where(Movement.merchant_id == merchant.id, Movement.points_delta != 0)
        .where(Movement.type != "void", stands, ~undone)
        .order_by(Movement.card_id, Movement.id)
    )
    return iter(db.session.execute(query, execution_options=STREAM))


def _spent(rows: Iterable[Any], period: Period) -> Iterator[Flow]:
    """Play one card: what comes is queued with its store, what goes takes the oldest."""
    queue: deque[tuple[Store, int]] = deque()
    for row in rows:
        if row.points_delta > 0:
            queue.append((row.store_id, row.points_delta))
            continue
        counts = row.type == "redeem" and row.redeemed_at is not None
        counts = counts and period.since <= row.redeemed_at < period.until
        for store, points in _taken(queue, -row.points_delta):
            if counts:
                yield Flow(store, row.redeemed_store_id, points)


def _taken(queue: deque[tuple[Store, int]], points: int) -> Iterator[tuple[Store, int]]:
    while points and queue:
        store, held = queue.popleft()
        took = min(held, points)
        if held > took:
            queue.appendleft((store, held - took))
        points -= took
        yield store, took


def staff_operations(merchant: Merchant, period: Period) -> list[Staff]:
    """Count what each person did in the period, the busiest first, and mark whose corrections stand out.

    An outlier has at least five voids and adjustments, and three times the share of them that all
    people together have.
    """
    mine = (Movement.merchant_id == merchant.id, period.holds(Movement.occurred_at))
    counted = ("earn", "stamp", "redeem", "void", "adjust")
    counts = (func.count(case((Movement.type == kind, 1))) for kind in counted)
    given = func.coalesce(func.sum(case((Movement.type == "adjust", Movement.points_delta))), 0)
    query: Any = select(Movement.staff_id, *counts, given).where(*mine, Movement.type.in_(counted))
    people = [Staff(*row) for row in db.session.execute(query.group_by(Movement.staff_id))]
    corrections, operations = sum(p.corrections for p in people), sum(p.operations for p in people)
    for person in people:
        is_far = person.corrections * operations > TIMES * corrections * person.operations
        person.is_outlier = person.corrections >= FEWEST and is_far
    return sorted(people, key=lambda person: (-person.operations, person.staff_id or 0))


def cohorts(merchant: Merchant, *, now: datetime, months: int = 12) -> list[Cohort]:
    """Count, for the members first seen in each of the last local months, who came in which month after.

    First seen is the enrolment, or a visit before it, as on a card that was taken over. Where all visits
    were voided, as by undoing an import, nobody was seen.
    """
    seen_first: dict[int, int] = defaultdict(int)
    came: dict[tuple[int, int], int] = defaultdict(int)
    query = (
        select(Movement.card_id, Movement.occurred_at, (Movement.type != "enrol").label("is_visit"))
        .where(Movement.merchant_id == merchant.id, Movement.occurred_at < now)
        .where(or_(Movement.type == "enrol", is_visit()))
        .order_by(Movement.card_id, Movement.id)
    )
    rows = db.session.execute(query, execution_options=STREAM)
    for _card, moves in groupby(rows, key=lambda row: row.card_id):
        seen = {(_month(move.occurred_at, merchant), move.is_visit) for move in moves}
        first = min(month for month, _ in seen)
        seen_first[first] += 1
        for month in (month for month, is_a_visit in seen if is_a_visit):
            came[first, month] += 1
    last = _month(now, merchant)
    return [
        Cohort(
            (first // 12, first % 12 + 1),
            seen_first[first],
            tuple(came[first, m] for m in range(first, last + 1)),
        )
        for first in sorted(seen_first)
        if last - first < months
    ]


def _month(moment: datetime, merchant: Merchant) -> int:
    """Number the local month: months since the year 0."""
    local = moment.astimezone(merchant.zone)
    return local.year * 12 + local.month - 1
