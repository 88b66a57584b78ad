"""Texts in the reader's language: marked where they are written, translated where they are read."""

from collections.abc import Callable
from gettext import NullTranslations
from typing import Any

from babel.support import LazyProxy

Catalogue = NullTranslations
Words = tuple[str, str]


class _Reader:
    """Where the texts and figures of the moment come from; the browser's doors put their own in its place."""

    catalogue: Callable[[], Catalogue] = staticmethod(NullTranslations)
    number: Callable[[int], str] = staticmethod("{:,}".format)


reader = _Reader()


def _(text: str, /, **values: Any) -> str:
    """Say a text in the reader's language; `%(name)s` in it takes a value of that name."""
    said = reader.catalogue().gettext(text)
    return said % values if values else said


def ngettext(one: str, many: str, num: int, /, **values: Any) -> str:
    """Say a text that counts: `%(num)s` in it takes the number, as the reader writes it."""
    said = reader.catalogue().ngettext(one, many, num)
    return said % {"num": number(num), **values}


def number(value: int) -> str:
    """Write a number as the reader does: 1,234."""
    return reader.number(value)


def later(text: str, /, **values: Any) -> Any:
    """Mark a text that is written once and said later, such as the label of a field."""
    return LazyProxy(_, text, enable_cache=False, **values)


def counted(one: str, many: str) -> Words:
    """Mark the words for one and for many of a kind, said later by `how_many` or `word_for`."""
    return one, many


def word_for(words: Words, num: int) -> str:
    """Say the word that fits the number: store, stores."""
    return reader.catalogue().ngettext(*words, num)


def how_many(words: Words, num: int, figure: str = "") -> str:
    """Say how many there are: 1 store, 12 stores; `figure` writes the number otherwise, like 1,000+."""
    return _("%(count)s %(things)s", count=figure or number(num), things=word_for(words, num))
