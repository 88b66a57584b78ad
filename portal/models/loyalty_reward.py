"""What points buy."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from portal.errors import Refused
from portal.models.base import Model, TimestampMixin
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.ownership import Rule, tenant_key, within
from portal.models.soft_delete import SoftDeleteMixin
from portal.models.tenancy import Tenant
from portal.models.text import checked_name, checked_text
from portal.words import _, counted, number

LONGEST_DESCRIPTION = 500
MOST = 100_000_000
# field -> lowest, highest; None is allowed where the column allows it
REWARD_LIMITS = {
    "points_required": (1, MOST),
    "discount_cents": (0, MOST),
    "stock": (0, MOST),
    "per_customer_limit": (1, 100_000),
}


class LoyaltyReward(Tenant, SoftDeleteMixin, TimestampMixin, Model):
    """What points buy; `stock` None is endless, `discount_cents` what it takes off the bill.

    It can be had from `valid_from` on and until just before `valid_until`; None is no bound.
    """

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
        {"info": {"words": counted("reward", "rewards")}},
    )

    def standing(self, now: datetime) -> str:
        """Say how it stands: offered, "early" (not yet), "over", or "gone" (out of stock)."""
        if self.valid_until is not None and self.valid_until <= now:
            return "over"
        if self.stock == 0:
            return "gone"
        return "early" if self.valid_from is not None and self.valid_from > now else "offered"

    @validates("name")
    def _trim_the_name(self, _field: str, name: str) -> str:
        return checked_name(name)

    @validates("description")
    def _hold_to_length(self, field: str, text: str | None) -> str | None:
        return checked_text(text, field, LONGEST_DESCRIPTION)

    @validates(*REWARD_LIMITS)
    def _in_range(self, field: str, value: Any) -> Any:
        if value is None and field != "points_required":
            return None
        lowest, highest = REWARD_LIMITS[field]
        if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
            message = _(
                "Write a whole number from %(lowest)s to %(highest)s.", lowest=lowest, highest=number(highest)
            )
            raise Refused("out_of_range", message, field=field)
        return value


def check_dates(first: datetime | None, last: datetime | None) -> None:
    """Refuse a reward that ends before it begins; raises Refused("bad_dates")."""
    if first is not None and last is not None and last <= first:
        message = _("The last day must not be before the first.")
        raise Refused("bad_dates", message, field="valid_until")


class RewardStore(Tenant, Model):
    """One store where a reward may be taken; a reward without any may be taken in all."""

    __tablename__ = "reward_stores"
    merchant_rule = Rule.HISTORY

    reward_id: Mapped[int]
    store_id: Mapped[int]

    __table_args__ = (
        tenant_key("reward_id", "loyalty_rewards", Rule.PART),
        tenant_key("store_id", "stores", Rule.HISTORY),
        UniqueConstraint("merchant_id", "reward_id", "store_id"),
    )
