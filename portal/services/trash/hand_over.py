"""Handing over: what another dead owner holds waits for that owner.

A row may have several owners and lives only while all of them do. A restore that would revive it under
another dead owner makes it wait in that owner's deletion instead. Specification of soft delete, section 2.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, func, insert, or_, select

from portal.extensions import db
from portal.models.deletion import Deletion
from portal.models.ownership import Edge, owners_of
from portal.models.tenancy import PLATFORM, across_merchants
from portal.services.trash import rows
from portal.services.trash.throw_away import link


def hand_over(act: Deletion, table: Table, ids: Sequence[int] | None = None) -> None:
    """Let rows of this act (or just `ids` of them) whose owner stays dead wait for that owner."""
    mine = rows.dead_of(act, table)
    if ids is not None:
        mine = and_(mine, table.c.id.in_(ids))
    for edge in owners_of(table):
        if not _has_owners_outside(act, edge):
            continue
        _keep_owners_alive(act, edge, mine)
        for heir_id, waiting in _locked_heirs(act, edge, mine).items():
            theirs = and_(rows.of_merchant(table, act.merchant_id), table.c.id.in_(waiting))
            moved = rows.change(table, theirs, {"deletion_id": heir_id})
            act.departed = rows.add_up(act.departed, table.name, moved)
            heir = act_of(act.merchant_id, heir_id)
            db.session.refresh(heir)
            _receive(heir, table.name, moved)


def add_dead(owner: Any, table: Table, values: dict[str, Any]) -> int:
    """Make a row that lies in the trash with its dead owner from the beginning; returns its id."""
    _receive(act_of(owner.merchant_id, owner.deletion_id), table.name, 1)
    born = values | {column: getattr(owner, column) for column in rows.ALIVE}
    return int(db.session.execute(insert(table).values(born).returning(table.c.id)).scalar_one())


def give_to(owner: Any, these: Sequence[Any], key: str) -> None:
    """Give rows of one kind and state to another owner: they live, or lie in the trash, as that one does."""
    if not these:
        return
    table, merchant_id, left = these[0].__table__, owner.merchant_id, these[0].deletion_id
    if left is not None and left != owner.deletion_id:
        act = act_of(merchant_id, left)
        act.departed = rows.add_up(act.departed, table.name, len(these))
    if owner.deletion_id is not None and left != owner.deletion_id:
        _receive(act_of(merchant_id, owner.deletion_id), table.name, len(these))
    db.session.flush()  # expiring drops what was not
    mine = and_(rows.of_merchant(table, merchant_id), table.c.id.in_([row.id for row in these]))
    state = {column: getattr(owner, column) for column in rows.ALIVE}
    rows.change(table, mine, state | {key: owner.id})
    for row in these:
        db.session.expire(row)


def _receive(heir: Deletion, kind: str, count: int) -> None:
    heir.received = rows.add_up(heir.received, kind, count)


def act_of(merchant_id: int, act_id: int) -> Deletion:
    """Load a deletion by its key, a person's too."""
    with across_merchants(db.session, "a person's deletion belongs to no merchant"):
        found = select(Deletion).where(Deletion.merchant_id == merchant_id, Deletion.id == act_id)
        return db.session.scalars(found).one()


def _has_owners_outside(act: Deletion, edge: Edge) -> bool:
    """Whether any owner of that kind is not of this act; if not, there is nothing to look up row by row."""
    parent = edge.parent
    if parent.name == "users":
        return True
    outside = or_(parent.c.deletion_id.is_(None), parent.c.deletion_id != act.id)
    query = select(parent.c.id).where(rows.of_merchant(parent, act.merchant_id), outside).limit(1)
    return rows.read(query).first() is not None


def _keep_owners_alive(act: Deletion, edge: Edge, mine: ColumnElement[bool]) -> None:
    """Share-lock the living owners outside the act: one of them may be dying just now."""
    parent = edge.parent
    if db.session.get_bind().dialect.name == "sqlite":
        return  # one writer at a time
    owners = select(edge.key).where(mine)
    living = select(parent.c.id).where(parent.c.id.in_(owners), parent.c.deleted_at.is_(None))
    if "merchant_id" in parent.c:
        living = living.where(parent.c.merchant_id == act.merchant_id)
    locked = living.order_by(parent.c.id).with_for_update(read=True).subquery()
    rows.read(select(func.count()).select_from(locked))


def _locked_heirs(act: Deletion, edge: Edge, mine: ColumnElement[bool]) -> dict[int, list[int]]:
    """The heirs, held still: one of them may be coming back just now, and would forget our rows."""
    locked: set[int] = set()
    while not (heirs := _heirs(act, edge, mine)).keys() <= locked:
        locked = set(heirs)
        these = and_(Deletion.merchant_id == act.merchant_id, Deletion.id.in_(locked))
        db.session.execute(select(Deletion.id).where(these).order_by(Deletion.id).with_for_update())
    return heirs


def _heirs(act: Deletion, edge: Edge, mine: ColumnElement[bool]) -> dict[int, list[int]]:
    """Which rows wait for which deletion of their owner."""
    child, parent = edge.child, edge.parent
    outside = and_(parent.c.deletion_id.is_not(None), parent.c.deletion_id != act.id)
    query = select(child.c.id, parent.c.deletion_id).select_from(child.join(parent, edge.on))
    heirs: dict[int, list[int]] = {}
    for row_id, deletion_id in rows.read(query.where(mine, outside)):
        heirs.setdefault(_linked_heir(act, edge, deletion_id), []).append(row_id)
    return heirs


def _linked_heir(act: Deletion, edge: Edge, deletion_id: int) -> int:
    """A person's act is above merchants: its part in this merchant inherits."""
    if edge.parent.name != "users":
        return deletion_id
    linked = select(Deletion.id).where(
        Deletion.merchant_id == act.merchant_id, Deletion.parent_id == deletion_id
    )
    found = db.session.scalar(linked)
    return found if found is not None else _new_part(act, deletion_id)


def _new_part(act: Deletion, parent_id: int) -> int:
    """The person had nothing living in this merchant when they were deleted; now something waits for them."""
    above = act_of(PLATFORM, parent_id)
    return link(above, act.merchant_id).id
