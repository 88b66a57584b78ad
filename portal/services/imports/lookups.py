"""Finding what the baskets of a chunk name: stores, products, sellers, customers, orders that are here."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from phonenumbers import SUPPORTED_REGIONS
from sqlalchemy import select

from portal.errors import Refused
from portal.extensions import db
from portal.models.customer import Customer
from portal.models.import_batch import ImportBatch, ImportRow
from portal.models.order import Order
from portal.models.product import Product
from portal.models.store import Store
from portal.models.store_user import StoreUser
from portal.models.text import fold, fold_code
from portal.services.imports.sales import Basket, Item
from portal.services.phones import to_e164
from portal.words import _

DEAD_TOO = {"include_deleted": True}


class Goods(NamedTuple):
    """What a line needs to know of a product."""

    id: int
    name: str
    earns_points: bool


class Known(NamedTuple):
    """An order that is here already, or lies in the trash."""

    id: int
    total_cents: int
    occurred_at: datetime
    customer_id: int | None
    store_id: int | None
    deletion_id: int | None


class Stores:
    """The merchant's living stores, by code, reference or name; those used are kept from dying meanwhile."""

    def __init__(self, merchant_id: int) -> None:
        columns = (Store.id, Store.store_code, Store.external_ref, Store.name_key, Store.country)
        found = db.session.execute(select(*columns).where(Store.merchant_id == merchant_id)).all()
        names = [row.name_key for row in found]
        self.ids: dict[str, int] = {row.name_key: row.id for row in found if names.count(row.name_key) == 1}
        self.ids |= {row.external_ref: row.id for row in found if row.external_ref}
        self.ids |= {row.store_code: row.id for row in found}  # its own code first
        self.countries = {row.id: row.country for row in found if row.country in SUPPORTED_REGIONS}
        self.merchant_id = merchant_id

    def called(self, name: str | None) -> int:
        """Find a store; raises Refused("no_store", "unknown_store")."""
        if not name:
            raise Refused("no_store", _("The row names no store."))
        for key in (fold_code(name), name, fold(name)):
            if key in self.ids:
                return self.ids[key]
        raise Refused("unknown_store", _("There is no store “%(name)s”.", name=name))

    def hold(self, store_ids: Iterable[int]) -> None:
        """Keep stores from dying until the chunk is written."""
        held = select(Store.id).where(Store.merchant_id == self.merchant_id, Store.id.in_(list(store_ids)))
        db.session.scalars(held.order_by(Store.id).with_for_update(read=True)).all()


class Shelves:
    """The products the lines of a chunk name, store by store."""

    def __init__(self, merchant_id: int, baskets: Sequence[Basket], store_ids: Iterable[int]) -> None:
        items = [item for basket in baskets for item in basket.items]
        refs, skus = {item.product for item in items}, {item.sku for item in items}
        columns = (Product.id, Product.store_id, Product.external_ref, Product.sku, Product.name)
        query = select(*columns, Product.earns_points).where(
            Product.merchant_id == merchant_id,
            Product.store_id.in_(list(store_ids)),
            Product.external_ref.in_(refs - {None}) | Product.sku.in_(skus - {None}),
        )
        self.found: dict[tuple[int, str, str | None], Goods] = {}
        for row in db.session.execute(query):
            goods = Goods(row.id, row.name, row.earns_points)
            self.found[row.store_id, "sku", row.sku] = goods
            self.found[row.store_id, "ref", row.external_ref] = goods

    def of(self, store_id: int, item: Item) -> Goods | None:
        """Find the product of a line, by reference or else by SKU."""
        by_ref = self.found.get((store_id, "ref", item.product)) if item.product else None
        return by_ref or (self.found.get((store_id, "sku", item.sku)) if item.sku else None)


def sellers(merchant_id: int, baskets: Sequence[Basket]) -> dict[str, int]:
    """Find who sold, by their reference in the team."""
    refs = {basket.said["staff"] for basket in baskets if "staff" in basket.said}
    query = select(StoreUser.external_ref, StoreUser.user_id).where(
        StoreUser.merchant_id == merchant_id, StoreUser.external_ref.in_(refs)
    )
    return {str(ref): user_id for ref, user_id in db.session.execute(query)}


def customers(merchant_id: int, baskets: Sequence[Basket], country: str) -> dict[str, int]:
    """Find who bought, by reference, or else by e-mail or phone; a merged one leads to the survivor.

    Nobody who lies in the trash.
    """
    refs = {ref for basket in baskets if (ref := basket.customer)}
    reached = {basket.key: ways(basket.said.get("contact", ""), country) for basket in baskets}
    contacts = {way for found in reached.values() for way in found}
    columns = (Customer.id, Customer.external_ref, Customer.email, Customer.phone, Customer.merged_into_id)
    same = (
        Customer.external_ref.in_(refs) | Customer.email.in_(contacts) | Customer.phone.in_(contacts),
        Customer.deletion_id.is_(None) | Customer.merged_into_id.is_not(None),
    )
    query = select(*columns).where(Customer.merchant_id == merchant_id, *same)
    merged_first = query.order_by(Customer.deletion_id.is_(None), Customer.id)
    found = db.session.execute(merged_first, execution_options=DEAD_TOO).all()
    living = _living(merchant_id, {row.merged_into_id for row in found if row.merged_into_id})
    by_ref: dict[str | None, int] = {}
    by_contact: dict[str | None, int] = {}
    for row in found:
        person = row.merged_into_id or row.id
        if row.merged_into_id and person not in living:
            continue
        by_ref[row.external_ref] = person
        by_contact[row.email] = by_contact[row.phone] = person
    return _named(baskets, by_ref, by_contact, reached)


def _living(merchant_id: int, ids: set[int]) -> set[int]:
    """Keep the customers who are not in the trash."""
    if not ids:
        return ids
    mine = (Customer.merchant_id == merchant_id, Customer.id.in_(ids))
    return set(db.session.scalars(select(Customer.id).where(*mine)))


def _named(
    baskets: Sequence[Basket],
    by_ref: dict[str | None, int],
    by_contact: dict[str | None, int],
    reached: dict[str, list[str]],
) -> dict[str, int]:
    found = {}
    for basket in baskets:
        ways_there = [by_contact[way] for way in reached[basket.key] if way in by_contact]
        person = by_ref.get(basket.customer) if basket.customer else None
        if person is not None or ways_there:
            found[basket.key] = person or ways_there[0]
    return found


def ways(contact: str, country: str) -> list[str]:
    """Read the e-mail addresses and phones in a cell, as they are kept here."""
    found = []
    for word in contact.replace(";", ",").split(","):
        if "@" in word:
            found.append(fold_code(word))
        elif word.strip():
            try:
                found.append(str(to_e164(word, country)))
            except Refused:  # no phone, so nobody is known by it
                continue
    return found


def orders_here(merchant_id: int, keys: Sequence[str]) -> dict[str, Known]:
    """Find the orders that are here already, the living before those in the trash.

    One that was put there by taking an import back does not count: it may be imported again.
    """
    mine = (Order.merchant_id == merchant_id, Order.external_ref.in_(list(keys)), Order.purged_at.is_(None))
    columns = (Order.external_ref, Order.id, Order.total_cents, Order.occurred_at, Order.customer_id)
    query = select(*columns, Order.store_id, Order.deletion_id).where(*mine)
    dead_first = query.order_by(Order.deletion_id.is_(None), Order.id)
    found = db.session.execute(dead_first, execution_options=DEAD_TOO).all()
    undone = taken_back(merchant_id, "orders", [row.id for row in found if row.deletion_id])
    return {row.external_ref: Known(row.id, *row[2:]) for row in found if row.id not in undone}


def taken_back(merchant_id: int, kind: str, ids: Sequence[int]) -> set[int]:
    """Name the rows that were made by imports which were taken back."""
    if not ids:
        return set()
    query = (
        select(ImportRow.made_id)
        .join(
            ImportBatch,
            (ImportBatch.merchant_id == ImportRow.merchant_id) & (ImportBatch.id == ImportRow.batch_id),
        )
        .where(
            ImportRow.merchant_id == merchant_id,
            ImportRow.made_kind == kind,
            ImportRow.fate != "changed",
            ImportRow.made_id.in_(ids),
            ImportBatch.status.in_(("undoing", "undone")),
        )
    )
    return {made_id for made_id in db.session.scalars(query) if made_id is not None}
