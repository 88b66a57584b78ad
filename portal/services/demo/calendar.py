"""When things happened in the demo, counted back from now."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from portal.extensions import db
from portal.models.base import as_if

FOUNDED = timedelta(days=106)
PROGRAM = timedelta(days=91)


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Do something as if it were then: rows and audit entries made inside carry that moment."""
    db.session.flush()  # what is not written yet happened before
    with as_if(moment):
        yield
        db.session.flush()


class Calendar:
    """The opening of a business, one thing a day."""

    def __init__(self, now: datetime) -> None:
        self._day = now - FOUNDED

    @contextmanager
    def next_day(self) -> Iterator[None]:
        """Do something on the day after the last."""
        self._day += timedelta(days=1)
        with at(self._day):
            yield
