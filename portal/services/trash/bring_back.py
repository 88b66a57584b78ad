"""Bringing back: exactly what one act took."""

from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, select
from sqlalchemy.exc import IntegrityError

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models.actor import Actor
from portal.models.deletion import Deletion
from portal.models.ownership import Edge, below, needs_of, table_of
from portal.models.tenancy import PLATFORM, across_merchants
from portal.services import audit
from portal.services.trash import rows
from portal.services.trash.clashes import Overrides, clashes_of, give_new_values, part_values
from portal.services.trash.floors import alive_again
from portal.services.trash.hand_over import act_of, hand_over
from portal.services.trash.merged import refused_as_merged, survivors_of
from portal.services.trash.names import CLASSES, named
from portal.services.trash.throw_away import IN_ONE_TRANSACTION, soft_delete_cascade
from portal.words import _, later

ASK_OTHERS = {
    "staff": later("This was deleted by a staff. Ask a staff to restore it."),
    "manager": later("This was deleted by a manager. Ask a manager to restore it."),
    "owner": later("This was deleted by an owner. Ask an owner to restore it."),
    "admin": later("This was deleted by an admin. Ask an admin to restore it."),
}


def restore(
    act: Deletion,
    *,
    by: Actor,
    now: datetime,
    overrides: Overrides | None = None,
    with_owners: bool = False,
    replace_holder: bool = False,
) -> dict[str, int]:
    """Bring back exactly what the act took, and count it; nothing if it was restored before.

    What another dead owner holds waits for that owner instead. `with_owners` restores dead owners
    first, outermost first; `replace_holder` puts the living program in the trash to make room.
    Raises Refused("not_allowed", "purged", "merged"), Conflict("in_progress", "owner_deleted",
    "value_taken").
    """
    told = restore_each(
        act, by=by, now=now, overrides=overrides, with_owners=with_owners, replace_holder=replace_holder
    )
    return told.get(act.id, {})


def restore_each(
    act: Deletion,
    *,
    by: Actor,
    now: datetime,
    overrides: Overrides | None = None,
    with_owners: bool = False,
    replace_holder: bool = False,
) -> dict[int, dict[str, int]]:
    """Restore as `restore` does, and count for each act that came back, the owners' first."""
    brought: dict[int, dict[str, int]] = {}
    with _scope_of(act):
        refuse_if_not_allowed(act, by)
        db.session.flush()
        db.session.refresh(act, with_for_update=True)
        if act.status == "restored":
            return brought
        refuse_if_gone(act)
        _refuse_if_merged(act)
        rest = _see_to_owners(act, by, now, overrides or {}, brought if with_owners else None)
        if act.status == "restored":  # with its owner: a person's part comes back with the person
            return brought
        counts = _revive_or_say_why(act, by, now, rest, replace_holder=replace_holder)
        rows.forget()
        follow_up(act, by=by, now=now)
        return {**brought, act.id: counts}


def _scope_of(act: Deletion) -> AbstractContextManager[None]:
    if act.merchant_id == PLATFORM:
        return across_merchants(db.session, "a person's act has parts in several merchants")
    return nullcontext()


def _revive_or_say_why(
    act: Deletion,
    by: Actor,
    now: datetime,
    overrides: Overrides,
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
        raise Refused("not_allowed", str(ASK_OTHERS[act.deleted_by_role]))


def refuse_if_gone(act: Deletion) -> None:
    """Say why a restore cannot begin."""
    if act.status in ("running", "restoring"):
        raise Conflict("in_progress", _("This is still in progress. Try again in a minute."))
    if act.status in ("purging", "purged"):
        when = act.purged_at.date().isoformat() if act.purged_at else _("just now")
        raise Refused("purged", _("This was purged for good (%(when)s) and cannot come back.", when=when))


def merged_into(act: Deletion) -> Select[Any]:
    """Ask into whom the customer the act took was merged; the number of the survivor, or None."""
    return select(table_of("customers").c.merged_into_id).where(rows.is_root(act))


def _refuse_if_merged(act: Deletion) -> None:
    for survivor_id in survivors_of([act]).values():
        raise refused_as_merged(act, survivor_id)


def dead_owner(act: Deletion, *, lock: bool = False) -> Deletion | None:
    """Find the deletion that holds an owner of the act's root, in the map's order; None if all live."""
    root = table_of(act.root_kind)
    if act.parent_id is not None:
        return act_of(PLATFORM, act.parent_id)
    for edge in needs_of(root):
        held = held_by(act, edge)
        # The living are locked too: one of them may be dying just now.
        found = rows.read(held.with_for_update(read=True, of=edge.parent) if lock else held).scalar()
        if found is not None:
            return act_of(PLATFORM if edge.parent.name == "users" else act.merchant_id, found)
    return _needed_person(act) if act.root_kind == "merchants" else None


def held_by(act: Deletion, edge: Edge) -> Select[Any]:
    """Ask which deletion holds one owner of the act's root; a living owner answers None."""
    held = select(edge.parent.c.deletion_id).select_from(edge.child.join(edge.parent, edge.on))
    return held.where(rows.is_root(act))


def _needed_person(act: Deletion) -> Deletion | None:
    """A merchant comes back with a living owner: the deletion of one, when all its owners are dead."""
    owners, users = table_of("merchant_owners"), table_of("users")
    theirs = and_(owners.c.merchant_id == act.merchant_id, owners.c.deletion_id == act.id)
    joined = owners.join(users, owners.c.user_id == users.c.id)
    query = select(users.c.deletion_id).select_from(joined).where(theirs, users.c.purged_at.is_(None))
    found = list(rows.read(query.order_by(owners.c.id)).scalars())
    return None if not found or None in found else act_of(PLATFORM, found[0])


def blocked(act: Deletion, owner: Deletion) -> Conflict:
    """The refusal that names the dead owner."""
    name = named(owner.root_kind, owner.root_label)
    message = _(
        "The %(thing)s this belongs to is in the trash. Restore it first, or restore it too.", thing=name
    )
    held_by = {
        "kind": owner.root_kind,
        "id": owner.root_id,
        "deletion_id": owner.id,
        "label": name,
    }
    return Conflict("owner_deleted", message, name, blocked_by=held_by, act_id=act.id)


def _see_to_owners(
    act: Deletion,
    by: Actor,
    now: datetime,
    overrides: Overrides,
    brought: dict[int, dict[str, int]] | None,
) -> Overrides:
    """Restore dead owners first, each with the new values that are its own; returns the values left.

    `brought` is told what came back; without it nothing does, and a dead owner is refused.
    """
    while (owner := dead_owner(act, lock=True)) is not None:
        if brought is None:
            raise blocked(act, owner)
        mine, theirs = part_values(act, overrides)
        brought.update(restore_each(owner, by=by, now=now, overrides=theirs, with_owners=True))
        if act.status == "restored":
            return {}
        db.session.refresh(act)
        overrides = mine
    return overrides


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
        counts[root.name] = rows.change(root, rows.is_root(part), alive_again(part, root))
        part.status = "restoring"
        return
    for table in tables:
        revived = rows.change(table, rows.dead_of(part, table), alive_again(part, table))
        if revived:
            counts[table.name] = counts.get(table.name, 0) + revived
    part.status = "restored"


def revive_some(act: Deletion, limit: int) -> int:
    """Bring back up to `limit` more rows of an act that is too large for one transaction."""
    for table in below(table_of(act.root_kind)):
        some = select(table.c.id).where(rows.dead_of(act, table)).order_by(table.c.id).limit(limit)
        ids = rows.ids_of(some)
        if ids:
            hand_over(act, table, ids)
            chunk = and_(rows.dead_of(act, table), table.c.id.in_(ids))
            return max(rows.change(table, chunk, alive_again(act, table)), 1)
    return 0


def follow_up(act: Deletion, *, by: Actor, now: datetime) -> None:
    """Do what follows when all of an act is back: people were merged while their cards lay in the trash."""
    from portal.services.ledger.catching_up import catch_up  # noqa: PLC0415 - it throws away, too

    if act.root_kind == "loyalty_programs" and act.status == "restored":
        catch_up(act.root_id, by=by, now=now)


def value_taken(act: Deletion, by: Actor) -> Conflict:
    """The refusal that names every value taken meanwhile, and who holds it."""
    clashes = clashes_of(act, by)
    message = clashes[0].sentence if clashes else _("A living one has this value now. Try again.")
    return Conflict("value_taken", message, clashes[0].holder if clashes else "", conflicts=clashes)
