"""Forgetting people: what lies in the trash of them is emptied, whatever deletion killed it.

The rows stay, for the ledger points at them; no restore brings them back. Specification of loyalty,
section 11, and of soft delete, section 6.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import and_, or_, select, update

from portal.extensions import db
from portal.models.deletion import Deletion
from portal.models.ownership import below, table_of
from portal.services.trash import rows
from portal.services.trash.empty import keep_the_books, scrub


def forget_people(ids: Collection[int], *, merchant_id: int, now: datetime) -> None:
    """Empty dead customers with their cards and codes, and the acts that were about them."""
    root = table_of("customers")
    people = and_(rows.of_merchant(root, merchant_id), root.c.id.in_(ids))
    for table in reversed(below(root)):
        inside = or_(*(rows.under(table, root, each, merchant_id) for each in ids))
        left = rows.ids_of(select(table.c.id).where(inside, table.c.purged_at.is_(None)))
        if left:
            these = and_(rows.of_merchant(table, merchant_id), table.c.id.in_(left))
            keep_the_books(table, these, merchant_id, now)
            scrub(table, left, merchant_id, now)
        _forget_reasons(table.name, rows.ids_of(select(table.c.id).where(inside)), merchant_id)
    rows.change(root, people, {"erased_at": now})
    rows.forget()


def _forget_reasons(kind: str, ids: Collection[int], merchant_id: int) -> None:
    about = and_(Deletion.merchant_id == merchant_id, Deletion.root_kind == kind, Deletion.root_id.in_(ids))
    db.session.execute(update(Deletion).where(about).values(reason=None))
