"""The frame around every screen: where one is, who one is, where one can go."""

from typing import Any, NamedTuple

from flask import Flask, current_app, g, request, url_for
from flask_login import current_user

from portal.models.actor import Role
from portal.web.scope import current_person, in_a_merchant, merchants_of

# label, icon, endpoint, least role
PLACES = (
    ("Stores", "building-store", "stores.index", Role.STAFF),
    ("Team", "users", "team.index", Role.STAFF),
    ("Products", "package", "products.index", Role.STAFF),
    ("Trash", "trash", "trash.index", Role.MANAGER),
)


class Place(NamedTuple):
    """One entry of the navigation."""

    href: str
    label: str
    icon: str
    is_current: bool


def frame() -> dict[str, Any]:
    """Gather what the layouts show."""
    inside = in_a_merchant()
    user = current_person() if current_user and current_user.is_authenticated else None
    return {
        "merchant": g.merchant if inside else None,
        "user": user,
        "role": g.actor.role.word if inside else "",
        "has_several": len(merchants_of(user)) > 1 if user and inside else False,
        "nav": _nav() if inside else [],
        "password_href": url_for("auth.password"),
        "sign_out_href": url_for("auth.sign_out"),
        "chooser_href": url_for("home.chooser"),
        "version": current_app.config["VERSION"],
    }


def _nav() -> list[Place]:
    blueprint = request.blueprint
    return [
        Place(url_for(endpoint), label, icon, endpoint.partition(".")[0] == blueprint)
        for label, icon, endpoint, least in PLACES
        if g.actor.role >= least and endpoint in current_app.view_functions
    ]


class Frame:
    """The frame, gathered when a layout first asks: a piece never does."""

    def __getattr__(self, name: str) -> Any:
        """Hand out one part of it."""
        if "frame" not in g:
            g.frame = frame()
        return g.frame[name]


def init_app(app: Flask) -> None:
    """Give it to every template."""
    app.context_processor(lambda: {"frame": Frame()})
