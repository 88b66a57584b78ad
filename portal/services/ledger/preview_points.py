"""What purchases would have given by other rules, member by member, in one statement."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Select, Subquery, case, func, literal, select

from portal.extensions import db
from portal.models.customer import Customer
from portal.models.loyalty_card import LoyaltyCard
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.services.ledger.earning import WHOLE


class Person(NamedTuple):
    """One member's purchases: how many, their points by both rules, and what counts for the tier."""

    id: int
    is_member: bool
    purchases: int
    before: int
    after: int
    qualified: int
    qualifying: int


def people_by(
    program: LoyaltyProgram, wanted: LoyaltyProgram, since: datetime, now: datetime
) -> list[Person]:
    """Sum up the purchases of each member in one statement, those merged into them included."""
    row = LoyaltyTransaction
    before, after = _points_by(program), _points_by(wanted)
    owed = _given_back(program)
    net = row.points_delta - func.coalesce(owed.c.points, 0)
    lately = row.occurred_at >= since
    earlier, later = _window_of(program, now), _window_of(wanted, now)
    person = func.coalesce(Customer.merged_into_id, Customer.id)
    sums = (
        person.label("person_id"),
        func.max(case((LoyaltyCard.deleted_at.is_(None), 1), else_=0)),
        _sum(literal(1), lately),
        _sum(before, lately),
        _sum(after, lately),
        _sum(net, earlier),
        _sum(net, later) + _sum(after - before, lately & later),
    )
    query: Select[Any] = select(*sums).join(LoyaltyCard, _is(LoyaltyCard, row.card_id))
    query = query.join(Customer, _is(Customer, LoyaltyCard.customer_id))
    query = query.outerjoin(owed, owed.c.linked_id == row.id).where(*standing(program, "earn"))
    if not (program.tier_config or wanted.tier_config):
        query = query.where(lately)
    dead_too = {"include_deleted": True}
    found = db.session.execute(query.group_by(person), execution_options=dead_too)
    return [Person(each[0], bool(each[1]), *(int(number) for number in each[2:])) for each in found]


def _points_by(rules: LoyaltyProgram) -> ColumnElement[int]:
    """Count the points of an earn row by rules, in whole numbers that no product can outgrow."""
    row = LoyaltyTransaction
    if not rules.is_points_enabled:
        return literal(0)
    plain, *rates = (
        literal(multiplier_bp * rules.points_per_euro, BigInteger)
        for multiplier_bp in (10_000, *(tier["multiplier_bp"] for tier in rules.tier_config))
    )
    each = dict(zip((tier["key"] for tier in rules.tier_config), rates, strict=True))
    rate = case(each, value=row.rule_snapshot["tier_key"].as_string(), else_=plain) if each else plain
    # eligible × rate // WHOLE, with the whole parts apart: the product alone may be too large.
    wholes = row.eligible_cents // WHOLE
    points = wholes * rate + (row.eligible_cents - wholes * WHOLE) * rate // WHOLE
    return case((row.eligible_cents >= max(1, rules.minimum_purchase_cents), points), else_=0)


def _given_back(program: LoyaltyProgram) -> Subquery:
    """Sum up what refunds asked back of each earn."""
    row = LoyaltyTransaction
    owed = func.sum(row.rule_snapshot["owed"].as_integer()).label("points")
    refunds = standing(program, "refund_reversal")
    return select(row.linked_id, owed).where(*refunds).group_by(row.linked_id).subquery()


def standing(program: LoyaltyProgram, kind: str) -> tuple[ColumnElement[bool], ...]:
    """Say which rows of a kind count: those of the program that were not voided."""
    row = LoyaltyTransaction
    mine = (row.merchant_id == program.merchant_id, row.program_id == program.id)
    voided = select(row.reverses_id).where(*mine, row.type == "void")
    return (*mine, row.type == kind, row.id.not_in(voided))


def _window_of(rules: LoyaltyProgram, now: datetime) -> ColumnElement[bool]:
    """Say which purchases count for a tier."""
    row, days = LoyaltyTransaction, rules.tier_window_days
    return row.occurred_at > now - timedelta(days=days) if days else row.occurred_at <= now


def _is(model: Any, key: Any) -> ColumnElement[bool]:
    joined: ColumnElement[bool] = (model.merchant_id == LoyaltyTransaction.merchant_id) & (model.id == key)
    return joined


def _sum(what: ColumnElement[Any], when: ColumnElement[bool]) -> ColumnElement[Any]:
    return func.coalesce(func.sum(case((when, what), else_=0)), 0)
