"""Money given back for an order, whole or in part."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.models.base import Json, Model, utc_now
from portal.models.order import Order
from portal.models.ownership import Rule, global_key, tenant_key, within
from portal.models.tenancy import Tenant


class OrderRefund(Tenant, Model):
    """One refund: of lines with their amounts, or of an amount alone (specification of loyalty, section 6).

    `lines` is `[{line_id, amount_cents}]`; `eligible_cents` what of it had earned points.
    """

    __tablename__ = "order_refunds"
    merchant_rule = Rule.HISTORY

    order_id: Mapped[int]
    amount_cents: Mapped[int]
    eligible_cents: Mapped[int] = mapped_column(default=0)
    lines: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)
    refunded_by_id: Mapped[int | None] = mapped_column(global_key("users.id", Rule.HISTORY))
    store_id: Mapped[int | None]
    key_id: Mapped[int | None]
    external_ref: Mapped[str | None]
    occurred_at: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)

    order: Mapped[Order] = relationship(primaryjoin=lambda: within(OrderRefund.order_id, Order))

    __table_args__ = (
        tenant_key("order_id", "orders", Rule.HISTORY),
        tenant_key("store_id", "stores", Rule.HISTORY),
        tenant_key("key_id", "idempotency_keys", Rule.HISTORY),
        CheckConstraint("amount_cents > 0", name="gives_money_back"),
        CheckConstraint(
            "eligible_cents >= 0 AND eligible_cents <= amount_cents", name="eligible_within_amount"
        ),
    )
