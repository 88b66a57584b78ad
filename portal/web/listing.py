"""A list on a page: search, filters, sorting, keyset pages and an honest count."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import request
from sqlalchemy import Select, func, select, tuple_

from portal.extensions import db

PAGE_SIZE = 50
COUNTED = 1_000  # exactly up to here, then "1,000+"
ALL_MATCHING = 10_000  # rows one bulk action takes


@dataclass
class Sorting:
    """By what a list can be sorted: the key in the address to a column, each list ending in an id."""

    columns: Mapping[str, Any]
    id_column: Any
    default: str
    starts_descending: bool = False


@dataclass
class Listing:
    """One state of a list; every state has an address of its own."""

    rows: Sequence[Any]
    noun: str
    nouns: str
    base_href: str
    q: str
    sort: str
    direction: str
    filters: dict[str, str]
    count: int
    previous_cursor: str | None = None
    next_cursor: str | None = None
    export_href: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def count_is_capped(self) -> bool:
        """Whether there are more than were counted."""
        return self.count > COUNTED

    @property
    def count_text(self) -> str:
        """Say how many: 1 product, 88 products, 1,000+ products."""
        if self.count == 1:
            return f"1 {self.noun}"
        return f"{min(self.count, COUNTED):,}{'+' if self.count_is_capped else ''} {self.nouns}"

    @property
    def is_filtered(self) -> bool:
        """Whether a search or filter hides something."""
        return bool(self.q or any(self.filters.values()))

    @property
    def query_args(self) -> dict[str, str]:
        """What the address says about search and filters."""
        args = {"q": self.q, **self.filters}
        return {name: value for name, value in args.items() if value}

    def href(self, **args: str) -> str:
        """Address a state of this list."""
        given = {name: value for name, value in (self.query_args | args).items() if value}
        return f"{self.base_href}?{urlencode(given)}" if given else self.base_href

    def href_sorted(self, key: str) -> str:
        """Address the list sorted by a column; by the same one, the other way round."""
        turned = "desc" if self.sort == key and self.direction == "asc" else "asc"
        return self.href(sort=key, direction=turned)

    @property
    def previous_href(self) -> str | None:
        """Address the page before, if there is one."""
        return self._page("before", self.previous_cursor)

    @property
    def next_href(self) -> str | None:
        """Address the page after, if there is one."""
        return self._page("after", self.next_cursor)

    def _page(self, way: str, cursor: str | None) -> str | None:
        if cursor is None:
            return None
        return self.href(sort=self.sort, direction=self.direction, **{way: cursor})


def asked(*names: str) -> dict[str, str]:
    """Read filters from the address, trimmed and of sane length."""
    return {name: request.args.get(name, "").strip()[:100] for name in names}


def list_of(
    query: Select[Any],
    sorting: Sorting,
    *,
    nouns: tuple[str, str],
    base_href: str,
    filters: dict[str, str] | None = None,
    export_href: str = "",
) -> Listing:
    """Read one page of the query, as the address asks for it: ?q= &sort= &direction= &after= &before=."""
    sort, direction = _sort_asked(sorting)
    listing = Listing(
        rows=(),
        noun=nouns[0],
        nouns=nouns[1],
        base_href=base_href,
        q=asked("q")["q"],
        sort=sort,
        direction=direction,
        filters=filters or {},
        count=_count(query, sorting),
    )
    _read_page(listing, query, sorting)
    if export_href:
        listing.export_href = (
            f"{export_href}?{urlencode(listing.query_args)}" if listing.query_args else export_href
        )
    return listing


def ids_chosen(query: Select[Any], id_column: Any) -> list[int]:
    """Read what a bulk form chose: its checkboxes, or with all=1 everything the address matches."""
    if request.values.get("all"):
        return list(db.session.scalars(query.with_only_columns(id_column).limit(ALL_MATCHING)))
    chosen = {int(i) for i in request.values.getlist("ids") if i.isdecimal() and len(i) < 19}
    return list(db.session.scalars(query.with_only_columns(id_column).where(id_column.in_(chosen))))


def _sort_asked(sorting: Sorting) -> tuple[str, str]:
    sort = request.args.get("sort", "")
    if sort not in sorting.columns:
        return sorting.default, "desc" if sorting.starts_descending else "asc"
    return sort, "desc" if request.args.get("direction") == "desc" else "asc"


def _count(query: Select[Any], sorting: Sorting) -> int:
    some = query.with_only_columns(sorting.id_column).order_by(None).limit(COUNTED + 1).subquery()
    return db.session.scalar(select(func.count()).select_from(some)) or 0


def _read_page(listing: Listing, query: Select[Any], sorting: Sorting) -> None:
    key = tuple_(sorting.columns[listing.sort], sorting.id_column)
    before = _cursor(request.args.get("before"))
    after = None if before else _cursor(request.args.get("after"))
    backwards = before is not None
    falls = (listing.direction == "desc") != backwards
    if before or after:
        edge = tuple_(*(before or after or ()))
        query = query.where(key < edge if falls else key > edge)
    order = [
        column.desc() if falls else column.asc()
        for column in (sorting.columns[listing.sort], sorting.id_column)
    ]
    marked = query.add_columns(sorting.columns[listing.sort].label("_key"), sorting.id_column.label("_id"))
    found = db.session.execute(marked.order_by(None).order_by(*order).limit(PAGE_SIZE + 1)).all()
    more, found = len(found) > PAGE_SIZE, found[:PAGE_SIZE]
    found = found[::-1] if backwards else found
    listing.rows = found
    if found:
        listing.previous_cursor = _written(found[0]) if after or (backwards and more) else None
        listing.next_cursor = _written(found[-1]) if backwards or more else None


def _written(row: Any) -> str:
    value = row._key.isoformat() if isinstance(row._key, datetime) else row._key  # noqa: SLF001 - a column's label
    text = json.dumps([type(row._key).__name__, value, row._id])  # noqa: SLF001 - a column's label
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _cursor(text: str | None) -> tuple[Any, int] | None:
    """Read a cursor of ours; anything else begins at the first page."""
    try:
        padded = (text or "") + "=" * (-len(text or "") % 4)
        kind, value, row_id = json.loads(base64.urlsafe_b64decode(padded))
        key = {"datetime": datetime.fromisoformat, "str": str, "int": int}[kind](value)
        return (key, int(row_id)) if abs(int(row_id)) < 2**63 else None
    except (ValueError, TypeError, KeyError, OverflowError):
        return None
