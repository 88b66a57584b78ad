"""The statements of the trash: one per table and owner, each naming its merchant."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    Table,
    and_,
    func,
    or_,
    select,
    text,
    true,
    update,
)

from portal.extensions import db
from portal.models.deletion import Deletion
from portal.models.ownership import Edge, below, edges_to, owners_of, table_of
from portal.models.tenancy import PLATFORM

DEAD_TOO = {"include_deleted": True}
ALIVE = {"deleted_at": None, "deleted_by_id": None, "deletion_id": None}
LONG = 10_000  # rows; above it a statement may take longer than the usual timeout


def of_merchant(table: Table, merchant_id: int) -> ColumnElement[bool]:
    """Name the merchant, so that one shard answers; a person belongs to none."""
    key = table.c.id if table.name == "merchants" else table.c.get("merchant_id")
    return true() if key is None else key == merchant_id


def is_row(table: Table, row_id: int, merchant_id: int) -> ColumnElement[bool]:
    """Name one row of one merchant."""
    return and_(table.c.id == row_id, of_merchant(table, merchant_id))


def is_root(act: Deletion) -> ColumnElement[bool]:
    """Name the root of the act."""
    return is_row(table_of(act.root_kind), act.root_id, act.merchant_id)


def ways_into(table: Table, reached: Iterable[Table]) -> list[Edge]:
    """List the keys through which death reaches the table; the merchant's says it all."""
    ways = [edge for edge in owners_of(table) if edge.parent in set(reached)]
    return [edge for edge in ways if edge.column == "merchant_id"] or ways


def fallen_with(edge: Edge, act: Deletion) -> ColumnElement[bool]:
    """Rows of one merchant whose owner fell in this act."""
    child, parent = edge.child, edge.parent
    mine = child.c.merchant_id == act.merchant_id
    if parent.name == "merchants":
        return mine
    if "merchant_id" not in parent.c:
        return and_(mine, edge.key == act.root_id)
    fallen = select(parent.c.id).where(
        parent.c.merchant_id == act.merchant_id, parent.c.deletion_id == act.id
    )
    return and_(mine, edge.key.in_(fallen))


def under(table: Table, root: Table, root_id: int, merchant_id: int) -> ColumnElement[bool]:
    """Rows of one merchant below the root, through any of their owners, dead or alive."""
    if table is root:
        return is_row(table, root_id, merchant_id)
    arms = []
    for edge in ways_into(table, below(root)):
        if edge.parent is root:
            arms.append(edge.key == root_id)
            continue
        owners = under(edge.parent, root, root_id, merchant_id)
        arms.append(edge.key.in_(select(edge.parent.c.id).where(owners)))
    return and_(of_merchant(table, merchant_id), or_(*arms))


def dead_of(act: Deletion, table: Table) -> ColumnElement[bool]:
    """The act's rows in a table that can come back: not the erased ones, nor the emptied."""
    mine = and_(table.c.deletion_id == act.id, of_merchant(table, act.merchant_id))
    if "merchant_id" not in table.c and table.name != "merchants":
        mine = and_(mine, table.c.id == act.root_id)
    if "erased_at" in table.c:
        mine = and_(mine, table.c.erased_at.is_(None))
    return and_(mine, table.c.purged_at.is_(None))


def change(table: Table, where: ColumnElement[bool], values: dict[str, Any]) -> int:
    """Update rows and count them; lying in the trash is no change, so `updated_at` stays."""
    values = values | {"updated_at": table.c.updated_at}
    done = db.session.execute(update(table).where(where).values(values), execution_options=DEAD_TOO)
    return int(done.rowcount)  # type: ignore[attr-defined]  # an UPDATE has one


def read(query: Select[Any] | CompoundSelect[Any]) -> Any:
    """Read rows, dead or alive."""
    return db.session.execute(query, execution_options=DEAD_TOO)


def span(table: Table, merchant_id: int) -> Any:
    """At most how many rows a merchant has in a table, from its lowest and highest id.

    Two steps in an index, however many rows there are.
    """
    mine = of_merchant(table, merchant_id)
    lowest = select(func.min(table.c.id)).where(mine).scalar_subquery()
    highest = select(func.max(table.c.id)).where(mine).scalar_subquery()
    return func.coalesce(highest - lowest + 1, 0)


def ids_of(query: Select[Any]) -> list[int]:
    """Read one column of ids."""
    return list(read(query).scalars())


def lock(query: Select[Any]) -> Any:
    """Lock rows against change, but let new rows point at them."""
    return read(query.with_for_update(key_share=True))


def merchants_of_person(user_id: int) -> list[int]:
    """List the merchants a person has rows in, living or dead, in the order they are locked."""
    found: set[int] = set()
    for edge in edges_to(table_of("users")):
        if edge in owners_of(edge.child):
            query = select(edge.child.c.merchant_id).where(edge.key == user_id).distinct()
            found.update(ids_of(query))
    return sorted(found)


def allow_long_statements(rows: int) -> None:
    """Raise the statement timeout for this transaction when many rows move."""
    if rows > LONG and db.session.get_bind().dialect.name == "postgresql":
        db.session.execute(text("SET LOCAL statement_timeout = '15min'"))


def merchant_ids_of(act: Deletion) -> list[int]:
    """Name the merchants whose rows the act's root may own."""
    if act.root_kind == "users" and act.merchant_id == PLATFORM:
        return merchants_of_person(act.root_id)
    return [act.merchant_id]


def add_up(book: dict[str, Any], kind: str, rows: int) -> dict[str, Any]:
    """Count rows into a book of counts; a new one, so that the change is noticed."""
    return {**book, kind: book.get(kind, 0) + rows} if rows else book


def forget() -> None:
    """Flush, then expire: expiring drops what was not flushed, and loaded collections are old."""
    db.session.flush()
    db.session.expire_all()
