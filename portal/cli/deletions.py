"""Deletions as an operator reads them: one line each, or one with all that matters."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import click
from sqlalchemy import select

from portal.cli.door import sentences, ways_out
from portal.cli.showing import counted, kinds, moment, names_of, table
from portal.extensions import db
from portal.models.actor import OPERATOR
from portal.models.deletion import Deletion
from portal.models.merchant import Merchant
from portal.models.ownership import outermost_first
from portal.models.tenancy import PLATFORM
from portal.services import trash
from portal.services.trash.bring_back import blocked
from portal.services.trash.names import word

STATUS = {
    "running": "being deleted, not finished",
    "done": "in the trash",
    "restoring": "being restored, not finished",
    "restored": "restored",
    "purging": "being purged, not finished",
    "purged": "purged for good",
}


def name_of(act: Deletion) -> str:
    """Say what was deleted: store Gare."""
    return f"{word(act.root_kind)} {act.root_label or act.root_id}"


def show_list(acts: Sequence[Deletion], merchant: Merchant | None, *, now: datetime) -> None:
    """Print one line for each."""
    zone = merchant.zone if merchant else UTC
    people = names_of(act.deleted_by_id for act in acts)
    addresses = _addresses({act.merchant_id for act in acts})
    rows = (
        (
            act.id,
            addresses.get(act.merchant_id, "-"),
            name_of(act),
            with_it(act),
            moment(act.deleted_at, zone),
            people[act.deleted_by_id],
            days_left(act, now),
            act.reason,
        )
        for act in acts
    )
    header = ("ID", "MERCHANT", "WHAT", "WITH IT", f"DELETED ({zone})", "BY", "STAYS", "WHY")
    table(header, list(rows), empty="Nothing found in the trash.")


def show(act: Deletion, *, now: datetime) -> None:
    """Print who deleted what when and why, what a restore would bring and what stands in its way."""
    merchant = db.session.get(Merchant, act.merchant_id, execution_options={"include_deleted": True})
    zone = merchant.zone if merchant else UTC
    by = f"{names_of([act.deleted_by_id])[act.deleted_by_id]} ({act.deleted_by_role}, {act.channel})"
    click.echo(f"Deletion {act.id}: {name_of(act)}")
    facts = {
        "merchant": f"{merchant.name} ({merchant.subdomain})" if merchant else "above merchants",
        "deleted": f"{moment(act.deleted_at, zone)} ({zone}) by {by}",
        "why": act.reason,
        "took": counts_text(act.counts),
        "is now": f"{STATUS[act.status]}{_until(act, now, zone)}",
    }
    for title, fact in facts.items():
        if fact:
            click.echo(f"  {title:<9} {fact}")
    if act.is_in_trash:
        _show_restore(act)


def with_it(act: Deletion) -> str:
    """Say what went with the root: with 12 products, 4 team members."""
    rest = {kind: count for kind, count in act.counts.items() if kind != act.root_kind}
    return counts_text(rest)


def counts_text(counts: dict[str, Any]) -> str:
    """Count in words, owners before what they own: 1 store, 12 products."""
    kinds = [table.name for table in outermost_first() if table.name in counts]
    return ", ".join(f"{counts[kind]:,} {word(kind, counts[kind])}" for kind in kinds)


def days_left(act: Deletion, now: datetime) -> str:
    """Say how long it can be brought back."""
    left = act.days_left(now)
    if left is None:
        return "on hold" if act.hold else "for ever"
    return counted(left, "day")


def _until(act: Deletion, now: datetime, zone: Any) -> str:
    if act.is_in_trash:
        return f"; stays: {days_left(act, now)}"
    ended = act.restored_at or act.purged_at
    return f" on {moment(ended, zone)}" if ended else ""


def _show_restore(act: Deletion) -> None:
    for part in (act, *_parts(act)):
        ahead = trash.preview_restore(part, by=OPERATOR)
        if ahead.survivor_id is None:
            kinds("Would bring back", ahead.brings)
        kinds("Deleted earlier, stays", ahead.earlier)
        for line in _obstacles(part, ahead):
            click.echo(line)
        if ahead.survivor_id is not None:
            return
    click.echo(f"Bring it back with: flask trash restore {act.parent_id or act.id}")


def _obstacles(act: Deletion, ahead: trash.RestorePreview) -> Iterator[str]:
    if ahead.survivor_id is not None:
        yield trash.refused_as_merged(act, ahead.survivor_id).message
    if ahead.blocked_by is not None:
        yield from sentences(blocked(act, ahead.blocked_by))
    for clash in ahead.clashes:
        yield from ways_out(clash)


def _parts(act: Deletion) -> list[Deletion]:
    """The parts of a person's deletion inside merchants."""
    if act.merchant_id != PLATFORM:
        return []
    linked = select(Deletion).where(Deletion.parent_id == act.id).order_by(Deletion.merchant_id)
    return list(db.session.scalars(linked))


def _addresses(merchant_ids: set[int]) -> dict[int, str]:
    query = select(Merchant.id, Merchant.subdomain).where(Merchant.id.in_(merchant_ids))
    found = db.session.execute(query, execution_options={"include_deleted": True})
    return {row.id: row.subdomain for row in found}
