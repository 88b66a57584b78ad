"""What a browser sees when something is refused, missing or broken."""

from typing import Any

import structlog
from flask import Flask, current_app, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.wrappers import Response

from portal.errors import Conflict, Refused, TooMany
from portal.extensions import db
from portal.services import audit
from portal.web import retry
from portal.web.page import is_htmx
from portal.web.scope import in_a_merchant
from portal.words import _, later

log = structlog.get_logger()

TOASTS = {  # what htmx hears in a toast; the page says more
    400: later("That request was not understood. Reload the page and try again."),
    403: later("Your role does not allow this. An owner can do it."),
    404: later("That is not here any more. Reload the page."),
    405: later("That does not work here. Reload the page and try again."),
    409: later("Something changed meanwhile. Reload the page and try again."),
    413: later("That is too large. Make it smaller and try again."),
    429: later("Too many tries. Wait a few minutes, then go on."),
    500: later("Something broke on our side. Nothing was changed."),
    503: later("Carnet is busy just now. Nothing was changed. Try again in a moment."),
}
MANAGERS = later("Your role does not allow this. A manager or an owner can do it.")


def answer(status: int, message: str = "", **headers: str) -> Response:
    """Show a calm page, or a piece for htmx."""
    template = "errors/_error.html" if is_htmx() else "errors/error.html"
    is_managers = status == 403 and _opens_to() == "manager"
    toast = MANAGERS if is_managers else TOASTS.get(status, TOASTS[500])
    words: dict[str, Any] = {
        "status": status,
        "is_managers": is_managers,
        "title": message or toast,
        "message": message,
        "request_id": audit.request_id.get() or "",
        "layout": _layout(status),
    }
    response = make_response(render_template(template, **words), status)
    return _with(response, headers)


def _opens_to() -> str:
    """Whom the door lets in, by the word it is guarded with; nothing where there is no door."""
    view = current_app.view_functions.get(request.endpoint or "")
    return str(getattr(view, "allowed", ""))


def _layout(status: int) -> str:
    """Keep the navigation around what is missing or not allowed inside a merchant; all else needs none."""
    is_inside = status in (403, 404) and in_a_merchant()
    return f"layouts/{'portal' if is_inside else 'plain'}.html"


def _with(response: Response, headers: dict[str, str]) -> Response:
    response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return response


def _before_it_is_forgotten(status: int, message: str = "", **headers: str) -> Response:
    """Answer, then roll back: whose portal it is was read already, and would have to be read again."""
    response = answer(status, message, **headers)
    db.session.rollback()
    return response


def refused(error: Refused) -> Response:
    """Show the reason where the screen keeps its messages; nothing was written."""
    status = 429 if isinstance(error, TooMany) else 409 if isinstance(error, Conflict) else 422
    if error.code == "not_allowed":
        status = 403
    headers = {"Retry_After": str(error.details["after"])} if "after" in error.details else {}
    if not is_htmx():
        return _before_it_is_forgotten(status, error.message, **headers)
    db.session.rollback()
    response = make_response(render_template("shared/_refusal.html", message=error.message), status)
    return _with(response, headers)


def http_error(error: HTTPException) -> Response | HTTPException:
    """Give every HTTP error its page; redirects pass."""
    if error.code is None or error.code < 400:
        db.session.rollback()
        return error
    response = _before_it_is_forgotten(error.code)
    if error.code == 405:
        response.headers["Allow"] = ", ".join(getattr(error, "valid_methods", None) or ())
    return response


def stale_form(_fault: CSRFError) -> Response:
    """The page is older than the session."""
    db.session.rollback()
    return answer(400, _("This page was open for too long, or in another session. Reload it and try again."))


def trouble(error: DBAPIError) -> Response:
    """The database asked to try later even after trying again."""
    db.session.rollback()
    if retry.is_nonsense(error):
        return answer(400)
    if retry.is_busy(error):
        log.warning("database_busy", rule=_rule())
        return answer(503, Retry_After="5")
    return broken(error)


def broken(error: Exception) -> Response:
    """A bug: log it with the request id and show a calm page."""
    db.session.rollback()
    cause = getattr(error, "original_exception", None) or error
    log.error("unhandled", rule=_rule(), exc_info=cause)
    return answer(500)


def _rule() -> str:
    """The rule, not the path: an address may hold a secret."""
    return request.url_rule.rule if request.url_rule else "none"


def init_app(app: Flask) -> None:
    """Hang the handlers on the app."""
    app.register_error_handler(Refused, refused)
    app.register_error_handler(CSRFError, stale_form)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(DBAPIError, trouble)
    app.register_error_handler(InternalServerError, broken)
