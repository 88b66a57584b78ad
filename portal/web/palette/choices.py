"""What a person may find, as selects: each answers kind, id, label, name_key, detail, role and rank."""

from typing import Any

from sqlalchemy import Select, String, case, cast, func, literal, null, select, text, union_all

from portal.extensions import db
from portal.models.actor import Role
from portal.models.customer import Customer
from portal.models.deletion import IN_TRASH, Deletion
from portal.models.loyalty_card import CardToken, LoyaltyCard
from portal.models.merchant import MerchantOwner
from portal.models.order import Order
from portal.models.product import Product
from portal.models.store import Store
from portal.models.store_user import StoreUser
from portal.models.text import fold
from portal.models.user import User
from portal.services import customer_search
from portal.services.searching import containing
from portal.web.scope import actor, current_merchant, in_own_stores

MOST = 5  # of a kind
NEWEST = 2_000  # orders that are looked through


def found(q: str) -> list[Any]:
    """Read the best few of each kind in one statement; names that begin with what was typed come first."""
    kinds = [_stores(q), _products(q), _members(q), _owners(q)]
    if actor().role >= Role.MANAGER:
        kinds += [_customers(q), _cards(q), _orders(q), _acts(q)]
    few = [select(kind.order_by("rank", "name_key", "id").limit(MOST).subquery()) for kind in kinds]
    both = union_all(*few).subquery()
    return list(db.session.execute(select(both).order_by(both.c.rank, both.c.name_key, both.c.id)))


def _stores(q: str) -> Select[Any]:
    city = func.coalesce(Store.city, "")
    row = _row("store", q, id=Store.id, label=Store.name, name_key=Store.name_key, detail=city)
    fits = containing(q, folded=(Store.name_key,), plain=(Store.store_code, city))
    return in_own_stores(row.where(Store.merchant_id == current_merchant().id, fits), Store.id)


def _products(q: str) -> Select[Any]:
    row = _row("product", q, id=Product.id, label=Product.name, name_key=Product.name_key, detail=Store.name)
    codes = (func.coalesce(Product.sku, ""), func.coalesce(Product.barcode, ""))
    fits = containing(q, folded=(Product.name_key,), plain=codes)
    mine = row.join(Store, _is_of(Product)).where(Product.merchant_id == current_merchant().id, fits)
    return in_own_stores(mine, Product.store_id)


def _members(q: str) -> Select[Any]:
    named = {"label": User.display_name, "name_key": User.name_key}
    row = _row("person", q, id=StoreUser.id, detail=Store.name, role=StoreUser.role, **named)
    joined = row.join(User, User.id == StoreUser.user_id).join(Store, _is_of(StoreUser))
    mine = joined.where(StoreUser.merchant_id == current_merchant().id, _is_called(q))
    return in_own_stores(mine, StoreUser.store_id)


def _owners(q: str) -> Select[Any]:
    named = {"label": User.display_name, "name_key": User.name_key}
    row = _row("person", q, id=MerchantOwner.id, detail=literal(""), role=literal(Role.OWNER.word), **named)
    joined = row.join(User, User.id == MerchantOwner.user_id)
    return joined.where(MerchantOwner.merchant_id == current_merchant().id, _is_called(q))


def _customers(q: str) -> Select[Any]:
    """By name, phone, e-mail, reference or card, as in their own list; each way is bounded."""
    hits = customer_search.found(q, current_merchant().country)
    contact = func.coalesce(Customer.phone, Customer.email, "")
    named = {"label": Customer.name, "name_key": Customer.name_key}
    row = _row("customer", q, id=Customer.id, detail=contact, **named).join(hits, hits.c.id == Customer.id)
    return row.where(Customer.merchant_id == current_merchant().id)


def _cards(q: str) -> Select[Any]:
    """By the number on the card or on an old one; names find the customer."""
    number = customer_search.digits_of(q) or q
    named = {"label": CardToken.value, "name_key": CardToken.value}
    row = _row("card", q, id=CardToken.card_id, detail=Customer.name, **named)
    same = CardToken.merchant_id == LoyaltyCard.merchant_id
    joined = (
        row.select_from(CardToken)
        .join(LoyaltyCard, same & (LoyaltyCard.id == CardToken.card_id))
        .join(Customer, same & (Customer.id == LoyaltyCard.customer_id))
    )
    return joined.where(
        CardToken.merchant_id == current_merchant().id,
        CardToken.kind != "qr",
        CardToken.revoked_at.is_(None),
        customer_search.begins(CardToken.value, number),
    )


def _orders(q: str) -> Select[Any]:
    """By number, among the newest: the list searches them all."""
    mine = in_own_stores(Order.of(current_merchant()), Order.store_id)
    newest = mine.order_by(Order.occurred_at.desc(), Order.id.desc()).limit(NEWEST)
    order = newest.with_only_columns(Order.id, Order.number, Order.customer_id).subquery()
    named = {"label": order.c.number, "name_key": order.c.number}
    row = _row("order", q, id=order.c.id, detail=func.coalesce(Customer.name, ""), **named)
    buyer = (Customer.merchant_id == current_merchant().id) & (Customer.id == order.c.customer_id)
    return row.outerjoin(Customer, buyer).where(containing(q, plain=(order.c.number,)))


def _acts(q: str) -> Select[Any]:
    key = func.coalesce(Deletion.label_key, "")
    row = _row("act", q, id=Deletion.id, label=Deletion.root_label, name_key=key, detail=Deletion.root_kind)
    mine = row.where(Deletion.merchant_id == current_merchant().id, Deletion.seen_by(actor()))
    # As literal text: a partial index serves only a condition that is known when planning.
    return mine.where(text(IN_TRASH), containing(q, folded=(key,)))


def _row(kind: str, q: str, **columns: Any) -> Select[Any]:
    """Select what every kind is read as."""
    begins = case((columns["name_key"].startswith(fold(q), autoescape=True), 0), else_=1)
    role = cast(columns.pop("role", null()), String)
    row = {"kind": literal(kind), **columns, "role": role, "rank": begins}
    names = ("kind", "id", "label", "name_key", "detail", "role", "rank")
    return select(*(row[name].label(name) for name in names))


def _is_called(q: str) -> Any:
    """By name; an e-mail address finds nobody for staff, who may not see it."""
    plain = (func.coalesce(User.email, ""),) if actor().role >= Role.MANAGER else ()
    return containing(q, folded=(User.name_key,), plain=plain)


def _is_of(model: Any) -> Any:
    return (Store.merchant_id == model.merchant_id) & (Store.id == model.store_id)
