"""What must hold of every ledger, asked of the database: balances, voids and refunds.

All see the dead, for a ledger outlives its card. What needs counting by the rules of a row is in
`recounting`.
"""

from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import aliased

from portal.models.loyalty_card import LoyaltyCard
from portal.models.loyalty_transaction import VOIDABLE, LoyaltyTransaction
from portal.models.order import Order
from portal.models.order_refund import OrderRefund
from portal.services.ledger.invariant import Query, Rule, is_row, undone
from portal.services.ledger.refunding import is_voided
from portal.words import later

Row, Card = LoyaltyTransaction, LoyaltyCard


def _balances(merchant_id: int) -> Query:
    sums = (
        select(
            Row.card_id,
            func.sum(Row.points_delta).label("points"),
            func.sum(Row.stamps_delta).label("stamps"),
        )
        .where(Row.merchant_id == merchant_id)
        .group_by(Row.card_id)
        .subquery()
    )
    points, stamps = func.coalesce(sums.c.points, 0), func.coalesce(sums.c.stamps, 0)
    held = (Card.points_balance, Card.stamps_balance)
    found = select(Card.id.label("card"), held[0].label("has"), held[1].label("has_stamps"))
    return (
        found.add_columns(points.label("sum"), stamps.label("sum_stamps"))
        .outerjoin(sums, sums.c.card_id == Card.id)
        .where(Card.merchant_id == merchant_id, or_(held[0] != points, held[1] != stamps))
    )


def _running(merchant_id: int) -> Query:
    so_far: dict[str, Any] = {"partition_by": Row.card_id, "order_by": Row.id}
    each = (
        select(
            Row.card_id.label("card"),
            Row.id.label("row"),
            Row.points_after,
            Row.stamps_after,
            func.sum(Row.points_delta).over(**so_far).label("points"),
            func.sum(Row.stamps_delta).over(**so_far).label("stamps"),
        )
        .where(Row.merchant_id == merchant_id)
        .subquery()
    )
    return select(each).where(or_(each.c.points_after != each.c.points, each.c.stamps_after != each.c.stamps))


def _earned_twice(merchant_id: int) -> Query:
    mine = (Row.merchant_id == merchant_id, Row.type == "earn", Row.order_id.is_not(None))
    found = select(func.min(Row.card_id).label("card"), Row.order_id.label("order"))
    return found.where(*mine, ~undone(Row)).group_by(Row.order_id).having(func.count() > 1)


def _voided_wrongly(merchant_id: int) -> Query:
    void, given = aliased(Row), aliased(Row)
    is_wrong = or_(
        given.type.not_in(VOIDABLE),
        void.stamps_delta != -given.stamps_delta,
        given.id > void.id,
    )
    found = select(void.card_id.label("card"), void.id.label("row"), given.id.label("given"))
    return found.join(given, is_row(given, void.reverses_id, void)).where(
        void.merchant_id == merchant_id, void.type == "void", is_wrong
    )


def _voided_twice(merchant_id: int) -> Query:
    mine = (Row.merchant_id == merchant_id, Row.type == "void")
    found = select(func.min(Row.card_id).label("card"), Row.reverses_id.label("row"))
    return found.where(*mine).group_by(Row.reverses_id).having(func.count() > 1)


def _refunded(merchant_id: int) -> Query:
    """Earns whose live refunds are of too much, or that were voided all the same."""
    back, given = aliased(Row), aliased(Row)
    total = func.sum(back.eligible_cents)
    found = select(given.card_id.label("card"), given.id.label("row"), total.label("refunded"))
    return (
        found.join(given, is_row(given, back.linked_id, back))
        .where(
            back.merchant_id == merchant_id,
            back.type == "refund_reversal",
            given.type == "earn",
            ~undone(back),
        )
        .group_by(given.merchant_id, given.id, given.card_id, given.eligible_cents)
        .having(or_(total > func.coalesce(given.eligible_cents, 0), undone(given)))
    )


def _refund_of_nothing(merchant_id: int) -> Query:
    back, given = aliased(Row), aliased(Row)
    is_earn = and_(is_row(given, back.linked_id, back), given.type == "earn")
    found = select(back.card_id.label("card"), back.id.label("row")).outerjoin(given, is_earn)
    return found.where(back.merchant_id == merchant_id, back.type == "refund_reversal", given.id.is_(None))


def _money_back(merchant_id: int) -> Query:
    total = func.sum(OrderRefund.amount_cents)
    found = select(OrderRefund.order_id.label("order"), total.label("refunded"))
    return (
        found.join(Order, and_(Order.merchant_id == merchant_id, Order.id == OrderRefund.order_id))
        .where(OrderRefund.merchant_id == merchant_id, ~is_voided())
        .group_by(OrderRefund.order_id, Order.total_cents)
        .having(total > Order.total_cents)
    )


MOVEMENTS = (
    Rule(
        "balance",
        _balances,
        later("has %(has)s points and %(has_stamps)s stamps, its ledger %(sum)s and %(sum_stamps)s"),
    ),
    Rule(
        "running_balance",
        _running,
        later("movement %(row)s says %(points_after)s and %(stamps_after)s; it is %(points)s and %(stamps)s"),
    ),
    Rule("earned_twice", _earned_twice, later("order %(order)s has earned more than once")),
    Rule(
        "voided_wrongly", _voided_wrongly, later("movement %(row)s does not mirror %(given)s, which it voids")
    ),
    Rule("voided_twice", _voided_twice, later("movement %(row)s was voided more than once")),
    Rule(
        "refunded_too_much",
        _refunded,
        later("movement %(row)s was voided, or refunded for %(refunded)s cents, more than counted"),
    ),
    Rule("refund_of_nothing", _refund_of_nothing, later("refund %(row)s belongs to no purchase")),
    Rule(
        "order_refunded_too_much",
        _money_back,
        later("of order %(order)s %(refunded)s cents went back, more than its total"),
    ),
)
