"""One deletion as people see it: what it was, who did it, what it took, how long it stays."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from portal.models.actor import role_word
from portal.models.deletion import Deletion
from portal.models.ownership import below, owners_of, table_of
from portal.services.trash.look import Kind
from portal.services.trash.names import and_counts, named, word
from portal.web.scope import actor, in_a_merchant, now
from portal.words import _, later

ICONS = {
    "merchants": "building-store",
    "stores": "building-store",
    "store_users": "users",
    "merchant_owners": "crown",
    "products": "package",
    "customers": "user",
    "orders": "receipt",
    "loyalty_programs": "gift",
    "loyalty_rewards": "gift",
    "loyalty_cards": "credit-card",
    "card_tokens": "qrcode",
    "staff_pins": "key",
    "till_devices": "device-tablet",
    "users": "user",
}
STATES = {"restored": later("restored"), "purging": later("purging"), "purged": later("purged")}


class Line(NamedTuple):
    """One act, ready to be shown."""

    act: Deletion
    who: str
    place: str = ""
    survivor_id: int | None = None  # of a customer who was merged, who they are now
    survivor: str = ""

    @property
    def name(self) -> str:
        """Say what was deleted: store Gare, product Espresso at Belval."""
        thing = named(self.act.root_kind, self.act.root_label)
        return _("%(thing)s at %(store)s", thing=thing, store=self.place) if self.place else thing

    @property
    def word(self) -> str:
        """The kind of thing."""
        return word(self.act.root_kind)

    @property
    def label(self) -> str:
        """What people call it."""
        return self.act.root_label or f"{self.word} #{self.act.root_id}"

    @property
    def deleter(self) -> str:
        """Say who did it, and as what: Mia Reuter, manager."""
        role = role_word(self.act.deleted_by_role)
        return _("%(person)s, %(role)s", person=self.who, role=role) if self.who else _("the operator")

    @property
    def icon(self) -> str:
        """The picture of the kind."""
        return ICONS.get(self.act.root_kind, "trash")

    @property
    def along(self) -> str:
        """Say what went with it: 12 products, 4 team members."""
        return and_counts({k: count for k, count in self.act.counts.items() if k != self.act.root_kind})

    @property
    def what(self) -> str:
        """Say the kind, where it was, and what went with it: Store, with 12 products."""
        kind = self.word.capitalize()
        thing = _("%(thing)s at %(store)s", thing=kind, store=self.place) if self.place else kind
        return _("%(thing)s, with %(others)s", thing=thing, others=self.along) if self.along else thing

    @property
    def state(self) -> str:
        """Say what became of it: restored, purged."""
        return str(STATES.get(self.act.status, self.act.status))

    @property
    def days_left(self) -> int | None:
        """Count the days until it may be purged; None keeps it."""
        return self.act.days_left(now())

    @property
    def may_restore(self) -> bool:
        """Whether this person may bring it back, and nothing is at work on it."""
        is_there = self.act.status == "done" and self.survivor_id is None
        return is_there and self.act.can_be_restored_by(actor())


@dataclass
class Branch:
    """One kind of rows in the tree of what an act took, with the kinds below it."""

    kind: Kind
    icon: str
    below: list["Branch"] = field(default_factory=list)


def grown(root_kind: str, kinds: Sequence[Kind]) -> list[Branch]:
    """Hang each kind below its first owner among the others."""
    branches = {kind.name: Branch(kind, ICONS.get(kind.name, "trash")) for kind in kinds}
    top: list[Branch] = []
    for table in below(table_of(root_kind)):
        branch = branches.get(table.name)
        if branch is None:
            continue
        owners = [e.parent.name for e in owners_of(table) if e.parent.name in branches]
        (branches[owners[0]].below if owners else top).append(branch)
    return top


def frame_here() -> str:
    """A deleted business is looked at outside of any portal; all else inside one."""
    return "portal" if in_a_merchant() else "plain"


def told(book: dict[str, Any]) -> str:
    """Say a book of counts: 12 products, 4 team members."""
    return and_counts(book)
