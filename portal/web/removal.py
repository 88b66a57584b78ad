"""Deleting from a screen: the preview before, and Undo after."""

from collections.abc import Sequence
from typing import Any

from flask import Response, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from portal.models.deletion import Deletion
from portal.services import audit, trash
from portal.web.page import done, page, preview_context
from portal.web.scope import actor, current_merchant


def show_preview(row: Any, *, action: str, cancel_href: str, **more: Any) -> Response:
    """Show what a deletion would take and what stays; `more` overrides parts of the preview."""
    seen = trash.preview(row)
    preview = {
        "title": f"Delete {seen.word} {seen.label}?",
        "action": action,
        "cancel_href": cancel_href,
        "intro": "" if seen.takes else f"The {seen.word} goes to the trash and can be brought back.",
        "takes": [_kind(kind) for kind in seen.takes],
        "stays": [f"{kind.text} stay{'s' if kind.count == 1 else ''} in reports" for kind in seen.stays],
    }
    return page("shared/deletion.html", preview=preview_context(preview | more))


def show_bulk_preview(
    ids: Sequence[int],
    names: Sequence[str],
    nouns: tuple[str, str],
    *,
    action: str,
    cancel_href: str,
    **more: Any,
) -> Response:
    """Show what deleting many would take: how many, and a few names."""
    noun = nouns[0] if len(ids) == 1 else nouns[1]
    taken = {"count": len(ids), "label": noun, "examples": list(names[:3]), "more": max(0, len(ids) - 3)}
    preview = {
        "title": f"Delete {len(ids):,} {noun}?",
        "action": action,
        "cancel_href": cancel_href,
        "takes": [taken],
        "fields": [("ids", row_id) for row_id in ids],
    }
    return page("shared/deletion.html", preview=preview_context(preview | more))


def removed(act: Deletion, what: str, *, to: str) -> Response | AnyResponse:
    """Say that it is in the trash, with an Undo that restores that deletion."""
    undo = url_for("trash.undo", deletion_id=act.id)
    return done(f"Deleted {what}.", to=to, undo_href=undo)


def removed_many(acts: Sequence[Deletion], what: str, *, to: str) -> Response | AnyResponse:
    """Say that many are in the trash, with one Undo for all of them. Call it before the commit."""
    ids = [act.id for act in acts]
    batch = audit.note_batch(acts[0].root_kind, ids, merchant_id=current_merchant().id, by=actor())
    return done(f"Deleted {what}.", to=to, undo_href=url_for("trash.undo_batch", batch_id=batch))


def asked_reason() -> str | None:
    """Read why, if the person said so; at most 200 characters."""
    return request.form.get("reason", "").strip()[:200] or None


def _kind(kind: Any) -> dict[str, Any]:
    return {"count": kind.count, "label": kind.words, "examples": kind.examples, "more": kind.more}
