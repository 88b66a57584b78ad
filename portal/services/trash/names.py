"""What the trash calls things."""

from typing import Any

from sqlalchemy import Table, select

from portal.models.base import Model
from portal.models.ownership import table_of
from portal.services.trash import rows

CLASSES = {m.local_table: m.class_ for m in Model.registry.mappers}


def word(table: Table | str, count: int = 1) -> str:
    """Name a kind of row in people's words: store, stores; person, people."""
    table = table_of(table) if isinstance(table, str) else table
    one = str(table.info.get("word") or table.name.replace("_", " ").removesuffix("s"))
    return one if count == 1 else str(table.info.get("words") or f"{one}s")


def label_of(row: Any) -> str | None:
    """The name by which people know the row, for the list of the trash."""
    if row.label_column:
        label: str | None = getattr(row, row.label_column)
        return label
    user_id = getattr(row, "user_id", None)
    if user_id is None:
        return None
    users = table_of("users")
    name: str | None = rows.read(select(users.c.display_name).where(users.c.id == user_id)).scalar()
    return name


def label_column(table: Table) -> Any:
    """The column that names rows of the table, for examples in a preview; None where there is none."""
    column = CLASSES[table].label_column
    return table.c[column] if column else None
