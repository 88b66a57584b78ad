"""A list on a page: search, filters, sorting, keyset pages and an honest count."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn
from urllib.parse import urlencode

from flask import Response, abort, flash, redirect, request, stream_with_context
from sqlalchemy import ColumnElement, Label, Select, func, select

from portal.errors import Refused
from portal.extensions import db
from portal.services import keyset
from portal.services.exports import Row, csv_lines
from portal.web.answers import never_store
from portal.web.page import is_htmx
from portal.words import Words, _, how_many, number

COUNTED = 1_000  # exactly up to here, then "1,000+"
ALL_MATCHING = 1_000  # rows one bulk action takes
LONGEST_FILTER = 100


@dataclass
class Sorting:
    """By what a list can be sorted: the key in the address to a column, each list ending in an id.

    A column that may be empty goes in as coalesce(column, ""): nothing compares with NULL.
    """

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
    is_sorted_by_default: bool = False

    @property
    def count_is_capped(self) -> bool:
        """Whether there are more than were counted."""
        return self.count > COUNTED

    @property
    def count_text(self) -> str:
        """Say how many: 1 product, 88 products, 1,000+ products."""
        return how_many((self.noun, self.nouns), self.count, self.count_figure)

    @property
    def count_figure(self) -> str:
        """Say just the number: 88, 1,000+."""
        return number(min(self.count, COUNTED)) + ("+" if self.count_is_capped else "")

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
    """Read filters from the address or the bulk form: trimmed, of sane length, nothing unprintable."""
    return {name: _plain(request.values.get(name, "")) for name in names}


def number_in(text: str) -> int | None:
    """Read an id out of a filter; None when it is no number."""
    return int(text) if text.isdecimal() and len(text) < 19 else None


def list_of(
    query: Select[Any],
    sorting: Sorting,
    *,
    nouns: Words,
    base_href: str,
    filters: dict[str, str] | None = None,
    export_href: str = "",
    counting: Select[Any] | None = None,
) -> Listing:
    """Read one page of the query, as the address asks for it: ?q= &sort= &direction= &after= &before=.

    `counting` is the query without what is joined only to be shown: counting it is quicker.
    """
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
        count=0,
        is_sorted_by_default=(sort, direction) == _sort_by_default(sorting),
    )
    _read_page(listing, query, sorting, query if counting is None else counting)
    if export_href:
        listing.export_href = (
            f"{export_href}?{urlencode(listing.query_args)}" if listing.query_args else export_href
        )
    return listing


def ids_chosen(query: Select[Any], id_column: Any) -> list[int]:
    """Read what a bulk form chose: its checkboxes, or with everything=1 all that its filters match.

    `ids` may come many times or with commas between; of everything, the first ALL_MATCHING.
    """
    mine = query.with_only_columns(id_column).order_by(None).order_by(id_column)
    if request.values.get("everything"):
        return list(db.session.scalars(mine.limit(ALL_MATCHING)))
    given = ",".join(request.values.getlist("ids")).split(",")
    chosen = [number for text in given if (number := number_in(text)) is not None][:ALL_MATCHING]
    return list(db.session.scalars(mine.where(id_column.in_(chosen)))) if chosen else []


def refuse_to_do_nothing(sentence: str, base_href: str, *filters: str) -> NoReturn:
    """Say that nothing was chosen: in a toast, or without JavaScript on the list it came from."""
    if is_htmx():
        raise Refused("nothing_chosen", sentence)
    flash(sentence, "plain")
    abort(redirect(as_filtered(base_href, *filters), 303))


def as_filtered(base_href: str, *filters: str) -> str:
    """Address the list as the bulk form had filtered it."""
    args = {name: value for name, value in asked("q", *filters).items() if value}
    return f"{base_href}?{urlencode(args)}" if args else base_href


def beyond_one_action(query: Select[Any], id_column: Any) -> str:
    """Say that an action takes only the first of what matches, where that is so; else nothing."""
    if not left_over(query, id_column):
        return ""
    most = number(ALL_MATCHING)
    return _("One action takes the first %(most)s of what matches. Do it again for the rest.", most=most)


def left_over(query: Select[Any], id_column: Any) -> bool:
    """Whether a bulk form asked for everything, and more matches than one action takes."""
    if not request.values.get("everything"):
        return False
    beyond = query.with_only_columns(id_column).order_by(None).order_by(id_column).offset(ALL_MATCHING)
    return db.session.scalar(beyond.limit(1)) is not None


def conditions_of(query: Select[Any]) -> list[ColumnElement[bool]]:
    """Hand over what narrows a list, so that a verb can export just that."""
    return [] if query.whereclause is None else [query.whereclause]


def csv_file(rows: Iterable[Row], name: str) -> Response:
    """Answer with rows as a CSV file, line by line; no cache keeps it."""
    lines = stream_with_context(csv_lines(rows))
    answer = Response(lines, content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return never_store(answer)


def is_for(element_id: str) -> bool:
    """Tell whether htmx will put the answer in place of this element: a row, not a dialog."""
    return request.headers.get("HX-Target", "").rpartition("#")[2] == element_id


def _plain(text: str) -> str:
    kept = "".join(c for c in text if unicodedata.category(c)[0] != "C")
    return kept.strip()[:LONGEST_FILTER].strip()


def _sort_asked(sorting: Sorting) -> tuple[str, str]:
    sort = request.args.get("sort", "")
    if sort not in sorting.columns:
        return _sort_by_default(sorting)
    return sort, "desc" if request.args.get("direction") == "desc" else "asc"


def _sort_by_default(sorting: Sorting) -> tuple[str, str]:
    return sorting.default, "desc" if sorting.starts_descending else "asc"


def _count(query: Select[Any], sorting: Sorting) -> Label[int]:
    """Count all that matches, as one column more of the page: so the database is asked once."""
    some = query.with_only_columns(sorting.id_column).order_by(None).limit(COUNTED + 1).subquery()
    return select(func.count()).select_from(some).scalar_subquery().label("count_")


def _read_page(listing: Listing, query: Select[Any], sorting: Sorting, counting: Select[Any]) -> None:
    falls = listing.direction == "desc"
    order = keyset.Order(listing.sort, sorting.columns[listing.sort], sorting.id_column, falls)
    before, after = request.args.get("before"), request.args.get("after")
    counted = query.add_columns(_count(counting, sorting))
    found = keyset.read_page(counted, order, before=before, after=after)
    listing.rows, listing.previous_cursor, listing.next_cursor = found
    listing.count = found.rows[0].count_ if found.rows else 0
