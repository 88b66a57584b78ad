"""The members of the café in the demo: who comes often, who stopped coming, who is new."""

from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple

FIRST = ("Anouk", "Bilal", "Carole", "Diego", "Elise", "Fatima", "Georges", "Hana", "Ines", "Jeff")
LAST = ("Thill", "Santos", "Wagner", "Costa", "Reuter", "Silva", "Krier", "Benali", "Lentz", "Faber")
DAY = timedelta(days=1)


class Habit(NamedTuple):
    """How a kind of member comes: how many there are, joined and stopped how many days ago, how often."""

    members: int
    joined: tuple[int, int]
    stopped: tuple[int, int]
    gap: tuple[int, int]


# Points last 180 days: of those who stopped some are about to lose theirs, and some have lost them.
HABITS = (
    Habit(22, joined=(60, 365), stopped=(0, 0), gap=(3, 24)),
    Habit(5, joined=(220, 365), stopped=(152, 178), gap=(4, 15)),
    Habit(5, joined=(280, 365), stopped=(190, 240), gap=(4, 15)),
    Habit(8, joined=(1, 25), stopped=(0, 0), gap=(2, 9)),
)


class Member(NamedTuple):
    """One member: name, phone, e-mail, the store they come to, when they joined, and each visit."""

    name: str
    phone: str
    email: str | None
    home: int
    joined: datetime
    visits: tuple[datetime, ...]
    agrees: bool


def gather(chance: Random, *, homes: int, now: datetime) -> list[Member]:
    """Make up the members, the same ones by the same chance."""
    habits = [habit for habit in HABITS for _ in range(habit.members)]
    return [_member(number, habit, chance, homes, now) for number, habit in enumerate(habits)]


def opening_hours(day: datetime, chance: Random) -> datetime:
    """Choose a moment of that day between half past six and half past five, UTC."""
    midnight = day.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(minutes=chance.randint(390, 1_050), seconds=chance.randint(0, 59))


def _member(number: int, habit: Habit, chance: Random, homes: int, now: datetime) -> Member:
    name = f"{chance.choice(FIRST)} {chance.choice(LAST)}"
    joined = opening_hours(now - chance.randint(*habit.joined) * DAY, chance)
    stopped = now - chance.randint(*habit.stopped) * DAY
    visits = [joined + timedelta(minutes=2)]
    while (day := visits[-1] + chance.randint(*habit.gap) * DAY) < stopped:
        visits.append(opening_hours(day, chance))
    return Member(
        name=name,
        phone=f"+352621{100_000 + number * 7919 % 900_000:06}",
        email=f"member{number}@carnet.example" if chance.random() < 0.4 else None,
        home=chance.randrange(homes),
        joined=joined,
        visits=tuple(when for when in visits if when < now),
        agrees=chance.random() < 0.5,
    )
