"""When things happened in the demo, counted back from now."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from portal.extensions import db
from portal.models.base import as_if

FOUNDED = timedelta(days=406)
PROGRAM = timedelta(days=380)


class Deed(NamedTuple):
    """Something to do as if it were then."""

    when: datetime
    do: Callable[[datetime], Any]


def play(deeds: Iterable[Deed]) -> None:
    """Do everything in the order it happened; of what happened at once, in the order given."""
    for deed in sorted(deeds, key=lambda deed: deed.when):
        with at(deed.when):
            deed.do(deed.when)


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
