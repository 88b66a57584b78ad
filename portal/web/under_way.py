"""Going on with what was too large for one transaction, while the person waits a little."""

from time import monotonic

from portal.extensions import db
from portal.models.deletion import Deletion
from portal.services import trash
from portal.web.scope import now

PATIENCE_SECONDS = 5


def finish_some(act: Deletion) -> bool:
    """Commit, then go on chunk by chunk for some seconds; True when the act is finished.

    What is left then goes on in `flask jobs run deletions`.
    """
    db.session.commit()
    until = monotonic() + PATIENCE_SECONDS
    while act.is_unfinished and monotonic() < until:
        trash.continue_some(act, now=now())
        db.session.commit()
    return not act.is_unfinished
