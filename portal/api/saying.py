"""Answering a program when something is refused: one shape for every error."""

import time
from math import ceil
from typing import Any

import structlog
from flask import Blueprint, Response, jsonify, request
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import HTTPException, InternalServerError, RequestEntityTooLarge

from portal.errors import Conflict, Refused, TooMany
from portal.extensions import db, limiter
from portal.services.trash import Clash
from portal.services.trouble import is_busy, is_nonsense

log = structlog.get_logger()
SENTENCES = {
    400: ("bad_request", "This request cannot be read."),
    403: ("forbidden", "This is not for you."),
    404: ("not_found", "There is nothing here."),
    405: ("bad_method", "This address does not answer that method."),
    413: ("too_large", "The body is larger than 64 KB."),
    429: ("too_many", "Too many calls. Wait, then go on."),
    500: ("broken", "Something broke on our side. Nothing was changed."),
    503: ("busy", "Carnet is busy just now. Nothing was changed. Try again in a moment."),
}
CODES = {"purged": 410, "not_allowed": 403}


class Said(Exception):
    """An answer that ends the call: its status, a code for programs and a sentence for people."""

    def __init__(
        self, status: int, code: str, message: str, *, wait: int | None = None, **details: Any
    ) -> None:
        """Keep them; details go into the answer as they are, seconds to wait into its Retry-After."""
        super().__init__(message)
        self.wait = wait
        self.status, self.code, self.message, self.details = status, code, message, details


def answer(status: int, code: str, message: str, details: dict[str, Any] | None = None) -> Response:
    """Write the one shape every error has."""
    db.session.rollback()
    response = jsonify({"error": {"code": code, "message": message, "details": details or {}}})
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    return response


def said(error: Said) -> Response:
    """Answer what this door itself refuses."""
    response = answer(error.status, error.code, error.message, error.details)
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if error.wait is not None:
        response.headers["Retry-After"] = str(error.wait)
    return response


def refused(error: Refused) -> Response:
    """Answer what a verb or a noun refuses."""
    otherwise = 429 if isinstance(error, TooMany) else 409 if isinstance(error, Conflict) else 422
    return answer(CODES.get(error.code, otherwise), error.code, error.message, _details(error))


def told_refusal(error: Refused) -> dict[str, Any]:
    """Write a refusal: its code, sentence and details."""
    return {"code": error.code, "message": error.message, "details": _details(error)}


def _details(error: Refused) -> dict[str, Any]:
    details: dict[str, Any] = {}
    if isinstance(error, Conflict) and error.blocked_by:
        details["blocked_by"] = {key: error.blocked_by[key] for key in ("kind", "id", "deletion_id", "label")}
    for name in ("merchants", "survivor_id"):
        if error.details.get(name):
            details[name] = error.details[name]
    if isinstance(error, Conflict) and error.conflicts:
        details["conflicts"] = [told_clash(clash) for clash in error.conflicts]
    elif error.code == "taken":
        details["conflicts"] = [_told_taken(error)]
    elif error.details.get("field"):
        details["fields"] = [{"field": error.details["field"], "message": error.message}]
    return details


def told_clash(clash: Clash) -> dict[str, Any]:
    """Write one value that is taken, and what may be given instead."""
    return {
        "field": clash.field,
        "value": clash.value,
        "holder": {"kind": clash.kind, "id": clash.holder_id, "label": clash.holder},
        "override": clash.key if clash.can_change else None,
        "may_be_cleared": clash.can_change and clash.can_clear,
    }


def _told_taken(error: Refused) -> dict[str, Any]:
    told, holder_id = error.details, error.details.get("holder_id")
    holder = {"kind": None, "id": holder_id, "label": getattr(error, "holder", "")}
    value = str(told.get("value", ""))
    return {
        "field": told["field"],
        "value": value,
        "holder": holder,
        "override": None,
        "may_be_cleared": False,
    }


def http_error(error: HTTPException) -> Response:
    """Answer what Flask itself refuses: no such address, method or size."""
    status = error.code or 500
    response = answer(status, *SENTENCES.get(status, SENTENCES[400]))
    if status == 405:
        response.headers["Allow"] = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
    if status == 429:
        response.headers["Retry-After"] = str(_seconds_to_wait())
    if isinstance(error, RequestEntityTooLarge):
        response.headers["Connection"] = "close"  # the rest of the body is not read
    return response


def _seconds_to_wait() -> int:
    limit = limiter.current_limit
    return seconds_until(limit.reset_at, limit.limit.get_expiry()) if limit else 60


def seconds_until(ends: float, window: int) -> int:
    """Count the seconds until a limit is open again: one at least, never more than its window."""
    return min(max(1, ceil(ends - time.time())), window)


def trouble(error: DBAPIError) -> Response:
    """Answer when the database asks to come back later, or cannot hold such a value."""
    if is_nonsense(error):
        return answer(400, "bad_value", "The database cannot hold such a value.")
    if is_busy(error):
        log.warning("database_busy", rule=_rule())
        response = answer(503, *SENTENCES[503])
        response.headers["Retry-After"] = "5"
        return response
    return broken(error)


def broken(error: Exception) -> Response:
    """Answer after a bug: it is logged with the request's id."""
    cause = getattr(error, "original_exception", None) or error
    log.error("unhandled", rule=_rule(), exc_info=cause)
    return answer(500, *SENTENCES[500])


def _rule() -> str:
    return request.url_rule.rule if request.url_rule else "none"


def hang_on(bp: Blueprint) -> None:
    """Let the room answer its errors in this shape."""
    bp.register_error_handler(Said, said)
    bp.register_error_handler(Refused, refused)
    bp.register_error_handler(HTTPException, http_error)
    bp.register_error_handler(DBAPIError, trouble)
    bp.register_error_handler(InternalServerError, broken)
