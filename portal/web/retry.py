"""Doing a request's unit of work again when the database asks for it."""

from collections.abc import Callable
from typing import TypeVar

from portal.extensions import db
from portal.services.trouble import is_busy, is_nonsense, is_passing, tried_again

__all__ = ["is_busy", "is_nonsense", "is_passing", "whole"]
Result = TypeVar("Result")


def whole(work: Callable[[], Result]) -> Result:
    """Run it, and again from its beginning after a passing trouble of the database."""
    return tried_again(work, undo=db.session.rollback)
