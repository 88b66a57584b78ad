"""What every request begins with and every answer carries."""

import re
import secrets
import time

import structlog
from flask import Flask, Response, abort, current_app, g, request

from portal.services import audit
from portal.web.scope import reads_only

log = structlog.get_logger()
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")


def begin() -> None:
    """Give the request its id, and refuse what another site makes a browser do."""
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
    g.began = time.perf_counter()
    audit.request_id.set(g.request_id)
    structlog.contextvars.bind_contextvars(request_id=g.request_id)
    if not reads_only() and request.headers.get("Sec-Fetch-Site") == "cross-site":
        abort(403)
    refuse_large_forms()


def refuse_large_forms() -> None:
    """Hold every form to 64 KB and 1,000 fields; werkzeug itself counts only those that carry files."""
    if request.mimetype != "application/x-www-form-urlencoded":
        return
    request.max_content_length = current_app.config["MAX_FORM_MEMORY_SIZE"]
    if sum(1 for _ in request.form.items(multi=True)) > current_app.config["MAX_FORM_PARTS"]:
        abort(413)


def finish(response: Response) -> Response:
    """Add the headers of trust and of caching, and log the request without its query."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
    response.headers["X-Request-Id"] = g.get("request_id", "")
    # What is the same for everybody varies with nobody.
    if request.endpoint != "static" and not response.cache_control.public:
        response.headers.setdefault("Cache-Control", "private, no-cache")
        response.vary.update(("Cookie", "HX-Request", "HX-Target"))
        if "merchant" not in g:  # whose language would be spoken
            response.vary.add("Accept-Language")
    _log(response)
    return response


def never_store(response: Response) -> Response:
    """Keep a page with secrets, or before sign-in, out of every cache."""
    response.headers["Cache-Control"] = "no-store"
    return response


def _log(response: Response) -> None:
    if request.endpoint in ("static", "health.alive"):
        return
    took_ms = round((time.perf_counter() - g.began) * 1000, 1) if "began" in g else None
    # The rule, not the path: an address may hold a secret.
    rule = request.url_rule.rule if request.url_rule else "none"
    log.info("request", method=request.method, rule=rule, status=response.status_code, took_ms=took_ms)


def forget(_: BaseException | None) -> None:
    """Leave nothing for the next request of this thread."""
    structlog.contextvars.clear_contextvars()
    audit.request_id.set(None)


def init_app(app: Flask) -> None:
    """Hang them on the app."""
    app.before_request(begin)
    app.after_request(finish)
    app.teardown_request(forget)
