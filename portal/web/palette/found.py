"""What the palette shows: places and commands first, then things this person may see, five of a kind."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from flask import url_for

from portal.models.actor import Role
from portal.models.text import fold
from portal.services.phones import spaced
from portal.services.trash.names import word
from portal.web import frame
from portal.web.listing import asked
from portal.web.palette import choices
from portal.words import _, later, ngettext

ICONS = {
    "store": "building-store",
    "product": "package",
    "customer": "user",
    "card": "qrcode",
    "order": "receipt",
    "person": "users",
    "act": "trash",
}
TITLES = {
    "store": later("Stores"),
    "product": later("Products"),
    "customer": later("Customers"),
    "card": later("Cards"),
    "order": later("Orders"),
    "person": later("Team"),
    "act": later("In the trash"),
}
PAGES = {
    "store": ("stores.show", "store_id"),
    "product": ("products.show", "product_id"),
    "customer": ("customers.show", "customer_id"),
    "card": ("cards.show", "card_id"),
    "order": ("orders.show", "order_id"),
    "person": ("team.show", "member_id"),
    "act": ("trash.show", "deletion_id"),
}
ROLES = {"owner": later("Owner"), "manager": later("Manager"), "staff": later("Staff")}


class Thing(NamedTuple):
    """Something found, ready to be shown."""

    id: str
    href: str
    label: str
    detail: str
    icon: str


class Group(NamedTuple):
    """The things of one kind."""

    kind: str
    title: str
    things: list[Thing]


@dataclass(frozen=True)
class Search:
    """What was typed, and what answers to it."""

    q: str
    places: list[frame.Place]
    commands: list[frame.Command]
    groups: list[Group]

    @classmethod
    def asked(cls) -> "Search":
        """Search for what the address asks; without a word everybody sees where to go and what to do."""
        q = asked("q")["q"]
        groups = list(_groups(q)) if q else []
        return cls(q, _named(frame.places(), q), _named(frame.commands(), q), groups)

    @property
    def count(self) -> int:
        """How many answers there are."""
        things = sum(len(group.things) for group in self.groups)
        return things + len(self.places) + len(self.commands)

    @property
    def said(self) -> str:
        """Say how many there are, for those who listen."""
        if not self.q:
            return ""
        if not self.count:
            return _("Nothing found for “%(q)s”.", q=self.q)
        return ngettext("%(num)s result", "%(num)s results", self.count)


def _named(entries: list[Any], q: str) -> list[Any]:
    typed = fold(q).split()
    return [entry for entry in entries if all(each in fold(entry.label) for each in typed)]


def _groups(q: str) -> Iterator[Group]:
    rows = choices.found(q)
    for kind, title in TITLES.items():
        things = [_thing(row) for row in rows if row.kind == kind][: choices.MOST]
        if things:
            yield Group(kind, str(title), things)


def _thing(row: Any) -> Thing:
    label = row.label or f"{word(row.detail)} #{row.id}"
    return Thing(f"{row.kind}-{row.role or 'one'}-{row.id}", _href(row), label, _detail(row), ICONS[row.kind])


def _href(row: Any) -> str:
    if row.role == Role.OWNER.word:
        return url_for("team.index")
    endpoint, name = PAGES[row.kind]
    return url_for(endpoint, **{name: row.id})


def _detail(row: Any) -> str:
    if row.kind == "act":
        return word(row.detail).capitalize()
    if row.kind == "customer":
        return spaced(row.detail)
    role = str(ROLES[row.role]) if row.role else ""
    return ", ".join(part for part in (role, row.detail) if part)
