"""How commands show things: tables, moments, what goes and what stays."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from typing import Any

import click
from sqlalchemy import select

from portal.extensions import db
from portal.models.user import User
from portal.services.trash import Preview


def table(header: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> None:
    """Print rows in columns, or a sentence when there are none."""
    lines = [[("" if cell is None else str(cell)) for cell in row] for row in rows]
    if not lines:
        click.echo(empty)
        return
    widths = [max(len(line[i]) for line in [list(header), *lines]) for i in range(len(header))]
    for line in [list(header), *lines]:
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(padded).rstrip())


def counted(number: int, one: str, many: str = "") -> str:
    """Count in words: 1 card, 2 cards; `many` where an s is not enough."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def moment(when: datetime | None, zone: tzinfo = UTC) -> str:
    """Write a moment to the minute, in the zone given."""
    return when.astimezone(zone).strftime("%Y-%m-%d %H:%M") if when else ""


def names_of(user_ids: Iterable[int | None]) -> dict[int | None, str]:
    """Name people, the deleted too; nobody is the operator."""
    wanted = select(User.id, User.display_name).where(User.id.in_({i for i in user_ids if i}))
    found = db.session.execute(wanted, execution_options={"include_deleted": True})
    return {None: "operator"} | {row.id: row.display_name for row in found}


def preview(what: Preview) -> None:
    """Print what a deletion would take, and what stays."""
    click.echo(f"This puts the {what.word} {what.label} in the trash.")
    kinds("With it go", what.takes)
    kinds("What stays", what.stays)


def kinds(title: str, these: Iterable[Any]) -> None:
    """Print how many of each kind, with a few names."""
    lead = f"{title}: "
    for kind in these:
        click.echo(f"{lead}{kind.text}{_examples(kind)}")
        lead = " " * len(lead)


def _examples(kind: Any) -> str:
    if not kind.examples:
        return ""
    more = f" and {kind.more:,} more" if kind.more else ""
    return f" ({', '.join(kind.examples)}{more})"


@contextmanager
def progress(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """Draw a bar on stderr when somebody is looking."""
    if not sys.stderr.isatty():
        yield lambda done: None  # noqa: ARG005 - nobody is looking
        return
    from rich.console import Console  # noqa: PLC0415 - heavy, and only for a bar
    from rich.progress import Progress  # noqa: PLC0415 - heavy, too

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda done: bar.advance(task, done)
