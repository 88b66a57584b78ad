"""Running an import: row by row, each written whole or refused; the good ones stay."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from portal.errors import Refused
from portal.extensions import db
from portal.models.actor import Actor
from portal.services import audit
from portal.services.imports.fates import Fate, Report
from portal.services.imports.plans import Plan
from portal.services.imports.products import ProductWriter
from portal.services.imports.stores import StoreWriter
from portal.services.imports.tables import Line
from portal.services.imports.team import TeamWriter
from portal.services.imports.writing import Row, Writer

CHUNK = 200
WRITERS: dict[str, type[Writer]] = {
    "stores": StoreWriter,
    "team": TeamWriter,
    "products": ProductWriter,
}


def run(plan: Plan, *, by: Actor, now: datetime) -> Iterator[list[Fate]]:
    """Write the plan's rows, in the merchant's scope, and yield what became of each chunk of them.

    Nothing is committed: the door commits after every chunk, or rolls all back for a dry run.
    Raises Refused("unknown_store") before the first row.
    """
    writer = WRITERS[plan.kind](plan, by=by, now=now)
    writer.begin()
    lines = plan.table.lines()
    while chunk := list(islice(lines, CHUNK)):
        yield _write_chunk(writer, chunk)


def note(plan: Plan, report: Report, *, by: Actor) -> None:
    """Write down that an import changed something, and how much."""
    counts = {outcome: count for outcome, count in report.counts.items() if count}
    audit.note("import", (plan.kind, None), merchant_id=plan.merchant.id, by=by, **counts)


def _write_chunk(writer: Writer, lines: list[Line]) -> list[Fate]:
    read = [_read(writer.plan, line) for line in lines]
    writer.load([row for _, row in read if row is not None])
    for fate, row in read:
        if row is not None:
            _write(writer, row, fate)
    return [fate for fate, _ in read]


def _read(plan: Plan, line: Line) -> tuple[Fate, Row | None]:
    """Read a row; there is none when its fate is settled already."""
    fate = Fate(line.number, line.cells)
    if not plan.wants(line):
        fate.outcomes = ["left_out"]
        return fate, None
    try:
        values = plan.read(line)
    except Refused as refusal:
        _refuse(fate, refusal)
        return fate, None
    if values.pop("deleted_at", None):
        fate.outcomes, fate.reason = ["skipped"], "It lay in the trash when the file was written."
        return fate, None
    return fate, Row(line.number, values)


def _write(writer: Writer, row: Row, fate: Fate) -> None:
    try:
        with db.session.begin_nested():  # the whole row or nothing of it
            fate.outcomes = list(writer.write(row))
    except Refused as refusal:
        _refuse(fate, refusal)
        return
    fate.reason = " ".join(dict.fromkeys(row.reasons))
    fate.warnings = list(dict.fromkeys(row.warnings))


def _refuse(fate: Fate, refusal: Refused) -> None:
    fate.outcomes, fate.reason = ["refused"], refusal.message
