"""The frame around every screen: where one is, who one is, where one can go, what one can do."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from flask import Flask, current_app, g, request, url_for
from flask_login import current_user

from portal.models.actor import Role
from portal.models.text import fold
from portal.web.scope import current_person, in_a_merchant, merchants_of
from portal.words import later

# label, icon, endpoint, least role
PLACES = (
    (later("Dashboard"), "home", "dashboard.index", Role.STAFF),
    (later("Stores"), "building-store", "stores.index", Role.STAFF),
    (later("Team"), "users", "team.index", Role.STAFF),
    (later("Products"), "package", "products.index", Role.STAFF),
    (later("Customers"), "user", "customers.index", Role.MANAGER),
    (later("Cards"), "qrcode", "cards.index", Role.MANAGER),
    (later("Orders"), "receipt", "orders.index", Role.MANAGER),
    (later("Review"), "eye", "reviews.index", Role.MANAGER),
    (later("Program"), "credit-card", "program.index", Role.MANAGER),
    (later("Trash"), "trash", "trash.index", Role.MANAGER),
    (later("Audit"), "history", "audit.index", Role.OWNER),
    (later("Settings"), "settings", "settings.business", Role.OWNER),
)
# What the palette offers to begin from anywhere, in the dialog: label, icon, endpoint, least role
COMMANDS = (
    (later("New store"), "building-store", "stores.new", Role.OWNER),
    (later("New product"), "package", "products.new", Role.MANAGER),
    (later("New customer"), "user-plus", "customers.new", Role.MANAGER),
    (later("New reward"), "credit-card", "program.new_reward", Role.OWNER),
    (later("Invite somebody to the team"), "user-plus", "team.new_invitation", Role.MANAGER),
)


class Place(NamedTuple):
    """One entry of the navigation, with the letter that leads there after "g"."""

    href: str
    label: str
    icon: str
    is_current: bool
    letter: str


class Command(NamedTuple):
    """Something to begin from anywhere."""

    href: str
    label: str
    icon: str


def frame() -> dict[str, Any]:
    """Gather what the layouts show."""
    inside = in_a_merchant()
    user = current_person() if current_user and current_user.is_authenticated else None
    return {
        "merchant": g.merchant if inside else None,
        "user": user,
        "role": g.actor.role.word if inside else "",
        "has_several": len(merchants_of(user)) > 1 if user and inside else False,
        "nav": places() if inside else [],
        "commands": commands() if inside else [],
        "palette_href": url_for("palette.index") if inside else "",
        "profile_href": _own("account.profile"),
        "sessions_href": _own("account.open_sessions"),
        "sign_out_href": url_for("auth.sign_out"),
        "chooser_href": url_for("home.chooser"),
        "version": current_app.config["VERSION"],
    }


def places() -> list[Place]:
    """List where this person may go with the merchant."""
    there = [place for place in PLACES if _is_there(place[2])]
    letters = letters_of(str(label) for label, *_ in there)
    return [
        Place(
            url_for(endpoint),
            str(label),
            icon,
            is_current=endpoint.partition(".")[0] == request.blueprint,
            letter=letters[str(label)],
        )
        for label, icon, endpoint, least in there
        if g.actor.role >= least
    ]


def commands() -> list[Command]:
    """List what this person may begin from anywhere."""
    return [
        Command(url_for(endpoint), str(label), icon)
        for label, icon, endpoint, least in COMMANDS
        if g.actor.role >= least and _is_there(endpoint)
    ]


def letters_of(labels: Iterable[str]) -> dict[str, str]:
    """Give each place a letter of its own, the same for every role: its first one, or its next free one.

    Where none is free, the last place that holds one of its letters and has another one makes room.
    """
    given: dict[str, str] = {}
    named = [(label, [sign for sign in fold(label) if sign.isalpha()]) for label in labels]
    for label, signs in named:
        if signs and signs[0] not in given.values():
            given[label] = signs[0]
    for label, signs in named:
        free = (sign for sign in signs if sign not in given.values())
        given.setdefault(label, next(free, ""))
    for label, signs in named:
        for holder, instead in [] if given[label] else _room(dict(named), given, signs):
            given[label], given[holder] = given[holder], instead
    return given


def _room(named: dict[str, list[str]], given: dict[str, str], wanted: list[str]) -> list[tuple[str, str]]:
    """Find the last place that could give up a wanted letter, with the letter it would take instead."""
    for holder in reversed(named):
        if given[holder] and given[holder] in wanted:
            free = [sign for sign in named[holder] if sign not in given.values()]
            if free:
                return [(holder, free[0])]
    return []


def _own(endpoint: str) -> str:
    """Address a page of one's own account, which knows the way back to this merchant."""
    return url_for(endpoint, **{"from": g.get("subdomain")})


def _is_there(endpoint: str) -> bool:
    return endpoint in current_app.view_functions


class Frame:
    """The frame, gathered when a layout first asks: a piece never does."""

    def __getattr__(self, name: str) -> Any:
        """Hand out one part of it."""
        if "frame" not in g:
            g.frame = frame()
        return g.frame[name]


def init_app(app: Flask) -> None:
    """Give it to every template."""
    app.context_processor(lambda: {"frame": Frame(), "works_in": _works_in})


def _works_in(store_id: int | None) -> bool:
    """Tell whether what happened in the store is theirs to open: no page offers a way that ends in a 404."""
    return bool(g.actor.works_in(store_id))
