"""One act of deleting."""

from datetime import datetime, timedelta
from math import ceil
from typing import Any

from sqlalchemy import CheckConstraint, ColumnElement, Index, and_, or_, text, true
from sqlalchemy.orm import Mapped, mapped_column, validates

from portal.models.actor import Actor, Role
from portal.models.base import Json, Key, Model
from portal.models.ownership import Rule, global_key
from portal.models.tenancy import Tenant
from portal.models.text import fold

STATUSES = ("running", "done", "restoring", "restored", "purging", "purged")
IN_TRASH = "status IN ('running', 'done', 'restoring')"
UNFINISHED = "status IN ('running', 'restoring', 'purging')"


def _index_where(name: str, where: str, *columns: Any) -> Index:
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


def _trash_index(name: str, *columns: str) -> Index:
    return _index_where(name, IN_TRASH, *columns, "deleted_at", "id")


class Deletion(Tenant, Model):
    """One act of deleting: who, when, why, what root, how many rows of each kind. Never removed.

    merchant_id 0 is an act above merchants, such as deleting a user; `parent_id` links the acts it
    caused inside merchants. `counts` is what the act took and never changes. `departed` counts rows
    since handed over, erased or purged, `received` rows handed over to it from a restored act.
    """

    __tablename__ = "deletions"
    merchant_rule = None

    store_id: Mapped[int | None]
    parent_id: Mapped[int | None]
    root_kind: Mapped[str]
    root_id: Mapped[int]
    root_label: Mapped[str | None]
    label_key: Mapped[str | None] = mapped_column(Key)
    deleted_at: Mapped[datetime]
    deleted_by_id: Mapped[int | None] = mapped_column(global_key("users.id", Rule.HISTORY))
    deleted_by_role: Mapped[str]
    reason: Mapped[str | None]
    channel: Mapped[str]
    counts: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    departed: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    received: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    status: Mapped[str] = mapped_column(default="done")
    restored_at: Mapped[datetime | None]
    restored_by_id: Mapped[int | None] = mapped_column(global_key("users.id", Rule.HISTORY))
    purged_at: Mapped[datetime | None]
    purge_after: Mapped[datetime | None]
    hold: Mapped[bool] = mapped_column(default=False)

    __table_args__ = (
        CheckConstraint(f"status IN {STATUSES}", name="status_known"),
        _trash_index("ix_deletions_trash", "merchant_id"),
        _trash_index("ix_deletions_trash_kind", "merchant_id", "root_kind"),
        _trash_index("ix_deletions_trash_person", "merchant_id", "deleted_by_id"),
        _trash_index("ix_deletions_trash_store", "merchant_id", "store_id"),
        Index("ix_deletions_root", "merchant_id", "root_kind", "root_id"),
        _index_where("ix_deletions_label", IN_TRASH, "merchant_id", "label_key"),
        _index_where("ix_deletions_due", "status = 'done'", "merchant_id", "purge_after"),
        _index_where("ix_deletions_parent_id", "parent_id IS NOT NULL", "parent_id"),
        _index_where("ix_deletions_unfinished", UNFINISHED, "merchant_id", "id"),
    )

    @validates("root_label")
    def _key_the_label(self, _: str, label: str | None) -> str | None:
        self.label_key = fold(label) if label else None
        return label

    @property
    def is_in_trash(self) -> bool:
        """Whether it can still be brought back."""
        return self.status in ("running", "done", "restoring")

    @property
    def is_unfinished(self) -> bool:
        """Whether rows of it are still on their way into or out of the trash."""
        return self.status in ("running", "restoring", "purging")

    def days_left(self, now: datetime) -> int | None:
        """Count the days until it may be purged; None keeps it for ever."""
        if self.hold or self.purge_after is None:
            return None
        return max(0, ceil((self.purge_after - now) / timedelta(days=1)))

    def can_be_restored_by(self, actor: Actor) -> bool:
        """At least the role that deleted; a manager only in their stores; staff nothing."""
        if actor.role < Role.of_word(self.deleted_by_role) or actor.role is Role.STAFF:
            return False
        return self.store_id is None or actor.works_in(self.store_id)

    @classmethod
    def seen_by(cls, actor: Actor) -> ColumnElement[bool]:
        """The acts this actor finds in the trash: owners all, managers what staff or managers deleted."""
        if actor.role >= Role.OWNER:
            return true()
        theirs = or_(cls.store_id.is_(None), cls.store_id.in_(actor.store_ids))
        return and_(cls.deleted_by_role.in_(("staff", "manager")), theirs)
