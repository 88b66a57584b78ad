"""A customer's account in a program, and the tokens that lead to it."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.models.base import Key, Model, TimestampMixin
from portal.models.customer import Customer
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.ownership import Rule, tenant_key, within
from portal.models.soft_delete import SoftDeleteMixin, live_unique
from portal.models.tenancy import Tenant
from portal.words import counted


class LoyaltyCard(Tenant, SoftDeleteMixin, TimestampMixin, Model):
    """One customer's account in one program: two owners, and it lives only while both live."""

    __tablename__ = "loyalty_cards"
    scrubs = {"tier_key": None}

    program_id: Mapped[int]
    customer_id: Mapped[int]
    points_balance: Mapped[int] = mapped_column(default=0)
    stamps_balance: Mapped[int] = mapped_column(default=0)
    status: Mapped[str] = mapped_column(default="active")
    tier_key: Mapped[str | None]
    last_activity_at: Mapped[datetime | None]
    expiry_floor_at: Mapped[datetime | None]

    program: Mapped[LoyaltyProgram] = relationship(
        primaryjoin=lambda: within(LoyaltyCard.program_id, LoyaltyProgram)
    )
    customer: Mapped[Customer] = relationship(primaryjoin=lambda: within(LoyaltyCard.customer_id, Customer))
    tokens: Mapped[list["CardToken"]] = relationship(
        back_populates="card", primaryjoin=lambda: within(CardToken.card_id, LoyaltyCard)
    )

    __table_args__ = (
        tenant_key("program_id", "loyalty_programs", Rule.OWNS),
        tenant_key("customer_id", "customers", Rule.OWNS),
        live_unique("uq_loyalty_cards_live", "merchant_id", "program_id", "customer_id"),
        CheckConstraint("status IN ('active', 'suspended')", name="status_known"),
        {"info": {"words": counted("card", "cards")}},
    )


class CardToken(Tenant, SoftDeleteMixin, TimestampMixin, Model):
    """A QR (kept as a hash), a number or an old card's number that leads to a card."""

    __tablename__ = "card_tokens"
    scrubs = {"value": "deleted-{id}"}

    card_id: Mapped[int]
    kind: Mapped[str]
    value: Mapped[str] = mapped_column(Key)
    revoked_at: Mapped[datetime | None]

    card: Mapped[LoyaltyCard] = relationship(
        back_populates="tokens", primaryjoin=lambda: within(CardToken.card_id, LoyaltyCard)
    )

    __table_args__ = (
        tenant_key("card_id", "loyalty_cards", Rule.OWNS),
        live_unique("uq_card_tokens_value_live", "merchant_id", "kind", "value", also="revoked_at IS NULL"),
        # Also those that were replaced, and what nobody ever had: the till asks for them too.
        Index("ix_card_tokens_value", "merchant_id", "kind", "value"),
        CheckConstraint("kind IN ('qr', 'number', 'legacy')", name="kind_known"),
        {"info": {"words": counted("card code", "card codes")}},
    )
