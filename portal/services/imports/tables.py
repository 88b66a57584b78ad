"""Reading a CSV file as it comes: BOM or not, comma, semicolon or tab, broken rows and all."""

import codecs
import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import TextIOWrapper
from itertools import islice
from typing import Any, BinaryIO, NamedTuple, TextIO

from portal.errors import Refused
from portal.services.exports import PRODUCTS, STORES, TEAM, unsafe
from portal.words import _, later, ngettext, number

DELIMITERS = {",": later("commas"), ";": later("semicolons"), "\t": later("tabs")}
SAMPLE = 50  # lines looked at to tell what separates the columns
BLOCK = 1 << 16
OURS = (STORES, TEAM, PRODUCTS)  # the headers of exports, which may be of nothing


class Line(NamedTuple):
    """One row of the file: where it begins, its cells, or what is broken about it."""

    number: int
    cells: list[str]
    fault: str = ""


@dataclass(frozen=True)
class Table:
    """A readable file: its columns as they stand, and how many rows it has."""

    columns: list[str]
    delimiter: str
    count: int
    text: TextIOWrapper = field(repr=False)
    warnings: tuple[str, ...] = ()

    def digest(self) -> str:
        """Hash the file as it is, so that it is known again."""
        self.text.seek(0)
        source: Any = self.text.buffer
        source.seek(0)
        found = hashlib.sha256()
        while block := source.read(BLOCK):
            found.update(block)
        return found.hexdigest()

    def lines(self) -> Iterator[Line]:
        """Read the rows, from the first; blank ones are passed over."""
        self.text.seek(0)
        read = _lines(self.text, self.delimiter)
        next(read)  # the header
        for line in read:
            yield line if line.fault else self._whole(line)

    def close(self) -> None:
        """Let go of the source, without closing it."""
        self.text.detach()

    def _whole(self, line: Line) -> Line:
        """Hold a row to the number of columns; blank cells at the end do not count."""
        cells, width = line.cells, len(self.columns)
        named = max(i for i, column in enumerate(self.columns) if column) + 1
        if len(cells) < named or any(cells[width:]):
            fault = ngettext(
                "The row has %(num)s cell, the header %(named)s.",
                "The row has %(num)s cells, the header %(named)s.",
                len(cells),
                named=number(named),
            )
            return line._replace(fault=fault)
        return line._replace(cells=(cells + [""] * width)[:width])


def open_table(source: BinaryIO) -> Table:
    """Look through the whole file, so that what cannot be read is refused before anything is written.

    The source must be seekable, and stays the caller's to close. Close the table when it is read.
    Raises Refused("bad_file", "empty_file") with what to do.
    """
    text = TextIOWrapper(source, encoding=_encoding(source), newline="")
    try:
        return _look_through(text)
    except Refused:
        text.detach()
        raise


def _look_through(text: TextIOWrapper) -> Table:
    _refuse_unreadable(text)
    delimiter = _delimiter(text)
    text.seek(0)
    read = _lines(text, delimiter)
    columns = [cell.strip() for cell in next(read).cells]
    if not any(columns):
        raise Refused("bad_file", _("The first line must name the columns."))
    count = sum(1 for _ in read)
    mended = _in_one_cell(text, columns)
    if mended:
        return _mended(text, *mended, count)
    if not count and tuple(c for c in columns if c != "deleted_at") not in OURS:
        raise Refused("empty_file", _("The file has a header, but no rows."))
    return Table(columns, delimiter, count, text)


def _in_one_cell(text: TextIO, columns: list[str]) -> tuple[list[str], str] | None:
    """Read the names out of a header that was quoted as one cell, when all rows have as many cells."""
    if len(columns) > 1:
        return None
    for sign in DELIMITERS:
        names = next(csv.reader([columns[0]], delimiter=sign, skipinitialspace=True), [])
        rows = _widths(text, sign)[1:]
        if len(names) > 1 and rows and all(width == len(names) for width in rows):
            return [name.strip() for name in names], sign
    return None


def _mended(text: TextIOWrapper, columns: list[str], delimiter: str, count: int) -> Table:
    warning = _(
        "The header is one cell in quotation marks. It was read as %(count)s columns.", count=len(columns)
    )
    return Table(columns, delimiter, count, text, (warning,))


def _encoding(source: BinaryIO) -> str:
    start = source.read(3)
    source.seek(0)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "utf-8-sig"  # reads UTF-8 without its mark too


def _refuse_unreadable(text: TextIO) -> None:
    line, empty = 1, True
    try:
        while block := text.read(BLOCK):
            if "\0" in block:
                line += block[: block.index("\0")].count("\n")
                message = _(
                    "Line %(line)s holds NUL bytes: this is no CSV file. Save it as “CSV UTF-8”.", line=line
                )
                raise Refused("bad_file", message)
            line += block.count("\n")
            empty = empty and not block.strip()
    except UnicodeDecodeError as fault:
        before = text.buffer.tell() - len(fault.object) + fault.start
        text.buffer.seek(0)
        line = 1 + text.buffer.read(before).count(b"\n")
        message = _("The file is not UTF-8, from about line %(line)s on. Save it as “CSV UTF-8”.", line=line)
        raise Refused("bad_file", message) from fault
    if empty:
        raise Refused("empty_file", _("The file is empty."))


def _delimiter(text: TextIO) -> str:
    """Tell what separates the columns: the only sign that splits the header, or splits all rows alike."""
    splits = {sign: _widths(text, sign) for sign in DELIMITERS}
    able = [sign for sign, widths in splits.items() if widths[0] > 1]
    if len(able) > 1:
        able = [sign for sign in able if len(set(splits[sign])) == 1]
    if len(able) > 1:
        names = _(" or ").join(str(DELIMITERS[sign]) for sign in able)
        message = _("The columns may be separated by %(names)s. Save it with one of them.", names=names)
        raise Refused("bad_file", message)
    if not able and any(widths[0] > 1 for widths in splits.values()):
        return max(splits, key=lambda sign: splits[sign][0])
    return able[0] if able else ","


def _widths(text: TextIO, delimiter: str) -> list[int]:
    text.seek(0)
    sample = islice(_lines(text, delimiter), SAMPLE)
    return [len(line.cells) for line in sample]


def _lines(text: TextIO, delimiter: str) -> Iterator[Line]:
    # Strict: after a broken quote the reader would otherwise guess, or swallow the rest of the file.
    reader = csv.reader(text, delimiter=delimiter, strict=True, skipinitialspace=True)
    while True:
        number = reader.line_num + 1
        try:
            cells = [unsafe(cell).strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as fault:
            yield Line(number, [], _broken(fault, number, reader.line_num))
            continue
        if any(cells):
            yield Line(number, cells)


def _broken(fault: csv.Error, first: int, last: int) -> str:
    if "field larger" in str(fault):
        longest = number(csv.field_size_limit())
        return _("A cell has more than %(longest)s characters. Is a quotation mark missing?", longest=longest)
    if last > first:
        return _("The quotation marks do not match from here to line %(line)s.", line=last)
    return _("The quotation marks do not match.")
