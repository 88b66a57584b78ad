"""All that the dashboard counts, in one statement: totals, each store, the program."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select, func, select

from portal.extensions import db
from portal.models.actor import Role
from portal.models.customer import Customer
from portal.models.loyalty_card import LoyaltyCard
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.loyalty_reward import LoyaltyReward
from portal.models.merchant import Merchant
from portal.models.order import Order
from portal.models.product import Product
from portal.models.records import AuditEntry
from portal.models.store import Store
from portal.models.store_user import StoreUser
from portal.web.dashboard.spans import Span
from portal.web.days import midnight, today
from portal.web.scope import actor, current_merchant, in_own_stores

MOST_STORES = 300
PROGRAM: list[Any] = [
    LoyaltyProgram.id.label("program_id"),
    LoyaltyProgram.card_name,
    LoyaltyProgram.loyalty_type,
    LoyaltyProgram.stamps_target,
    LoyaltyProgram.stamps_reward_description,
    LoyaltyProgram.points_per_euro,
    LoyaltyProgram.is_active,
    LoyaltyProgram.activated_at,
    LoyaltyProgram.redeem_until,
    LoyaltyProgram.version.label("program_version"),
    LoyaltyProgram.points_expiration_days,
    LoyaltyProgram.expiry_floor_at,
    LoyaltyProgram.point_value_cents,
    LoyaltyProgram.deleted_at.label("program_died"),
]
SWITCHES = ("loyalty_programs.activate", "loyalty_programs.deactivate")


def read(span: Span) -> Sequence[Row[Any]]:
    """Read a row for each store this person has, the chosen one first; one row where there is none.

    Every row carries the totals and the program; the last one in the trash where none lives.
    """
    merchant = current_merchant()
    own = Store.merchant_id == Merchant.id
    if actor().role < Role.OWNER:
        own &= Store.id.in_(actor().store_ids)
    parts = {
        "products": _by_store(Product),
        "members": _by_store(StoreUser),
        "orders": _by_store(Order, Order.occurred_at >= span.begins),
        "today": _by_store(Order, Order.occurred_at >= midnight(today())),
    }
    counts = [func.coalesce(part.c.n, 0).label(f"store_{name}") for name, part in parts.items()]
    query: Any = select(Merchant.id, Store.id.label("store_id"), Store.name.label("store_name"))
    query = query.add_columns(*counts, *_totals(span), *PROGRAM, _switched()).outerjoin(Store, own)
    for part in parts.values():
        query = query.outerjoin(part, part.c.store_id == Store.id)
    is_newest = LoyaltyProgram.id == _newest_program()
    query = query.outerjoin(LoyaltyProgram, (LoyaltyProgram.merchant_id == Merchant.id) & is_newest)
    order: list[Any] = [Store.name_key, Store.id]
    if span.store_id is not None:
        order.insert(0, Store.id != span.store_id)
    found = query.where(Merchant.id == merchant.id).order_by(*order).limit(MOST_STORES)
    return db.session.execute(found, execution_options={"include_deleted": {LoyaltyProgram}}).all()


def _newest_program() -> Any:
    """The one that lives, or else the last one that was put in the trash."""
    theirs = select(LoyaltyProgram.id).where(LoyaltyProgram.merchant_id == current_merchant().id)
    newest = theirs.order_by(LoyaltyProgram.deleted_at.is_not(None), LoyaltyProgram.id.desc()).limit(1)
    return newest.correlate(None).scalar_subquery()


def _by_store(model: Any, *where: Any) -> Any:
    """Count the rows of each store in one go."""
    mine = (model.merchant_id == current_merchant().id, *where)
    return (
        select(model.store_id, func.count(model.id).label("n"))
        .where(*mine)
        .group_by(model.store_id)
        .subquery()
    )


def _totals(span: Span) -> list[Any]:
    """Count what this person has; sales of deleted stores stay in an owner's totals."""
    merchant = current_merchant()
    cards = LoyaltyCard.of(merchant).join(LoyaltyCard.customer)
    customers = Customer.of(merchant)
    orders = Order.of(merchant).where(Order.occurred_at >= span.begins)
    newcomers = customers.where(Customer.created_at >= span.begins)
    return [
        _total("stores", in_own_stores(Store.of(merchant), Store.id), Store),
        _total("members", _in_store(StoreUser.of(merchant), StoreUser.store_id, span), StoreUser),
        _total("products", _in_store(Product.of(merchant), Product.store_id, span), Product),
        _total("customers", _in_store(customers, Customer.home_store_id, span), Customer),
        _total("newcomers", _in_store(newcomers, Customer.home_store_id, span), Customer),
        _total("cards", _in_store(cards, Customer.home_store_id, span), LoyaltyCard),
        _total("orders", _in_store(orders, Order.store_id, span), Order),
        _total("orders_of_deleted", _in_store(orders.where(_is_of_deleted()), Order.store_id, span), Order),
        _total(
            "orders_of_none", _in_store(orders.where(Order.store_id.is_(None)), Order.store_id, span), Order
        ),
        _total("rewards", LoyaltyReward.of(merchant), LoyaltyReward),
    ]


def _is_of_deleted() -> Any:
    """Whether an order was sold in a store that is not there any more."""
    return Order.store_id.not_in(Store.of(current_merchant()).with_only_columns(Store.id))


def _in_store(query: Select[Any], column: Any, span: Span) -> Select[Any]:
    mine = in_own_stores(query, column)
    return mine if span.store_id is None else mine.where(column == span.store_id)


def _total(name: str, query: Select[Any], model: Any) -> Any:
    return query.with_only_columns(func.count(model.id)).correlate(None).scalar_subquery().label(name)


def _switched() -> Any:
    """When the living program was last switched on or off."""
    merchant = current_merchant()
    acts = select(func.max(AuditEntry.occurred_at)).where(AuditEntry.merchant_id == merchant.id)
    living = LoyaltyProgram.of(merchant).where(LoyaltyProgram.deleted_at.is_(None))
    about = living.with_only_columns(LoyaltyProgram.id)
    those = AuditEntry.subject_id.in_(about), AuditEntry.subject_kind == "loyalty_programs"
    last = acts.where(*those, AuditEntry.action.in_(SWITCHES))
    return last.correlate(None).scalar_subquery().label("switched_at")
