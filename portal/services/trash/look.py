"""Looking before: what a deletion or a restore will touch, and what stands in the way."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, func, select

from portal.extensions import db
from portal.models.actor import Actor
from portal.models.deletion import Deletion
from portal.models.ownership import Rule, below, edges, is_mortal, table_of
from portal.models.tenancy import PLATFORM
from portal.services.trash import rows
from portal.services.trash.bring_back import dead_owner
from portal.services.trash.clashes import Clash, clashes_of
from portal.services.trash.names import label_column, label_of, word
from portal.words import _, number

EXAMPLES = 3
AT_MOST = 10_000  # counted exactly up to here, then "10,000+"


@dataclass(frozen=True)
class Kind:
    """How many rows of one kind, with a few of their names."""

    name: str
    count: int
    words: str
    examples: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Say it: 12 products; 10,000+ orders."""
        shown = f"{number(AT_MOST)}+" if self.count > AT_MOST else number(self.count)
        return _("%(count)s %(things)s", count=shown, things=self.words)

    @property
    def more(self) -> int:
        """How many are not named in the examples."""
        return self.count - len(self.examples)


@dataclass(frozen=True)
class Preview:
    """What a deletion would take and what stays, before anybody presses."""

    kind: str
    word: str
    label: str
    takes: tuple[Kind, ...]
    stays: tuple[Kind, ...]


@dataclass(frozen=True)
class RestorePreview:
    """What a restore would bring and what stands in its way; the clashes of dead owners are told too."""

    brings: tuple[Kind, ...]
    earlier: tuple[Kind, ...]
    blocked_by: Deletion | None
    clashes: tuple[Clash, ...] = field(default_factory=tuple)


def deletion_of(row: Any) -> Deletion | None:
    """Find the act that put this row in the trash; None when it lives."""
    if row.deletion_id is None:
        return None
    table = row.__table__
    merchant_id = row.id if table.name == "merchants" else getattr(row, "merchant_id", PLATFORM)
    act = select(Deletion).where(Deletion.merchant_id == merchant_id, Deletion.id == row.deletion_id)
    return db.session.scalars(act).one()


def preview(row: Any) -> Preview:
    """Count what would go with the row, name a few, and say what stays."""
    table, merchants = row.__table__, _merchants(row)
    takes: list[Kind] = []
    stays: dict[str, int] = {}
    for child in below(table):
        for merchant_id in merchants:
            inside = and_(rows.under(child, table, row.id, merchant_id), child.c.deleted_at.is_(None))
            if child is not table:
                takes.append(_kind(child, inside))
            _count_what_stays(child, inside, merchant_id, stays)
    return Preview(
        kind=table.name,
        word=word(table),
        label=label_of(row) or word(table),
        takes=_sum(takes),
        stays=tuple(Kind(name, count, word(name, count)) for name, count in stays.items()),
    )


def preview_restore(act: Deletion, *, by: Actor) -> RestorePreview:
    """Count what a restore would bring; `earlier` were deleted before it and stay in the trash."""
    root = table_of(act.root_kind)
    brings, earlier = [], []
    for table in below(root):
        brings.append(_kind(table, rows.dead_of(act, table)))
        if table is not root and act.merchant_id != PLATFORM:
            inside = rows.under(table, root, act.root_id, act.merchant_id)
            other = and_(inside, table.c.deletion_id != act.id, table.c.purged_at.is_(None))
            earlier.append(_kind(table, other))
    owners = _dead_owners(act)
    return RestorePreview(
        brings=_sum(brings),
        earlier=_sum(earlier),
        blocked_by=owners[0] if owners else None,
        clashes=tuple(clash for each in (act, *owners) for clash in clashes_of(each, by)),
    )


def _dead_owners(act: Deletion) -> list[Deletion]:
    """The deletions a restore with owners would bring back too, from the act outwards."""
    found: list[Deletion] = []
    while (owner := dead_owner(found[-1] if found else act)) is not None:
        found.append(owner)
    return found


def _merchants(row: Any) -> list[int]:
    table = row.__table__
    if table.name == "users":
        return rows.merchants_of_person(row.id) or [PLATFORM]
    return [row.id if table.name == "merchants" else row.merchant_id]


def _kind(table: Table, inside: ColumnElement[bool]) -> Kind:
    capped = select(table.c.id).where(inside).limit(AT_MOST + 1).subquery()
    count = int(rows.read(select(func.count()).select_from(capped)).scalar_one())
    return Kind(table.name, count, word(table, count), _examples(table, inside) if count else ())


def _examples(table: Table, inside: ColumnElement[bool]) -> tuple[str, ...]:
    label = label_column(table)
    if label is not None:
        query = select(label).where(inside, label.is_not(None)).order_by(table.c.id)
    elif "user_id" in table.c:
        users = table_of("users")
        joined = table.join(users, table.c.user_id == users.c.id)
        query = select(users.c.display_name).select_from(joined).where(inside).order_by(table.c.id)
    else:
        return ()
    return tuple(str(name) for name in rows.read(query.limit(EXAMPLES)).scalars())


def _count_what_stays(
    table: Table, inside: ColumnElement[bool], merchant_id: int, stays: dict[str, int]
) -> None:
    for edge in edges():
        if edge.parent is not table or edge.rule is not Rule.HISTORY or not is_mortal(edge.child):
            continue
        if edge.column.endswith("_by_id") or edge.child is table:
            continue
        gone = select(table.c.id).where(inside)
        kept = and_(edge.key.in_(gone), edge.child.c.deleted_at.is_(None))
        kept = and_(kept, rows.of_merchant(edge.child, merchant_id))
        capped = select(edge.child.c.id).where(kept).limit(AT_MOST + 1).subquery()
        count = int(rows.read(select(func.count()).select_from(capped)).scalar_one())
        if count:
            stays[edge.child.name] = max(stays.get(edge.child.name, 0), count)


def _sum(kinds: list[Kind]) -> tuple[Kind, ...]:
    together: dict[str, Kind] = {}
    for kind in kinds:
        if kind.count and kind.name in together:
            old = together[kind.name]
            count = old.count + kind.count
            examples = (old.examples + kind.examples)[:EXAMPLES]
            together[kind.name] = Kind(kind.name, count, word(kind.name, count), examples)
        elif kind.count:
            together[kind.name] = kind
    return tuple(together.values())
