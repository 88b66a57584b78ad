"""What the settings say about the trash: what a number of days means, and what lies there now."""

from typing import Any

from sqlalchemy import func, select, text

from portal.extensions import db
from portal.models.deletion import IN_TRASH, Deletion
from portal.web.scope import current_merchant
from portal.words import _, ngettext, number

AT_MOST = 10_000  # counted exactly up to here, then "10,000+"


def meaning(days: int | None) -> str:
    """Say what keeping deleted things so long means."""
    if days is None:
        return _("Write a whole number of days to see what it means.")
    if days == 0:
        return _(
            "Deleted things are kept for ever: no job removes them."
            " What lies in the trash now is kept for ever, too."
        )
    return ngettext(
        "Deleted things can be restored for %(num)s day, then a nightly job removes them for good.",
        "Deleted things can be restored for %(num)s days, then a nightly job removes them for good.",
        days,
    )


def lying() -> dict[str, Any]:
    """Count the deletions in the trash now, and find when the first of them will be removed."""
    mine = Deletion.merchant_id == current_merchant().id
    some = select(Deletion.id).where(mine, text(IN_TRASH)).limit(AT_MOST + 1).subquery()
    count = select(func.count(some.c.id)).scalar_subquery()
    waiting = (Deletion.status == "done", Deletion.hold.is_(False))
    next_end = select(func.min(Deletion.purge_after)).where(mine, *waiting).scalar_subquery()
    found = db.session.execute(select(count.label("acts"), next_end.label("next_end"))).one()
    figure = f"{number(AT_MOST)}+" if found.acts > AT_MOST else number(found.acts)
    return {"count": found.acts, "figure": figure, "next_end": found.next_end}
