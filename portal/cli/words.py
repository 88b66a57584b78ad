"""Reading the words of options; what is malformed is a usage error."""

import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import click

Value = TypeVar("Value")
BIGGEST = 10**18 - 1  # every database counts so far
MOST_LINES = 1_000_000  # of one list on a terminal
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2199, 12, 31)  # every zone can tell their hours


class Number(click.ParamType[int]):
    """A whole number that a database can hold, or one between two."""

    name = "number"

    def __init__(self, least: int = 1, most: int = BIGGEST) -> None:
        self.least, self.most = least, most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read the digits; a default is a number already."""
        word = str(value)
        if not re.fullmatch(r"-?[0-9]+", word):
            self.fail(f"“{word}” is not a whole number.", param, ctx)
        number = capped(word.removeprefix("-"), BIGGEST + 1)
        if word.startswith("-") or not self.least <= number <= self.most:
            self.fail(f"{_short(word)} will not do. {self._bounds()}", param, ctx)
        return number

    def _bounds(self) -> str:
        if self.most == BIGGEST:
            return f"Write a number from {self.least} on, of at most 18 digits."
        return f"Write a number from {self.least:,} to {self.most:,}."


class Day(click.ParamType[date]):
    """A day of the calendar."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Read YYYY-MM-DD, and nothing else."""
        word = str(value)
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", word):
            self.fail(f"“{word}” is not a day. Write it like 2026-03-31.", param, ctx)
        try:
            day = date.fromisoformat(word)
        except ValueError:
            self.fail(f"The calendar has no day {word}.", param, ctx)
        if not FIRST_DAY <= day <= LAST_DAY:
            self.fail(f"{day} lies beyond the calendar, {FIRST_DAY} to {LAST_DAY}.", param, ctx)
        return day


ID = Number()
LIMIT = Number(most=MOST_LINES)
DAY = Day()


def capped(digits: str, most: int) -> int:
    """Read digits, however many: what is above `most` is `most`. Python refuses to read thousands."""
    return min(int(digits[-19:]) if len(digits.lstrip("0")) < 20 else most, most)


def pairs(ctx: click.Context, option: click.Parameter, words: tuple[str, ...]) -> list[tuple[str, str]]:
    """Read NAME=VALUE, several times."""
    read = []
    for word in words:
        name, sign, value = word.partition("=")
        _refuse_malformed(ctx, option, word, well=bool(name.strip() and sign))
        read.append((name.strip(), value))
    return read


def triples(
    ctx: click.Context, option: click.Parameter, words: tuple[str, ...]
) -> list[tuple[str, str, str]]:
    """Read FIELD:FROM=TO, several times."""
    read = []
    for word in words:
        name, colon, change = word.partition(":")
        old, sign, new = change.partition("=")
        _refuse_malformed(ctx, option, word, well=bool(name.strip() and colon and sign))
        read.append((name.strip(), old, new))
    return read


def each_once(changes: Iterable[tuple[str, Value]]) -> dict[str, Value]:
    """Gather FIELD=VALUE; the same field twice is a usage error, for which would count."""
    gathered: dict[str, Value] = {}
    for field, value in changes:
        if field in gathered:
            raise click.UsageError(f"{field} is given twice. Say once what it is to be.")
        gathered[field] = value
    return gathered


def readable(_: click.Context, __: click.Parameter, word: str) -> str:
    """Refuse a word whose bytes are no text in the terminal's encoding."""
    if not all(ord(sign) < 0xD800 or ord(sign) > 0xDFFF for sign in word):
        raise click.BadParameter("This is no readable text. Write it in UTF-8.")
    return word


def in_a_folder(_: click.Context, __: click.Parameter, path: Path | None) -> Path | None:
    """Refuse a file that cannot be made, before anything else is done."""
    if path is not None and not path.absolute().parent.is_dir():
        raise click.BadParameter(f"There is no folder “{path.parent}”.")
    return path


def _refuse_malformed(ctx: click.Context, option: click.Parameter, word: str, *, well: bool) -> None:
    if not well:
        raise click.BadParameter(f"“{word}” is not {option.make_metavar(ctx)}.")


def _short(word: str) -> str:
    return word if len(word) < 30 else f"{word[:20]}…"
