"""What lies in the trash, as a list: one row per act, read from `deletions` alone."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from flask import abort, url_for
from sqlalchemy import Select, and_, case, func, literal, null, or_, select, text, tuple_
from sqlalchemy.orm import aliased

from portal.extensions import db
from portal.models.base import UtcDateTime
from portal.models.customer import Customer
from portal.models.deletion import IN_TRASH, Deletion
from portal.models.store import Store
from portal.models.text import fold
from portal.models.user import User
from portal.services.searching import containing
from portal.services.trash.names import word
from portal.web.days import day_in, midnight
from portal.web.deletions import ICONS, Line
from portal.web.listing import Listing, Sorting, asked, list_of, number_in
from portal.web.scope import actor, current_merchant
from portal.words import _, counted, ngettext

KINDS = tuple(kind for kind in ICONS if kind not in ("merchants", "users", "card_tokens"))
MOST_PEOPLE = 200
MOST_LINKED = 10
MOST_NAMED = 5
LAST = "\U0010ffff"
OPERATOR = "operator"
FOR_EVER = literal(datetime(9999, 1, 1, tzinfo=UTC), UtcDateTime())
ORDERS = {
    "what": func.coalesce(Deletion.label_key, ""),
    "deleted_at": Deletion.deleted_at,
    "kept": case((Deletion.hold, FOR_EVER), else_=func.coalesce(Deletion.purge_after, FOR_EVER)),
}


def listed() -> Listing:
    """Read one page of the trash, as the address asks for it."""
    filters = _filters()
    listing = list_of(
        chosen(filters),
        Sorting(ORDERS, Deletion.id, "deleted_at", starts_descending=True),
        nouns=counted("deletion", "deletions"),
        base_href=url_for("trash.index"),
        filters=filters,
        export_href=url_for("trash.export"),
    )
    listing.extra["days_turned"] = bool(filters["from"] and filters["to"] and filters["from"] > filters["to"])
    listing.rows = [line_of(row) for row in listing.rows]
    return listing


def chosen(filters: dict[str, str] | None = None) -> Select[Any]:
    """Select the acts in the trash that this person sees and the filters leave."""
    filters = _filters() if filters is None else filters
    mine = (Deletion.merchant_id == current_merchant().id, Deletion.seen_by(actor()))
    # As literal text: a partial index serves only a condition that is known when planning.
    query = _with_names().where(*mine, text(IN_TRASH), *_label(asked("q")["q"]))
    if filters["kind"]:
        query = query.where(Deletion.root_kind == filters["kind"])
    if filters["person"] == OPERATOR:
        query = query.where(Deletion.deleted_by_id.is_(None))
    elif filters["person"]:
        query = query.where(Deletion.deleted_by_id == int(filters["person"]))
    if begins := day_in(filters["from"]):
        query = query.where(Deletion.deleted_at >= midnight(begins))
    if ends := day_in(filters["to"]):
        query = query.where(Deletion.deleted_at < midnight(ends, days=1))
    return query


def find_line(deletion_id: int) -> Line:
    """Load one act, in whatever state, or answer 404 to whoever may not see it."""
    mine = (Deletion.merchant_id == current_merchant().id, Deletion.id == deletion_id)
    found = db.session.execute(_with_names().where(*mine, Deletion.seen_by(actor()))).one_or_none()
    if found is None:
        abort(404)
    return line_of(found)


def line_of(row: Any) -> Line:
    """Make a line of what `chosen` selects."""
    return Line(row.Deletion, row.person or "", row.place or "", row.survivor_id, row.survivor or "")


def find_with_linked(deletion_id: int) -> tuple[Line, list[Line]]:
    """Load one act, and the newest others that concern the same thing; or answer 404."""
    this = aliased(Deletion)
    same = (this.merchant_id, this.root_kind, this.root_id)
    thing = tuple_(Deletion.merchant_id, Deletion.root_kind, Deletion.root_id) == tuple_(*same)
    mine = (Deletion.merchant_id == current_merchant().id, Deletion.seen_by(actor()), this.id == deletion_id)
    is_this = (Deletion.id == deletion_id).desc()
    first = _with_names().join(this, thing).where(*mine).order_by(is_this, Deletion.id.desc())
    lines = [line_of(row) for row in db.session.execute(first.limit(1 + MOST_LINKED))]
    if not lines or lines[0].act.id != deletion_id:
        abort(404)
    return lines[0], lines[1:]


def stay(merged: list[Line]) -> str:
    """Say by name which records no restore brings back; nothing where there are none."""
    if not merged:
        return ""
    names = [line.label for line in merged[:MOST_NAMED]]
    more = len(merged) - len(names)
    names += [ngettext("%(num)s more", "%(num)s more", more)] if more else []
    said = ngettext(
        "Left in the trash, for it was merged into another record: %(names)s.",
        "Left in the trash, for they were merged into other records: %(names)s.",
        len(merged),
        names=", ".join(names),
    )
    return str(said)


def find_act(deletion_id: int) -> Deletion:
    """Load one act this person sees, or answer 404."""
    return find_line(deletion_id).act


def people() -> list[tuple[str, str]]:
    """Name everybody of whom this person sees a deletion in the trash, the removed and the operator too."""
    mine = (Deletion.merchant_id == current_merchant().id, Deletion.seen_by(actor()), text(IN_TRASH))
    # From one person to the next, along the index: the trash is never read as a whole.
    who = select(func.min(Deletion.deleted_by_id).label("id")).where(*mine).cte(recursive=True)
    next_one = select(func.min(Deletion.deleted_by_id)).where(*mine, Deletion.deleted_by_id > who.c.id)
    who = who.union_all(select(next_one.correlate(who).scalar_subquery()).where(who.c.id.is_not(None)))
    named = select(who.c.id, User.display_name).join(User, User.id == who.c.id)
    nobody = select(Deletion.id).where(*mine, Deletion.deleted_by_id.is_(None)).exists()
    both = named.union_all(select(null(), literal("")).where(nobody)).limit(MOST_PEOPLE)
    found = db.session.execute(both, execution_options={"include_deleted": True}).all()
    known = sorted(((row[0], row[1]) for row in found if row[0]), key=lambda row: (fold(row[1]), row[0]))
    operator = [(OPERATOR, _("The operator"))] if len(known) < len(found) else []
    return [(str(user_id), name) for user_id, name in known] + operator


def kinds() -> list[tuple[str, str]]:
    """Name the kinds of things people delete."""
    return [(kind, word(kind, 2).capitalize()) for kind in KINDS]


def _with_names() -> Select[Any]:
    """Read acts with who did it, of a product the store if there are several, and who the merged are now."""
    other = aliased(Store)
    there = Store.merchant_id == Deletion.merchant_id, Store.id == Deletion.store_id
    several = select(other.id).where(other.merchant_id == Deletion.merchant_id, other.id != Deletion.store_id)
    place = case(((Deletion.root_kind == "products") & several.exists(), Store.name), else_=None)
    merged, survivor = aliased(Customer), aliased(Customer)
    gone = (Deletion.root_kind == "customers") & (merged.id == Deletion.root_id)
    columns = [User.display_name.label("person"), place.label("place")]
    columns += [survivor.id.label("survivor_id"), survivor.name.label("survivor")]
    named: Any = select(Deletion, *columns)
    joined: Select[Any] = (
        named.outerjoin(User, User.id == Deletion.deleted_by_id)
        .outerjoin(Store, and_(*there))
        .outerjoin(merged, (merged.merchant_id == Deletion.merchant_id) & gone)
        .outerjoin(
            survivor,
            (survivor.merchant_id == Deletion.merchant_id) & (survivor.id == merged.merged_into_id),
        )
    )
    return joined.execution_options(include_deleted=True)


def _filters() -> dict[str, str]:
    filters = asked("kind", "person", "from", "to")
    good = {
        "kind": filters["kind"] in KINDS,
        "person": filters["person"] == OPERATOR or number_in(filters["person"]) is not None,
        "from": day_in(filters["from"]) is not None,
        "to": day_in(filters["to"]) is not None,
    }
    return {name: value if good[name] else "" for name, value in filters.items()}


def _label(typed: str) -> Iterator[Any]:
    """A prefix is a range of the index; words inside a label are found too."""
    if typed:
        key = fold(typed)
        begins = and_(Deletion.label_key >= key, Deletion.label_key < key + LAST)
        yield or_(begins, containing(typed, folded=(Deletion.label_key,)))
