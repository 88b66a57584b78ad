"""Rows that lie in the trash before they are gone."""

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, ClassVar, Literal

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.ownership import Rule, global_key
from portal.models.tenancy import during

LIVE = "deleted_at IS NULL"


class SoftDeleteMixin:
    """A row that can be put in the trash; put the mixin before Model, after Tenant.

    `deletion_id` names the deletion that killed it, never a timestamp. `purged_at` is set when
    the row was emptied but kept, because history points at it. `scrubs` says what a purge writes
    into each column ({id} is the row's id), `label_column` how the trash calls the row.
    """

    label_column: ClassVar[str | None] = None
    scrubs: ClassVar[dict[str, Any]] = {}

    deleted_at: Mapped[datetime | None] = mapped_column(sort_order=95)
    deleted_by_id: Mapped[int | None] = mapped_column(global_key("users.id", Rule.HISTORY), sort_order=96)
    deletion_id: Mapped[int | None] = mapped_column(sort_order=97)
    purged_at: Mapped[datetime | None] = mapped_column(sort_order=98)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        table = cls.__table__  # type: ignore[attr-defined]  # made by the declarative base
        together = "(deleted_at IS NULL) = (deletion_id IS NULL)"
        table.append_constraint(CheckConstraint(together, name="dead_by_a_deletion"))
        if "merchant_id" in table.c or table.name == "merchants":
            tenant = "merchant_id" if "merchant_id" in table.c else "id"
            target = ["deletions.merchant_id", "deletions.id"]
            table.append_constraint(
                ForeignKeyConstraint([tenant, "deletion_id"], target, ondelete="RESTRICT")
            )
        else:
            where = text("deletion_id IS NOT NULL")
            Index(None, table.c.deletion_id, sqlite_where=where, postgresql_where=where)

    @property
    def is_deleted(self) -> bool:
        """Whether the row lies in the trash."""
        return self.deletion_id is not None


def live_unique(name: str, *columns: Any, also: str = "") -> Index:
    """Unique among the living, on both engines: one `where` alone silently makes a full index."""
    where = text(f"{LIVE} AND {also}" if also else LIVE)
    return Index(name, *columns, unique=True, sqlite_where=where, postgresql_where=where)


def live_index(name: str, *columns: Any) -> Index:
    """Index the living, in the order a list shows them."""
    return Index(name, *columns, sqlite_where=text(LIVE), postgresql_where=text(LIVE))


def including_deleted(
    session: Any,
    what: Literal[True] | set[type] = True,  # noqa: FBT002 - a set of classes is the other choice
) -> AbstractContextManager[None]:
    """See the dead too, lazy loads included; tenancy stays on."""
    return during(session, "include_deleted", what)
