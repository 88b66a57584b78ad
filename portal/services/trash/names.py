"""What the trash calls things."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table, select

from portal.models.base import Model
from portal.models.ownership import table_of
from portal.services.trash import rows
from portal.words import Words, _, how_many, word_for

CLASSES = {m.local_table: m.class_ for m in Model.registry.mappers}


def word(table: Table | str, count: int = 1) -> str:
    """Name a kind of row in people's words: store, stores; person, people."""
    table = table_of(table) if isinstance(table, str) else table
    return word_for(words_of(table), count)


def words_of(table: Table) -> Words:
    """The words for one and for many rows of a table."""
    plain = table.name.replace("_", " ")
    words: Words = table.info.get("words", (plain.removesuffix("s"), plain))
    return words


def named(table: Table | str, label: object) -> str:
    """Say what it is and what it is called: store Gare."""
    return _("%(kind)s %(name)s", kind=word(table), name=label) if label else word(table)


def and_counts(counts: Mapping[str, int]) -> str:
    """Say how many of each kind: 12 products, 4 team members."""
    return ", ".join(how_many(words_of(table_of(kind)), count) for kind, count in counts.items())


def label_of(row: Any) -> str | None:
    """The name by which people know the row, for the list of the trash."""
    if row.label_column:
        label: str | None = getattr(row, row.label_column)
        return label
    user_id = getattr(row, "user_id", None)
    if user_id is None:
        return None
    if "user" in row.__dict__:  # loaded already
        return str(row.user.display_name)
    users = table_of("users")
    name: str | None = rows.read(select(users.c.display_name).where(users.c.id == user_id)).scalar()
    return name


def label_column(table: Table) -> Any:
    """The column that names rows of the table, for examples in a preview; None where there is none."""
    column = CLASSES[table].label_column
    return table.c[column] if column else None
