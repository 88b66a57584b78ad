"""What lies in the trash, as a list: one row per act, read from `deletions` alone."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from flask import abort, url_for
from sqlalchemy import Select, select, text, union

from portal.extensions import db
from portal.models.deletion import IN_TRASH, Deletion
from portal.models.merchant import MerchantOwner
from portal.models.store_user import StoreUser
from portal.models.text import fold
from portal.models.user import User
from portal.services.trash.names import word
from portal.web.listing import Listing, Sorting, asked, list_of
from portal.web.scope import actor, current_merchant, now

ICONS = {
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
KINDS = tuple(kind for kind in ICONS if kind not in ("users", "card_tokens"))
MOST_PEOPLE = 200
LAST = "\U0010ffff"


class Line(NamedTuple):
    """One act, ready to be shown."""

    act: Deletion
    who: str

    @property
    def name(self) -> str:
        """Say what was deleted: store Gare."""
        return f"{self.word} {self.act.root_label}" if self.act.root_label else self.word

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
        return f"{self.who}, {self.act.deleted_by_role}" if self.who else "the operator"

    @property
    def icon(self) -> str:
        """The picture of the kind."""
        return ICONS.get(self.act.root_kind, "trash")

    @property
    def along(self) -> str:
        """Say what went with it: with 12 products, 4 team members."""
        others = [(kind, count) for kind, count in self.act.counts.items() if kind != self.act.root_kind]
        return ", ".join(f"{count:,} {word(kind, count)}" for kind, count in others)

    @property
    def days_left(self) -> int | None:
        """Count the days until it may be purged; None keeps it."""
        return self.act.days_left(now())

    @property
    def may_restore(self) -> bool:
        """Whether this person may bring it back, and nothing is at work on it."""
        return self.act.status == "done" and self.act.can_be_restored_by(actor())


def listed() -> Listing:
    """Read one page of the trash, as the address asks for it."""
    filters = _filters()
    sorting = Sorting({"deleted_at": Deletion.deleted_at}, Deletion.id, "deleted_at", starts_descending=True)
    base = url_for("trash.index")
    listing = list_of(chosen(filters), sorting, nouns=("act", "acts"), base_href=base, filters=filters)
    listing.noun, listing.nouns = "deletion", "deletions"
    listing.rows = [Line(row.Deletion, row.person or "") for row in listing.rows]
    return listing


def chosen(filters: dict[str, str] | None = None) -> Select[Any]:
    """Select the acts in the trash that this person sees and the filters leave."""
    filters = _filters() if filters is None else filters
    mine = (Deletion.merchant_id == current_merchant().id, Deletion.seen_by(actor()))
    # As literal text: a partial index serves only a condition that is known when planning.
    query = _with_person().where(*mine, text(IN_TRASH), *_label(asked("q")["q"]))
    if filters["kind"]:
        query = query.where(Deletion.root_kind == filters["kind"])
    if filters["person"]:
        query = query.where(Deletion.deleted_by_id == int(filters["person"]))
    if filters["from"]:
        query = query.where(Deletion.deleted_at >= _midnight(filters["from"]))
    if filters["to"]:
        query = query.where(Deletion.deleted_at < _midnight(filters["to"], days=1))
    return query


def find_line(deletion_id: int) -> Line:
    """Load one act, in whatever state, or answer 404 to whoever may not see it."""
    mine = (Deletion.merchant_id == current_merchant().id, Deletion.id == deletion_id)
    found = db.session.execute(_with_person().where(*mine, Deletion.seen_by(actor()))).one_or_none()
    if found is None:
        abort(404)
    return Line(found.Deletion, found.person or "")


def find_act(deletion_id: int) -> Deletion:
    """Load one act this person sees, or answer 404."""
    return find_line(deletion_id).act


def people() -> list[tuple[str, str]]:
    """Name those who may have deleted something: owners and managers."""
    merchant = current_merchant()
    owners = select(MerchantOwner.user_id).where(MerchantOwner.merchant_id == merchant.id)
    managers = select(StoreUser.user_id).where(
        StoreUser.merchant_id == merchant.id, StoreUser.role == "manager"
    )
    those = union(owners, managers).subquery()
    named = select(User.id, User.display_name).join(those, those.c.user_id == User.id)
    found = db.session.execute(named.order_by(User.name_key, User.id).limit(MOST_PEOPLE))
    return [(str(user_id), name) for user_id, name in found]


def kinds() -> list[tuple[str, str]]:
    """Name the kinds of things people delete."""
    return [(kind, word(kind, 2).capitalize()) for kind in KINDS]


def _with_person() -> Select[Any]:
    """Read acts with the name of who did it, dead people too: history stays readable."""
    named: Any = select(Deletion, User.display_name.label("person"))
    joined: Select[Any] = named.outerjoin(User, User.id == Deletion.deleted_by_id)
    return joined.execution_options(include_deleted=True)


def _filters() -> dict[str, str]:
    filters = asked("kind", "person", "from", "to")
    good = {
        "kind": filters["kind"] in KINDS,
        "person": filters["person"].isdecimal() and len(filters["person"]) < 19,
        "from": _day(filters["from"]) is not None,
        "to": _day(filters["to"]) is not None,
    }
    return {name: value if good[name] else "" for name, value in filters.items()}


def _label(typed: str) -> Iterator[Any]:
    """A prefix is a range of the index."""
    if typed:
        key = fold(typed)
        yield Deletion.label_key >= key
        yield Deletion.label_key < key + LAST


def _day(typed: str) -> date | None:
    try:
        day = date.fromisoformat(typed)
    except ValueError:
        return None
    return day if date(1970, 1, 2) <= day <= date(9000, 1, 1) else None


def _midnight(typed: str, days: int = 0) -> datetime:
    """The beginning of a day in the merchant's zone."""
    day = date.fromisoformat(typed) + timedelta(days=days)
    return datetime.combine(day, time.min, tzinfo=current_merchant().zone)
