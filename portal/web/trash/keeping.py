"""The trash: keeping for good, and removing for good."""

from typing import Any

from flask import Response, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from portal.extensions import db
from portal.models.text import fold
from portal.services import trash
from portal.web.access import allow
from portal.web.page import done, page, preview_context
from portal.web.scope import actor
from portal.web.trash.acts import Line, find_act, find_line
from portal.web.trash.routes import bp
from portal.web.under_way import finish_some


@bp.get("/<int:deletion_id>/purge")
@allow("owner")
def preview_purge(deletion_id: int) -> Response:
    """Show what would be gone for good, and ask for the name."""
    return page("shared/deletion.html", preview=_preview(find_line(deletion_id)))


@bp.post("/<int:deletion_id>/purge")
@allow("owner")
def purge(deletion_id: int) -> Response | AnyResponse:
    """Remove it for good, once the name was typed."""
    line = find_line(deletion_id)
    typed = request.form.get("typed_name", "")
    if fold(typed) != fold(line.label):
        return page(
            "shared/deletion.html", 422, preview=_preview(line, "This is not the name. Type it as shown.")
        )
    name = line.name
    trash.start_purge(line.act, by=actor())
    gone = finish_some(line.act)
    message = f"Purged {name} for good." if gone else f"Purging {name}. It is large and goes on by itself."
    return done(message, to=url_for("trash.index"))


@bp.post("/<int:deletion_id>/hold")
@allow("owner")
def hold(deletion_id: int) -> Response | AnyResponse:
    """Keep it in the trash until somebody lifts the hold."""
    trash.hold(find_act(deletion_id), by=actor())
    db.session.commit()
    return done("On hold: it stays in the trash.", to=url_for("trash.show", deletion_id=deletion_id))


@bp.post("/<int:deletion_id>/hold/end")
@allow("owner")
def release(deletion_id: int) -> Response | AnyResponse:
    """Let its time run again."""
    trash.release(find_act(deletion_id), by=actor())
    db.session.commit()
    return done("The hold is lifted.", to=url_for("trash.show", deletion_id=deletion_id))


def _preview(line: Line, error: str = "") -> dict[str, Any]:
    seen = trash.preview_restore(line.act, by=actor())
    gone = [*seen.brings, *seen.earlier]
    return preview_context(
        {
            "title": f"Purge {line.name} for good?",
            "action": url_for("trash.purge", deletion_id=line.act.id),
            "cancel_href": url_for("trash.show", deletion_id=line.act.id),
            "warnings": ["What is purged is gone. Nobody can bring it back, not even your operator."],
            "takes": [
                {"count": k.count, "label": k.words, "examples": k.examples, "more": k.more} for k in gone
            ],
            "stays": ["The trash remembers that it was, when it was deleted and by whom"],
            "reason": None,
            "typed_name": line.label,
            "typed_error": error,
            "is_final": True,
            "confirm_label": "Purge for good",
        }
    )
