"""What deleting, restoring and looking before have in common for all kinds."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any

from portal.api import door
from portal.api.saying import told_clash
from portal.api.shapes import Bringing
from portal.errors import Conflict
from portal.extensions import db
from portal.models.deletion import Deletion
from portal.models.tenancy import PLATFORM, across_merchants, scoped
from portal.services import trash
from portal.services.trash.asking import AT_MOST
from portal.services.trash.look import Kind
from portal.services.trash.names import named
from portal.words import _


def bring_back(row: Any, asked: Bringing) -> dict[str, Any]:
    """Restore the act that took the row; harmless for a living one."""
    kind, row_id = row.__tablename__, row.id
    act = trash.deletion_of(row)
    if act is None:
        return {"kind": kind, "id": row_id, "restored": False, "deletion_id": None, "counts": {}}
    _refuse_part_of_another(act, row, with_owners=asked.with_owners)
    new = {key if "-" in key else f"{kind}-{row_id}-{key}": value for key, value in asked.overrides.items()}
    act_id = act.id
    with scope_of(act):
        counts = trash.restore(
            act, by=door.actor(), now=door.now(), overrides=new, with_owners=asked.with_owners
        )
    return {"kind": kind, "id": row_id, "restored": True, "deletion_id": act_id, "counts": counts}


def _refuse_part_of_another(act: Deletion, row: Any, *, with_owners: bool) -> None:
    """A store that went with its merchant comes back with it, when that is said."""
    if with_owners or (act.root_kind, act.root_id) == (row.__tablename__, row.id):
        return
    held_by = root_of(act)
    message = _(
        "This went into the trash with %(what)s. Restore that, or send with_owners.",
        what=held_by["label"],
    )
    raise Conflict("owner_deleted", message, held_by["label"], blocked_by=held_by)


def scope_of(act: Deletion) -> AbstractContextManager[None]:
    """Open the scope an act lives in; a person's has parts in several merchants."""
    if act.merchant_id == PLATFORM:
        return across_merchants(db.session, "a person's deletion has parts in several merchants")
    return scoped(db.session, act.merchant_id)


def foresee(row: Any) -> dict[str, Any]:
    """Say what deleting a living row would take, or restoring a dead one bring."""
    act = trash.deletion_of(row)
    if act is not None:
        return _foresee_restore(act)
    seen = trash.preview(row)
    return {
        "act": "delete",
        "deletion_id": None,
        "takes": kinds(seen.takes),
        "stays": kinds(seen.stays),
        "blocked_by": None,
        "conflicts": [],
    }


def _foresee_restore(act: Deletion) -> dict[str, Any]:
    with scope_of(act):
        seen = trash.preview_restore(act, by=door.actor())
    owner = seen.blocked_by
    return {
        "act": "restore",
        "deletion_id": act.id,
        "takes": kinds(seen.brings),
        "stays": kinds(seen.earlier),
        "blocked_by": owner and root_of(owner),
        "conflicts": [told_clash(clash) for clash in seen.clashes],
    }


def root_of(act: Deletion) -> dict[str, Any]:
    """Name what an act deleted."""
    label = named(act.root_kind, act.root_label)
    return {"kind": act.root_kind, "id": act.root_id, "deletion_id": act.id, "label": label}


def kinds(found: Iterable[Kind]) -> list[dict[str, Any]]:
    """Write how many of each kind."""
    return [
        {
            "kind": kind.name,
            "count": min(kind.count, AT_MOST),
            "and_more": kind.count > AT_MOST,
            "examples": list(kind.examples),
        }
        for kind in found
    ]
