"""Doing a unit of work again when the database asks for it."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy.exc import DBAPIError

from portal.extensions import db

Result = TypeVar("Result")
TIMES = 3
PAUSE_SECONDS = 0.05
# serialization failure, deadlock, connection lost, server shutting down (PostgreSQL, appendix A)
TRANSIENT = ("40001", "40P01", "57P01", "57P02", "57P03")


def whole(work: Callable[[], Result]) -> Result:
    """Run a unit of work, and again from its beginning after a passing trouble of the database."""
    for attempt in range(1, TIMES):
        try:
            return work()
        except DBAPIError as trouble:
            if not is_passing(trouble):
                raise
            db.session.rollback()
            time.sleep(PAUSE_SECONDS * attempt)
    return work()


def is_passing(trouble: DBAPIError) -> bool:
    """Whether the same work may succeed a moment later."""
    state: Any = getattr(trouble.orig, "sqlstate", None)
    if state is not None:
        return state in TRANSIENT or state.startswith("08")
    return trouble.connection_invalidated or "locked" in str(trouble.orig)
