"""Keyset pages: a cursor is the place in the order where a page ends, so that deep pages cost no more."""

import base64
import json
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Select, literal, tuple_

from portal.extensions import db
from portal.models.base import UtcDateTime

PAGE_SIZE = 50
BIGGEST = 2**63
Edge = tuple[Any, int]


class Reader(Protocol):
    """Reads some rows beyond an edge, and says whether there is more."""

    def __call__(self, edge: Edge | None, *, backwards: bool = False) -> tuple[Sequence[Any], bool]:
        """Read onwards, or back."""


class Page(NamedTuple):
    """One page: its rows, and the cursors of its neighbours where there are any."""

    rows: Sequence[Any]
    previous: str | None
    next: str | None


class Order(NamedTuple):
    """In what order: the name it has in the address, the column, the id that makes it unique, the way."""

    name: str
    key: Any
    id_column: Any
    falls: bool


def read_page(
    query: Select[Any],
    order: Order,
    *,
    before: str | None,
    after: str | None,
    size: int | None = None,
    never_empty: bool = True,
) -> Page:
    """Read the page before or after a cursor; a cursor that is none of ours begins at the first page.

    Beyond the end people see the last page that has rows; a program, that must see no row twice, nothing.
    """
    most = size or PAGE_SIZE

    def read(edge: Edge | None, *, backwards: bool = False) -> tuple[Sequence[Any], bool]:
        return _some(query, order, edge, most, backwards=backwards)

    edges = [_cursor(text, order.name, order.key) for text in (before, after)]
    rows, has_previous, has_next = _page_asked(read, most, *edges, never_empty=never_empty)
    return Page(
        rows,
        _written(order.name, rows[0]) if has_previous else None,
        _written(order.name, rows[-1]) if has_next else None,
    )


def is_cursor(text: str, order: Order) -> bool:
    """Whether it is a cursor of ours for this order."""
    return _cursor(text, order.name, order.key) is not None


def _some(
    query: Select[Any], order: Order, edge: Edge | None, most: int, *, backwards: bool
) -> tuple[Sequence[Any], bool]:
    """Read at most a page beyond the edge, and say whether there is more."""
    key, id_column, falls = order.key, order.id_column, order.falls != backwards
    some = query.add_columns(key.label("key_"), id_column.label("id_"))
    if edge:
        here = tuple_(key, id_column)
        there = tuple_(literal(edge[0], key.type), literal(edge[1], id_column.type))
        some = some.where(here < there if falls else here > there)
    by = [column.desc() if falls else column.asc() for column in (key, id_column)]
    found = db.session.execute(some.order_by(None).order_by(*by).limit(most + 1)).all()
    rows = found[:most]
    return rows[::-1] if backwards else rows, len(found) > most


def _page_asked(
    read: Reader, most: int, before: Edge | None, after: Edge | None, *, never_empty: bool
) -> tuple[Sequence[Any], bool, bool]:
    """Read the page, and say whether there is one before it and one after."""
    if before:
        found, more = read(before, backwards=True)
        if len(found) == most:
            return found, more, True
    elif after:
        found, more = read(after)
        if found or not never_empty:
            return found, bool(found), more
        # The page was emptied meanwhile: the last one that still has rows.
        found, more = read(None, backwards=True)
        return found, more, False
    found, more = read(None)
    return found, False, more


def _written(sort: str, row: Any) -> str:
    value = row.key_.isoformat() if isinstance(row.key_, datetime) else row.key_
    text = json.dumps([sort, value, row.id_])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _cursor(text: str | None, sort: str, key: Any) -> Edge | None:
    """Read a cursor of ours for this order; anything else begins at the first page."""
    try:
        padded = (text or "") + "=" * (-len(text or "") % 4)
        written_for, value, row_id = json.loads(base64.urlsafe_b64decode(padded))
        if written_for != sort or not _is_id(row_id):
            return None
        if isinstance(key.type, UtcDateTime):
            return datetime.fromisoformat(value).astimezone(), row_id
        return (value, row_id) if _is_of(key, value) else None
    except (ValueError, TypeError, RecursionError, OverflowError):
        return None


def _is_of(key: Any, value: Any) -> bool:
    if key.type.python_type is int:
        return _is_id(value)
    return isinstance(value, str) and all(unicodedata.category(c) not in ("Cc", "Cs") for c in value)


def _is_id(value: Any) -> bool:
    return type(value) is int and abs(value) < BIGGEST
