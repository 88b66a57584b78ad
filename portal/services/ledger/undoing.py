"""Who may undo an act, and for how long (specification of loyalty, section 5)."""

from datetime import datetime, timedelta

from portal.errors import Refused
from portal.models.actor import Role
from portal.services.ledger.accounts import Account
from portal.words import _

UNDO = timedelta(minutes=10)


def refuse_if_not_theirs(account: Account, staff_id: int | None, done_at: datetime) -> None:
    """Let the same staff undo within 10 minutes, a manager within the program's window.

    Raises Refused("too_late", "not_allowed").
    """
    by, now = account.visit.by, account.visit.now
    if by.role >= Role.MANAGER:
        hours = account.program.void_window_hours
        if by.role < Role.ADMIN and now > done_at + timedelta(hours=hours):
            raise Refused("too_late", _("This can be undone for %(hours)s hours only.", hours=hours))
    elif staff_id != by.user_id or now > done_at + UNDO:
        raise Refused("not_allowed", _("Only who did it may undo it, for ten minutes. Ask a manager."))
