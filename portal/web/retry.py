"""Doing a unit of work again when the database asks for it."""

import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError

from portal.extensions import db
from portal.services.trouble import is_busy, is_nonsense, is_passing

__all__ = ["is_busy", "is_nonsense", "is_passing", "whole"]
Result = TypeVar("Result")
TIMES = 3
PAUSE_SECONDS = 0.05


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
