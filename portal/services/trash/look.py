"""Looking before: what a deletion or a restore will touch, and what stands in the way."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, select

from portal.extensions import db
from portal.models.actor import Actor
from portal.models.deletion import Deletion
from portal.models.ownership import Rule, below, edges, is_mortal, needs_of, table_of
from portal.models.tenancy import PLATFORM
from portal.services.trash import asking, rows
from portal.services.trash.asking import EXAMPLES, Answer, Questions
from portal.services.trash.bring_back import dead_owner, held_by, merged_into
from portal.services.trash.clashes import Clash, clashes_of
from portal.services.trash.names import label_of, word
from portal.words import _, number

Asked = tuple[Table, int]


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
        shown = f"{number(asking.AT_MOST)}+" if self.count > asking.AT_MOST else number(self.count)
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
    survivor_id: int | None = None  # of a customer who was merged: no restore brings them back


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
    table, questions = row.__table__, Questions()
    takes: list[Asked] = []
    stays: list[Asked] = []
    taken_whole = below(table) if table.name == "merchants" else ()  # what remembers them goes as well
    for child in below(table):
        for merchant_id in _merchants(row):
            inside = and_(rows.under(child, table, row.id, merchant_id), child.c.deleted_at.is_(None))
            if child is not table:
                takes.append((child, questions.which(child, inside)))
            stays += [
                (each, questions.how_many(each, kept))
                for each, kept in _what_stays(child, inside, merchant_id)
                if each not in taken_whole
            ]
    answers = questions.answers()
    return Preview(
        kind=table.name,
        word=word(table),
        label=label_of(row) or word(table),
        takes=_sum(_kinds(takes, answers)),
        stays=_most(_kinds(stays, answers)),
    )


def preview_restore(act: Deletion, *, by: Actor) -> RestorePreview:
    """Count what a restore would bring; `earlier` were deleted before it and stay in the trash."""
    root, questions = table_of(act.root_kind), Questions()
    brings: list[Asked] = []
    earlier: list[Asked] = []
    for table in below(root):
        brings.append((table, questions.which(table, rows.dead_of(act, table))))
        if table is not root and act.merchant_id != PLATFORM:
            inside = rows.under(table, root, act.root_id, act.merchant_id)
            other = and_(inside, table.c.deletion_id != act.id, table.c.purged_at.is_(None))
            earlier.append((table, questions.which(table, other)))
    needed = [questions.number(held_by(act, edge)) for edge in needs_of(root)]
    merge = questions.number(merged_into(act)) if root.name == "customers" else None
    answers = questions.answers()
    survivor_id = None if merge is None else answers[merge].number
    is_held = act.parent_id or root.name == "merchants" or any(answers[place].number for place in needed)
    owners = _dead_owners(act) if is_held else []
    in_the_way = () if survivor_id else tuple(c for each in (act, *owners) for c in clashes_of(each, by))
    return RestorePreview(
        brings=_sum(_kinds(brings, answers)),
        earlier=_sum(_kinds(earlier, answers)),
        blocked_by=owners[0] if owners else None,
        clashes=in_the_way,
        survivor_id=survivor_id,
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


def _what_stays(
    table: Table, inside: ColumnElement[bool], merchant_id: int
) -> Iterator[tuple[Table, ColumnElement[bool]]]:
    """Name the living rows that only remember what goes."""
    for edge in edges():
        if edge.parent is not table or edge.rule is not Rule.HISTORY or not is_mortal(edge.child):
            continue
        if edge.column.endswith("_by_id") or edge.child is table:
            continue
        gone = select(table.c.id).where(inside)
        kept = and_(edge.key.in_(gone), edge.child.c.deleted_at.is_(None))
        yield edge.child, and_(kept, rows.of_merchant(edge.child, merchant_id))


def _kinds(asked: list[Asked], answers: list[Answer]) -> list[Kind]:
    return [
        Kind(table.name, count, word(table, count), tuple(answers[place].names))
        for table, place in asked
        if (count := answers[place].number)
    ]


def _most(kinds: list[Kind]) -> tuple[Kind, ...]:
    """What points at what goes in several ways is told once."""
    together: dict[str, Kind] = {}
    for kind in kinds:
        if kind.name not in together or kind.count > together[kind.name].count:
            together[kind.name] = kind
    return tuple(together.values())


def _sum(kinds: list[Kind]) -> tuple[Kind, ...]:
    together: dict[str, Kind] = {}
    for kind in kinds:
        if kind.name in together:
            old = together[kind.name]
            count = old.count + kind.count
            examples = (old.examples + kind.examples)[:EXAMPLES]
            together[kind.name] = Kind(kind.name, count, word(kind.name, count), examples)
        else:
            together[kind.name] = kind
    return tuple(together.values())
