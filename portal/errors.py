"""The ways a verb says no."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.exc import DontWrapMixin


class Refused(Exception):
    """A rule of the business forbids this; the doors turn it into 422."""

    def __init__(self, code: str, message: str, **details: Any) -> None:
        """Keep a code for machines beside the sentence for people."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details


class Conflict(Refused):
    """Something else stands in the way; the doors turn it into 409.

    `holder` says in words what holds the place, `conflicts` names fields and
    values taken, `blocked_by` the deletion that has to be restored first.
    """

    def __init__(
        self,
        code: str,
        message: str,
        holder: str = "",
        *,
        conflicts: Sequence[Any] = (),
        blocked_by: Any = None,
        **details: Any,
    ) -> None:
        """Keep the holder, so that a door can name it."""
        super().__init__(code, message, **details)
        self.holder = holder
        self.conflicts = tuple(conflicts)
        self.blocked_by = blocked_by


class TooMany(Refused):
    """Too many tries in a short time; the doors turn it into 429."""


class NoMerchant(DontWrapMixin, RuntimeError):
    """A tenant table was asked for with no merchant in scope: a bug, never a refusal."""
