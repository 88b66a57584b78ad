"""Not sending again what the browser has: an ETag bound to the session and the merchant's version."""

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flask import current_app, g, make_response, request, session
from flask_login import current_user

from portal.web.language import language
from portal.web.scope import current_merchant, in_a_merchant, now, reads_only

if TYPE_CHECKING:
    from werkzeug.wrappers import Response


def unless_fresh(view: Callable[[], Any]) -> Any:
    """Answer 304 when nothing of the merchant changed since; else ask the view and mark its answer."""
    if not (reads_only() and in_a_merchant()) or session.get("_flashes"):
        return view()
    tag = _tag()
    if request.if_none_match.contains_weak(tag):
        return current_app.response_class(status=304, headers={"ETag": f'W/"{tag}"'})
    answer: Response = make_response(view())
    if answer.status_code == 200 and "no-store" not in answer.headers.get("Cache-Control", ""):
        answer.set_etag(tag, weak=True)  # the same page, but not byte by byte: tokens, encodings
    return answer


def _tag() -> str:
    merchant = current_merchant()
    seen = (
        current_app.config["VERSION"],
        current_user.get_id(),
        merchant.id,
        merchant.updated_at.isoformat(),
        str(g.version),
        language(),
        now().strftime("%Y-%m-%d %H"),  # days left and "2 hours ago" go on by themselves
        request.full_path,
        request.headers.get("HX-Request", ""),
        request.headers.get("HX-Target", ""),
        request.headers.get("HX-History-Restore-Request", ""),
    )
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:32]
