"""Carrying an import out: a bar while it runs, a summary, and the refused rows in a file."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO, Any, BinaryIO, TextIO, TypeVar, cast

import click
from sqlalchemy.exc import IntegrityError

from portal.cli.door import now, whole
from portal.cli.finding import merchant_named
from portal.cli.showing import progress
from portal.extensions import db
from portal.models.actor import OPERATOR
from portal.models.tenancy import scoped
from portal.services import imports
from portal.services.exports import csv_lines

Result = TypeVar("Result")
TOLD = 20  # sentences of a kind before "and so many more"


def carry_out(
    ctx: click.Context,
    kind: str,
    path: str,
    store: str | None,
    *,
    merchant: str,
    maps: list[tuple[str, str]],
    values: list[tuple[str, str, str]],
    where: list[tuple[str, str]],
    dry_run: bool,
    rejects: Path | None,
) -> None:
    """Import the file, commit chunk by chunk, tell what became of it; exit code 1 if a row was refused."""
    refuse_twice(maps)
    refuse_same_file(path, rejects)
    whose = merchant_named(merchant)
    with click.open_file(path, "rb") as source, closing(imports.open_table(seekable(source))) as table:
        plan = imports.plan(kind, whose, table, store=store, maps=dict(maps), values=values, where=where)
        tell_plan(plan)
        with scoped(db.session, whose.id):
            story = run(plan, dry_run=dry_run, rejects=rejects)
    story.tell(dry_run=dry_run, elsewhere=rejects)
    if story.report.counts["refused"] or is_nothing_left(plan, story.report.counts):
        ctx.exit(1)


def is_nothing_left(plan: imports.Plan, counts: Counter[str]) -> bool:
    """Tell, and say, when the filter passed every row over: most likely its value is not that of the file."""
    taken = sum(counts[name] for name in ("new", "updated", "unchanged", "skipped", "refused", "not_sold"))
    if taken or not counts["left_out"]:
        return False
    click.echo(
        f"Nothing is left to import: no row has {plan.chosen}. Look at --where and the file.", err=True
    )
    return True


def seekable(source: IO[bytes]) -> BinaryIO:
    """A pipe is read whole first: the file is looked through before it is imported."""
    return cast(BinaryIO, source) if source.seekable() else BytesIO(source.read())


class Story:
    """What is told at the end: the sums, and the first rows that were refused or passed over."""

    def __init__(self) -> None:
        self.report = imports.Report()
        self.lines: dict[str, list[str]] = {"refused": [], "skipped": []}
        self.more: Counter[str] = Counter()

    def add(self, fates: list[imports.Fate]) -> None:
        """Take in what became of some rows more."""
        self.report.add(fates)
        for fate in fates:
            for outcome, lines in self.lines.items():
                if outcome in fate.outcomes and len(lines) < TOLD:
                    lines.append(f"Line {fate.number} {outcome}: {fate.reason}")
                elif outcome in fate.outcomes:
                    self.more[outcome] += 1

    def tell(self, *, dry_run: bool, elsewhere: Path | None) -> None:
        """Print the sums, and say why rows were refused, passed over, or need a look."""
        for outcome, lines in self.lines.items():
            for line in lines:
                click.echo(line, err=True)
            if self.more[outcome]:
                where = f"; {elsewhere} has them all" if elsewhere and outcome == "refused" else ""
                click.echo(f"... and {self.more[outcome]:,} more {outcome}{where}", err=True)
        for warning, rows in self.report.warnings.most_common(TOLD):
            click.echo(f"Warning ({rows:,} row{'' if rows == 1 else 's'}): {warning}", err=True)
        if len(self.report.warnings) > TOLD:
            click.echo(f"... and {len(self.report.warnings) - TOLD:,} warnings more", err=True)
        self._sums()
        if dry_run:
            click.echo("Dry run: nothing was written.")

    def _sums(self) -> None:
        counts = self.report.counts
        for outcome in ("new", "updated", "unchanged", "skipped", "refused"):
            click.echo(f"{outcome:<10}{counts[outcome]:>9,}")
        click.echo(f"{'warnings':<10}{self.report.warned:>9,}")
        if not counts.total():
            click.echo("The file has no rows: there is nothing to import.")
        if counts["left_out"]:
            click.echo(f"{'left out':<10}{counts['left_out']:>9,}  by --where")


def run(plan: imports.Plan, *, dry_run: bool, rejects: Path | None) -> Story:
    """Write the rows, and commit every chunk unless it is a dry run."""
    story = Story()
    unit = imports.at_once if dry_run else committed
    with progress(f"Importing {plan.kind}", plan.table.count) as step, refused_rows(rejects, plan) as file:
        for fates in imports.run(plan, by=OPERATOR, now=now(), unit=unit):
            story.add(fates)
            write_refused(file, fates)
            step(len(fates))
    if dry_run:
        db.session.rollback()
    elif story.report.has_changed:
        imports.note(plan, story.report, by=OPERATOR)
        db.session.commit()
    return story


def committed(work: Callable[[], list[Result]]) -> list[Result]:
    """Do the work of a chunk and commit it; once more when somebody wrote the same a moment before."""

    def chunk() -> list[Result]:
        found = work()
        db.session.commit()
        return found

    try:
        return whole(chunk)
    except IntegrityError:
        db.session.rollback()
        return whole(chunk)


def tell_plan(plan: imports.Plan) -> None:
    """Say which column fills which field, which rows are taken, and which columns fill none."""
    columns = plan.table.columns
    for warning in plan.table.warnings:
        click.echo(f"Warning: {warning}", err=True)
    for field, at in plan.columns.items():
        names = [columns[each] for each in (at, *plan.spares.get(field, ()))]
        click.echo(f"  {field:<12} from {' / '.join(names)}")
    if plan.cards:
        click.echo(f"  {'card_number':<12} from {', '.join(columns[at] for at in plan.cards)}")
    if plan.group_by:
        click.echo(f"  a basket is  {', '.join(columns[at] for at in plan.group_by)}")
    if plan.chosen:
        click.echo(f"  only rows    {plan.chosen}")
    if plan.unused:
        click.echo(f"  not used     {', '.join(plan.unused)}")


@contextmanager
def refused_rows(path: Path | None, plan: imports.Plan) -> Iterator[TextIO | None]:
    """Open the file for refused rows, its header written."""
    if path is None:
        yield None
        return
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(csv_lines([["refused_line", "refused_reason", *plan.table.columns]]))
        yield file


def write_refused(file: TextIO | None, fates: list[imports.Fate]) -> None:
    """Write the refused ones among these rows, as they were, so that they can be mended and imported."""
    if file is not None:
        refused: Iterator[Any] = (fate for fate in fates if fate.is_refused)
        file.writelines(csv_lines([fate.number, fate.reason, *fate.cells] for fate in refused))


def refuse_twice(maps: list[tuple[str, str]], *, but: str = "") -> None:
    """One field has one column; `but` may have several."""
    for field, count in Counter(field for field, _ in maps).items():
        if count > 1 and field != but:
            raise click.UsageError(f"--map {field}=… is given {count} times. Give it once.")


def refuse_same_file(path: str, rejects: Path | None) -> None:
    """Do not write the refused rows over the file that is being read."""
    if rejects and rejects.exists() and path != "-" and rejects.samefile(path):
        raise click.UsageError("--rejects names the imported file itself. Name another.")
