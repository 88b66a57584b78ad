"""What the platform writes down beside the business: audit, idempotency keys, outbox, media."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Json, Model, TimestampMixin, utc_now
from portal.models.ownership import Rule, global_key, tenant_key
from portal.models.tenancy import Tenant

_unsent = text("sent_at IS NULL")


class AuditEntry(Tenant, Model):
    """Who did what, append-only. It holds ids and field names, never names, contacts or secrets.

    merchant_id 0 is an act above merchants.
    """

    __tablename__ = "audit_log"
    merchant_rule = None

    actor_id: Mapped[int | None] = mapped_column(global_key("users.id", Rule.HISTORY))
    actor_role: Mapped[str]
    channel: Mapped[str]
    action: Mapped[str]
    subject_kind: Mapped[str]
    subject_id: Mapped[int | None]
    store_id: Mapped[int | None]
    details: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    request_id: Mapped[str | None]
    occurred_at: Mapped[datetime] = mapped_column(default=utc_now)

    __table_args__ = (
        Index("ix_audit_log_newest", "merchant_id", "occurred_at", "id"),
        Index("ix_audit_log_subject", "merchant_id", "subject_kind", "subject_id"),
    )


class IdempotencyKey(Tenant, Model):
    """One key, one effect (specification of loyalty, section 3); merchant_id 0 is the platform."""

    __tablename__ = "idempotency_keys"
    merchant_rule = None

    key: Mapped[str]
    actor_id: Mapped[int | None] = mapped_column(global_key("users.id", Rule.HISTORY))
    request_hash: Mapped[str]
    result_kind: Mapped[str | None]
    result_id: Mapped[int | None]
    status: Mapped[str] = mapped_column(default="done")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)

    __table_args__ = (UniqueConstraint("merchant_id", "key"),)


class OutboxMessage(Tenant, Model):
    """An effect outside the database that a job will carry out; merchant_id 0 is the platform."""

    __tablename__ = "outbox"
    merchant_rule = None

    kind: Mapped[str]
    payload: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    due_at: Mapped[datetime] = mapped_column(default=utc_now)
    sent_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)

    __table_args__ = (
        Index("ix_outbox_due", "merchant_id", "due_at", sqlite_where=_unsent, postgresql_where=_unsent),
    )


class Media(Tenant, TimestampMixin, Model):
    """An image a merchant uploaded, decoded and encoded again by us."""

    __tablename__ = "media"
    merchant_rule = Rule.PART

    kind: Mapped[str]
    content_type: Mapped[str]
    width: Mapped[int]
    height: Mapped[int]
    sha256: Mapped[str]
    content: Mapped[bytes] = mapped_column(LargeBinary)
    program_id: Mapped[int | None]
    uploaded_by_id: Mapped[int | None] = mapped_column(global_key("users.id", Rule.HISTORY))

    __table_args__ = (
        tenant_key("program_id", "loyalty_programs", Rule.PART),
        UniqueConstraint("merchant_id", "sha256", "kind"),
        CheckConstraint("width > 0 AND height > 0", name="has_a_size"),
    )
