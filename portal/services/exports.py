"""What people take away: stores, team and products as rows of a table, for CSV files.

Each verb yields lists of cells, the header first, and reads a few hundred rows at a time; what it
yields, the imports take back unchanged. It opens the merchant's scope by itself for each piece.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from io import StringIO
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import selectinload

from portal.extensions import db
from portal.models.deletion import Deletion
from portal.models.merchant import Merchant
from portal.models.product import Product
from portal.models.store import Store
from portal.models.store_user import StoreUser
from portal.models.tenancy import scoped
from portal.models.user import User
from portal.services.trash.names import word
from portal.words import _

Cell = str | int | Decimal | None
Row = list[Cell]
PIECE = 500
STORES = (
    "external_ref",
    "store_code",
    "name",
    "subdomain",
    "address",
    "postal_code",
    "city",
    "country",
    "phone",
    "timezone",
)
TEAM = ("external_ref", "store", "name", "email", "role", "position")
PRODUCTS = (
    "external_ref",
    "store",
    "sku",
    "barcode",
    "name",
    "category",
    "price",
    "earns_points",
)
TRASH = ("deleted_at", "kind", "name", "took", "deleted_by", "role", "reason", "kept_until")
# A spreadsheet takes a cell that begins so for a formula. An apostrophe before it says: text.
FORMULA = re.compile(r"'*[=+\-@\t\r]")


def stores(
    merchant: Merchant,
    *,
    ids: Sequence[int] | None = None,
    where: Sequence[ColumnElement[bool]] = (),
    include_deleted: bool = False,
) -> Iterator[Row]:
    """List the merchant's stores, or just `ids`; `where` narrows it down."""
    yield _header(STORES, include_deleted=include_deleted)
    for store in _rows(Store, merchant.id, ids, where, include_deleted=include_deleted):
        yield [getattr(store, field) for field in STORES] + _deleted(store, include_deleted=include_deleted)


def team(
    merchant: Merchant,
    *,
    store: Store | None = None,
    ids: Sequence[int] | None = None,
    where: Sequence[ColumnElement[bool]] = (),
    include_deleted: bool = False,
) -> Iterator[Row]:
    """List who works in the merchant's stores, or in one; `ids` are those of the memberships."""
    yield _header(TEAM, include_deleted=include_deleted)
    codes = _store_codes(merchant.id)
    for member in _rows(
        StoreUser, merchant.id, ids, _in(StoreUser, store, where), include_deleted=include_deleted
    ):
        person = member.user
        told: Row = [member.external_ref, codes[member.store_id], person.display_name]
        told += [person.email, member.role, member.position]
        yield told + _deleted(member, include_deleted=include_deleted)


def products(
    merchant: Merchant,
    *,
    store: Store | None = None,
    ids: Sequence[int] | None = None,
    where: Sequence[ColumnElement[bool]] = (),
    include_deleted: bool = False,
) -> Iterator[Row]:
    """List what the merchant's stores sell, or one of them; prices in the merchant's currency."""
    yield _header(PRODUCTS, include_deleted=include_deleted)
    codes = _store_codes(merchant.id)
    for product in _rows(
        Product, merchant.id, ids, _in(Product, store, where), include_deleted=include_deleted
    ):
        told: Row = [product.external_ref, codes[product.store_id], product.sku, product.barcode]
        told += [product.name, product.category, _money(product.price_cents)]
        told.append("yes" if product.earns_points else "no")
        yield told + _deleted(product, include_deleted=include_deleted)


def trash(merchant: Merchant, *, where: Sequence[ColumnElement[bool]] = ()) -> Iterator[Row]:
    """List deletions of the merchant, oldest first: for reading, not for an import."""
    yield list(TRASH)
    people: dict[int | None, str] = {None: _("The operator")}
    for act in _rows(Deletion, merchant.id, None, where):
        person = act.deleted_by_id
        if person not in people:
            named = select(User.display_name).where(User.id == person)
            people[person] = str(db.session.scalar(named, execution_options={"include_deleted": True}))
        took = ", ".join(f"{count} {word(kind, count)}" for kind, count in act.counts.items())
        told: Row = [_moment(act.deleted_at), word(act.root_kind), act.root_label, took, people[person]]
        kept = None if act.hold or act.purge_after is None else _moment(act.purge_after)
        yield [*told, act.deleted_by_role, act.reason, kept]


def csv_lines(rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """Write rows as lines of a CSV file that no spreadsheet takes for formulas."""
    page = StringIO()
    writer = csv.writer(page)
    for row in rows:
        writer.writerow([safe(cell) for cell in row])
        yield page.getvalue()
        page.seek(0)
        page.truncate()


def safe(cell: Cell) -> Cell:
    """Put an apostrophe before text that a spreadsheet would run; numbers stay numbers."""
    return f"'{cell}" if isinstance(cell, str) and FORMULA.match(cell) else cell


def unsafe(cell: str) -> str:
    """Take off the apostrophe that `safe` put on."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell


def _header(fields: Sequence[str], *, include_deleted: bool) -> Row:
    return [*fields, *(["deleted_at"] if include_deleted else [])]


def _deleted(row: Any, *, include_deleted: bool) -> Row:
    if not include_deleted:
        return []
    return [row.deleted_at.isoformat(timespec="seconds") if row.deleted_at else None]


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _money(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


def _in(model: Any, store: Store | None, where: Sequence[ColumnElement[bool]]) -> list[Any]:
    return [*where, model.store_id == store.id] if store is not None else list(where)


def _store_codes(merchant_id: int) -> dict[int, str]:
    codes = select(Store.id, Store.store_code).where(Store.merchant_id == merchant_id)
    with scoped(db.session, merchant_id):
        found = db.session.execute(codes, execution_options={"include_deleted": True})
        return {row.id: row.store_code for row in found}


def _rows(
    model: Any,
    merchant_id: int,
    ids: Sequence[int] | None,
    where: Sequence[ColumnElement[bool]],
    *,
    include_deleted: bool = False,
) -> Iterator[Any]:
    """Read piece by piece, in the order of ids; the scope is open only while a piece is read."""
    query = select(model).where(model.merchant_id == merchant_id, *where).order_by(model.id)
    if include_deleted:
        query = query.where(model.purged_at.is_(None))  # what was emptied says nothing any more
        query = query.execution_options(include_deleted=True)
    if model is StoreUser:
        query = query.options(selectinload(StoreUser.user))
    for piece in _pieces(model, ids):
        last: int | None = 0
        while last is not None:
            with scoped(db.session, merchant_id):
                found = db.session.scalars(query.where(*piece, model.id > last).limit(PIECE)).all()
            yield from found
            last = found[-1].id if len(found) == PIECE else None


def _pieces(model: Any, ids: Sequence[int] | None) -> Iterator[list[ColumnElement[bool]]]:
    if ids is None:
        yield []
        return
    wanted = sorted(ids)
    for start in range(0, len(wanted), PIECE):
        yield [model.id.in_(wanted[start : start + PIECE])]
