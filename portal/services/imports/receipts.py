"""Sorting the lines of a file into baskets, and the baskets by time, in a file on disk: memory stays flat.

Lines of one basket need not be adjacent: they are kept in a small database of their own. Its file has no
name any more from the moment it is open, so nothing is left of it however the import ends.
"""

import json
import sqlite3
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from portal.services.imports.tables import Line

TABLES = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -8192;
CREATE TABLE lines (basket TEXT NOT NULL, at INTEGER, number INTEGER NOT NULL, cells TEXT, fault TEXT);
"""
SORTED = """
CREATE INDEX by_basket ON lines (basket, number);
CREATE TABLE baskets AS
  SELECT basket, min(at) AS at, min(number) AS first FROM lines GROUP BY basket ORDER BY at, first;
"""
IN_ORDER = """
SELECT lines.basket, lines.number, lines.cells, lines.fault
FROM baskets CROSS JOIN lines INDEXED BY by_basket ON lines.basket = baskets.basket
ORDER BY baskets.rowid, lines.number
"""
PIECE = 1_000
Kept = tuple[str, int | None, int, str, str]


class Receipt(NamedTuple):
    """The lines of one basket, in the order of the file."""

    key: str
    lines: list[Line]


class Receipts:
    """The lines of a file on their way to becoming baskets; close it when they are read."""

    def __init__(self) -> None:
        with TemporaryDirectory(prefix="carnet-import-") as folder:
            self._file = sqlite3.connect(Path(folder) / "lines.db", isolation_level=None)
            self._file.executescript(TABLES)  # opens it; what is open stays readable without a name
        self._waiting: list[Kept] = []
        self.lines = 0

    def add(self, key: str, at: int | None, line: Line) -> None:
        """Keep a line of a basket; `at` is when it was sold, in seconds."""
        self._waiting.append((key, at, line.number, json.dumps(line.cells), line.fault))
        self.lines += 1
        if len(self._waiting) == PIECE:
            self._keep()

    def _keep(self) -> None:
        self._file.execute("BEGIN")
        self._file.executemany("INSERT INTO lines VALUES (?, ?, ?, ?, ?)", self._waiting)
        self._file.execute("COMMIT")
        self._waiting.clear()

    def sorted(self) -> Iterator[Receipt]:
        """Read the baskets, the earliest first; those of the same moment as the file has them."""
        self._keep()
        self._file.executescript(SORTED)
        read = self._file.execute(IN_ORDER)
        for key, rows in groupby(read, key=lambda row: row[0]):
            yield Receipt(key, [_line(row) for row in rows])

    def close(self) -> None:
        """Let go of the file, which ends it."""
        self._file.close()


def _line(row: Any) -> Line:
    return Line(row[1], json.loads(row[2]), row[3])
