"""Reading lists: living rows or dead ones, page by page, in the order of their ids."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Select, select

from portal.api.door import DEAD_TOO
from portal.api.saying import Said
from portal.api.shapes import ListAsked, Page
from portal.extensions import db
from portal.models.user import User
from portal.services import keyset


def rows_of(model: Any, asked: ListAsked, *conditions: Any) -> keyset.Page:
    """Read a page of the living, or as asked of the dead; what was purged is in no list."""
    query = select(model).where(*conditions)
    if not (asked.include_deleted or asked.only_deleted):
        return page(query, model, asked)
    query = query.where(model.purged_at.is_(None)).execution_options(**DEAD_TOO)
    return page(query.where(model.deletion_id.is_not(None)) if asked.only_deleted else query, model, asked)


def page(query: Select[Any], model: Any, asked: Page, *, falls: bool = False) -> keyset.Page:
    """Read a page; raises Said 400 for a cursor that is none of this list."""
    order = keyset.Order(f"api-{model.__tablename__}", model.id, model.id, falls)
    if asked.cursor is not None and not keyset.is_cursor(asked.cursor, order):
        raise Said(400, "bad_cursor", "This cursor is of another list. Take `next` of the page before.")
    return keyset.read_page(
        query, order, before=None, after=asked.cursor, size=asked.limit, never_empty=False
    )


def told_page(found: keyset.Page, tell: Any) -> dict[str, Any]:
    """Write a page: its items, and the cursor of the next one if there is one."""
    rows = [row[0] for row in found.rows]
    return {"items": tell(rows), "next": found.next}


def tell_all(rows: Sequence[Any], fields: Iterable[str]) -> list[dict[str, Any]]:
    """Write rows by the fields of their shape, with who deleted the dead."""
    names = names_of(row.deleted_by_id for row in rows)
    own = [field for field in fields if field != "deleted_by"]
    return [
        {field: getattr(row, field) for field in own}
        | {"deleted_by": person(row.deleted_by_id, names) if row.deletion_id is not None else None}
        for row in rows
    ]


def person(user_id: int | None, names: dict[int, str]) -> dict[str, Any]:
    """Name who did it; nobody is the operator at the command line, or a job."""
    return {"id": user_id, "name": names.get(user_id) if user_id is not None else None}


def names_of(user_ids: Iterable[int | None]) -> dict[int, str]:
    """Name people, the deleted too, in one question; none when nobody is asked for."""
    wanted = {user_id for user_id in user_ids if user_id is not None}
    if not wanted:
        return {}
    query = select(User.id, User.display_name).where(User.id.in_(wanted))
    return {row.id: row.display_name for row in db.session.execute(query, execution_options=DEAD_TOO)}
