"""Values taken meanwhile: what stands in the way of a restore, and giving new values."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Index, Table, and_, select

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


def clashes_of(act: Deletion, by: Actor) -> list[Clash]:
    """List every value of the act's rows that a living row holds."""
    found: list[Clash] = []
    for table in below(table_of(act.root_kind)):
        for index in _live_uniques(table):
            if "merchant_id" not in index.columns:
                with across_merchants(db.session, "this value is unique on the whole platform"):
                    found.extend(_taken(act, table, index, by))
            elif _has_living(table, act.merchant_id):
                found.extend(_taken(act, table, index, by))
    return found


def _live_uniques(table: Table) -> list[Index]:
    ours = [i for i in table.indexes if i.unique and LIVE in str(i.dialect_kwargs["sqlite_where"])]
    return sorted(ours, key=lambda index: str(index.name))


def _has_living(table: Table, merchant_id: int) -> bool:
    living = and_(rows.of_merchant(table, merchant_id), table.c.deleted_at.is_(None))
    return rows.read(select(table.c.id).where(living).limit(1)).first() is not None


def _taken(act: Deletion, table: Table, index: Index, by: Actor) -> Iterator[Clash]:
    columns = list(index.columns)
    dead, live = table.alias("dead"), table.alias("live")
    same = and_(*(dead.c[c.name] == live.c[c.name] for c in columns))
    mine = and_(dead.c.deletion_id == act.id, rows.of_merchant(dead, act.merchant_id))  # type: ignore[arg-type]  # works as a column
    label = label_column(table)
    names = [dead.c[label.name], live.c[label.name]] if label is not None else [dead.c.id, live.c.id]
    tenant = live.c.merchant_id if "merchant_id" in live.c else live.c.id
    query = (
        select(dead.c.id, live.c.id, dead.c[columns[-1].name], tenant, *names)
        .select_from(dead.join(live, and_(same, live.c.deleted_at.is_(None))))
        .where(mine)
    )
    for row_id, holder_id, value, holder_tenant, name, holder_name in rows.read(query):
        known = by.role is Role.ADMIN or (holder_tenant == act.merchant_id and table.name != "users")
        yield Clash(
            kind=table.name,
            row_id=row_id,
            label=named(table, name if label is not None else None),
            field=columns[-1].name,
            value=str(value),
            holder=_holder(table, holder_name if label is not None else None) if known else "",
            holder_id=holder_id if known else None,
            can_change=not columns[-1].foreign_keys,
            can_clear=bool(columns[-1].nullable),
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
            raise Refused("bad_override", _("“%(key)s” is not part of this deletion.", key=key))
        if not value and not model.__table__.c[field].nullable:
            message = _("The %(field)s cannot be left out.", field=field_word(field))
            raise Refused("bad_override", message)
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
    return Refused("bad_override", _("“%(key)s” is no value that can be changed here.", key=key))


def _parse(key: str) -> tuple[str, int, str]:
    kind, _, rest = key.partition("-")
    row_id, _, field = rest.partition("-")
    if not row_id.isdecimal():
        raise _no_value(key)
    return kind, int(row_id), field
