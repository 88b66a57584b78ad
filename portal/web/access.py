"""Who may walk through which door."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec
from urllib.parse import urlsplit

from flask import Flask, Response, abort, g, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from portal.extensions import db
from portal.models.actor import Role
from portal.web import freshness, retry
from portal.web.page import hx_redirect, is_htmx
from portal.web.scope import actor, enter_merchant, reads_only

P = ParamSpec("P")
Answer = str | AnyResponse | tuple[str, int]
View = Callable[P, Answer]
BIGGEST_ID = 2**63 - 1  # no database counts further
WORDS = ("anyone", "signed_in", "staff", "manager", "owner")


def allow(who: str) -> Callable[[View[P]], View[P]]:
    """Let only these people use the view: anyone, signed_in, or at least a role of the merchant.

    With a role, the address names the merchant; whoever does not belong to it gets 404, whoever
    belongs with a lesser role 403.
    """
    if who not in WORDS:
        raise ValueError(who)

    def guard(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> Answer:
            return retry.whole(lambda: _enter(who) or freshness.unless_fresh(lambda: view(*args, **kwargs)))

        guarded.__dict__["allowed"] = who
        return guarded

    return guard


def _enter(who: str) -> Answer | None:
    if reads_only():
        db.session().info["read_only"] = True
    if who == "anyone":
        return None
    if not current_user.is_authenticated:
        return ask_to_sign_in()
    if who != "signed_in":
        enter_merchant(g.subdomain)
        if actor().role < Role.of_word(who):
            abort(403)
    return None


def ask_to_sign_in() -> Response | AnyResponse:
    """Lead to the sign-in page and back; a fragment cannot show it, so htmx is told to go there."""
    target = url_for("auth.sign_in", next=_page_asked_from())
    return hx_redirect(target) if is_htmx() else redirect(target)


def _page_asked_from() -> str | None:
    """The page to come back to: for a piece or a form, the one that held it, if it was one of ours."""
    if reads_only() and not is_htmx():
        return request.full_path.rstrip("?")
    held = urlsplit(request.headers.get("HX-Current-URL") or request.referrer or "")
    if held.netloc != request.host:
        return None
    return f"{held.path}?{held.query}" if held.query else held.path


def refuse_doors_without_a_rule(app: Flask) -> None:
    """Stop the start when a view does not say who may use it."""
    silent = [
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.endpoint != "static" and not hasattr(app.view_functions[rule.endpoint], "allowed")
    ]
    if silent:
        raise RuntimeError(f"say who may: {', '.join(sorted(silent))}")


def init_app(app: Flask) -> None:
    """Take the merchant out of the address, and put it into every link."""

    @app.url_value_preprocessor
    def take_merchant(_: str | None, values: dict[str, Any] | None) -> None:
        g.subdomain = values.pop("merchant", None) if values else None
        if values and any(isinstance(v, int) and v > BIGGEST_ID for v in values.values()):
            abort(404)

    @app.url_defaults
    def put_merchant(endpoint: str, values: dict[str, Any]) -> None:
        if (
            "merchant" not in values
            and g.get("subdomain")
            and app.url_map.is_endpoint_expecting(endpoint, "merchant")
        ):
            values["merchant"] = g.subdomain
