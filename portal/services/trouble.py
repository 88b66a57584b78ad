"""Telling the database's troubles apart: what passes by itself, what is busy, what makes no sense."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy.exc import DataError, DBAPIError, OperationalError

Result = TypeVar("Result")
TIMES = 3
PAUSE_SECONDS = 0.05
# serialization failure, deadlock, server shutting down or starting (PostgreSQL, appendix A)
TRANSIENT = ("40001", "40P01", "57P01", "57P02", "57P03")
# a lock or a statement that took too long, no connection left: not worth trying again at once
BUSY = ("55P03", "57014", "53300")


def tried_again(work: Callable[[], Result], *, undo: Callable[[], None]) -> Result:
    """Run a unit of work, and again from its beginning after a passing trouble; `undo` comes between."""
    for attempt in range(1, TIMES):
        try:
            return work()
        except DBAPIError as trouble:
            if not is_passing(trouble):
                raise
            undo()
            time.sleep(PAUSE_SECONDS * attempt)
    return work()


def is_passing(trouble: DBAPIError) -> bool:
    """Whether the same work may succeed a moment later."""
    state: Any = getattr(trouble.orig, "sqlstate", None)
    if state is not None:
        return state in TRANSIENT or state.startswith("08")
    if isinstance(trouble, OperationalError) and "psycopg" in type(trouble.orig).__module__:
        return True  # no state: the server could not be reached at all
    return trouble.connection_invalidated or "locked" in str(trouble.orig)


def is_busy(trouble: DBAPIError) -> bool:
    """Whether the asker should come back later, rather than tell somebody."""
    full = "disk is full" in str(trouble.orig)  # SQLite; reads go on
    return is_passing(trouble) or full or getattr(trouble.orig, "sqlstate", None) in BUSY


def is_nonsense(trouble: DBAPIError) -> bool:
    """Whether a value was one the database cannot hold: a NUL in a text, a number too large."""
    return isinstance(trouble, DataError)
