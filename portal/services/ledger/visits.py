"""Who serves, where, when, and by which key the act is known again."""

from dataclasses import dataclass
from datetime import datetime

from portal.models.actor import Actor


@dataclass(frozen=True)
class Visit:
    """The circumstances of one act on a card; times in UTC.

    `now` is when it is posted, `happened_at` when it happened if that was earlier (offline,
    imports). `key` makes it happen once, however often it is asked for.
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

    @property
    def occurred_at(self) -> datetime:
        """When it happened."""
        return self.happened_at or self.now
