"""Running an import: row by row, each written whole or refused; the good ones stay."""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
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
from portal.words import _

CHUNK = 200
Unit = Callable[[Callable[[], list[Fate]]], list[Fate]]
WRITERS: dict[str, type[Writer]] = {
    "stores": StoreWriter,
    "team": TeamWriter,
    "products": ProductWriter,
}


def at_once(work: Callable[[], list[Fate]]) -> list[Fate]:
    """Write a chunk as it is, and leave the commit to whoever asked."""
    return work()


def run(plan: Plan, *, by: Actor, now: datetime, unit: Unit = at_once) -> Iterator[list[Fate]]:
    """Write the plan's rows, in the merchant's scope, and yield what became of each chunk of them.

    Nothing is committed here: the door commits after every chunk, or rolls all back for a dry run.
    `unit` does the work of one chunk, and may do it again after a rollback: nothing is counted twice.
    Raises Refused("unknown_store") before the first row.
    """
    writer = WRITERS[plan.kind](plan, by=by, now=now)
    writer.begin()
    lines = plan.table.lines()
    while chunk := list(islice(lines, CHUNK)):
        yield unit(partial(_write_chunk, writer, chunk))


def note(plan: Plan, report: Report, *, by: Actor) -> None:
    """Write down that an import changed something, and how much."""
    counts = {outcome: count for outcome, count in report.counts.items() if count}
    audit.note("import", (plan.kind, None), merchant_id=plan.merchant.id, by=by, **counts)


def _write_chunk(writer: Writer, lines: list[Line]) -> list[Fate]:
    fates = [Fate(line.number, line.cells) for line in lines]
    wanted = [(fate, line) for fate, line in zip(fates, lines, strict=True) if _is_wanted(writer, fate, line)]
    read = [(fate, _read(writer.plan, line)) for fate, line in wanted]
    writer.load([row for _, row in read])
    for fate, row in read:
        _write(writer, row, fate)
    return fates


def _is_wanted(writer: Writer, fate: Fate, line: Line) -> bool:
    """Pass over what was not asked for; a broken row is told as refused all the same."""
    if line.fault:
        _refuse(fate, line.fault)
    elif not writer.plan.wants(line):
        fate.outcomes = ["left_out"]
    return not fate.outcomes


def _read(plan: Plan, line: Line) -> Row:
    values, faults = plan.read(line)
    return Row(line.number, values, faults)


def _write(writer: Writer, row: Row, fate: Fate) -> None:
    if row.values.get("deleted_at"):
        fate.outcomes, fate.reason = ["skipped"], _("It lay in the trash when the file was written.")
        return
    try:
        with db.session.begin_nested():  # the whole row or nothing of it
            fate.outcomes = _outcomes(writer, row)
    except Refused as refusal:
        _refuse(fate, refusal.message)
        return
    fate.reason = " ".join(dict.fromkeys(row.reasons))
    fate.warnings = list(dict.fromkeys(row.warnings))


def _outcomes(writer: Writer, row: Row) -> list[str]:
    if row.faults:
        raise Refused("bad_row", " ".join([*writer.faults(row), *row.faults]))
    return list(writer.write(row))


def _refuse(fate: Fate, why: str) -> None:
    fate.outcomes, fate.reason = ["refused"], why
