"""What every import shares: the stores, what is there already, and values others hold."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm.interfaces import ORMOption

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models.actor import Actor
from portal.models.field_words import field_word
from portal.models.store import Store
from portal.models.text import fold_code
from portal.services.imports.plans import ALL_STORES, Plan
from portal.words import _

Key = tuple[Any, ...]


@dataclass
class Row:
    """One readable row on its way in, and what is to be said about it."""

    number: int
    values: dict[str, Any]
    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    def skip(self, found: Any) -> str:
        """Leave alone what lies in the trash."""
        self.reasons.append(
            _("It is in the trash (deletion %(id)s). Restore it to have it back.", id=found.deletion_id)
        )
        return "skipped"


class Writer:
    """Writes the rows of one kind; `load` looks up what a chunk needs, in few queries."""

    def __init__(self, plan: Plan, *, by: Actor, now: datetime) -> None:
        self.plan, self.by, self.now = plan, by, now
        self.stores: list[Store] = []
        self.called: dict[str, Store] = {}
        self.index: dict[Key, list[Any]] = {}
        self.seen: dict[Key, int] = {}

    def begin(self) -> None:
        """Refuse a store that is not there before anything is written."""
        self.load([])
        if self.plan.store == ALL_STORES and not self.stores:
            raise Refused("unknown_store", _("There are no stores yet. Import or open them first."))
        if self.plan.store not in (None, ALL_STORES):
            self.store_called(str(self.plan.store))

    def load(self, rows: Iterable[Row]) -> None:
        """Read the merchant's stores, and index the rows that are there already."""
        self.stores = list(db.session.scalars(Store.of(self.plan.merchant).order_by(Store.id)))
        references = {store.external_ref: store for store in self.stores if store.external_ref}
        self.called = references | {store.store_code: store for store in self.stores}  # its own code first
        self.index = {}
        for key, found in self.known(list(rows)):
            self.index.setdefault(key, []).append(found)

    def known(self, rows: list[Row]) -> Iterator[tuple[Key, Any]]:
        """Yield what is there already under each key that may identify it, the dead too."""
        raise NotImplementedError

    def write(self, row: Row) -> Iterator[str]:
        """Write the row and say what became of it, once for each store it is meant for."""
        raise NotImplementedError

    def stores_for(self, row: Row) -> list[Store]:
        """Find the stores the row is meant for; raises Refused("unknown_store", "no_store")."""
        if self.plan.store == ALL_STORES:
            return self.stores
        name = self.plan.store or row.values.get("store")
        if not name:
            raise Refused("no_store", _("The row names no store."))
        return [self.store_called(name)]

    def faults(self, row: Row) -> list[str]:
        """Say what else is wrong with a row that cannot be read, so that it need be mended but once."""
        try:
            self.stores_for(row)
        except Refused as refusal:
            return [refusal.message]
        return []

    def store_called(self, name: str) -> Store:
        """Find a living store by its code, or else by its reference elsewhere."""
        found = self.called.get(fold_code(name)) or self.called.get(name)
        if found is None:
            raise Refused("unknown_store", _("There is no store “%(name)s”.", name=name))
        return found

    def once(self, key: Key, row: Row) -> list[Any]:
        """Find the rows under a key; raises Refused("twice") when an earlier line had it."""
        first = self.seen.setdefault(key, row.number)
        if first != row.number:
            raise Refused("twice", _("Line %(line)s is about the same one.", line=first))
        return self.index.get(key, [])


def rows_known(
    model: Any, merchant_id: int, *same: ColumnElement[bool], also: ORMOption | None = None
) -> list[Any]:
    """Read rows of the merchant that match one of the conditions, dead ones too, but not the emptied."""
    query = select(model).where(model.merchant_id == merchant_id, model.purged_at.is_(None), or_(*same))
    if also is not None:
        query = query.options(also)
    return list(db.session.scalars(query.order_by(model.id), execution_options={"include_deleted": True}))


def values_of(rows: Iterable[Row], field: str) -> set[Any]:
    """Collect the values of a field."""
    return {row.values[field] for row in rows if field in row.values}


def living(found: Iterable[Any]) -> list[Any]:
    """Pick those that are not in the trash."""
    return [row for row in found if not row.is_deleted]


def differing(found: Any, fields: dict[str, Any]) -> dict[str, Any]:
    """Keep the fields whose values are not there yet: a verb is called only when there is something to do."""
    return {name: value for name, value in fields.items() if getattr(found, name) != value}


def left_out(field: str, value: Any, holder: str) -> str:
    """Say that a value was left out, because somebody else has it."""
    return _(
        "The %(field)s “%(value)s” is held by %(holder)s; it was left out.",
        field=field_word(field),
        value=value,
        holder=holder or _("somebody else"),
    )


def leaving_out_taken(
    write: Callable[..., Any], fields: dict[str, Any], *, optional: frozenset[str], row: Row
) -> Any:
    """Write; an optional value that another living row holds is left out, with a warning.

    Answers what the verb answers, or None when nothing is left to write.
    """
    while fields:
        try:
            return write(**fields)
        except Conflict as taken:
            name = str(taken.details.get("field"))
            if taken.code != "taken" or name not in optional & fields.keys():
                raise
            row.warnings.append(left_out(name, fields[name], taken.holder))
            fields = {key: value for key, value in fields.items() if key != name}
    return None
