"""The numbers of the ledger at a glance, in one statement; each is defined in numbers.py."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, Subquery, and_, case, false, func, or_, select, true
from sqlalchemy.orm import aliased

from portal.extensions import db
from portal.models.customer import Customer
from portal.models.loyalty_card import LoyaltyCard
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.models.merchant import Merchant
from portal.models.review_item import ReviewItem
from portal.models.reward_issue import RewardIssue
from portal.services.ledger.nightly import is_due, is_soon
from portal.services.ledger.numbers import (
    ISSUED,
    REDEEMED,
    Liability,
    Members,
    Period,
    is_visit,
    kind_of,
    who_joined,
)

DEAD_TOO = {"include_deleted": True}
Movement = LoyaltyTransaction


class Terms(NamedTuple):
    """What of a program says how long points last and what one is worth."""

    is_points_enabled: bool
    points_expiration_days: int | None
    expiry_floor_at: datetime | None
    point_value_cents: Decimal | None


@dataclass(frozen=True)
class Glance:
    """Who came, what was given and taken in a period; and how things stand now, for all stores together.

    `owed` is gross: what nobody ever uses is counted in the reports, which read the whole ledger.
    """

    members: Members
    issued: int
    redeemed: int
    owed: Liability
    expiring_points: int
    expiring_cards: int
    open_items: int


def glance(
    merchant: Merchant,
    period: Period,
    terms: Terms,
    *,
    now: datetime,
    store_ids: Collection[int] | None = None,
    reviewed_in: Collection[int] | None = None,
) -> Glance:
    """Read them all; the period's are those of the stores named, or of the whole business.

    What is open to review is that of the stores in `reviewed_in` and of no store; None for all.
    """
    held = [Movement.merchant_id == merchant.id, period.holds(Movement.occurred_at)]
    if store_ids is not None:
        held.append(Movement.store_id.in_(store_ids))
    came, moved = _came(held), _moved(held)
    cards, ready = _cards(merchant, terms, now), _ready(merchant, now)
    joined = who_joined(held).scalar_subquery().label("joined")
    open_items = _open_items(merchant, reviewed_in)
    one_row = came.join(moved, true()).join(cards, true()).join(ready, true())
    query: Any = select(came, moved, cards, ready, joined, open_items.scalar_subquery().label("open_items"))
    row = db.session.execute(query.select_from(one_row), execution_options=DEAD_TOO).one()
    return Glance(
        members=Members(row.joined, row.active, row.repeated),
        issued=int(row.issued),
        redeemed=int(row.redeemed),
        owed=_owed(row, terms),
        expiring_points=int(row.expiring_points),
        expiring_cards=row.expiring_cards,
        open_items=row.open_items,
    )


def _open_items(merchant: Merchant, store_ids: Collection[int] | None) -> Select[Any]:
    waiting = select(func.count()).where(ReviewItem.merchant_id == merchant.id, ReviewItem.status == "open")
    if store_ids is None:
        return waiting
    return waiting.where(ReviewItem.store_id.is_(None) | ReviewItem.store_id.in_(store_ids))


def _owed(row: Any, terms: Terms) -> Liability:
    return Liability(
        points=int(row.points),
        in_rewards=int(row.in_rewards),
        stamp_rewards=row.stamp_rewards,
        breakage_bp=0,
        point_value_cents=terms.point_value_cents,
        stamp_cents=int(row.stamp_cents),
    )


def _came(held: list[ColumnElement[bool]]) -> Subquery:
    """Count who came, and who came twice; a person merged into another is that other."""
    holder = func.coalesce(Customer.merged_into_id, Customer.id)
    card = and_(LoyaltyCard.merchant_id == Movement.merchant_id, LoyaltyCard.id == Movement.card_id)
    person = and_(Customer.merchant_id == LoyaltyCard.merchant_id, Customer.id == LoyaltyCard.customer_id)
    visits = select(func.count().label("visits")).select_from(Movement).join(LoyaltyCard, card)
    each = visits.join(Customer, person).where(*held, is_visit()).group_by(holder).subquery()
    return select(
        func.count().label("active"), func.count(case((each.c.visits > 1, 1))).label("repeated")
    ).subquery()


def _moved(held: list[ColumnElement[bool]]) -> Subquery:
    """Sum up points given and redeemed; a void counts as what it voids."""
    given = aliased(Movement)
    reversed_ = and_(given.merchant_id == Movement.merchant_id, given.id == Movement.reverses_id)
    kind = kind_of(given)
    sums = select(
        _sum(Movement.points_delta, kind.in_(ISSUED)).label("issued"),
        (-_sum(Movement.points_delta, kind.in_(REDEEMED))).label("redeemed"),
    )
    return sums.select_from(Movement).outerjoin(given, reversed_).where(*held).subquery()


def _cards(merchant: Merchant, terms: Terms, now: datetime) -> Subquery:
    """Sum up points on cards, net of what is due, and what of them is about to expire."""
    rules: Any = terms
    is_over = is_due(rules, merchant, now)
    over = false() if is_over is None else is_over
    soon = is_soon(rules, merchant, now) & LoyaltyCard.deleted_at.is_(None)
    balance = LoyaltyCard.points_balance
    sums = select(
        _sum(balance, and_(balance > 0, ~over)).label("points"),
        _sum(balance, soon).label("expiring_points"),
        func.count(case((soon, 1))).label("expiring_cards"),
    )
    return sums.where(LoyaltyCard.merchant_id == merchant.id, LoyaltyCard.purged_at.is_(None)).subquery()


def _ready(merchant: Merchant, now: datetime) -> Subquery:
    """Sum up the rewards that are issued and not taken."""
    card = and_(LoyaltyCard.merchant_id == RewardIssue.merchant_id, LoyaltyCard.id == RewardIssue.card_id)
    sums = select(
        func.coalesce(func.sum(RewardIssue.points_price), 0).label("in_rewards"),
        func.count(case((RewardIssue.stamps_target > 0, 1))).label("stamp_rewards"),
        _sum(func.coalesce(RewardIssue.discount_cents, 0), RewardIssue.stamps_target > 0).label(
            "stamp_cents"
        ),
    )
    return (
        sums.join(LoyaltyCard, card)
        .where(
            RewardIssue.merchant_id == merchant.id,
            RewardIssue.status == "issued",
            or_(RewardIssue.expires_at.is_(None), RewardIssue.expires_at > now),
            LoyaltyCard.purged_at.is_(None),
        )
        .subquery()
    )


def _sum(what: Any, when: ColumnElement[bool]) -> ColumnElement[Any]:
    return func.coalesce(func.sum(case((when, what), else_=0)), 0)
