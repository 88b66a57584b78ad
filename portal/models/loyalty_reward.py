"""What points buy."""

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.models.base import Model, TimestampMixin
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.ownership import Rule, tenant_key, within
from portal.models.soft_delete import SoftDeleteMixin
from portal.models.tenancy import Tenant


class LoyaltyReward(Tenant, SoftDeleteMixin, TimestampMixin, Model):
    """What points buy; `stock` None is endless, `discount_cents` what it takes off the bill."""

    __tablename__ = "loyalty_rewards"
    label_column = "name"
    scrubs = {"name": "deleted reward #{id}", "description": None, "tier_key": None}

    program_id: Mapped[int]
    name: Mapped[str]
    description: Mapped[str | None]
    points_required: Mapped[int]
    position: Mapped[int] = mapped_column(default=0)
    discount_cents: Mapped[int | None]
    stock: Mapped[int | None]
    per_customer_limit: Mapped[int | None]
    tier_key: Mapped[str | None]
    valid_from: Mapped[datetime | None]
    valid_until: Mapped[datetime | None]

    program: Mapped[LoyaltyProgram] = relationship(
        back_populates="rewards",
        primaryjoin=lambda: within(LoyaltyReward.program_id, LoyaltyProgram),
    )

    __table_args__ = (
        tenant_key("program_id", "loyalty_programs", Rule.OWNS),
        CheckConstraint("points_required > 0", name="costs_points"),
        CheckConstraint("stock IS NULL OR stock >= 0", name="stock_not_negative"),
        CheckConstraint("discount_cents IS NULL OR discount_cents >= 0", name="discount_not_negative"),
        {"info": {"word": "reward"}},
    )
