"""Emptying: a root goes for good with all its dead descendants, children first.

Rows that history points at are emptied of what they said, and kept. Section 6 of the specification.
"""

from contextlib import nullcontext
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, String, Table, and_, cast, delete, false, literal, or_, select, update

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models.actor import Actor
from portal.models.deletion import Deletion
from portal.models.ownership import Rule, below, edges_to, table_of
from portal.models.tenancy import PLATFORM, across_merchants
from portal.services import audit
from portal.services.trash import rows
from portal.services.trash.names import CLASSES, word
from portal.words import _

CHUNK = 1_000
NAMED_AFTER_PEOPLE = ("users", "customers", "store_users", "merchant_owners")  # their acts forget the name


def due_for_purge(now: datetime, limit: int = CHUNK) -> list[Deletion]:
    """Find acts of the merchant in scope whose time is over; another purge at work is stepped around."""
    due = (Deletion.status == "done", Deletion.hold.is_(False), Deletion.purge_after <= now)
    top = Deletion.parent_id.is_(None)  # the parts of a person's deletion go with it
    query = select(Deletion).where(*due, top).order_by(Deletion.purge_after, Deletion.id).limit(limit)
    return list(db.session.scalars(query.with_for_update(skip_locked=True)))


def purge(act: Deletion, *, by: Actor, now: datetime) -> None:
    """Remove the act's root with all its dead descendants, in one go.

    Raises Refused("on_hold", "protected", "part"), Conflict("in_progress").
    """
    above = act.merchant_id == PLATFORM
    with across_merchants(db.session, "a person may work for several merchants") if above else nullcontext():
        start_purge(act, by=by)
        while not purge_some(act, now=now):
            pass
        rows.forget()


def start_purge(act: Deletion, *, by: Actor) -> None:
    """Say that the act is being purged: from now on nothing of it can be restored."""
    db.session.flush()
    db.session.refresh(act, with_for_update=True)
    if act.status in ("purging", "purged"):
        return
    if act.hold:
        raise Refused("on_hold", _("This is on hold and may not be purged. Lift the hold first."))
    if act.parent_id is not None:
        raise Refused("part", _("This is part of a person's deletion. Purge the person instead."))
    if act.status != "done":
        raise Conflict("in_progress", _("This is not in the trash, or still in progress."))
    _refuse_if_protected(act)
    _refuse_if_part_is_held(act)
    act.status = "purging"
    audit.record_act("purge", act, by=by)
    db.session.flush()


def purge_some(act: Deletion, *, now: datetime, limit: int = CHUNK) -> bool:
    """Remove up to `limit` rows more, deepest first; True when the act is finished or was never begun."""
    if act.status != "purging":
        return True
    root = table_of(act.root_kind)
    for merchant_id in rows.merchant_ids_of(act):
        for table in reversed(below(root)[1:]):
            ids = _doomed(act, table, merchant_id, limit)
            if ids:
                _remove(table, ids, merchant_id, now)
                return False
    _remove(root, [act.root_id], act.merchant_id, now)
    act.status, act.purged_at = "purged", now
    db.session.flush()
    return True


def _doomed(act: Deletion, table: Table, merchant_id: int, limit: int) -> list[int]:
    """Dead descendants in one merchant, whatever deletion killed them, not yet emptied."""
    inside = rows.under(table, table_of(act.root_kind), act.root_id, merchant_id)
    dead = and_(inside, table.c.deletion_id.is_not(None), table.c.purged_at.is_(None))
    return rows.ids_of(select(table.c.id).where(dead).order_by(table.c.id).limit(limit))


def _remove(table: Table, ids: list[int], merchant_id: int, now: datetime) -> None:
    """Take the parts away, empty what history points at, remove the rest, and keep the books."""
    these = and_(rows.of_merchant(table, merchant_id), table.c.id.in_(ids))
    for edge in edges_to(table):
        if edge.rule is Rule.PART:
            parts = and_(_of_child(edge.child, table, merchant_id), edge.key.in_(ids))
            db.session.execute(delete(edge.child).where(parts), execution_options=rows.DEAD_TOO)
    keep_the_books(table, these, merchant_id, now)
    kept = rows.ids_of(select(table.c.id).where(these, _is_pinned(table, merchant_id)))
    if kept:
        scrub(table, kept, merchant_id, now)
    gone = [row_id for row_id in ids if row_id not in set(kept)]
    if gone:
        these = and_(rows.of_merchant(table, merchant_id), table.c.id.in_(gone))
        db.session.execute(delete(table).where(these), execution_options=rows.DEAD_TOO)


def _of_child(child: Table, parent: Table, merchant_id: int) -> ColumnElement[bool]:
    if parent.name == "users":
        return child.c.id.is_not(None)
    return rows.of_merchant(child, merchant_id)


def _is_pinned(table: Table, merchant_id: int) -> ColumnElement[bool]:
    """Whether any row, living, dead or append-only, still points at it."""
    arms = []
    for edge in edges_to(table):
        child = edge.child.alias(f"by_{edge.column}")
        points = child.c[edge.column] == table.c.id
        if edge.child is table:
            points = and_(points, child.c.id != table.c.id)
        if "merchant_id" in table.c or table.name == "merchants":
            points = and_(points, child.c.merchant_id == merchant_id)
        arms.append(select(child.c.id).where(points).exists())
    return or_(false(), *arms)


def scrub(table: Table, ids: list[int], merchant_id: int, now: datetime) -> None:
    """Write "deleted product #12" where a name stood; keep deleted_at and deletion_id."""
    for row_id in ids:
        written = {
            column: value.format(id=row_id) if isinstance(value, str) else value
            for column, value in CLASSES[table].scrubs.items()
        }
        rows.change(table, rows.is_row(table, row_id, merchant_id), written | {"purged_at": now})


def keep_the_books(table: Table, these: ColumnElement[bool], merchant_id: int, now: datetime) -> None:
    """Note in every act concerned how many of its rows have left, and which acts lost their root."""
    departing = rows.read(select(table.c.deletion_id, table.c.id).where(these)).all()
    left: dict[int, int] = {}
    for deletion_id, _row_id in departing:
        left[deletion_id] = left.get(deletion_id, 0) + 1
    acts = _acts(merchant_id if table.name != "users" else PLATFORM, list(left))
    for act in acts:
        act.departed = rows.add_up(act.departed, table.name, left[act.id])
    roots = [row_id for _, row_id in departing]
    rootless = (Deletion.root_kind == table.name, Deletion.root_id.in_(roots))
    mine = () if table.name == "users" else (Deletion.merchant_id == merchant_id,)
    over = (*rootless, *mine, Deletion.status.in_(("done", "purging")))
    db.session.flush()
    values = {"status": "purged", "purged_at": now}
    db.session.execute(update(Deletion).where(*over).values(values))
    if table.name in NAMED_AFTER_PEOPLE:
        number = literal("#") + cast(Deletion.root_id, String)
        label = {"root_label": number, "label_key": number}
        db.session.execute(update(Deletion).where(*rootless, *mine).values(label))


def _acts(merchant_id: int, ids: list[int]) -> Any:
    query = select(Deletion).where(Deletion.merchant_id == merchant_id, Deletion.id.in_(ids))
    return db.session.scalars(query.with_for_update().execution_options(populate_existing=True))


def _refuse_if_part_is_held(act: Deletion) -> None:
    """A hold keeps what it holds, whichever owner's purge would take it."""
    root = table_of(act.root_kind)
    for merchant_id in rows.merchant_ids_of(act):
        held = select(Deletion.id).where(Deletion.merchant_id == merchant_id, Deletion.hold)
        for table in below(root):
            inside = rows.under(table, root, act.root_id, merchant_id)
            if rows.read(select(table.c.id).where(inside, table.c.deletion_id.in_(held)).limit(1)).first():
                message = _(
                    "Some of its %(things)s are on hold. Lift that hold first.", things=word(table, 2)
                )
                raise Refused("on_hold", message)


def _refuse_if_protected(act: Deletion) -> None:
    root = table_of(act.root_kind)
    for table in below(root):
        for edge in edges_to(table):
            if edge.rule is not Rule.PROTECT:
                continue
            inside = select(table.c.id).where(rows.under(table, root, act.root_id, act.merchant_id))
            held = and_(edge.key.in_(inside), rows.of_merchant(edge.child, act.merchant_id))
            if rows.read(select(edge.child.c.id).where(held).limit(1)).first():
                need = word(edge.child, 2).capitalize()
                raise Refused("protected", _("%(things)s still need it. Purge them first.", things=need))
