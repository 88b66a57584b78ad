"""One act in detail: what it took, what a restore would bring, what was deleted earlier."""

from datetime import datetime
from typing import Any

from sqlalchemy import select

from portal.extensions import db
from portal.models.actor import Role
from portal.models.deletion import Deletion
from portal.models.user import User
from portal.services import trash
from portal.services.ledger.unmerging import WITHIN
from portal.services.trash.names import and_counts
from portal.web.deletions import Line, grown, told
from portal.web.restoring import sheet
from portal.web.scope import actor, now
from portal.words import _


def of(line: Line, linked: list[Line]) -> dict[str, Any]:
    """Gather what the page of one act shows."""
    act = line.act
    in_trash = act.status == "done"
    is_merged = line.survivor_id is not None
    may_keep = actor().role >= Role.OWNER and in_trash and act.parent_id is None
    seen = trash.preview_restore(act, by=actor()) if in_trash and not is_merged else None
    return {
        "line": line,
        "act": act,
        "seen": seen,
        "restore": sheet(line, seen) if seen else None,
        "is_free": bool(seen and not seen.blocked_by and not seen.clashes),
        "tree": grown(act.root_kind, seen.brings if seen else ()),
        "took": [and_counts({kind: count}) for kind, count in act.counts.items()],
        "departed": told(act.departed),
        "received": told(act.received),
        "linked": linked,
        "restored_by": _name(act.restored_by_id),
        "merge_ends": _merge_ends(act) if is_merged else None,
        "may_erase": may_keep and act.root_kind == "customers" and _brings_person(seen),
        "may_purge": may_keep,
    }


def _merge_ends(act: Deletion) -> datetime | None:
    """Say until when this person can take the merge back; None when they cannot, or not any more."""
    ends = act.deleted_at + WITHIN
    return ends if actor().role >= Role.OWNER and now() <= ends else None


def _brings_person(seen: trash.RestorePreview | None) -> bool:
    """Whether there is somebody left to erase: a person not erased yet, and not merged."""
    return seen is not None and any(kind.name == "customers" for kind in seen.brings)


def _name(user_id: int | None) -> str:
    if user_id is None:
        return _("the operator")
    named = select(User.display_name).where(User.id == user_id)
    return str(db.session.scalar(named, execution_options={"include_deleted": True}))
