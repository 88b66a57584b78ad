"""Who serves, where, when, and by which key the act is known again."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.errors import Refused
from portal.models.actor import Actor
from portal.words import _

AHEAD = timedelta(minutes=2)  # by so much the clock of a device may be fast


@dataclass(frozen=True)
class Visit:
    """The circumstances of one act on a card; times in UTC.

    `now` is when it is posted, `happened_at` when it happened if that was earlier (offline,
    imports). `key` makes it happen once, however often it is asked for. No verb posts what is yet to
    happen: raises Refused("in_the_future"), and says in `at` from when it is accepted.
    """

    by: Actor
    now: datetime
    key: str | None = None
    source: str = "portal"
    store_id: int | None = None
    device_id: int | None = None
    happened_at: datetime | None = None
    batch_id: int | None = None
    is_pin_unverified: bool = False

    def __post_init__(self) -> None:
        """Refuse what lies further ahead than a clock may be fast; `replace` comes by here as well."""
        if self.happened_at is not None and self.happened_at > self.now + AHEAD:
            message = _("This lies in the future. Check the date, the clock and the time zone.")
            raise Refused("in_the_future", message, field="happened_at", at=self.happened_at - AHEAD)

    @property
    def occurred_at(self) -> datetime:
        """When it happened."""
        return self.happened_at or self.now
