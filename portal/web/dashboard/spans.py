"""Over which time the dashboard counts, and in which store."""

from datetime import datetime
from typing import Any, NamedTuple

from portal.web.days import midnight, today
from portal.web.listing import asked, number_in
from portal.words import later

MONTH = "month"
USUAL = "30"
SPANS: dict[str, Any] = {
    "7": later("Last 7 days"),
    USUAL: later("Last 30 days"),
    "90": later("Last 90 days"),
    MONTH: later("This month"),
}


class Span(NamedTuple):
    """A stretch of days up to now, the first one whole, and the store chosen, if any."""

    key: str
    begins: datetime
    store_id: int | None

    @property
    def label(self) -> str:
        """What it is called."""
        return str(SPANS[self.key])


def asked_span() -> Span:
    """Read it from the address; what says nothing we know is as if it were not there."""
    given = asked("range", "store")
    key = given["range"] if given["range"] in SPANS else USUAL
    return Span(key, _beginning(key), number_in(given["store"]))


def _beginning(key: str) -> datetime:
    if key == MONTH:
        return midnight(today().replace(day=1))
    return midnight(today(), days=1 - int(key))  # today is one of them
