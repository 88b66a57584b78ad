"""Texts in the reader's language: marked where they are written, translated where they are read."""

from collections.abc import Callable
from gettext import NullTranslations
from typing import Any

from babel.support import LazyProxy

Catalogue = NullTranslations


class _Reader:
    """Where the texts of the moment come from; the browser's doors put their own in its place."""

    catalogue: Callable[[], Catalogue] = staticmethod(NullTranslations)


reader = _Reader()


def _(text: str, **values: Any) -> str:
    """Say a text in the reader's language; `%(name)s` in it takes a value of that name."""
    said = reader.catalogue().gettext(text)
    return said % values if values else said


def ngettext(one: str, many: str, num: int, **values: Any) -> str:
    """Say a text that counts: `%(num)s` in it takes the number."""
    return reader.catalogue().ngettext(one, many, num) % {"num": num, **values}


def later(text: str) -> Any:
    """Mark a text that is written once and said later, such as the label of a field."""
    return LazyProxy(_, text, enable_cache=False)
