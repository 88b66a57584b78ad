"""A language without letters: what still has letters on a page is no text that somebody marked."""

import re
from collections.abc import Iterator
from gettext import NullTranslations
from html.parser import HTMLParser
from typing import Any
from zoneinfo import available_timezones

from sqlalchemy import select

from portal.extensions import db
from portal.models.base import Model
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.ownership import is_mortal
from portal.models.soft_delete import including_deleted
from portal.models.tenancy import across_merchants

PLACEHOLDER = re.compile(r"(%\(\w+\)s|%%|\{\w+\}|#)")
EMPTY = {"input", "img", "meta", "link", "hr", "br", "use", "rect", "circle", "path"}
SILENT = {"script", "style", "kbd", "svg"}
SPOKEN = {"aria-label", "aria-description", "title", "placeholder", "alt", "label", "data-label"}
# What is the same in every language: our name, addresses, colours, and the names of time zones.
SAME = re.compile(
    r"\bCarnet\b|\b(?:Apple|Google) Wallet\b|\bhttps?://\S*|\S+@\S+|/\S*|#[0-9A-Fa-f]{6}\b|\b[0-9a-f]{16}\b"
    r"|\b(?:[A-Z][A-Za-z]+/[A-Za-z_/+-]+|UTC)|\b(?:EUR|LU)\b|\([A-Z]{3}\)"
)
AREAS = {name.partition("/")[0] for name in available_timezones()}
LETTERS = re.compile(r"[A-Za-z]{2,}")


class Pseudo(NullTranslations):
    """Says every text as ⟦····⟧, with its placeholders as they are."""

    def gettext(self, message: str) -> str:
        parts = PLACEHOLDER.split(message)
        said = [part if PLACEHOLDER.fullmatch(part) else re.sub(r"\w", "·", part) for part in parts]
        return f"⟦{''.join(said)}⟧"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.gettext(msgid1 if n == 1 else msgid2)


class Reader(HTMLParser):
    """Reads a page as people do: its visible texts, and what is read out."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.heard: list[str] = []
        self.forms: list[tuple[str, list[str]]] = []
        self.language = ""
        self.is_data = self.own_names = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag not in EMPTY:
            self.open.append(tag)
        if tag == "html":
            self.language = told["lang"]
        self._note_form(tag, told)
        self._note_data(tag, told)
        if tag != "optgroup" or told["label"] not in AREAS:
            self.heard += [value for name, value in told.items() if _is_spoken(name, value)]

    def _note_form(self, tag: str, told: dict[str, str]) -> None:
        if tag == "form" and told.get("method") == "post":
            self.forms.append((told["action"], []))
        if tag in ("input", "select", "textarea") and self.forms and told.get("name"):
            self.forms[-1][1].append(told["name"])

    def _note_data(self, tag: str, told: dict[str, str]) -> None:
        if tag == "select":
            self.own_names = told.get("name") in ("locale", "currency")  # called as Unicode does
        zone = told.get("value", "").partition("/")[0] in AREAS
        self.is_data = tag == "option" and (zone or self.own_names)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            del self.open[len(self.open) - 1 - self.open[::-1].index(tag) :]

    def handle_data(self, data: str) -> None:
        if data.strip() and not self.is_data and not SILENT & set(self.open):
            self.heard.append(" ".join(data.split()))


def _is_spoken(name: str, value: str) -> bool:
    """Labels, and what scripts say: words in an attribute of data."""
    return name in SPOKEN or (name.startswith("data-") and re.search(r"[a-z] [a-z]|\{", value) is not None)


def read(html: str) -> Reader:
    """Read a page or a piece of one."""
    reader = Reader()
    reader.feed(html)
    return reader


def unmarked(reader: Reader, data: re.Pattern[str]) -> list[str]:
    """Name what still has letters and is no data."""
    return [text for text in reader.heard if LETTERS.search(data.sub("", SAME.sub("", text)))]


def everything_typed() -> re.Pattern[str]:
    """Everything people typed into the database: names, codes, addresses; never words of ours."""
    with across_merchants(db.session, "the names of all"), including_deleted(db.session):
        words = {word for value in _values() if len(word := " ".join(str(value).split())) > 1}
        db.session.rollback()
    longest_first = sorted(map(re.escape, words), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(longest_first)})(?!\w)")


def _values() -> Iterator[Any]:
    """Specification of soft delete, section 7: what is scrubbed is what people typed."""
    for mapper in Model.registry.mappers:
        typed = {"root_label", "reason", "display_name", "name", "email"}
        if is_mortal(mapper.local_table):
            typed |= set(mapper.class_.scrubs)
        for name in typed & set(mapper.columns.keys()):
            column = getattr(mapper.class_, name)
            yield from db.session.scalars(select(column).where(column.is_not(None)).distinct())
    for tiers in db.session.scalars(select(LoyaltyProgram.tier_config)):
        yield from (tier["name"] for tier in tiers or ())
