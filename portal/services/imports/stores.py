"""Importing stores: known by their reference elsewhere, or else by their code."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from portal.errors import Refused
from portal.models.store import Store
from portal.models.text import fold_code
from portal.services import stores
from portal.services.imports.writing import (
    Key,
    Row,
    Writer,
    differing,
    leaving_out_taken,
    living,
    rows_known,
    values_of,
)
from portal.words import _, later

OPTIONAL = frozenset({"subdomain"})
NEEDS = {
    ("name",): later("A new store needs a name."),
    ("store_code",): later("A new store needs a store_code."),
    ("name", "store_code"): later("A new store needs a name and a store_code."),
}


class StoreWriter(Writer):
    """Opens and changes stores."""

    def known(self, rows: list[Row]) -> Iterator[tuple[Key, Any]]:
        """Index stores by reference and by code."""
        refs, codes = values_of(rows, "external_ref"), values_of(rows, "store_code")
        codes = {fold_code(code) for code in codes}
        same = (Store.external_ref.in_(refs), Store.store_code.in_(codes))
        for store in rows_known(Store, self.plan.merchant.id, *same):
            yield ("external_ref", store.external_ref), store
            yield ("store_code", store.store_code), store

    def write(self, row: Row) -> Iterator[str]:
        """Open the store, or change what differs."""
        found = self.once(_key(row), row)
        alive = living(found)
        if found and not alive:
            yield row.skip(found[-1])
        elif alive:
            change = partial(stores.change_store, alive[0], by=self.by)
            changed = leaving_out_taken(change, differing(alive[0], row.values), optional=OPTIONAL, row=row)
            yield "updated" if changed else "unchanged"
        else:
            _open(self, row)
            yield "new"


def _key(row: Row) -> Key:
    if "external_ref" in row.values:
        return ("external_ref", row.values["external_ref"])
    if "store_code" in row.values:
        return ("store_code", fold_code(row.values["store_code"]))
    raise Refused("no_identity", _("The row has neither an external_ref nor a store_code."))


def _open(writer: StoreWriter, row: Row) -> None:
    missing = [name for name in ("name", "store_code") if name not in row.values]
    if missing:
        raise Refused("missing", str(NEEDS[tuple(missing)]))
    opening = partial(stores.open_store, writer.plan.merchant, by=writer.by)
    leaving_out_taken(opening, row.values, optional=OPTIONAL, row=row)
