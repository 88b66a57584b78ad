"""One sale at one store."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, Numeric
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.models.base import Model, TimestampMixin
from portal.models.customer import Customer
from portal.models.ownership import Rule, global_key, tenant_key, within
from portal.models.product import Product
from portal.models.soft_delete import SoftDeleteMixin, live_index, live_unique
from portal.models.store import Store
from portal.models.tenancy import Tenant
from portal.words import counted


class Order(Tenant, SoftDeleteMixin, TimestampMixin, Model):
    """One sale; it stays when its store, customer or merchant goes, and keeps pointing at them."""

    __tablename__ = "orders"
    merchant_rule = Rule.HISTORY
    label_column = "number"
    scrubs = {"number": "deleted order #{id}", "external_ref": None}

    store_id: Mapped[int | None]
    customer_id: Mapped[int | None]
    sold_by_id: Mapped[int | None] = mapped_column(global_key("users.id", Rule.HISTORY))
    number: Mapped[str]
    total_cents: Mapped[int] = mapped_column(default=0)
    occurred_at: Mapped[datetime]
    external_ref: Mapped[str | None]

    store: Mapped[Store | None] = relationship(primaryjoin=lambda: within(Order.store_id, Store))
    customer: Mapped[Customer | None] = relationship(primaryjoin=lambda: within(Order.customer_id, Customer))
    lines: Mapped[list["OrderLine"]] = relationship(
        back_populates="order", primaryjoin=lambda: within(OrderLine.order_id, Order)
    )

    __table_args__ = (
        tenant_key("store_id", "stores", Rule.HISTORY),
        tenant_key("customer_id", "customers", Rule.HISTORY),
        live_unique("uq_orders_external_ref_live", "merchant_id", "external_ref"),
        live_index("ix_orders_newest_live", "merchant_id", "occurred_at", "id"),
        {"info": {"words": counted("order", "orders")}},
    )


class OrderLine(Tenant, Model):
    """One product of a sale, with its name and price as they were; read through its order."""

    __tablename__ = "order_lines"
    merchant_rule = Rule.HISTORY

    order_id: Mapped[int]
    product_id: Mapped[int | None]
    position: Mapped[int] = mapped_column(default=1)
    name: Mapped[str]
    quantity: Mapped[Decimal] = mapped_column(Numeric(12, 3), default=1)
    unit_price_cents: Mapped[int] = mapped_column(default=0)
    amount_cents: Mapped[int] = mapped_column(default=0)
    earns_points: Mapped[bool] = mapped_column(default=True)

    order: Mapped[Order] = relationship(
        back_populates="lines", primaryjoin=lambda: within(OrderLine.order_id, Order)
    )
    product: Mapped[Product | None] = relationship(primaryjoin=lambda: within(OrderLine.product_id, Product))

    __table_args__ = (
        tenant_key("order_id", "orders", Rule.PART),
        tenant_key("product_id", "products", Rule.HISTORY),
        CheckConstraint("name <> ''", name="has_a_name"),
    )
