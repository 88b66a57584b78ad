"""Finding rows by what people type."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, true

from portal.models.text import fold

WORDS = 6  # of a search; more would only slow it down


def containing(q: str, *, folded: Sequence[Any] = (), plain: Sequence[Any] = ()) -> ColumnElement[bool]:
    """Find rows in which each word of the search occurs somewhere.

    `folded` columns hold folded text, `plain` ones text as typed, of which the case is ignored.
    """
    found = []
    for word in q.split()[:WORDS]:
        places = [column.contains(fold(word), autoescape=True) for column in folded]
        places += [func.lower(column).contains(word.lower(), autoescape=True) for column in plain]
        found.append(or_(*places))
    return and_(true(), *found)
