"""Writing down who did what."""

from contextvars import ContextVar
from typing import Any

from portal.extensions import db
from portal.models.actor import Actor
from portal.models.deletion import Deletion
from portal.models.records import AuditEntry
from portal.models.tenancy import ACROSS, PLATFORM, scoped

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""Set by the doors, so that an entry can be found again in the logs."""


def record(action: str, row: Any, *, by: Actor, **details: Any) -> None:
    """Note an act on a row: ids and field names only, never names, contacts or secrets."""
    table = row.__table__
    note(
        action,
        (table.name, row.id),
        merchant_id=row.id if table.name == "merchants" else getattr(row, "merchant_id", PLATFORM),
        store_id=row.id if table.name == "stores" else getattr(row, "store_id", None),
        by=by,
        **details,
    )


def note(
    action: str,
    subject: tuple[str, int | None],
    *,
    merchant_id: int,
    by: Actor,
    store_id: int | None = None,
    **details: Any,
) -> AuditEntry:
    """Note an act on a subject given as (kind, id)."""
    entry = AuditEntry(
        merchant_id=merchant_id,
        actor_id=by.user_id,
        actor_role=by.role.word,
        channel=by.channel,
        action=f"{subject[0]}.{action}",
        subject_kind=subject[0],
        subject_id=subject[1],
        store_id=store_id,
        details=details,
        request_id=request_id.get(),
    )
    if db.session.info.get("scope") in (merchant_id, ACROSS):
        db.session.add(entry)
    else:
        with scoped(db.session, merchant_id):  # an act above merchants, or from outside one
            db.session.add(entry)
    return entry


def record_act(action: str, act: Deletion, *, by: Actor) -> None:
    """Note what was done with a deletion, in the merchant it belongs to."""
    note(
        action,
        (act.root_kind, act.root_id),
        merchant_id=act.merchant_id,
        store_id=act.store_id,
        by=by,
        deletion_id=act.id,
    )


def note_batch(kind: str, deletion_ids: list[int], *, merchant_id: int, by: Actor) -> int:
    """Note which deletions one bulk action made; returns the number by which Undo finds them again."""
    entry = note("delete_many", (kind, None), merchant_id=merchant_id, by=by, deletion_ids=deletion_ids)
    db.session.flush()  # its id goes into the answer
    return entry.id
