"""Throwing away: the row and all it owns, as one act."""

from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, Table, and_, func, select, true

from portal.errors import Refused
from portal.extensions import db
from portal.models.actor import Actor
from portal.models.base import Model
from portal.models.deletion import Deletion
from portal.models.merchant import Merchant
from portal.models.ownership import Rule, below, edges, is_mortal, owners_of, table_of
from portal.models.soft_delete import SoftDeleteMixin
from portal.models.tenancy import PLATFORM, across_merchants
from portal.services import audit, sessions
from portal.services.trash import rows
from portal.services.trash.last_owner import last_owner
from portal.services.trash.names import and_counts, label_of, word
from portal.words import _

IN_ONE_TRANSACTION = 400_000  # rows; above it the rest follows in chunks
DEFAULT_RETENTION_DAYS = 30
SHARED = (  # what the parts of a person's deletion have in common with it
    "root_kind",
    "root_id",
    "root_label",
    "deleted_at",
    "deleted_by_id",
    "deleted_by_role",
    "reason",
    "channel",
    "purge_after",
)


def soft_delete(row: SoftDeleteMixin, *, by: Actor, now: datetime, reason: str | None = None) -> Deletion:
    """Put one row in the trash; a second call returns the first deletion.

    Raises Refused("owns_rows") when it still owns living rows: use soft_delete_cascade.
    """
    with _scope_of(row):
        below_it = living_below(row)
        if below_it:
            child, count = next(iter(below_it.items()))
            raise Refused("owns_rows", _("It still has %(things)s.", things=and_counts({child: count})))
        return soft_delete_cascade(row, by=by, now=now, reason=reason)


def soft_delete_cascade(row: Any, *, by: Actor, now: datetime, reason: str | None = None) -> Deletion:
    """Put the row and all it owns in the trash; a second call returns the first deletion.

    Raises Refused("protected" or "last_owner") when something stands in the way.
    """
    db.session.flush()
    with _scope_of(row):
        act = _throw_away(row, by=by, now=now, reason=reason)
        db.session.refresh(act)  # outside this scope the door could not read it
        return act


def _scope_of(row: Any) -> AbstractContextManager[None]:
    if row.__table__.name == "users":
        return across_merchants(db.session, "a person may work for several merchants")
    return nullcontext()


def living_below(row: Any) -> dict[str, int]:
    """Count what would go with the row, kind by kind."""
    table = row.__table__
    merchants = [_merchant_id(row)]
    if table.name == "users":
        merchants = rows.merchants_of_person(row.id)
    counts: dict[str, int] = {}
    for child in below(table)[1:]:
        for merchant_id in merchants:
            living = rows.under(child, table, row.id, merchant_id)
            capped = select(child.c.id).where(living, child.c.deleted_at.is_(None))
            query = select(func.count()).select_from(capped.limit(IN_ONE_TRANSACTION + 1).subquery())
            counts = rows.add_up(counts, child.name, rows.read(query).scalar_one())
    return counts


def _rows_to_expect(row: Any) -> int:
    """Bound the rows below from their ids; count them only when that bound is too high."""
    children = below(row.__table__)[1:]
    merchant_id = _merchant_id(row)
    if not children or merchant_id == PLATFORM:
        return 0
    most = int(rows.read(select(sum(rows.span(child, merchant_id) for child in children))).scalar_one())
    return most if most <= IN_ONE_TRANSACTION else sum(living_below(row).values())


def _throw_away(row: Any, *, by: Actor, now: datetime, reason: str | None) -> Deletion:
    table, row_id, merchant_id = row.__table__, row.id, _merchant_id(row)
    _lock_merchants_of_owners(table, row)
    already = rows.lock(_root(table, row_id, merchant_id)).scalar_one()
    if already is not None:
        return _first_act(already, merchant_id)
    expected = _rows_to_expect(row)
    rows.allow_long_statements(expected)
    act = _write_down(row, merchant_id, by=by, now=now, reason=reason)
    act.counts = {table.name: rows.change(table, rows.is_row(table, row_id, merchant_id), death(act))}
    if expected > IN_ONE_TRANSACTION:
        act.status = "running"
    else:
        _take_all_below(act, by)
    audit.record_act("delete", act, by=by)
    rows.forget()
    return act


def _take_all_below(act: Deletion, by: Actor) -> None:
    acts = [act]
    if act.merchant_id == PLATFORM:
        acts += [link(act, merchant_id) for merchant_id in _merchants_with_living(act)]
    for part in acts[1:]:
        audit.record_act("delete", part, by=by)
    for each in acts:
        _take_below(each)
        _refuse_if_protected(each)
        sessions.end_for_deletion(each, now=each.deleted_at)
    _refuse_last_owner(acts, by)


def _take_below(act: Deletion) -> None:
    """One UPDATE per table and owner, owners first."""
    root = table_of(act.root_kind)
    if act.merchant_id == PLATFORM:
        return
    counts = dict(act.counts)
    for child in below(root)[1:]:
        for edge in rows.ways_into(child, below(root)):
            living = and_(rows.fallen_with(edge, act), child.c.deleted_at.is_(None))
            counts = rows.add_up(counts, child.name, rows.change(child, living, death(act)))
    act.counts = counts
    db.session.flush()


def take_some(act: Deletion, limit: int) -> int:
    """Take up to `limit` more rows of an act that is too large for one transaction."""
    root = table_of(act.root_kind)
    for child in below(root)[1:]:
        for edge in rows.ways_into(child, below(root)):
            living = and_(rows.fallen_with(edge, act), child.c.deleted_at.is_(None))
            some = select(child.c.id).where(living).order_by(child.c.id).limit(limit)
            chunk = and_(rows.of_merchant(child, act.merchant_id), child.c.id.in_(rows.ids_of(some)))
            taken = rows.change(child, chunk, death(act))
            if taken:
                act.counts = rows.add_up(act.counts, child.name, taken)
                return taken
    return 0


def death(act: Deletion) -> dict[str, Any]:
    """What every row of the act carries."""
    return {
        "deleted_at": act.deleted_at,
        "deleted_by_id": act.deleted_by_id,
        "deletion_id": act.id,
    }


def _merchant_id(row: Any) -> int:
    if row.__table__.name == "merchants":
        return int(row.id)
    return int(getattr(row, "merchant_id", PLATFORM))


def _root(table: Table, row_id: int, merchant_id: int) -> Select[Any]:
    return select(table.c.deletion_id).where(rows.is_row(table, row_id, merchant_id))


def _first_act(deletion_id: int, merchant_id: int) -> Deletion:
    query = select(Deletion).where(Deletion.merchant_id == merchant_id, Deletion.id == deletion_id)
    return db.session.scalars(query).one()


def _write_down(row: Any, merchant_id: int, *, by: Actor, now: datetime, reason: str | None) -> Deletion:
    act = drawn_up(row, merchant_id, by=by, now=now, reason=reason)
    act.purge_after = _kept_until(row, merchant_id, now)
    db.session.add(act)
    db.session.flush()  # the rows that die point at its id
    return act


def drawn_up(row: Any, merchant_id: int, *, by: Actor, now: datetime, reason: str | None) -> Deletion:
    """Draw up the act of a row; what is missing is until when it is kept, and the counts."""
    table = row.__table__
    return Deletion(
        merchant_id=merchant_id,
        store_id=row.id if table.name == "stores" else getattr(row, "store_id", None),
        root_kind=table.name,
        root_id=row.id,
        root_label=label_of(row),
        deleted_at=now,
        deleted_by_id=by.user_id,
        deleted_by_role=by.role.word,
        reason=(reason or "").strip() or None,
        channel=by.channel,
    )


def purge_after(merchant_id: int, now: datetime) -> datetime | None:
    """Count until when the merchant keeps what is deleted now; None for ever."""
    days = DEFAULT_RETENTION_DAYS
    if merchant_id != PLATFORM:
        merchants = Merchant.__table__
        days = rows.read(select(merchants.c.retention_days).where(merchants.c.id == merchant_id)).scalar_one()
    return now + timedelta(days=days) if days else None


def _kept_until(row: Any, merchant_id: int, now: datetime) -> datetime | None:
    """A person is kept as long as the most patient of their merchants keeps things."""
    if row.__table__.name != "users":
        return purge_after(merchant_id, now)
    ends = [purge_after(each, now) for each in (PLATFORM, *rows.merchants_of_person(row.id))]
    return None if None in ends else max(end for end in ends if end)


def link(act: Deletion, merchant_id: int) -> Deletion:
    """The part of a person's deletion inside one merchant."""
    shared = {field: getattr(act, field) for field in SHARED}
    linked = Deletion(merchant_id=merchant_id, parent_id=act.id, counts={}, **shared)
    db.session.add(linked)
    db.session.flush()  # the rows that die point at its id
    return linked


def _merchants_with_living(act: Deletion) -> list[int]:
    found: set[int] = set()
    for child in below(table_of(act.root_kind))[1:]:
        for edge in owners_of(child):
            if edge.parent.name == act.root_kind:
                living = and_(edge.key == act.root_id, child.c.deleted_at.is_(None))
                found.update(rows.ids_of(select(child.c.merchant_id).where(living).distinct()))
    return sorted(found)


def _lock_merchants_of_owners(table: Table, row: Any) -> None:
    """Serialise the removal of owners: two of them may remove each other at once."""
    owners = Model.metadata.tables["merchant_owners"]
    if table is owners:
        ids = [row.merchant_id]
    elif table.name == "users":
        ids = rows.merchants_of_person(row.id)
    else:
        return
    merchants = Model.metadata.tables["merchants"]
    rows.lock(select(merchants.c.id).where(merchants.c.id.in_(ids)).order_by(merchants.c.id)).all()


def _refuse_if_protected(act: Deletion) -> None:
    fallen = below(table_of(act.root_kind))
    for edge in edges():
        is_protecting = edge.rule is Rule.PROTECT and edge.parent in fallen
        if is_protecting and rows.read(_living_dependants(edge, act).limit(1)).first():
            need = word(edge.child, 2).capitalize()
            raise Refused("protected", _("%(things)s still need it. Deal with them first.", things=need))


def _living_dependants(edge: Any, act: Deletion) -> Select[Any]:
    living = edge.child.c.deleted_at.is_(None) if is_mortal(edge.child) else true()
    return select(edge.child.c.id).where(rows.fallen_with(edge, act), living)


def _refuse_last_owner(acts: list[Deletion], by: Actor) -> None:
    left = [a.merchant_id for a in acts if "merchant_owners" in a.counts and a.root_kind != "merchants"]
    if not left:
        return
    merchants = Model.metadata.tables["merchants"]
    # Once more, for a person who became an owner there a moment ago.
    rows.lock(select(merchants.c.id).where(merchants.c.id.in_(left)).order_by(merchants.c.id))
    refusal = last_owner(left, by=by)
    if refusal is not None:
        raise refusal
