"""Which tier a card belongs to, now and through the days of grace; counted on plain values."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple


class Event(NamedTuple):
    """Points that began to count, or ceased to: known since when, and of which purchase's moment."""

    known_at: datetime
    occurred_at: datetime
    points: int


class Rules(NamedTuple):
    """The tiers that held from a moment on, and how far back they look."""

    since: datetime
    tiers: Sequence[dict[str, Any]]
    window: timedelta | None

    def reached(self, points: int) -> str | None:
        """Name the tier those points reach."""
        keys = [str(tier["key"]) for tier in self.tiers if points >= tier["threshold"]]
        return keys[-1] if keys else None

    def counted(self, events: Iterable[Event], at: datetime) -> int:
        """Count the points that qualified at a moment: what was known then, of the window."""
        begin = at - self.window if self.window else None
        return sum(e.points for e in events if e.known_at <= at and (begin is None or e.occurred_at > begin))


def due_tier(
    rules: Sequence[Rules], events: Sequence[Event], key: str | None, now: datetime
) -> tuple[str | None, int]:
    """Say which tier a card in tier `key` belongs to now, and the points that qualify."""
    today = rules[-1]
    order = [str(tier["key"]) for tier in today.tiers]
    points = today.counted(events, now)
    reached = today.reached(points)
    if key not in order or (reached is not None and order.index(reached) >= order.index(key)):
        return reached, points
    held = [name for name in _held(rules, events, now) if name in order]
    highest = max(map(order.index, [*held, *([reached] if reached else [])]), default=0)
    return order[min(highest, order.index(key))], points


def _held(rules: Sequence[Rules], events: Sequence[Event], now: datetime) -> Iterator[str | None]:
    """Name the tiers reached during the grace: points rise only where something becomes known."""
    for number, mine in enumerate(rules):
        end = rules[number + 1].since if number + 1 < len(rules) else None
        rises = {e.known_at for e in events if e.points > 0 and mine.since < e.known_at <= now}
        for moment in (mine.since, *(rise for rise in rises if end is None or rise < end)):
            yield mine.reached(mine.counted(events, moment))
