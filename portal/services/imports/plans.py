"""What an import will do: which columns, which rows, into which stores."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from portal.errors import Refused
from portal.models.merchant import Merchant
from portal.services.imports.fields import CUSTOMERS, ORDERS, PRODUCTS, STORES, TEAM, Fields
from portal.services.imports.matching import column_called, match, refuse_unknown
from portal.services.imports.tables import Line, Table
from portal.words import _

KINDS: Mapping[str, Fields] = {
    "stores": STORES,
    "team": TEAM,
    "products": PRODUCTS,
    "customers": CUSTOMERS,
    "orders": ORDERS,
}
ALL_STORES = "*"


@dataclass(frozen=True)
class Plan:
    """One import, ready to run in the merchant's scope.

    Of customers and orders: `dates` says which way round 3/4/2026 is meant, `cards` are the columns with
    numbers of old cards, `group_by` those that say which lines are one basket, `is_numbered_by_store`
    whether stores may have the same numbers, `is_earning` whether points are posted; `source_hash` knows
    the same import again, and `said` is what was typed for it; `spares` are columns that fill a field
    where its own is blank.
    """

    kind: str
    merchant: Merchant
    table: Table
    columns: Mapping[str, int]
    store: str | None = None
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    where: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    dates: str | None = None
    cards: tuple[int, ...] = ()
    group_by: tuple[int, ...] = ()
    is_numbered_by_store: bool = False
    is_earning: bool = False
    file_name: str | None = None
    source_hash: str = ""
    said: Mapping[str, Any] = field(default_factory=dict)
    spares: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def fields(self) -> Fields:
        """The fields rows of this kind have."""
        return KINDS[self.kind]

    @property
    def unused(self) -> list[str]:
        """Name the columns that fill nothing."""
        spares = (at for spares in self.spares.values() for at in spares)
        used = {*self.columns.values(), *self.where, *self.cards, *self.group_by, *spares}
        return [column for at, column in enumerate(self.table.columns) if column and at not in used]

    @property
    def chosen(self) -> str:
        """Name what rows must hold to be taken; empty when all are."""
        words = [(self.table.columns[at], values.values()) for at, values in self.where.items()]
        return _(" and ").join(f"{column} = {_(' or ').join(values)}" for column, values in words)

    def wants(self, line: Line) -> bool:
        """Whether the row is among those chosen."""
        return all(line.cells[at].casefold() in values for at, values in self.where.items())

    def read(self, line: Line) -> tuple[dict[str, Any], list[str]]:
        """Read the row's cells into fields, blank ones left out, and say what cannot be understood."""
        values, faults = {}, []
        for name, text in self._texts(line):
            try:
                values[name] = self.fields[name].read(text)
            except Refused as fault:
                faults.append(fault.message)
        return values, faults

    def text(self, line: Line, name: str) -> str:
        """Read the cell of a field as it is meant; empty without a column."""
        at = self.columns.get(name)
        text = "" if at is None else line.cells[at]
        if not text and name in self.spares:
            text = next((line.cells[spare] for spare in self.spares[name] if line.cells[spare]), "")
        meant = self.values.get(name)
        return meant.get(text.casefold(), text) if meant else text

    def _texts(self, line: Line) -> Iterator[tuple[str, str]]:
        for name in self.columns:
            text = self.text(line, name)
            if text:
                yield name, text


def plan(
    kind: str,
    merchant: Merchant,
    table: Table,
    *,
    store: str | None = None,
    maps: Mapping[str, str] | None = None,
    values: Sequence[tuple[str, str, str]] = (),
    where: Sequence[tuple[str, str]] = (),
) -> Plan:
    """Settle an import of "stores", "team" or "products" before its first row.

    `store` is a store's code or ALL_STORES; without it a column says which. `maps` names a column
    for a field, `values` replaces a cell's text (field, from, to), `where` chooses rows (column,
    value); several values of one column are alternatives.
    Raises Refused("unknown_field", "unknown_column", "ambiguous", "no_store", "no_column",
    "not_everywhere").
    """
    fields = KINDS[kind]
    columns = match(fields, table.columns, maps or {}, kind=kind)
    if kind != "stores" and store is None and "store" not in columns:
        message = _("No column says which store. Choose a store, or all, or map “store” to a column.")
        raise Refused("no_store", message)
    if kind == "team" and store == ALL_STORES:  # one external_ref is one membership, in one store
        message = _(
            "A team is not imported into all stores. Import store by store, or map “store” to a column."
        )
        raise Refused("not_everywhere", message)
    if store is not None:
        columns.pop("store", None)  # said by whoever imports, not by the file
    replaced = replacements(fields, columns, values, kind=kind)
    return Plan(kind, merchant, table, columns, store, replaced, chosen_rows(table, where))


def replacements(
    fields: Fields,
    columns: Mapping[str, int],
    values: Sequence[tuple[str, str, str]],
    *,
    kind: str,
) -> dict[str, dict[str, str]]:
    """Read which texts of a field mean others; raises Refused("unknown_field", "no_column")."""
    replaced: dict[str, dict[str, str]] = {}
    for name, old, new in values:
        refuse_unknown(name, fields, kind=kind)
        if name not in columns:
            message = _(
                "No column fills “%(name)s”, so its values cannot be replaced. Map it to one.", name=name
            )
            raise Refused("no_column", message)
        replaced.setdefault(name, {})[old.strip().casefold()] = new.strip()
    return replaced


def chosen_rows(table: Table, where: Sequence[tuple[str, str]]) -> dict[int, dict[str, str]]:
    """Read which rows are meant, by column, whatever their case.

    Raises Refused("unknown_column", "ambiguous").
    """
    chosen: dict[int, dict[str, str]] = {}
    for column, value in where:
        at = column_called(column, table.columns)
        chosen.setdefault(at, {})[value.strip().casefold()] = value.strip()
    return chosen
