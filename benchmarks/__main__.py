"""Run the short set and write the table: python -m benchmarks [area …]."""

import os
import platform
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from rich.console import Console

from benchmarks import cascade, customers, earning, filtering, imports, lighthouse, trash_page
from benchmarks.measuring import Figure
from tests import engines

AREAS: dict[str, Callable[[str], Iterator[Figure]]] = {
    "filter": filtering.figures,
    "cascade": cascade.figures,
    "trash": trash_page.figures,
    "lighthouse": lighthouse.figures,
    "earn": earning.figures,
    "customers": customers.figures,
    "imports": imports.figures,
}
LONG: dict[str, Callable[[str], Iterator[Figure]]] = {"imports-long": imports.long_figures}  # when named only
TABLE = Path(__file__).parents[1] / "docs" / "build" / "benchmarks.md"
INTRO = """# Benchmarks

Each figure is a ratio of two things measured in turns in one run, for machines are noisy; seconds are told
only beside it. What Lighthouse says of a page is a score from 0 to 100, as on a phone with a slow line.
`make bench` measures again and writes this page.
"""


def main(areas: list[str]) -> int:
    """Measure, show, and write down; exit 1 when a goal was missed."""
    console = Console()
    engines.provide()
    try:
        found = [figure for area in areas or AREAS for figure in _measure(area, console)]
    finally:
        engines.stop()
    if not areas:
        TABLE.write_text(_page(found), encoding="utf-8")
    return 0 if all(figure.is_met for figure in found) else 1


def _measure(area: str, console: Console) -> Iterator[Figure]:
    names = ("sqlite", "postgresql") if engines.postgres() else ("sqlite",)
    for engine in names:
        for figure in (AREAS | LONG)[area](engine):
            mark = "ok" if figure.is_met else "missed"
            console.print(
                f"{figure.area:8} {figure.engine:11} {figure.what}: {figure.figure} ({figure.goal}) {mark}"
            )
            yield figure


def _page(found: list[Figure]) -> str:
    lines = [
        INTRO,
        _where(),
        "",
        "| area | engine | what | figure | goal | met |",
        "|---|---|---|---|---|---|",
    ]
    for figure in found:
        met = "yes" if figure.is_met else "**no**"
        lines.append(
            f"| {figure.area} | {figure.engine} | {figure.what} | {figure.figure} | {figure.goal} | {met} |"
        )
    return "\n".join(lines) + "\n"


def _where() -> str:
    parts = ", ".join(f"{name} {version(name)}" for name in ("SQLAlchemy", "Flask", "psycopg"))
    server = engines.postgres()
    number = server.ask("SHOW server_version")[0][0].split()[0] if server else "none"
    cores = os.cpu_count()
    day = datetime.now(UTC).date().isoformat()
    machine = f"{platform.machine()} with {cores} cores, Python {platform.python_version()}"
    return f"{day}, {machine}, {parts}, PostgreSQL {number}."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
