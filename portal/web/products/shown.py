"""What the screens of products show."""

from typing import Any

from flask import url_for
from sqlalchemy import Select, func, null, select, union_all

from portal.extensions import db
from portal.models.actor import Role
from portal.models.product import Product
from portal.models.store import Store
from portal.models.text import fold
from portal.services.searching import containing
from portal.web.filters import money_typed
from portal.web.listing import Sorting, asked, list_of, number_in
from portal.web.scope import actor, current_merchant, in_own_stores
from portal.words import _, counted

NOUNS = counted("product", "products")
MOST_CATEGORIES = 300
COLUMNS: list[Any] = [
    Product.id,
    Product.name,
    Product.sku,
    Product.category,
    Product.price_cents,
    Product.earns_points,
    Product.store_id,
    Store.name.label("store_name"),
]
SORTING = Sorting(
    {
        "name": Product.name_key,
        "sku": func.coalesce(Product.sku, ""),
        "category": func.lower(func.coalesce(Product.category, "")),
        "store": Store.name_key,
        "price": Product.price_cents,
    },
    Product.id,
    "name",
)


def listed() -> dict[str, Any]:
    """Read one page of the products and what its filters offer."""
    listing = list_of(
        _with_store(chosen()),
        SORTING,
        nouns=NOUNS,
        base_href=url_for("products.index"),
        filters=asked("store", "category"),
        export_href=url_for("products.export"),
    )
    stores, named = _offered()
    return {
        "listing": listing,
        "stores": stores,
        "categories": named,
        "offered_stores": [("", _("All stores")), *stores],
        "offered_categories": [("", _("All categories")), *((name, name) for name in named)],
        **_around(stores),
    }


def row(product_id: int) -> dict[str, Any]:
    """Read one product as the list shows it."""
    found = db.session.execute(_with_store(_mine().where(Product.id == product_id))).one()
    return {"product": found, **_around(stores_to_choose())}


def detail(product: Product) -> dict[str, Any]:
    """Gather what the page of one product shows."""
    return {"product": product, "store": product.store, "may_edit": _may_edit()}


def beside_a_form() -> dict[str, Any]:
    """Gather what a form of products offers."""
    return {"categories": categories(), "currency": current_merchant().currency}


def chosen() -> Select[Any]:
    """Select the products of their stores that the search and the filters leave."""
    plain = (func.coalesce(Product.sku, ""), func.coalesce(Product.barcode, ""))
    query = _mine().where(containing(asked("q")["q"], folded=(Product.name_key,), plain=plain))
    filters = asked("store", "category")
    if filters["store"]:
        query = query.where(Product.store_id == (number_in(filters["store"]) or 0))
    if filters["category"]:
        query = query.where(Product.category == filters["category"])
    return query


def names_of(ids: list[int]) -> list[str]:
    """Name the first few of many."""
    some = Product.of(current_merchant()).where(Product.id.in_(ids[:3])).order_by(Product.id)
    return [name_of(product) for product in db.session.scalars(some)]


def name_of(product: Product) -> str:
    """Name a product, and where there are several stores, its own: Espresso at Gare."""
    if len(stores_to_choose()) < 2:
        return product.name
    return _("%(name)s at %(store)s", name=product.name, store=product.store.name)


def stores_to_choose() -> list[tuple[str, str]]:
    """Name their stores."""
    named = _their_stores().order_by(Store.name_key, Store.id)
    return [(str(store_id), name) for store_id, name in db.session.execute(named)]


def categories() -> list[str]:
    """Name the categories their products have."""
    return sorted(db.session.scalars(_their_categories()), key=fold)


def price_of(product: Product) -> str:
    """Write the price as people type it."""
    return money_typed(product.price_cents)


def _mine() -> Select[Any]:
    return in_own_stores(Product.of(current_merchant()), Product.store_id)


def _offered() -> tuple[list[tuple[str, str]], list[str]]:
    """Name their stores and the categories of their products, in one statement."""
    named = _their_categories().subquery()
    both = union_all(_their_stores(), select(null(), named.c.category))
    found = sorted(db.session.execute(both), key=lambda row: (fold(row.name), row.id or 0))
    return [(str(row.id), row.name) for row in found if row.id], [row.name for row in found if not row.id]


def _their_stores() -> Select[Any]:
    mine: Any = in_own_stores(Store.of(current_merchant()), Store.id)
    named: Select[Any] = mine.with_only_columns(Store.id, Store.name)
    return named


def _their_categories() -> Select[Any]:
    named = _mine().with_only_columns(Product.category).where(Product.category.is_not(None)).distinct()
    return named.order_by(Product.category).limit(MOST_CATEGORIES)


def _with_store(query: Select[Any]) -> Select[Any]:
    return query.join(Product.store).with_only_columns(*COLUMNS)


def _around(stores: list[tuple[str, str]]) -> dict[str, Any]:
    """What every row needs beside its product."""
    return {
        "has_stores": len(stores) > 1,
        "products_href": url_for("products.index"),
        "currency": current_merchant().currency,
        "may_edit": _may_edit(),
    }


def _may_edit() -> bool:
    return actor().role >= Role.MANAGER
