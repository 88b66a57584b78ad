"""Importing products: known in their store by reference, or else by SKU, or else by name."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from portal.errors import Refused
from portal.models.product import Product
from portal.models.store import Store
from portal.models.text import fold
from portal.services import products
from portal.services.imports.writing import (
    Key,
    Row,
    Writer,
    differing,
    leaving_out_taken,
    living,
    rows_known,
    values_of,
)
from portal.words import _, later

OPTIONAL = frozenset({"sku"})
NEEDS = {
    ("name",): later("A new product needs a name."),
    ("price",): later("A new product needs a price."),
    ("name", "price"): later("A new product needs a name and a price."),
}


class ProductWriter(Writer):
    """Adds and changes products, in one store or in several."""

    def known(self, rows: list[Row]) -> Iterator[tuple[Key, Any]]:
        """Index products by store and reference, SKU or name."""
        refs, skus = values_of(rows, "external_ref"), values_of(rows, "sku")
        nameless = [row for row in rows if not {"external_ref", "sku"} & row.values.keys()]
        names = {fold(name) for name in values_of(nameless, "name")}
        same = (Product.external_ref.in_(refs), Product.sku.in_(skus), Product.name_key.in_(names))
        for product in rows_known(Product, self.plan.merchant.id, *same):
            yield (product.store_id, "external_ref", product.external_ref), product
            yield (product.store_id, "sku", product.sku), product
            yield (product.store_id, "name", product.name_key), product

    def write(self, row: Row) -> Iterator[str]:
        """Add the product, or change what differs, in each store it is meant for."""
        fields = self._fields(row)
        for store in self.stores_for(row):
            found = self.once((store.id, *_identity(row)), row)
            alive = _unambiguous(living(found))
            if found and not alive:
                yield row.skip(found[-1])
            elif alive:
                change = partial(products.change_product, alive[0], by=self.by)
                changed = leaving_out_taken(change, differing(alive[0], fields), optional=OPTIONAL, row=row)
                yield "updated" if changed else "unchanged"
            else:
                self._add(store, fields, row)
                yield "new"

    def _fields(self, row: Row) -> dict[str, Any]:
        fields = {name: value for name, value in row.values.items() if name not in ("store", "price")}
        price = row.values.get("price")
        if price is not None:
            fields["price_cents"] = price.cents
            currency = self.plan.merchant.currency
            if not price.is_of(currency):
                message = _(
                    "The price says %(sign)s, but the money here is %(currency)s.",
                    sign=price.sign,
                    currency=currency,
                )
                raise Refused("foreign_money", message)
        return fields

    def _add(self, store: Store, fields: dict[str, Any], row: Row) -> None:
        missing = [name for name in ("name", "price") if name not in row.values]
        if missing:
            raise Refused("missing", str(NEEDS[tuple(missing)]))
        add = partial(products.add_product, store, by=self.by)
        leaving_out_taken(add, fields, optional=OPTIONAL, row=row)


def _identity(row: Row) -> Key:
    for name in ("external_ref", "sku"):
        if name in row.values:
            return (name, row.values[name])
    if "name" in row.values:
        return ("name", fold(row.values["name"]))
    raise Refused("no_identity", _("The row has no external_ref, sku or name."))


def _unambiguous(alive: list[Any]) -> list[Any]:
    """Of several of one name, take the one that has nothing but its name; raises Refused("ambiguous")."""
    if len(alive) > 1:
        alive = [product for product in alive if not (product.external_ref or product.sku)]
        if len(alive) != 1:
            message = _("Several products here have this name. Give the row an external_ref or a sku.")
            raise Refused("ambiguous", message)
    return alive
