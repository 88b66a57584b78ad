"""The merchant's one live program, shared by all its stores."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import CheckConstraint, ColumnElement, Numeric, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from portal.errors import Refused
from portal.models.base import Json, Model, TimestampMixin
from portal.models.colour import CardColours, card_colours, checked_colour
from portal.models.ownership import Rule, global_key, tenant_key, within
from portal.models.program_rules import (
    CLAWBACKS,
    LIMITS,
    OPTIONAL_LIMITS,
    TEXTS,
    TYPES,
    WALLET,
    checked_https,
    checked_number,
    checked_own_address,
    checked_wallet_id,
    colour_check,
    limit_check,
)
from portal.models.soft_delete import SoftDeleteMixin, live_unique
from portal.models.tenancy import Tenant
from portal.models.text import checked_text
from portal.models.tiers import checked_tiers
from portal.words import _, counted

if TYPE_CHECKING:
    from portal.models.loyalty_reward import LoyaltyReward


class LoyaltyProgram(Tenant, SoftDeleteMixin, TimestampMixin, Model):
    """The rules by which a merchant's customers collect (specification of loyalty, section 10).

    Money in cents, `points_per_euro` per unit of the merchant's currency, windows in the unit named.
    """

    __tablename__ = "loyalty_programs"
    label_column = "card_name"
    scrubs = {
        "card_name": None,
        "stamps_reward_description": "deleted program #{id}",
        "terms_text": None,
        "privacy_url": None,
        "logo_url": None,
        "hero_image_url": None,
        "google_issuer_id": None,
        "google_class_id": None,
        "apple_pass_type_id": None,
        "apple_team_id": None,
        "card_secondary_color": None,
    }

    loyalty_type: Mapped[str] = mapped_column(default="points")
    stamps_target: Mapped[int] = mapped_column(default=10)
    stamps_reward_description: Mapped[str] = mapped_column(default="Free item")
    stamps_reward_value_cents: Mapped[int | None]
    points_per_euro: Mapped[int] = mapped_column(default=1)
    points_expiration_days: Mapped[int | None]
    welcome_bonus_points: Mapped[int] = mapped_column(default=0)
    minimum_redemption_points: Mapped[int] = mapped_column(default=100)
    minimum_purchase_cents: Mapped[int] = mapped_column(default=0)
    tier_config: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    cooldown_minutes: Mapped[int] = mapped_column(default=15)
    max_daily_stamps: Mapped[int] = mapped_column(default=5)
    max_stamps_per_transaction: Mapped[int] = mapped_column(default=10)
    require_staff_pin: Mapped[bool] = mapped_column(default=True)
    card_name: Mapped[str | None]
    card_color: Mapped[str] = mapped_column(default="#4F46E5")
    card_secondary_color: Mapped[str | None]
    logo_url: Mapped[str | None]
    hero_image_url: Mapped[str | None]
    google_issuer_id: Mapped[str | None]
    google_class_id: Mapped[str | None]
    apple_pass_type_id: Mapped[str | None]
    apple_team_id: Mapped[str | None]
    terms_text: Mapped[str | None]
    privacy_url: Mapped[str | None]
    is_active: Mapped[bool] = mapped_column(default=True)
    activated_at: Mapped[datetime | None]
    redeem_until: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)
    clawback_policy: Mapped[str] = mapped_column(default="allow_negative")
    void_window_hours: Mapped[int] = mapped_column(default=24)
    reward_valid_days: Mapped[int | None]
    tier_window_days: Mapped[int | None]
    tier_grace_days: Mapped[int] = mapped_column(default=30)
    adjust_approval_points: Mapped[int | None]
    point_value_cents: Mapped[Decimal | None] = mapped_column(Numeric(12, 4))
    convert_rate: Mapped[Decimal | None] = mapped_column(Numeric(12, 4))
    expiry_floor_at: Mapped[datetime | None]

    rewards: Mapped[list["LoyaltyReward"]] = relationship(
        back_populates="program",
        primaryjoin=lambda: _rewards(),  # noqa: PLW0108 - defined below
        order_by="(LoyaltyReward.position, LoyaltyReward.id)",
    )

    __table_args__ = (
        live_unique("uq_loyalty_programs_live", "merchant_id"),
        CheckConstraint(f"loyalty_type IN {TYPES}", name="loyalty_type_known"),
        CheckConstraint(f"clawback_policy IN {CLAWBACKS}", name="clawback_policy_known"),
        *(limit_check(column, *limits) for column, limits in (LIMITS | OPTIONAL_LIMITS).items()),
        colour_check("card_color"),
        colour_check("card_secondary_color"),
        {"info": {"words": counted("program", "programs")}},
    )

    @property
    def is_stamps_enabled(self) -> bool:
        """Whether the card collects stamps."""
        return self.loyalty_type in ("stamps", "hybrid")

    @property
    def is_points_enabled(self) -> bool:
        """Whether the card collects points."""
        return self.loyalty_type in ("points", "hybrid")

    @property
    def display_name(self) -> str:
        """What the card is called."""
        return self.card_name or _("Loyalty Card")

    @property
    def colours(self) -> CardColours:
        """The colours of the card, with the ink that can be read on them."""
        return card_colours(self.card_color, self.card_secondary_color)

    @property
    def points_rewards(self) -> list[dict[str, Any]]:
        """The living rewards in their order, as `[{id, name, points_required, description}]`; read-only."""
        fields = ("id", "name", "points_required", "description")
        return [{f: getattr(r, f) for f in fields} for r in self.rewards if not r.is_deleted]

    def get_points_reward(self, reward_id: int) -> dict[str, Any] | None:
        """Find one of `points_rewards` by its id."""
        return next((r for r in self.points_rewards if r["id"] == reward_id), None)

    def reaches(self, tier_key: str | None, wanted: str) -> bool:
        """Tell whether a member of the tier has the wanted one, or a higher."""
        keys = [tier["key"] for tier in self.tier_config]
        return tier_key in keys and wanted in keys and keys.index(tier_key) >= keys.index(wanted)

    def activate(self, now: datetime) -> None:
        """Start earning; the first start is remembered for ever."""
        self.is_active = True
        self.redeem_until = None
        self.activated_at = self.activated_at or now

    def deactivate(self, redeem_until: datetime | None = None) -> None:
        """Stop earning and enrolment; rewards may be redeemed until the moment given."""
        self.is_active = False
        self.redeem_until = redeem_until

    @validates("loyalty_type")
    def _known_type(self, _field: str, value: str) -> str:
        if value not in TYPES:
            message = _("The program collects stamps, points or both, not “%(value)s”.", value=value)
            raise Refused("bad_type", message, field="loyalty_type")
        return value

    @validates("clawback_policy")
    def _known_policy(self, _field: str, value: str) -> str:
        if value not in CLAWBACKS:
            raise Refused("bad_policy", _("Choose one of the two."), field="clawback_policy")
        return value

    @validates(*LIMITS, *OPTIONAL_LIMITS)
    def _in_range(self, field: str, value: Any) -> Any:
        return checked_number(value, field)

    @validates("tier_config")
    def _rising_tiers(self, _field: str, value: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return checked_tiers(value)

    @validates(*TEXTS)
    def _hold_to_length(self, field: str, value: str | None) -> str | None:
        text = checked_text(value, field.replace("_", " "), TEXTS[field])
        return text or ("Free item" if field == "stamps_reward_description" else None)

    @validates("privacy_url")
    def _https_only(self, field: str, value: str | None) -> str | None:
        return checked_https(value, field)

    @validates("logo_url", "hero_image_url")
    def _of_this_server(self, field: str, value: str | None) -> str | None:
        return checked_own_address(value, field)

    @validates(*WALLET)
    def _like_an_id(self, field: str, value: str | None) -> str | None:
        return checked_wallet_id(value, field)

    @validates("card_color", "card_secondary_color")
    def _hex_colour(self, field: str, value: str | None) -> str | None:
        if not value and field == "card_secondary_color":
            return None
        return checked_colour(value, field)


def _rewards() -> ColumnElement[bool]:
    from portal.models.loyalty_reward import LoyaltyReward  # noqa: PLC0415 - the two nouns know each other

    return within(LoyaltyReward.program_id, LoyaltyProgram)


class ProgramVersion(Tenant, Model):
    """The rules as they were after one save; kept for ever, for ledger rows name their version."""

    __tablename__ = "program_versions"
    merchant_rule = Rule.HISTORY

    program_id: Mapped[int]
    version: Mapped[int]
    rules: Mapped[dict[str, Any]] = mapped_column(Json)
    saved_by_id: Mapped[int | None] = mapped_column(global_key("users.id", Rule.HISTORY))
    saved_at: Mapped[datetime]

    __table_args__ = (
        tenant_key("program_id", "loyalty_programs", Rule.PART),
        UniqueConstraint("merchant_id", "program_id", "version"),
    )
