"""Orders and cards as rows of a table, for CSV files."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from portal.extensions import db
from portal.models.customer import Customer
from portal.models.loyalty_card import CardToken, LoyaltyCard
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.models.merchant import Merchant
from portal.models.order import Order
from portal.models.order_refund import OrderRefund
from portal.models.store import Store
from portal.models.tenancy import scoped
from portal.services.exports import PIECE, Row
from portal.services.ledger import expiring
from portal.services.ledger.refunding import is_voided

ORDERS = ("number", "external_ref", "occurred_at", "store", "customer", "total", "refunded", "points")
CARDS = ("number", "customer", "points", "stamps", "tier", "status", "last_activity", "points_expire")


def orders(
    merchant: Merchant, *, where: Sequence[ColumnElement[bool]] = (), include_deleted: bool = False
) -> Iterator[Row]:
    """List orders with what went back and the points they give; times in UTC, oldest numbers first."""
    yield [*ORDERS, *(["deleted_at"] if include_deleted else [])]
    query = _of_orders(merchant)
    if include_deleted:  # what was emptied says nothing any more
        query = query.where(Order.purged_at.is_(None))
        query = query.execution_options(include_deleted={Order, Store, Customer})
    for row in _pieces(merchant, query, Order.id, where):
        order = row.Order
        told: Row = [order.number, order.external_ref, _moment(order.occurred_at), row.store_code]
        told += [row.customer, _money(order.total_cents), _money(row.refunded or 0), row.points or 0]
        if include_deleted:
            told.append(_moment(order.deleted_at) if order.deleted_at else None)
        yield told


def cards(merchant: Merchant, *, now: datetime, where: Sequence[ColumnElement[bool]] = ()) -> Iterator[Row]:
    """List cards with their balances, net of what is due to expire."""
    yield list(CARDS)
    for row in _pieces(merchant, _of_cards(merchant), LoyaltyCard.id, where):
        card, program = row.LoyaltyCard, row.LoyaltyProgram
        points = expiring.balance_at(card, program, merchant.zone, now)
        due = expiring.due_at(card, program, merchant.zone) if points > 0 else None
        last = card.last_activity_at
        told: Row = [row.number, row.customer, points, card.stamps_balance, card.tier_key, card.status]
        yield [*told, _moment(last) if last else None, _moment(due) if due else None]


def _pieces(
    merchant: Merchant, query: Select[Any], key: Any, where: Sequence[ColumnElement[bool]]
) -> Iterator[Any]:
    """Read piece by piece, in the order of ids; the scope is open only while a piece is read."""
    last: int | None = 0
    while last is not None:
        with scoped(db.session, merchant.id):
            found = db.session.execute(query.where(*where, key > last).order_by(key).limit(PIECE)).all()
        yield from found
        last = found[-1].id_ if len(found) == PIECE else None
        db.session.expunge_all()  # a piece is enough to keep in memory


def _of_orders(merchant: Merchant) -> Select[Any]:
    row = LoyaltyTransaction
    points = select(func.sum(row.points_delta)).where(
        row.merchant_id == Order.merchant_id, row.order_id == Order.id
    )
    back = select(func.sum(OrderRefund.amount_cents)).where(
        OrderRefund.merchant_id == Order.merchant_id, OrderRefund.order_id == Order.id, ~is_voided()
    )
    columns: list[Any] = [
        Order,
        Order.id.label("id_"),
        Store.store_code,
        Customer.name.label("customer"),
        points.correlate(Order).scalar_subquery().label("points"),
        back.correlate(Order).scalar_subquery().label("refunded"),
    ]
    joined = select(*columns).outerjoin(Order.store).outerjoin(Order.customer)
    mine = joined.where(Order.merchant_id == merchant.id)
    return mine.execution_options(include_deleted={Store, Customer})


def _of_cards(merchant: Merchant) -> Select[Any]:
    number = select(CardToken.value).where(
        CardToken.merchant_id == LoyaltyCard.merchant_id,
        CardToken.card_id == LoyaltyCard.id,
        CardToken.kind != "qr",
        CardToken.revoked_at.is_(None),
    )
    newest = number.order_by(CardToken.kind.desc(), CardToken.id.desc()).limit(1)
    columns: list[Any] = [
        LoyaltyCard,
        LoyaltyProgram,
        LoyaltyCard.id.label("id_"),
        Customer.name.label("customer"),
        newest.correlate(LoyaltyCard).scalar_subquery().label("number"),
    ]
    joined = select(*columns).join(LoyaltyCard.program).join(LoyaltyCard.customer)
    return joined.where(LoyaltyCard.merchant_id == merchant.id)


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _money(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)
