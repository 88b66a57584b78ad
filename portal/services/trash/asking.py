"""Asking the database many small things at once: one statement, however many kinds of rows there are."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    String,
    Table,
    cast,
    func,
    literal_column,
    null,
    select,
    union_all,
)

from portal.models.ownership import table_of
from portal.services.trash import rows
from portal.services.trash.names import label_column

EXAMPLES = 3
AT_MOST = 10_000  # counted exactly up to here, then "10,000+"
AT_ONCE = 200  # questions in one statement; SQLite takes 500
NOBODY, NOTHING = cast(null(), BigInteger), cast(null(), String)


@dataclass
class Answer:
    """What came of one question: a number, or None, and names."""

    number: int | None = None
    names: list[str] = field(default_factory=list)


class Questions:
    """Questions gathered one by one and asked together; each is known by its place."""

    def __init__(self) -> None:
        self._arms: list[Select[Any]] = []
        self._places = 0

    def how_many(self, table: Table, inside: ColumnElement[bool]) -> int:
        """Count rows, exactly up to a limit."""
        capped = select(table.c.id).where(inside).limit(AT_MOST + 1).subquery()
        return self._ask(select(*self._row(func.count(), NOTHING)).select_from(capped))

    def which(self, table: Table, inside: ColumnElement[bool]) -> int:
        """Count rows and name the first few."""
        place = self.how_many(table, inside)
        if (names := _names(table, inside)) is not None:
            some = names.limit(EXAMPLES).subquery()
            self._arms.append(select(*self._row(NOBODY, some.c.name, place)))
        return place

    def number(self, query: Select[Any]) -> int:
        """Read one number."""
        found = query.subquery()
        return self._ask(select(*self._row(found.c[0], NOTHING)))

    def answers(self) -> list[Answer]:
        """Ask everything; an answer for each place."""
        found = [Answer() for _ in range(self._places)]
        for place, number, name in self._read():
            if name is None:
                found[place].number = number
            else:
                found[place].names.append(name)
        return found

    def _ask(self, arm: Select[Any]) -> int:
        self._arms.append(arm)
        self._places += 1
        return self._places - 1

    def _row(self, number: Any, name: Any, place: int | None = None) -> tuple[Any, Any, Any]:
        here = self._places if place is None else place
        return literal_column(str(here)).label("place"), number.label("number"), name.label("name")

    def _read(self) -> Iterator[Any]:
        for start in range(0, len(self._arms), AT_ONCE):
            yield from rows.read(union_all(*self._arms[start : start + AT_ONCE]))


def _names(table: Table, inside: ColumnElement[bool]) -> Select[Any] | None:
    label = label_column(table)
    if label is not None:
        query = select(label.label("name")).where(inside, label.is_not(None))
    elif "user_id" in table.c:
        users = table_of("users")
        joined = table.join(users, table.c.user_id == users.c.id)
        query = select(users.c.display_name.label("name")).select_from(joined).where(inside)
    else:
        return None
    return query.order_by(table.c.id)
