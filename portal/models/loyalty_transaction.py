"""The ledger: one row per movement of points or stamps, never changed and never removed."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.models.base import Json, Model, utc_now
from portal.models.loyalty_card import LoyaltyCard
from portal.models.ownership import Rule, global_key, tenant_key, within
from portal.models.tenancy import Tenant

# type -> what it may do to points and to stamps: + adds, - takes, 0 leaves, * either way
SIGNS: dict[str, tuple[str, str]] = {
    "enrol": ("0", "0"),
    "welcome_bonus": ("+", "0"),
    "earn": ("+", "+"),
    "stamp": ("0", "+"),
    "stamp_complete": ("0", "-"),
    "redeem": ("-", "0"),
    "redeem_cancel": ("+", "+"),
    "refund_reversal": ("-", "0"),
    "refund_return": ("+", "+"),
    "void": ("*", "*"),
    "adjust": ("*", "*"),
    "expire": ("-", "0"),
    "forfeit": ("-", "-"),
    "merge_in": ("*", "*"),
    "merge_out": ("*", "*"),
    "import": ("*", "*"),
    "convert": ("*", "*"),
}
TYPES = tuple(SIGNS)
SOURCES = ("till", "portal", "api", "cli", "offline", "import", "system")
VOIDABLE = ("earn", "stamp", "adjust", "redeem", "refund_reversal")
ACTIVITY = ("enrol", "earn", "stamp", "redeem")
_COMPARED = {"+": ">= 0", "-": "<= 0", "0": "= 0"}


def _sign_check(column: str, place: int) -> CheckConstraint:
    arms = [
        f"(type = '{name}' AND {column} {_COMPARED[signs[place]]})" if signs[place] in _COMPARED else ""
        for name, signs in SIGNS.items()
    ]
    free = ", ".join(f"'{name}'" for name, signs in SIGNS.items() if signs[place] == "*")
    held = " OR ".join(arm for arm in arms if arm)
    return CheckConstraint(f"type IN ({free}) OR {held}", name=f"{column}_sign")


def _unique(name: str, where: str, *columns: str) -> Index:
    return Index(name, *columns, unique=True, sqlite_where=text(where), postgresql_where=text(where))


class LoyaltyTransaction(Tenant, Model):
    """One movement on a card (specification of loyalty, section 1).

    Deltas in points and stamps, amounts in cents, times UTC. `occurred_at` is when it happened,
    `created_at` when it was posted; balances stand in posting order, by id. It holds ids, never
    names, contacts or free text.
    """

    __tablename__ = "loyalty_transactions"
    merchant_rule = Rule.HISTORY

    card_id: Mapped[int]
    program_id: Mapped[int]
    type: Mapped[str]
    points_delta: Mapped[int] = mapped_column(default=0)
    stamps_delta: Mapped[int] = mapped_column(default=0)
    points_after: Mapped[int]
    stamps_after: Mapped[int]
    amount_cents: Mapped[int | None]
    eligible_cents: Mapped[int | None]
    order_id: Mapped[int | None]
    attempt_no: Mapped[int | None]
    store_id: Mapped[int | None]
    staff_id: Mapped[int | None] = mapped_column(global_key("users.id", Rule.HISTORY))
    device_id: Mapped[int | None]
    source: Mapped[str]
    rule_snapshot: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    program_version: Mapped[int]
    reason_code: Mapped[str | None]
    key_id: Mapped[int | None]
    reverses_id: Mapped[int | None]
    linked_id: Mapped[int | None]
    reward_issue_id: Mapped[int | None]
    batch_id: Mapped[int | None]
    is_pin_unverified: Mapped[bool] = mapped_column(default=False)
    occurred_at: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)

    card: Mapped[LoyaltyCard] = relationship(
        primaryjoin=lambda: within(LoyaltyTransaction.card_id, LoyaltyCard)
    )

    __table_args__ = (
        tenant_key("card_id", "loyalty_cards", Rule.HISTORY),
        tenant_key("program_id", "loyalty_programs", Rule.HISTORY),
        tenant_key("order_id", "orders", Rule.HISTORY),
        tenant_key("store_id", "stores", Rule.HISTORY),
        tenant_key("device_id", "till_devices", Rule.HISTORY),
        tenant_key("key_id", "idempotency_keys", Rule.HISTORY),
        tenant_key("reverses_id", "loyalty_transactions", Rule.HISTORY),
        tenant_key("linked_id", "loyalty_transactions", Rule.HISTORY),
        tenant_key("reward_issue_id", "reward_issues", Rule.HISTORY),
        tenant_key("batch_id", "import_batches", Rule.HISTORY),
        UniqueConstraint("merchant_id", "card_id", "id"),
        _unique("uq_loyalty_transactions_earn", "type = 'earn'", "merchant_id", "order_id", "attempt_no"),
        _unique("uq_loyalty_transactions_void", "type = 'void'", "merchant_id", "reverses_id"),
        _unique("uq_loyalty_transactions_bonus", "type = 'welcome_bonus'", "merchant_id", "card_id"),
        Index("ix_loyalty_transactions_newest", "merchant_id", "occurred_at", "id"),
        CheckConstraint(f"type IN {TYPES}", name="type_known"),
        CheckConstraint(f"source IN {SOURCES}", name="source_known"),
        _sign_check("points_delta", 0),
        _sign_check("stamps_delta", 1),
        CheckConstraint(
            "(type = 'void') = (reverses_id IS NOT NULL AND type = 'void')", name="void_of_a_row"
        ),
        CheckConstraint("amount_cents IS NULL OR amount_cents >= 0", name="amount_not_negative"),
        CheckConstraint("eligible_cents IS NULL OR eligible_cents >= 0", name="eligible_not_negative"),
        CheckConstraint(
            "order_id IS NULL OR type <> 'earn' OR attempt_no IS NOT NULL", name="earn_has_attempt"
        ),
    )

    @property
    def is_activity(self) -> bool:
        """Whether it keeps points from expiring (section 7)."""
        return self.type in ACTIVITY

    def kept_after_refunds(self, refunded_eligible_cents: int) -> int:
        """Count the points an earn still gives once so many eligible cents were refunded (section 6)."""
        if not self.eligible_cents:
            return 0
        left = max(0, self.eligible_cents - refunded_eligible_cents)
        return self.points_delta * left // self.eligible_cents
