"""Removing a deletion for good from a screen: the name is typed first.

A screen that shows deletions has views named index, show and purge; addresses here are its own.
"""

from typing import Any

from flask import Response, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from portal.models.text import fold
from portal.services import trash
from portal.web.deletions import Line, frame_here
from portal.web.page import done, page, preview_context
from portal.web.scope import actor
from portal.web.under_way import finish_some
from portal.words import _


def show_purge(line: Line, error: str = "") -> Response:
    """Show what would be gone for good, and ask for the name."""
    status = 422 if error else 200
    return page("shared/deletion.html", status, frame=frame_here(), preview=_preview(line, error))


def purge_if_named(line: Line) -> Response | AnyResponse:
    """Remove it for good, once the name was typed."""
    if fold(request.form.get("typed_name", "")) != fold(line.label):
        return show_purge(line, _("This is not the name. Type it as shown."))
    name = line.name
    trash.start_purge(line.act, by=actor())
    if finish_some(line.act):
        return done(_("Purged %(thing)s for good.", thing=name), to=url_for(".index"))
    return done(_("Purging %(thing)s. It is large and goes on by itself.", thing=name), to=url_for(".index"))


def _preview(line: Line, error: str) -> dict[str, Any]:
    seen = trash.preview_restore(line.act, by=actor())
    gone = [*seen.brings, *seen.earlier]
    return preview_context(
        {
            "title": _("Purge %(thing)s for good?", thing=line.name),
            "action": url_for(".purge", deletion_id=line.act.id),
            "cancel_href": url_for(".show", deletion_id=line.act.id),
            "warnings": [_("What is purged is gone. Nobody can bring it back, not even your operator.")],
            "takes": [
                {"count": k.count, "label": k.words, "examples": k.examples, "more": k.more} for k in gone
            ],
            "stays": [_("The trash remembers that it was, when it was deleted and by whom")],
            "reason": None,
            "typed_name": line.label,
            "typed_error": error,
            "is_final": True,
            "confirm_label": _("Purge for good"),
        }
    )
