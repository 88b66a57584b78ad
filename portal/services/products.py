"""What people do with products: add, change, delete."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from portal.models.actor import Actor
from portal.models.deletion import Deletion
from portal.models.product import Product
from portal.models.store import Store
from portal.services import audit, trash
from portal.services.changing import apply, refuse_unknown
from portal.services.saving import save

FIELDS = frozenset(["name", "sku", "barcode", "category", "price_cents", "earns_points", "external_ref"])


def add_product(store: Store, *, name: str, price_cents: int, by: Actor, **details: Any) -> Product:
    """Let the store sell something; the price in cents, `details` may give the other FIELDS.

    Raises Conflict("taken") for a SKU or reference in use in the store, Conflict("owner_deleted").
    """
    product = Product(
        merchant_id=store.merchant_id,
        store_id=store.id,
        name=name,
        price_cents=price_cents,
        **refuse_unknown(details, FIELDS),
    )
    save(product, by=by)
    audit.record("create", product, by=by)
    return product


def change_product(product: Product, *, by: Actor, **changes: Any) -> list[str]:
    """Change the FIELDS given and name those that differ; raises as add_product does."""
    return apply(product, changes, known=FIELDS, by=by)


def delete_product(product: Product, *, by: Actor, now: datetime, reason: str | None = None) -> Deletion:
    """Put the product in the trash; past orders keep its name and price."""
    return trash.soft_delete_cascade(product, by=by, now=now, reason=reason)


def delete_products(
    products: Sequence[Product], *, by: Actor, now: datetime, reason: str | None = None
) -> list[Deletion]:
    """Put several products in the trash, each as an act of its own."""
    return trash.soft_delete_many(products, by=by, now=now, reason=reason)
