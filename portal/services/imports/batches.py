"""Batches: what an import made, row by row, so that it can be resumed and taken back."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import case, delete, func, insert, select

from portal.extensions import db
from portal.models.actor import Actor
from portal.models.import_batch import ImportBatch, ImportRow
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.models.merchant import Merchant
from portal.services import audit
from portal.services.imports.plans import Plan
from portal.services.imports.resuming import refuse_beside_unfinished


class Made(NamedTuple):
    """One row of a batch about to be written down; `before` is `{field: [what it was, what it is]}`."""

    key: str
    line: int
    fate: str
    kind: str | None = None
    id: int | None = None
    code: str | None = None
    message: str | None = None
    before: dict[str, Any] | None = None


def hold(plan: Plan, *, by: Actor, now: datetime) -> ImportBatch:
    """Lock the batch this import left unfinished, or begin one: the same import goes on where it was.

    Raises Refused("unfinished_import") beside another one of its kind.
    """
    mine = (
        ImportBatch.merchant_id == plan.merchant.id,
        ImportBatch.kind == plan.kind,
        ImportBatch.source_hash == plan.source_hash,
        ImportBatch.status == "running",
    )
    found = db.session.scalars(select(ImportBatch).where(*mine).with_for_update()).first()
    if found is None:
        refuse_beside_unfinished(plan)
        found = _begin(plan, by=by, now=now)
    return found


def _begin(plan: Plan, *, by: Actor, now: datetime) -> ImportBatch:
    batch = ImportBatch(
        merchant_id=plan.merchant.id,
        kind=plan.kind,
        file_name=plan.file_name,
        source_hash=plan.source_hash,
        options={"earn": plan.is_earning, **plan.said},
        started_by_id=by.user_id,
        started_at=now,
    )
    db.session.add(batch)
    db.session.flush()  # its rows point at its id
    return batch


def unfinished(plan: Plan) -> int | None:
    """Find the batch this import left unfinished."""
    mine = (
        ImportBatch.merchant_id == plan.merchant.id,
        ImportBatch.kind == plan.kind,
        ImportBatch.source_hash == plan.source_hash,
        ImportBatch.status == "running",
    )
    return db.session.scalar(select(ImportBatch.id).where(*mine))


def known_rows(batch_id: int | None, merchant_id: int, keys: Iterable[str]) -> dict[str, ImportRow]:
    """Read what this batch wrote down already about some keys."""
    if batch_id is None:
        return {}
    mine = (ImportRow.merchant_id == merchant_id, ImportRow.batch_id == batch_id)
    found = db.session.scalars(select(ImportRow).where(*mine, ImportRow.row_key.in_(list(keys))))
    return {row.row_key: row for row in found}


def write_down(batch: ImportBatch, made: Sequence[Made]) -> None:
    """Write down what became of some rows."""
    if not made:
        return
    rows = [
        {
            "merchant_id": batch.merchant_id,
            "batch_id": batch.id,
            "row_key": row.key,
            "line": row.line,
            "fate": row.fate,
            "made_kind": row.kind,
            "made_id": row.id,
            "code": row.code,
            "message": row.message,
            "before": row.before,
        }
        for row in made
    ]
    add_rows(ImportRow, rows)


def add_rows(model: Any, rows: list[dict[str, Any]]) -> None:
    """Add many rows with one statement; empty columns are written, too, for they would part it into many."""
    if rows:
        db.session.execute(insert(model), rows, execution_options={"render_nulls": True})


def finish(plan: Plan, counts: Counter[str], *, by: Actor, now: datetime) -> ImportBatch | None:
    """Close the batch with its sums and note it; an import that changed nothing leaves none."""
    batch_id = unfinished(plan)
    if batch_id is None:
        return None
    mine = (ImportBatch.merchant_id == plan.merchant.id, ImportBatch.id == batch_id)
    if not counts["new"] and not counts["updated"]:
        _forget(plan.merchant.id, batch_id)
        return None
    batch = db.session.scalars(select(ImportBatch).where(*mine)).one()
    batch.status, batch.finished_at = "done", now
    batch.counts = {name: count for name, count in sorted(counts.items()) if count}
    audit.note(
        "import", (plan.kind, None), merchant_id=batch.merchant_id, by=by, batch_id=batch.id, **batch.counts
    )
    return batch


def _forget(merchant_id: int, batch_id: int) -> None:
    """Remove a batch that made nothing: there is nothing to take back."""
    rows = (ImportRow.merchant_id == merchant_id, ImportRow.batch_id == batch_id)
    db.session.execute(delete(ImportRow).where(*rows))
    db.session.execute(
        delete(ImportBatch).where(ImportBatch.merchant_id == merchant_id, ImportBatch.id == batch_id)
    )


def batches_of(merchant: Merchant) -> list[ImportBatch]:
    """List the merchant's imports, the newest first."""
    return list(db.session.scalars(ImportBatch.of(merchant).order_by(ImportBatch.id.desc())))


def counts_of(batch: ImportBatch) -> dict[str, int]:
    """Say what came of an import; of one that is not finished, by what its rows say."""
    if batch.counts:
        return dict(batch.counts)
    row, ledger = ImportRow, LoyaltyTransaction
    mine = (row.merchant_id == batch.merchant_id, row.batch_id == batch.id)
    kinds = func.coalesce(case((row.fate == "refused", row.code)), row.fate)
    found: dict[str | None, int] = dict(
        db.session.execute(select(kinds, func.count()).where(*mine).group_by(kinds)).all()
    )
    earned = select(func.sum(ledger.points_delta)).where(
        ledger.merchant_id == batch.merchant_id, ledger.batch_id == batch.id, ledger.type == "earn"
    )
    return {
        "new": found.get("new", 0) + found.get("kept_anonymous", 0),
        "updated": found.get("changed", 0),
        "refused": found.get("refused", 0),
        "points": int(db.session.scalar(earned) or 0),
    }


def notable_rows(batch: ImportBatch) -> Iterable[ImportRow]:
    """Read the rows of a batch about which something is to be said, a piece at a time."""
    last: int | None = 0
    while last is not None:
        mine = (ImportRow.merchant_id == batch.merchant_id, ImportRow.batch_id == batch.id)
        told = select(ImportRow).where(*mine, ImportRow.code.is_not(None), ImportRow.id > last)
        found = db.session.scalars(told.order_by(ImportRow.id).limit(500)).all()
        yield from found
        last = found[-1].id if len(found) == 500 else None
