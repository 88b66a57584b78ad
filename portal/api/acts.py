"""What deleting, restoring and looking before have in common for all kinds."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from portal.api import door, overrides
from portal.api.saying import told_clash, told_refusal
from portal.api.shapes import Bringing
from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models.deletion import Deletion
from portal.models.tenancy import PLATFORM, across_merchants, scoped
from portal.services import trash
from portal.services.trash.asking import AT_MOST
from portal.services.trash.look import Kind
from portal.services.trash.names import named
from portal.services.twins import deleted_twin
from portal.words import _


def bring_back(row: Any, asked: Bringing) -> dict[str, Any]:
    """Restore the act that took the row; harmless for a living one."""
    kind, row_id = row.__tablename__, row.id
    act = trash.deletion_of(row)
    with overrides.read(kind, row_id, asked.overrides) as new:
        if act is None:
            return _told_brought(kind, row_id, None, {})
        if not asked.with_owners:
            _refuse_part_of_another(act, row)
        act_id, how = act.id, {"with_owners": asked.with_owners, "overrides": new}
        with scope_of(act):
            brought = trash.restore_each(act, by=door.actor(), now=door.now(), **how)  # type: ignore[arg-type]  # as declared
    return _told_brought(kind, row_id, act_id, brought)


def _told_brought(
    kind: str, row_id: int, act_id: int | None, brought: dict[int, dict[str, int]]
) -> dict[str, Any]:
    return {
        "kind": kind,
        "id": row_id,
        "restored": bool(brought),  # another call may have been first
        "deletion_id": act_id if brought else None,
        "deletions": list(brought),
        "counts": summed(brought.values()),
    }


def _refuse_part_of_another(act: Deletion, row: Any) -> None:
    """A store that went with its merchant comes back with it, when that is said."""
    if (act.root_kind, act.root_id) == (row.__tablename__, row.id):
        return
    held_by = root_of(act)
    message = _(
        "This went into the trash with %(what)s. Restore that, or send with_owners.",
        what=held_by["label"],
    )
    raise Conflict("owner_deleted", message, held_by["label"], blocked_by=held_by)


def scope_of(act: Deletion) -> AbstractContextManager[None]:
    """Open the scope an act lives in; a person's has parts in several merchants."""
    if act.merchant_id == PLATFORM:
        return across_merchants(db.session, "a person's deletion has parts in several merchants")
    return scoped(db.session, act.merchant_id)


def foresee(row: Any, why_not: Callable[[], Sequence[Refused]] = tuple) -> dict[str, Any]:
    """Say what deleting a living row would take, or restoring a dead one bring.

    `why_not` asks the rules of the noun what they would refuse.
    """
    act = trash.deletion_of(row)
    if act is not None:
        return _foresee_restore(act, row)
    seen = trash.preview(row)
    return {
        "act": "delete",
        "deletion_id": None,
        "takes": kinds(seen.takes),
        "stays": kinds(seen.stays),
        "blocked_by": None,
        "conflicts": [],
        "refusals": [told_refusal(refusal) for refusal in why_not()],
    }


def _foresee_restore(act: Deletion, row: Any) -> dict[str, Any]:
    with scope_of(act):
        seen = trash.preview_restore(act, by=door.actor())
        refusals = list(_refused_by(_rules(act, row, seen)))
    held_by = (refusal.blocked_by for refusal in refusals if isinstance(refusal, Conflict))
    return {
        "act": "restore",
        "deletion_id": act.id,
        "takes": kinds(seen.brings),
        "stays": kinds(seen.earlier),
        "blocked_by": next(filter(None, held_by), None),
        "conflicts": [told_clash(clash) for clash in seen.clashes],
        "refusals": [told_refusal(refusal) for refusal in refusals],
    }


def _rules(act: Deletion, row: Any, seen: trash.RestorePreview) -> Iterator[Callable[[], Any]]:
    """The rules that a restore with an empty body asks, in its order."""
    by = door.actor()
    yield partial(_refuse_part_of_another, act, row)
    yield partial(trash.refuse_if_gone, act)
    if seen.survivor_id is not None:
        yield partial(trash.refused_as_merged, act, seen.survivor_id)
    if seen.blocked_by is not None:
        yield partial(trash.blocked, act, seen.blocked_by)
    if seen.clashes:
        yield partial(trash.value_taken, act, by)


def _refused_by(rules: Iterable[Callable[[], Any]]) -> Iterator[Refused]:
    """Ask each rule: some raise their refusal, some hand it back."""
    for rule in rules:
        try:
            refusal = rule()
        except Refused as raised:
            refusal = raised
        if refusal is not None:
            yield refusal


def twin_of(row: Any) -> dict[str, Any] | None:
    """Name what lies in the trash and had a value that this row has now."""
    act = deleted_twin(row, door.actor())
    return None if act is None else {"kind": act.root_kind, "id": act.root_id, "deletion_id": act.id}


def summed(books: Iterable[dict[str, int]]) -> dict[str, int]:
    """Add up counts, kind by kind."""
    total: dict[str, int] = {}
    for book in books:
        for kind, count in book.items():
            total[kind] = total.get(kind, 0) + count
    return total


def root_of(act: Deletion) -> dict[str, Any]:
    """Name what an act deleted."""
    label = named(act.root_kind, act.root_label)
    return {"kind": act.root_kind, "id": act.root_id, "deletion_id": act.id, "label": label}


def kinds(found: Iterable[Kind]) -> list[dict[str, Any]]:
    """Write how many of each kind."""
    return [
        {
            "kind": kind.name,
            "count": min(kind.count, AT_MOST),
            "and_more": kind.count > AT_MOST,
            "examples": list(kind.examples),
        }
        for kind in found
    ]
