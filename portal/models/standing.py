"""What a member's standing rests on: tiers, the welcome bonus once, and what they agreed to."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Model, utc_now
from portal.models.ownership import Rule, global_key, tenant_key
from portal.models.tenancy import Tenant


class TierChange(Tenant, Model):
    """One step of a card from tier to tier, up or down; append-only."""

    __tablename__ = "tier_changes"
    merchant_rule = Rule.HISTORY

    card_id: Mapped[int]
    from_key: Mapped[str | None]
    to_key: Mapped[str | None]
    qualifying_points: Mapped[int]
    program_version: Mapped[int]
    transaction_id: Mapped[int | None]
    changed_at: Mapped[datetime]

    __table_args__ = (
        tenant_key("card_id", "loyalty_cards", Rule.HISTORY),
        tenant_key("transaction_id", "loyalty_transactions", Rule.HISTORY),
        CheckConstraint("coalesce(from_key, '') <> coalesce(to_key, '')", name="goes_somewhere"),
    )


class EnrolmentFingerprint(Tenant, Model):
    """A keyed hash of a phone or an e-mail that had its welcome bonus; outlives the customer.

    Kept five years after an erasure, to prevent fraud (specification of loyalty, section 8).
    """

    __tablename__ = "enrolment_fingerprints"
    merchant_rule = Rule.HISTORY

    kind: Mapped[str]
    fingerprint: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    forget_after: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("merchant_id", "kind", "fingerprint"),
        CheckConstraint("kind IN ('phone', 'email')", name="kind_known"),
    )


class ConsentEvent(Tenant, Model):
    """One yes or no to marketing, with where it was said; append-only, the newest counts."""

    __tablename__ = "consent_events"
    merchant_rule = Rule.HISTORY

    customer_id: Mapped[int]
    purpose: Mapped[str] = mapped_column(default="marketing")
    is_given: Mapped[bool]
    source: Mapped[str]
    noted_by_id: Mapped[int | None] = mapped_column(global_key("users.id", Rule.HISTORY))
    occurred_at: Mapped[datetime]

    __table_args__ = (
        tenant_key("customer_id", "customers", Rule.HISTORY),
        Index("ix_consent_events_newest", "merchant_id", "customer_id", "id"),
    )
