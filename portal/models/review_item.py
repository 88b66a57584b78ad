"""Something a manager should look at."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Json, Model, utc_now
from portal.models.ownership import Rule, global_key, tenant_key
from portal.models.tenancy import Tenant

STATUSES = ("open", "accepted", "dismissed")


class ReviewItem(Tenant, Model):
    """A movement that looks odd or came too late, with the reason; a manager accepts or dismisses it."""

    __tablename__ = "review_items"
    merchant_rule = Rule.HISTORY

    kind: Mapped[str]
    reason_code: Mapped[str]
    details: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    card_id: Mapped[int | None]
    store_id: Mapped[int | None]
    transaction_id: Mapped[int | None]
    status: Mapped[str] = mapped_column(default="open")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    resolved_at: Mapped[datetime | None]
    resolved_by_id: Mapped[int | None] = mapped_column(global_key("users.id", Rule.HISTORY))

    __table_args__ = (
        tenant_key("card_id", "loyalty_cards", Rule.HISTORY),
        tenant_key("store_id", "stores", Rule.HISTORY),
        tenant_key("transaction_id", "loyalty_transactions", Rule.HISTORY),
        CheckConstraint(f"status IN {STATUSES}", name="status_known"),
        CheckConstraint("(status = 'open') = (resolved_at IS NULL)", name="resolved_has_a_time"),
        Index("ix_review_items_open", "merchant_id", "status", "id"),
    )
