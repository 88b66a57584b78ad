"""Who owns whom: every key to a row that can die says what its death means.

The rules are those of the specification of soft delete, section 2.
"""

from collections.abc import Iterator
from enum import Enum
from functools import cache
from graphlib import TopologicalSorter
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    and_,
    text,
)
from sqlalchemy.orm import InstrumentedAttribute, foreign

from portal.models.base import Model


class Rule(Enum):
    """What the owner's death means for the row that holds the key."""

    OWNS = "dies and returns with it"
    HISTORY = "keeps pointing, stays readable"
    PROTECT = "refuses the deletion"
    PART = "has no life of its own: read and purged with it"


class Edge(NamedTuple):
    """One classified key: child.column -> parent.id."""

    child: Table
    column: str
    parent: Table
    rule: Rule

    @property
    def key(self) -> Any:
        """The child's column that points at the parent's id."""
        return self.child.c[self.column]

    @property
    def on(self) -> ColumnElement[bool]:
        """Join child and parent inside one merchant, so that the join stays on one shard."""
        same: ColumnElement[bool] = self.key == self.parent.c.id
        if "merchant_id" not in self.parent.c:
            return same
        return and_(same, self.child.c.merchant_id == self.parent.c.merchant_id)


def global_key(target: str, rule: Rule) -> ForeignKey:
    """Point at a table that belongs to no merchant."""
    return ForeignKey(target, info={"rule": rule}, ondelete="RESTRICT")


def tenant_key(column: str, table: str, rule: Rule) -> ForeignKeyConstraint:
    """Point at a row of the same merchant; the database refuses any other."""
    return ForeignKeyConstraint(
        ["merchant_id", column],
        [f"{table}.merchant_id", f"{table}.id"],
        info={"rule": rule},
        ondelete="RESTRICT",
    )


def within(key: InstrumentedAttribute[Any], parent: Any) -> ColumnElement[bool]:
    """Join inside one merchant; only `key` is written, so relationships may share merchant_id."""
    return and_(foreign(key) == parent.id, key.class_.merchant_id == parent.merchant_id)


def is_mortal(table: Table) -> bool:
    """Tell whether rows of the table can lie in the trash."""
    return "deletion_id" in table.c


def keys_of(table: Table) -> list[ForeignKeyConstraint]:
    """List the table's foreign keys in an order that never changes; the table keeps a set."""
    return sorted(table.foreign_key_constraints, key=lambda key: list(key.column_keys))


def index_keys() -> None:
    """Give every foreign key an index of its own, unless one already begins with its columns."""
    for table in Model.metadata.sorted_tables:
        full = [i.columns.keys() for i in table.indexes if i.dialect_kwargs.get("sqlite_where") is None]
        full += [
            c.columns.keys()
            for c in table.constraints
            if isinstance(c, (UniqueConstraint, PrimaryKeyConstraint))
        ]
        for key in keys_of(table):
            columns = key.column_keys
            if any(names[: len(columns)] == columns for names in full):
                continue
            last = table.c[columns[-1]]
            where = text(f"{last.name} IS NOT NULL") if last.nullable else None
            Index(None, *(table.c[c] for c in columns), sqlite_where=where, postgresql_where=where)


def _classify(table: Table) -> Iterator[Edge]:
    for key in keys_of(table):
        if not is_mortal(key.referred_table):
            continue
        rule = key.info.get("rule") or key.elements[0].info.get("rule")
        if rule is None:
            raise RuntimeError(f"{key.name}: say OWNS, HISTORY, PROTECT or PART")
        if (rule is Rule.OWNS and not is_mortal(table)) or (rule is Rule.PART and is_mortal(table)):
            raise RuntimeError(f"{key.name}: {rule.name} does not fit {table.name}")
        yield Edge(table, key.column_keys[-1], key.referred_table, rule)


@cache
def edges() -> tuple[Edge, ...]:
    """Read the map from the metadata, in its one order; create_app calls this, so a gap stops the start."""
    return tuple(e for t in Model.metadata.sorted_tables for e in _classify(t))


@cache
def owners_of(table: Table) -> tuple[Edge, ...]:
    """Name the keys through which the table's rows die."""
    return tuple(e for e in edges() if e.child is table and e.rule is Rule.OWNS)


@cache
def needs_of(table: Table) -> tuple[Edge, ...]:
    """Name the keys whose target must live for a row to live: its owners, and what it protects."""
    return tuple(e for e in edges() if e.child is table and e.rule in (Rule.OWNS, Rule.PROTECT))


@cache
def edges_to(table: Table) -> tuple[Edge, ...]:
    """Name the keys that point at the table's rows."""
    return tuple(e for e in edges() if e.parent is table)


@cache
def outermost_first() -> tuple[Table, ...]:
    """Order the mortal tables so that owners come before what they own."""
    graph = {t: [e.parent for e in owners_of(t)] for t in Model.metadata.sorted_tables if is_mortal(t)}
    return tuple(TopologicalSorter(graph).static_order())


@cache
def below(root: Table) -> tuple[Table, ...]:
    """List everything that can die with a row of this table, owners first, the root too."""
    reached = {root}
    for table in outermost_first():
        if any(e.parent in reached for e in owners_of(table)):
            reached.add(table)
    return tuple(t for t in outermost_first() if t in reached)


def table_of(kind: str) -> Table:
    """Find the table by its name, the `root_kind` of a deletion."""
    return Model.metadata.tables[kind]
