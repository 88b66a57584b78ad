"""The audit log as rows of a table, for CSV files: for reading, not for an import."""

from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement

from portal.extensions import db
from portal.models.merchant import Merchant
from portal.models.records import AuditEntry
from portal.models.tenancy import scoped
from portal.services import keyset
from portal.services.exports import PIECE, Row
from portal.services.history.entries import Entry, entries_of, entry_of

HISTORY = ("occurred_at", "person", "role", "channel", "action", "kind", "id", "name", "store", "told")


def exported(
    merchant: Merchant, *, where: Sequence[ColumnElement[bool]] = (), oldest_first: bool = False
) -> Iterator[Row]:
    """List what was done, newest first; times in UTC. The scope is open only while a piece is read."""
    yield list(HISTORY)
    order = keyset.Order("when", AuditEntry.occurred_at, AuditEntry.id, falls=not oldest_first)
    query, after = entries_of(merchant).where(*where), None
    while True:
        with scoped(db.session, merchant.id):
            piece = keyset.read_page(query, order, before=None, after=after, size=PIECE)
        yield from (_cells(entry_of(row)) for row in piece.rows)
        after = piece.next
        if after is None:
            return


def _cells(entry: Entry) -> Row:
    row = entry.row
    when = row.occurred_at.isoformat(timespec="seconds")
    name = None if entry.is_gone else entry.name
    told: Row = [when, entry.who, row.actor_role, row.channel, row.action, row.subject_kind, row.subject_id]
    return [*told, name, entry.place, entry.sentence]
