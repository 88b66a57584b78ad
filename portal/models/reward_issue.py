"""One reward handed out."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.models.base import Model, TimestampMixin
from portal.models.loyalty_card import LoyaltyCard
from portal.models.ownership import Rule, tenant_key, within
from portal.models.tenancy import Tenant

STATUSES = ("issued", "redeemed", "cancelled", "expired")


class RewardIssue(Tenant, TimestampMixin, Model):
    """A reward a customer may take or has taken (specification of loyalty, sections 4 and 5).

    A points reward remembers its price in points, a stamp reward the target it was earned by;
    neither changes when the program does. `discount_cents` is what it takes off the bill or is worth: of
    a points reward its discount, of a stamp reward what the program said a full card is worth. It is
    remembered for the books; nothing lowers a purchase by it on its own, the till says what came off.
    """

    __tablename__ = "reward_issues"
    merchant_rule = Rule.HISTORY

    card_id: Mapped[int]
    reward_id: Mapped[int | None]
    status: Mapped[str] = mapped_column(default="issued")
    points_price: Mapped[int] = mapped_column(default=0)
    stamps_target: Mapped[int] = mapped_column(default=0)
    discount_cents: Mapped[int | None]
    issued_at: Mapped[datetime]
    redeemed_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    issued_store_id: Mapped[int | None]
    redeemed_store_id: Mapped[int | None]

    card: Mapped[LoyaltyCard] = relationship(primaryjoin=lambda: within(RewardIssue.card_id, LoyaltyCard))

    __table_args__ = (
        tenant_key("card_id", "loyalty_cards", Rule.HISTORY),
        tenant_key("reward_id", "loyalty_rewards", Rule.HISTORY),
        tenant_key("issued_store_id", "stores", Rule.HISTORY),
        tenant_key("redeemed_store_id", "stores", Rule.HISTORY),
        CheckConstraint(f"status IN {STATUSES}", name="status_known"),
        CheckConstraint("points_price >= 0 AND stamps_target >= 0", name="prices_not_negative"),
        CheckConstraint("(points_price > 0) <> (stamps_target > 0)", name="of_points_or_stamps"),
        CheckConstraint("(status = 'redeemed') = (redeemed_at IS NOT NULL)", name="redeemed_has_a_time"),
        Index("ix_reward_issues_open", "merchant_id", "status", "expires_at", "id"),
    )

    @property
    def is_of_stamps(self) -> bool:
        """Whether full stamps brought it."""
        return self.stamps_target > 0
