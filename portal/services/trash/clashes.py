"""Values taken meanwhile: what stands in the way of a restore, and giving new values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Index,
    Select,
    String,
    Table,
    and_,
    cast,
    literal_column,
    null,
    select,
    union_all,
)

from portal.errors import Refused
from portal.extensions import db
from portal.models.actor import Actor, Role
from portal.models.deletion import Deletion
from portal.models.field_words import field_word
from portal.models.ownership import below, table_of
from portal.models.soft_delete import LIVE
from portal.models.tenancy import across_merchants
from portal.services.trash import rows
from portal.services.trash.names import CLASSES, label_column, named, word
from portal.words import _

Overrides = Mapping[str, str | None]
COLUMNS = ("place", "row_id", "holder_id", "value", "tenant", "name", "holder_name")
NO_NUMBER, NO_TEXT = cast(null(), BigInteger), cast(null(), String)


@dataclass(frozen=True)
class Clash:
    """One value of a dead row that a living row holds now. `holder` is empty for strangers' rows."""

    kind: str
    row_id: int
    label: str
    field: str
    value: str
    holder: str
    holder_id: int | None
    can_change: bool
    can_clear: bool

    @property
    def key(self) -> str:
        """Where a new value for it goes, in forms and JSON: stores-12-store_code."""
        return f"{self.kind}-{self.row_id}-{self.field}"

    @property
    def sentence(self) -> str:
        """Say what is taken, and by whom."""
        if not self.can_change:
            return _("%(holder)s has taken its place.", holder=self.holder or _("Another one"))
        told = {"field": field_word(self.field), "value": self.value, "thing": self.label}
        if not self.holder:
            return _("The %(field)s “%(value)s” of %(thing)s is taken now.", **told)
        return _(
            "The %(field)s “%(value)s” of %(thing)s is taken now by %(holder)s.", holder=self.holder, **told
        )


class Unique(NamedTuple):
    """Something that must be unique among the living, and its place among the questions."""

    place: int
    table: Table
    on: Index

    @property
    def column(self) -> Any:
        """The column whose value may be taken."""
        return list(self.on.columns)[-1]

    @property
    def is_inside(self) -> bool:
        """Whether it need be unique only inside its merchant."""
        return "merchant_id" in self.on.columns


def clashes_of(act: Deletion, by: Actor) -> list[Clash]:
    """List every value of the act's rows that a living row holds."""
    pairs = [(t, i) for t in below(table_of(act.root_kind)) for i in _live_uniques(t)]
    uniques = [Unique(place, *pair) for place, pair in enumerate(pairs)]
    found = _read([(_taken_here if each.is_inside else _any_value)(act, each) for each in uniques])
    above = sorted({row.place for row in found if row.holder_id is None})
    if above:
        with across_merchants(db.session, "these values are unique on the whole platform"):
            found += _read([_taken(act, uniques[place]) for place in above])
    taken = [row for row in found if row.holder_id is not None]
    taken.sort(key=lambda row: (row.place, row.row_id))
    return [_clash(act, by, uniques[row.place], row) for row in taken]


def _live_uniques(table: Table) -> list[Index]:
    ours = [i for i in table.indexes if i.unique and LIVE in str(i.dialect_kwargs["sqlite_where"])]
    return sorted(ours, key=lambda index: str(index.name))


def _read(arms: list[Select[Any]]) -> list[Any]:
    """Ask for all of them in one statement."""
    return list(rows.read(union_all(*arms))) if arms else []


def _taken_here(act: Deletion, unique: Unique) -> Select[Any]:
    """Look among the merchant's own rows, unless none of them lives: then the dead are not even read."""
    table = unique.table
    living = and_(rows.of_merchant(table, act.merchant_id), table.c.deleted_at.is_(None))
    return _taken(act, unique).where(select(table.c.id).where(living).exists())


def _any_value(act: Deletion, unique: Unique) -> Select[Any]:
    """Whether there is a value at all to look for among all merchants."""
    dead = unique.table.alias("dead")
    value = dead.c[unique.column.name]
    some = select(dead.c.id).where(_of_act(act, dead), value.is_not(None)).limit(1).subquery()
    return _row(unique, some.c.id, NO_NUMBER, NO_TEXT, NO_NUMBER, NO_TEXT, NO_TEXT)


def _taken(act: Deletion, unique: Unique) -> Select[Any]:
    dead, live = unique.table.alias("dead"), unique.table.alias("live")
    same = (dead.c[column.name] == live.c[column.name] for column in unique.on.columns)
    label = label_column(unique.table)
    names = [cast(each.c[label.name], String) if label is not None else NO_TEXT for each in (dead, live)]
    tenant = live.c.merchant_id if "merchant_id" in live.c else live.c.id
    value = cast(dead.c[unique.column.name], String)
    query = _row(unique, dead.c.id, live.c.id, value, tenant, *names)
    return query.select_from(dead.join(live, and_(*same, live.c.deleted_at.is_(None)))).where(
        _of_act(act, dead)
    )


def _row(unique: Unique, *columns: Any) -> Select[Any]:
    named_so = zip(COLUMNS, (literal_column(str(unique.place)), *columns), strict=True)
    return select(*(column.label(name) for name, column in named_so))


def _of_act(act: Deletion, dead: Any) -> ColumnElement[bool]:
    return and_(dead.c.deletion_id == act.id, rows.of_merchant(dead, act.merchant_id))


def _clash(act: Deletion, by: Actor, unique: Unique, row: Any) -> Clash:
    table, column = unique.table, unique.column
    known = by.role is Role.ADMIN or (row.tenant == act.merchant_id and table.name != "users")
    return Clash(
        kind=table.name,
        row_id=row.row_id,
        label=named(table, row.name),
        field=column.name,
        value=row.value,
        holder=_holder(table, row.holder_name) if known else "",
        holder_id=row.holder_id if known else None,
        can_change=not column.foreign_keys,
        can_clear=bool(column.nullable),
    )


def _holder(table: Table, name: Any) -> str:
    return named(table, name) if name else _("another %(thing)s", thing=word(table))


def part_values(act: Deletion, overrides: Overrides) -> tuple[Overrides, Overrides]:
    """Part new values into those of the act's own rows and those of others, such as its owner's."""
    mine = {key: value for key, value in overrides.items() if _is_of(act, key)}
    return mine, {key: value for key, value in overrides.items() if key not in mine}


def _is_of(act: Deletion, key: str) -> bool:
    kind, row_id, _field = _parse(key)
    if kind not in _kinds(act):
        return False
    table = table_of(kind)
    row = rows.is_row(table, row_id, act.merchant_id)
    return rows.read(select(table.c.id).where(row, table.c.deletion_id == act.id)).first() is not None


def give_new_values(act: Deletion, overrides: Overrides) -> None:
    """Write new values into the act's dead rows; the noun's own rules check and fold them.

    Keys as in Clash.key. Raises Refused for a field that is not one a restore may change.
    """
    for key, value in overrides.items():
        kind, row_id, field = _parse(key)
        model = CLASSES.get(table_of(kind)) if kind in _kinds(act) else None
        if model is None or field not in changeable(table_of(kind)):
            raise _no_value(key)
        mine = (model.id == row_id, model.deletion_id == act.id)
        row = db.session.scalars(_of(model, act).where(*mine), execution_options=rows.DEAD_TOO).one_or_none()
        if row is None:
            raise Refused("bad_override", _("“%(key)s” is not part of this deletion.", key=key), key=key)
        if not value and not model.__table__.c[field].nullable:
            message = _("The %(field)s cannot be left out.", field=field_word(field))
            raise Refused("bad_override", message, key=key)
        setattr(row, field, value or None)
    db.session.flush()  # the values are compared by the database


def changeable(table: Table) -> set[str]:
    """Name the fields whose values are unique among the living, keys to other rows apart."""
    last = [list(index.columns)[-1] for index in _live_uniques(table)]
    return {column.name for column in last if not column.foreign_keys}


def _kinds(act: Deletion) -> set[str]:
    return {table.name for table in below(table_of(act.root_kind))}


def _of(model: Any, act: Deletion) -> Any:
    query = select(model)
    return query.where(model.merchant_id == act.merchant_id) if hasattr(model, "merchant_id") else query


def _no_value(key: str) -> Refused:
    return Refused("bad_override", _("“%(key)s” is no value that can be changed here.", key=key), key=key)


def _parse(key: str) -> tuple[str, int, str]:
    kind, _, rest = key.partition("-")
    row_id, _, field = rest.partition("-")
    if not row_id.isdecimal():
        raise _no_value(key)
    return kind, int(row_id), field
