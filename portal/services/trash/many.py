"""Many acts at once, of rows that own nothing, such as products: a few statements for all."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, bindparam, select, update
from sqlalchemy.exc import IntegrityError

from portal.extensions import db
from portal.models.actor import Actor
from portal.models.deletion import Deletion
from portal.models.ownership import Rule, below, edges_to, needs_of, table_of
from portal.services import audit
from portal.services.trash import rows
from portal.services.trash.bring_back import refuse_if_not_allowed, restore
from portal.services.trash.merged import refused_as_merged, survivors_of
from portal.services.trash.throw_away import drawn_up, purge_after, soft_delete_cascade


def soft_delete_many(
    found: Sequence[Any], *, by: Actor, now: datetime, reason: str | None = None
) -> list[Deletion]:
    """Put rows of one merchant and one kind in the trash; those that are dead already are passed over.

    Rows that own others, or that others protect, go one by one; raises as soft_delete_cascade does.
    """
    if not found:
        return []
    table, merchant_id = found[0].__table__, found[0].merchant_id
    if not _owns_nothing(table):
        return [soft_delete_cascade(row, by=by, now=now, reason=reason) for row in found]
    db.session.flush()
    living = _lock_living(table, merchant_id, [row.id for row in found])
    until = purge_after(merchant_id, now)
    acts = [drawn_up(row, merchant_id, by=by, now=now, reason=reason) for row in found if row.id in living]
    for act in acts:
        act.counts, act.purge_after = {table.name: 1}, until
    db.session.add_all(acts)
    db.session.flush()  # the rows that die point at their ids
    _kill(table, acts)
    for act in acts:
        audit.record_act("delete", act, by=by)
    _forget_all_but(acts)
    return acts


def restore_many(acts: Sequence[Deletion], *, by: Actor, now: datetime) -> list[Deletion]:
    """Bring back what several acts took, all or nothing; raises as restore does for the first that cannot.

    Records merged into another are passed over and handed back, so that they can be named; where there
    is nothing else the first is refused.
    """
    survivors = survivors_of(acts)
    merged, others = [a for a in acts if a.id in survivors], [a for a in acts if a.id not in survivors]
    if merged and not others:
        raise refused_as_merged(merged[0], survivors[merged[0].id])
    if not (others and _are_alike(others) and _revive_at_once(others, by=by, now=now)):
        for act in others:
            restore(act, by=by, now=now)
    return merged


def _are_alike(acts: Sequence[Deletion]) -> bool:
    """Whether they took rows of one kind that own nothing, and all wait in the trash."""
    kinds = {(act.merchant_id, act.root_kind, act.parent_id, act.status) for act in acts}
    table = table_of(acts[0].root_kind)
    return _owns_nothing(table) and kinds == {(acts[0].merchant_id, table.name, None, "done")}


def _revive_at_once(acts: Sequence[Deletion], *, by: Actor, now: datetime) -> bool:
    """Bring all back with one statement; False when something stands in the way, and nothing is changed."""
    merchant_id, ids = acts[0].merchant_id, [act.id for act in acts]
    table = table_of(acts[0].root_kind)
    for act in acts:
        refuse_if_not_allowed(act, by)
    if _lock_done(merchant_id, ids) != len(ids) or _has_dead_owner(table, merchant_id, ids):
        return False
    try:
        with db.session.begin_nested():
            rows.change(table, _taken_by(table, merchant_id, ids), rows.ALIVE)
    except IntegrityError:
        return False
    for act in acts:
        act.status, act.restored_at, act.restored_by_id = "restored", now, by.user_id
        audit.record_act("restore", act, by=by)
    _forget_all_but(acts)
    return True


def _lock_done(merchant_id: int, ids: list[int]) -> int:
    """Lock the acts, and count those that still wait in the trash."""
    those = (Deletion.merchant_id == merchant_id, Deletion.id.in_(ids), Deletion.status == "done")
    waiting = select(Deletion.id).where(*those).order_by(Deletion.id).with_for_update()
    return len(db.session.scalars(waiting).all())


def _has_dead_owner(table: Table, merchant_id: int, ids: list[int]) -> bool:
    """Lock the owners against dying, and look whether one is dead."""
    for edge in needs_of(table):
        held = select(edge.parent.c.deletion_id).select_from(table.join(edge.parent, edge.on))
        held = held.where(_taken_by(table, merchant_id, ids)).order_by(edge.parent.c.id)
        if any(rows.read(held.with_for_update(read=True, of=edge.parent)).scalars()):
            return True
    return False


def _taken_by(table: Table, merchant_id: int, ids: list[int]) -> ColumnElement[bool]:
    return and_(rows.of_merchant(table, merchant_id), table.c.deletion_id.in_(ids))


def _owns_nothing(table: Table) -> bool:
    protected = any(edge.rule is Rule.PROTECT for edge in edges_to(table))
    return len(below(table)) == 1 and not protected


def _lock_living(table: Table, merchant_id: int, ids: list[int]) -> set[int]:
    those = and_(table.c.id.in_(ids), rows.of_merchant(table, merchant_id), table.c.deleted_at.is_(None))
    return set(rows.lock(select(table.c.id).where(those).order_by(table.c.id)).scalars())


def _kill(table: Table, acts: Sequence[Deletion]) -> None:
    """One statement, sent with many values."""
    if not acts:
        return
    first = acts[0]
    one = rows.is_row(table, bindparam("the_row", type_=table.c.id.type), first.merchant_id)  # type: ignore[arg-type]  # works as a column
    death: dict[str, Any] = {
        "deleted_at": first.deleted_at,
        "deleted_by_id": first.deleted_by_id,
        "deletion_id": bindparam("the_act"),
        "updated_at": table.c.updated_at,
    }
    given = [{"the_row": act.root_id, "the_act": act.id} for act in acts]
    db.session.execute(update(table).where(one).values(death), given, execution_options=rows.DEAD_TOO)


def _forget_all_but(acts: Sequence[Deletion]) -> None:
    """Flush, then expire: collections and rows loaded before are old, the acts are new."""
    db.session.flush()
    kept = set(acts)
    for loaded in list(db.session):
        if loaded not in kept:
            db.session.expire(loaded)
