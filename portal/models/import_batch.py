"""One run of an import, and what became of each row."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Json, Model, utc_now
from portal.models.ownership import Rule, global_key, tenant_key
from portal.models.tenancy import Tenant

STATUSES = ("running", "done", "undoing", "undone")
FATES = ("new", "changed", "same", "kept_anonymous", "refused")


class ImportBatch(Tenant, Model):
    """One file taken in; `source_hash` knows the file again, `counts` say what became of its rows."""

    __tablename__ = "import_batches"
    merchant_rule = Rule.HISTORY

    kind: Mapped[str]
    file_name: Mapped[str | None]
    source_hash: Mapped[str]
    options: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    counts: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    status: Mapped[str] = mapped_column(default="running")
    started_by_id: Mapped[int | None] = mapped_column(global_key("users.id", Rule.HISTORY))
    started_at: Mapped[datetime] = mapped_column(default=utc_now)
    finished_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(f"status IN {STATUSES}", name="status_known"),
        Index("ix_import_batches_source", "merchant_id", "kind", "source_hash"),
    )


class ImportRow(Tenant, Model):
    """What became of one row of the file: what it made, or why it was refused.

    `before` is what a changed row held, so that the batch can be undone; erasing a person empties it.
    """

    __tablename__ = "import_rows"
    merchant_rule = Rule.HISTORY

    batch_id: Mapped[int]
    row_key: Mapped[str]
    line: Mapped[int]
    fate: Mapped[str]
    made_kind: Mapped[str | None]
    made_id: Mapped[int | None]
    code: Mapped[str | None]
    message: Mapped[str | None]
    before: Mapped[dict[str, Any] | None] = mapped_column(Json)

    __table_args__ = (
        tenant_key("batch_id", "import_batches", Rule.PART),
        UniqueConstraint("merchant_id", "batch_id", "row_key"),
        CheckConstraint(f"fate IN {FATES}", name="fate_known"),
    )
