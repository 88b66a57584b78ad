"""Finishing what was too large for one transaction, or was interrupted."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from portal.extensions import db
from portal.models.actor import JOBS
from portal.models.deletion import Deletion
from portal.services import audit, sessions
from portal.services.trash.bring_back import follow_up, revive_some, value_taken
from portal.services.trash.empty import purge_some
from portal.services.trash.throw_away import take_some

CHUNK = 5_000


def unfinished() -> list[Deletion]:
    """List the acts in scope that are still under way, oldest first."""
    under_way = Deletion.status.in_(("running", "restoring", "purging"))
    return list(db.session.scalars(select(Deletion).where(under_way).order_by(Deletion.id)))


def continue_some(act: Deletion, *, now: datetime, limit: int = CHUNK) -> bool:
    """Do one chunk, all or nothing, and say whether the act is finished; the door commits each.

    Raises Conflict("value_taken") when somebody took a value since the restore began.
    """
    db.session.flush()  # a refresh forgets what was not
    db.session.refresh(act, with_for_update=True)
    if act.status == "purging":
        return purge_some(act, now=now)
    if act.status == "running" and take_some(act, limit) == 0:
        act.status = "done"
        sessions.end_for_deletion(act, now=now)
        audit.record_act("finish_delete", act, by=JOBS)
    elif act.status == "restoring":
        _revive_a_chunk(act, limit)
    db.session.flush()
    db.session.expire_all()
    if act.status == "restored":
        follow_up(act, by=JOBS, now=now)
    return act.status in ("done", "restored", "purged")


def _revive_a_chunk(act: Deletion, limit: int) -> None:
    try:
        with db.session.begin_nested():
            if revive_some(act, limit) == 0:
                act.status = "restored"
                audit.record_act("finish_restore", act, by=JOBS)
    except IntegrityError as taken:
        raise value_taken(act, JOBS) from taken
