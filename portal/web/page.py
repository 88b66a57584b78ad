"""How one template serves both a whole page and a fragment."""

import json
from typing import Any

from flask import Response, flash, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from portal.words import _


def is_htmx() -> bool:
    """Tell whether htmx asks for a piece; a history restore wants the whole page."""
    headers = request.headers
    return "HX-Request" in headers and "HX-History-Restore-Request" not in headers


def page(template: str, status: int = 200, *, frame: str = "portal", **context: object) -> Response:
    """Render a screen: bare for htmx, framed for a browser."""
    layout = "layouts/bare.html" if is_htmx() else f"layouts/{frame}.html"
    return make_response(render_template(template, layout=layout, **context), status)


def done(
    message: str,
    *,
    to: str,
    undo_href: str = "",
    piece: str = "",
    events: tuple[str, ...] = ("dialog:close", "list:changed"),
) -> Response | AnyResponse:
    """Say that it is done: a toast and events for htmx, a message on the next page otherwise.

    `piece` is what htmx swaps; without one it swaps nothing and the events do the rest.
    """
    if not is_htmx():
        if undo_href:
            flash({"message": message, "undo_href": undo_href}, "undo")  # type: ignore[arg-type]  # JSON
        else:
            flash(message, "plain")
        return redirect(to, 303)
    toast = render_template("shared/_toast.html", message=message, undo_href=undo_href)
    answer = make_response(piece + toast)
    if not piece:
        answer.headers["HX-Reswap"] = "none"
    if events:
        answer.headers["HX-Trigger"] = json.dumps(dict.fromkeys(events, ""))
    return answer


def hx_redirect(target: str) -> Response:
    """Send the whole page elsewhere; a redirect would be swapped into the fragment."""
    answer = make_response("", 200)
    answer.headers["HX-Redirect"] = target
    return answer


def go(target: str) -> Response | AnyResponse:
    """Lead on to another page, for htmx too."""
    return hx_redirect(target) if is_htmx() else redirect(target, 303)


def preview_context(preview: dict[str, Any]) -> dict[str, Any]:
    """Complete what the preview of a deletion needs."""
    defaults: dict[str, Any] = {
        "intro": "",
        "takes": [],
        "stays": [],
        "warnings": [],
        "fields": [],
        "reason": "",
        "typed_name": "",
        "typed_error": "",
        "is_final": False,
        "confirm_label": _("Move to trash"),
    }
    return defaults | preview
