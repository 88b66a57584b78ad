"""Bringing back: exactly what one act took."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime

from sqlalchemy import ColumnElement, Table, and_, func, select
from sqlalchemy.exc import IntegrityError

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models.actor import Actor
from portal.models.deletion import Deletion
from portal.models.ownership import Edge, below, needs_of, owners_of, table_of
from portal.models.tenancy import PLATFORM, across_merchants
from portal.services import audit
from portal.services.trash import rows
from portal.services.trash.clashes import clashes_of, give_new_values
from portal.services.trash.names import CLASSES, word
from portal.services.trash.throw_away import IN_ONE_TRANSACTION, link, soft_delete_cascade


def restore(
    act: Deletion,
    *,
    by: Actor,
    now: datetime,
    overrides: Mapping[str, str | None] | None = None,
    with_owners: bool = False,
    replace_holder: bool = False,
) -> dict[str, int]:
    """Bring back exactly what the act took, and count it; nothing if it was restored before.

    What another dead owner holds waits for that owner instead. `with_owners` restores dead owners
    first, outermost first; `replace_holder` puts the living program in the trash to make room.
    Raises Refused("not_allowed", "purged"), Conflict("in_progress", "owner_deleted", "value_taken").
    """
    with _scope_of(act):
        refuse_if_not_allowed(act, by)
        db.session.flush()
        db.session.refresh(act, with_for_update=True)
        if act.status == "restored":
            return {}
        refuse_if_gone(act)
        _see_to_owners(act, by, now, with_owners=with_owners)
        if act.status == "restored":  # with its owner: a person's part comes back with the person
            return {}
        counts = _revive_or_say_why(act, by, now, overrides or {}, replace_holder=replace_holder)
        rows.forget()
        return counts


def _scope_of(act: Deletion) -> AbstractContextManager[None]:
    if act.merchant_id == PLATFORM:
        return across_merchants(db.session, "a person's act has parts in several merchants")
    return nullcontext()


def _revive_or_say_why(
    act: Deletion,
    by: Actor,
    now: datetime,
    overrides: Mapping[str, str | None],
    *,
    replace_holder: bool,
) -> dict[str, int]:
    try:
        with db.session.begin_nested():
            give_new_values(act, overrides)
            if replace_holder:
                _make_room(act, by=by, now=now)
            return _revive(act, by, now)
    except IntegrityError as taken:
        db.session.refresh(act)
        raise value_taken(act, by) from taken


def refuse_if_not_allowed(act: Deletion, by: Actor) -> None:
    """At least the role that deleted; a manager only in their stores."""
    if not act.can_be_restored_by(by):
        role = act.deleted_by_role
        article = "an" if role[0] in "ao" else "a"
        message = f"This was deleted by {article} {role}. Ask {article} {role} to restore it."
        raise Refused("not_allowed", message)


def refuse_if_gone(act: Deletion) -> None:
    """Say why a restore cannot begin."""
    if act.status in ("running", "restoring"):
        raise Conflict("in_progress", "This is still in progress. Try again in a minute.")
    if act.status in ("purging", "purged"):
        when = act.purged_at.date().isoformat() if act.purged_at else "just now"
        raise Refused("purged", f"This was purged for good ({when}) and cannot come back.")


def dead_owner(act: Deletion, *, lock: bool = False) -> Deletion | None:
    """Find the deletion that holds an owner of the act's root, in the map's order; None if all live."""
    root = table_of(act.root_kind)
    if act.parent_id is not None:
        return _act(PLATFORM, act.parent_id)
    for edge in needs_of(root):
        held = select(edge.parent.c.deletion_id).select_from(root.join(edge.parent, edge.on))
        held = held.where(rows.is_root(act), edge.parent.c.deletion_id.is_not(None))
        found = rows.read(held.with_for_update(read=True, of=edge.parent) if lock else held).scalar()
        if found is not None:
            return _act(PLATFORM if edge.parent.name == "users" else act.merchant_id, found)
    return None


def blocked(act: Deletion, owner: Deletion) -> Conflict:
    """The refusal that names the dead owner."""
    name = f"{word(owner.root_kind)} {owner.root_label or ''}".strip()
    message = f"The {name} this belongs to is in the trash. Restore it first, or restore it too."
    held_by = {
        "kind": owner.root_kind,
        "id": owner.root_id,
        "deletion_id": owner.id,
        "label": name,
    }
    return Conflict("owner_deleted", message, name, blocked_by=held_by, act_id=act.id)


def _act(merchant_id: int, act_id: int) -> Deletion:
    with across_merchants(db.session, "a person's deletion belongs to no merchant"):
        found = select(Deletion).where(Deletion.merchant_id == merchant_id, Deletion.id == act_id)
        return db.session.scalars(found).one()


def _see_to_owners(act: Deletion, by: Actor, now: datetime, *, with_owners: bool) -> None:
    while (owner := dead_owner(act, lock=True)) is not None:
        if not with_owners:
            raise blocked(act, owner)
        restore(owner, by=by, now=now, with_owners=True)
        if act.status == "restored":
            return
        db.session.refresh(act)


def _make_room(act: Deletion, *, by: Actor, now: datetime) -> None:
    """Put the living program in the trash: a merchant has one."""
    for clash in clashes_of(act, by):
        if clash.kind == act.root_kind == "loyalty_programs":
            holder = db.session.get(CLASSES[table_of(clash.kind)], (act.merchant_id, clash.holder_id))
            soft_delete_cascade(holder, by=by, now=now, reason="replaced by an older program")


def _revive(act: Deletion, by: Actor, now: datetime) -> dict[str, int]:
    parts = [act]
    if act.merchant_id == PLATFORM:
        linked = select(Deletion).where(Deletion.parent_id == act.id, Deletion.status == "done")
        parts += db.session.scalars(linked.order_by(Deletion.merchant_id).with_for_update()).all()
    counts: dict[str, int] = {}
    expected = sum(sum(part.counts.values()) for part in parts)
    rows.allow_long_statements(expected)
    for part in parts:
        for table in below(table_of(part.root_kind)):
            hand_over(part, table)
        if clashes_of(part, by):
            raise value_taken(part, by)
        part.restored_at, part.restored_by_id = now, by.user_id
        audit.record_act("restore", part, by=by)
        _revive_rows(part, expected, counts)
    return counts


def _revive_rows(part: Deletion, expected: int, counts: dict[str, int]) -> None:
    tables = below(table_of(part.root_kind))
    if expected > IN_ONE_TRANSACTION:
        root = tables[0]
        counts[root.name] = rows.change(root, rows.is_root(part), rows.ALIVE)
        part.status = "restoring"
        return
    for table in tables:
        revived = rows.change(table, dead_of(part, table), rows.ALIVE)
        if revived:
            counts[table.name] = counts.get(table.name, 0) + revived
    part.status = "restored"


def revive_some(act: Deletion, limit: int) -> int:
    """Bring back up to `limit` more rows of an act that is too large for one transaction."""
    for table in below(table_of(act.root_kind)):
        some = select(table.c.id).where(dead_of(act, table)).order_by(table.c.id).limit(limit)
        ids = rows.ids_of(some)
        if ids:
            hand_over(act, table, ids)
            chunk = and_(dead_of(act, table), table.c.id.in_(ids))
            return max(rows.change(table, chunk, rows.ALIVE), 1)
    return 0


def dead_of(act: Deletion, table: Table) -> ColumnElement[bool]:
    """The act's rows in a table that can come back: not the erased ones, nor the emptied."""
    mine = and_(table.c.deletion_id == act.id, rows.of_merchant(table, act.merchant_id))
    if "merchant_id" not in table.c and table.name != "merchants":
        mine = and_(mine, table.c.id == act.root_id)
    if "erased_at" in table.c:
        mine = and_(mine, table.c.erased_at.is_(None))
    return and_(mine, table.c.purged_at.is_(None))


def hand_over(act: Deletion, table: Table, ids: Sequence[int] | None = None) -> None:
    """Let rows of this act (or just `ids` of them) whose owner stays dead wait for that owner."""
    mine = dead_of(act, table)
    if ids is not None:
        mine = and_(mine, table.c.id.in_(ids))
    for edge in owners_of(table):
        if edge.parent.name == act.root_kind and edge.parent.name in ("merchants", "users"):
            continue  # the root itself is about to live
        _keep_owners_alive(act, edge, mine)
        for heir_id, waiting in _heirs(act, edge, mine).items():
            theirs = and_(rows.of_merchant(table, act.merchant_id), table.c.id.in_(waiting))
            moved = rows.change(table, theirs, {"deletion_id": heir_id})
            act.departed = rows.add_up(act.departed, table.name, moved)
            heir = _act(act.merchant_id, heir_id)
            heir.received = rows.add_up(heir.received, table.name, moved)


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
    above = _act(PLATFORM, parent_id)
    return link(above, act.merchant_id).id


def value_taken(act: Deletion, by: Actor) -> Conflict:
    """The refusal that names every value taken meanwhile, and who holds it."""
    clashes = clashes_of(act, by)
    message = clashes[0].sentence if clashes else "A living one has this value now. Try again."
    return Conflict("value_taken", message, clashes[0].holder if clashes else "", conflicts=clashes)
