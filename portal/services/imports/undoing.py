"""Taking an import back: the ledger gets reversing rows, what was made goes to the trash.

Nothing of the ledger is removed. What was used since, in a way that cannot be taken back, refuses the
whole undo before it begins. A chunk is one transaction; cut off, the same undo goes on.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial

from sqlalchemy import select

from portal.errors import Refused
from portal.extensions import db
from portal.models.actor import Actor
from portal.models.import_batch import ImportBatch
from portal.models.merchant import Merchant
from portal.services import audit
from portal.services.imports.batches import counts_of
from portal.services.imports.undoing_customers import CustomersUndone
from portal.services.imports.undoing_orders import OrdersUndone
from portal.words import _

Counts = Counter[str]
Unit = Callable[[Callable[[], list[Counts]]], list[Counts]]
WAYS: dict[str, type[OrdersUndone | CustomersUndone]] = {
    "orders": OrdersUndone,
    "customers": CustomersUndone,
}


def batch_numbered(merchant: Merchant, number: int) -> ImportBatch:
    """Find a batch of the merchant by its number; raises Refused("unknown_batch")."""
    batch = db.session.scalar(ImportBatch.of(merchant).where(ImportBatch.id == number))
    if batch is None:
        told = {"number": number, "name": merchant.name}
        raise Refused("unknown_batch", _("There is no import %(number)s of %(name)s.", **told))
    return batch


def undo(batch: ImportBatch, *, by: Actor, now: datetime, unit: Unit) -> Iterator[Counts]:
    """Take a batch back, in the merchant's scope, and yield what each chunk of it came to.

    Nothing is committed here: `unit` does the work of one chunk and may do it again after a rollback.
    Raises Refused("undone", "used_since") before anything is changed.
    """
    way = WAYS[batch.kind](batch.merchant_id, batch.id, by=by, now=now)
    yield from unit(partial(_begin, way))
    while found := unit(way.take_some):
        yield from found
    yield from unit(partial(_end, way))


def made_count(batch: ImportBatch) -> int:
    """Count what there may be to take back."""
    counts = counts_of(batch)
    return counts.get("new", 0) + counts.get("updated", 0)


def _begin(way: OrdersUndone | CustomersUndone) -> list[Counts]:
    batch = _locked(way)
    if batch.status == "undone":
        raise Refused("undone", _("This import was taken back already."))
    way.refuse_if_used()
    batch.status = "undoing"
    return [Counter()]


def _end(way: OrdersUndone | CustomersUndone) -> list[Counts]:
    batch = _locked(way)
    batch.status, batch.finished_at = "undone", way.now
    counts = {name: count for name, count in way.counts().items() if count}
    audit.note(
        "undo_import",
        (batch.kind, None),
        merchant_id=batch.merchant_id,
        by=way.by,
        batch_id=batch.id,
        **counts,
    )
    return [Counter()]


def _locked(way: OrdersUndone | CustomersUndone) -> ImportBatch:
    mine = (ImportBatch.merchant_id == way.merchant_id, ImportBatch.id == way.batch_id)
    return db.session.scalars(select(ImportBatch).where(*mine).with_for_update()).one()
