"""Keeping: a hold stops the purge until it is lifted."""

from portal.errors import Refused
from portal.extensions import db
from portal.models.actor import Actor
from portal.models.deletion import Deletion
from portal.services import audit
from portal.words import _


def hold(act: Deletion, *, by: Actor) -> None:
    """Keep the act in the trash however old it gets; raises Refused("not_in_trash")."""
    _set(act, on=True, by=by)


def release(act: Deletion, *, by: Actor) -> None:
    """Let the act's time run again; raises Refused("not_in_trash")."""
    _set(act, on=False, by=by)


def _set(act: Deletion, *, on: bool, by: Actor) -> None:
    db.session.flush()  # a refresh forgets what was not
    db.session.refresh(act, with_for_update=True)
    if not act.is_in_trash:
        raise Refused("not_in_trash", _("This is not in the trash any more."))
    if act.hold is on:
        return
    act.hold = on
    audit.note(
        "hold" if on else "release",
        (act.root_kind, act.root_id),
        merchant_id=act.merchant_id,
        store_id=act.store_id,
        by=by,
        deletion_id=act.id,
    )
