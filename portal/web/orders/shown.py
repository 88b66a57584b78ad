"""What the list of orders shows."""

from typing import Any

from flask import url_for
from sqlalchemy import ColumnElement, Select, exists, func, select

from portal.extensions import db
from portal.models.customer import Customer
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.models.order import Order
from portal.models.order_refund import OrderRefund
from portal.models.store import Store
from portal.services.ledger.refunding import is_voided
from portal.services.searching import containing
from portal.web.days import between, day_in, wrong_days
from portal.web.listing import Sorting, asked, list_of, number_in
from portal.web.scope import current_merchant, in_own_stores
from portal.words import _, counted, later

NOUNS = counted("order", "orders")
NAMES = ("store", "points", "kind", "from", "to")
HISTORY = {"include_deleted": {Store, Customer}}
SORTING = Sorting(
    {"when": Order.occurred_at, "number": Order.number, "total": Order.total_cents},
    Order.id,
    "when",
    starts_descending=True,
)
POINTS = (
    ("", later("With or without points")),
    ("yes", later("Earned points")),
    ("no", later("Earned none")),
)
KINDS = (
    ("", later("All orders")),
    ("refunded", later("Refunded")),
    ("known", later("With a customer")),
    ("anonymous", later("Without a customer")),
)


def listed() -> dict[str, Any]:
    """Read one page of the orders and what its filters offer."""
    chosen_by = filters()
    listing = list_of(
        told(chosen()),
        SORTING,
        nouns=NOUNS,
        base_href=url_for("orders.index"),
        filters=chosen_by,
        export_href=url_for("orders.export"),
    )
    begins, ends = day_in(chosen_by["from"]), day_in(chosen_by["to"])
    listing.extra["days_turned"] = bool(begins and ends and ends < begins)
    listing.extra["wrong_days"] = wrong_days(chosen_by, "from", "to")
    return {
        "status": 422 if listing.extra["wrong_days"] else 200,
        "listing": listing,
        "offered_stores": stores(),
        "offered_points": POINTS,
        "offered_kinds": KINDS,
    }


def filters() -> dict[str, str]:
    """Read the filters; one that says nothing we know filters nothing, but a day that is none is told."""
    given = asked(*NAMES)
    good = {
        "store": number_in(given["store"]) is not None,
        "points": given["points"] in dict(POINTS),
        "kind": given["kind"] in dict(KINDS),
    }
    return {name: value if good.get(name, True) else "" for name, value in given.items()}


def chosen() -> Select[Any]:
    """Select the orders of their stores that the search and the filters leave."""
    chosen_by = filters()
    plain = (Order.number, func.coalesce(Order.external_ref, ""))
    mine = in_own_stores(Order.of(current_merchant()), Order.store_id)
    query = mine.where(containing(asked("q")["q"], plain=plain))
    if chosen_by["store"]:
        query = query.where(Order.store_id == int(chosen_by["store"]))
    if chosen_by["points"]:
        query = query.where(_has_earned() if chosen_by["points"] == "yes" else ~_has_earned())
    if chosen_by["kind"]:
        query = query.where(_of_kind(chosen_by["kind"]))
    return query.where(*between(Order.occurred_at, chosen_by["from"], chosen_by["to"]))


def told(query: Select[Any]) -> Select[Any]:
    """Select what a row of the list says; deleted stores and customers keep their names."""
    joined = query.outerjoin(Order.store).outerjoin(Order.customer)
    columns: list[Any] = [
        Order.id,
        Order.number,
        Order.occurred_at,
        Order.total_cents,
        Order.customer_id,
        Store.name.label("store_name"),
        Customer.name.label("customer_name"),
        _points().label("points"),
        _refunded().label("refunded_cents"),
    ]
    return joined.with_only_columns(*columns).execution_options(**HISTORY)


def stores() -> list[tuple[str, str]]:
    """Name their stores, and all of them together first."""
    mine = in_own_stores(Store.of(current_merchant()), Store.id).with_only_columns(Store.id, Store.name)
    found = db.session.execute(mine.order_by(Store.name_key, Store.id))
    return [("", _("All stores")), *((str(store_id), name) for store_id, name in found)]


def _of_kind(kind: str) -> ColumnElement[bool]:
    if kind == "refunded":
        return _is_refunded()
    return Order.customer_id.is_(None) if kind == "anonymous" else Order.customer_id.is_not(None)


def _of_order(model: Any) -> tuple[ColumnElement[bool], ...]:
    return (model.merchant_id == Order.merchant_id, model.order_id == Order.id)


def _points() -> Any:
    row = LoyaltyTransaction
    mine = select(func.sum(row.points_delta)).where(*_of_order(row))
    return mine.correlate(Order).scalar_subquery()


def _refunded() -> Any:
    mine = select(func.sum(OrderRefund.amount_cents)).where(*_of_order(OrderRefund), ~is_voided())
    return mine.correlate(Order).scalar_subquery()


def _has_earned() -> ColumnElement[bool]:
    row = LoyaltyTransaction
    return exists().where(*_of_order(row), row.type == "earn", row.points_delta > 0).correlate(Order)


def _is_refunded() -> ColumnElement[bool]:
    return exists().where(*_of_order(OrderRefund), ~is_voided()).correlate(Order)
