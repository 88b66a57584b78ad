"""The forms of the program: one for each tab, and the ones that start and stop it."""

from types import SimpleNamespace
from typing import Any, Self

from flask import request
from wtforms import BooleanField, FileField, RadioField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length

from portal.models.loyalty_program import LoyaltyProgram
from portal.models.program_rules import DECIMALS, LONGEST_URL, TEXTS, limits_of
from portal.services.pictures import LARGEST_FILE
from portal.web.filters import money_typed
from portal.web.forms import ChangeForm, Form, at_most
from portal.web.program.fields import (
    DayField,
    Money,
    PartOfMoney,
    TypedField,
    WholeNumber,
    number_typed,
    part_typed,
)
from portal.web.program.tier_rows import TierRows, typed_tiers
from portal.words import _, later

TYPE_CHOICES = [
    ("stamps", later("Stamps")),
    ("points", later("Points")),
    ("hybrid", later("Stamps and points")),
]
POLICY_CHOICES = [
    ("allow_negative", later("The balance goes below zero; the member redeems again once it is made up")),
    ("clamp_to_zero", later("The balance stops at zero; the rest is forgiven, and written down")),
]
NEEDED = later("Write a number; 0 is one.")


def whole(label: Any, field: str, *, may_be_empty: bool = False) -> WholeNumber:
    """A whole number in the range its rule allows."""
    lowest, highest = limits_of(field)
    return WholeNumber(label, needed(may_be_empty=may_be_empty), lowest=lowest, highest=highest)


def money(label: Any, field: str, *, may_be_empty: bool = False) -> Money:
    """An amount in the range its rule allows."""
    return Money(label, needed(may_be_empty=may_be_empty), highest=limits_of(field)[1])


def needed(*, may_be_empty: bool) -> list[Any]:
    """Ask for a number unless it may be empty; what is not sent at all stays as it is."""
    return [] if may_be_empty else [DataRequired(NEEDED)]


def text(label: Any, field: str) -> StringField:
    """A short text as long as its rule allows."""
    return StringField(label, [at_most(TEXTS.get(field, LONGEST_URL))])


class TabForm(ChangeForm):
    """The form of one tab; `details` hands on what was typed by the names of the rules."""

    @classmethod
    def of(cls, program: LoyaltyProgram, **how: Any) -> Self:
        """Show the rules as people type them."""
        return cls(obj=SimpleNamespace(**typed_rules(program)), **how)

    def rearranged(self) -> bool:
        """Whether a button only changed the form itself, such as one row more."""
        return False

    def details(self) -> dict[str, Any]:
        """What each rule should be from now on."""
        return {rule_of(field.name): value_of(field) for field in self if field.name != "csrf_token"}


class EarningForm(TabForm):
    """How customers collect."""

    loyalty_type = RadioField(later("What customers collect"))
    points_per_euro = whole(later("Points per unit spent"), "points_per_euro")
    minimum_purchase = money(later("Smallest purchase that earns"), "minimum_purchase_cents")
    welcome_bonus_points = whole(later("Welcome bonus"), "welcome_bonus_points")
    points_expiration_days = whole(later("Points expire after"), "points_expiration_days", may_be_empty=True)
    point_value = PartOfMoney(
        later("What one point is worth"),
        needed(may_be_empty=True),
        highest=limits_of("point_value_cents")[1],
    )
    stamps_target = whole(later("Stamps on a full card"), "stamps_target")
    stamps_reward_description = text(later("What a full card earns"), "stamps_reward_description")
    stamps_reward_value = money(later("What that is worth"), "stamps_reward_value_cents", may_be_empty=True)
    cooldown_minutes = whole(later("Pause between two stamps"), "cooldown_minutes")
    max_daily_stamps = whole(later("Most stamps a day"), "max_daily_stamps")
    max_stamps_per_transaction = whole(later("Most stamps at once"), "max_stamps_per_transaction")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.loyalty_type.choices = TYPE_CHOICES


class RewardRulesForm(TabForm):
    """What holds for all rewards."""

    minimum_redemption_points = whole(later("Points needed before any reward"), "minimum_redemption_points")
    reward_valid_days = whole(
        later("A reward handed out is good for"), "reward_valid_days", may_be_empty=True
    )


class TiersForm(TabForm):
    """What members reach by collecting."""

    tiers = TierRows(later("Tiers"))
    tier_window_days = whole(later("Counted over the last"), "tier_window_days", may_be_empty=True)
    tier_grace_days = whole(later("Before a member moves down"), "tier_grace_days")

    def rearranged(self) -> bool:
        """Add or remove a row, as a button asks: row=add, row=remove-2."""
        does, _sign, row = request.form.get("row", "").partition("-")
        if does == "add":
            self.tiers.add()
        elif does == "remove" and row.isdecimal():
            self.tiers.remove(int(row[:3]))
        return does in ("add", "remove")


class LimitsForm(TabForm):
    """What keeps the till honest."""

    require_staff_pin = BooleanField(later("Ask staff for their PIN at the till"))
    void_window_hours = whole(later("A manager may undo a stamp or sale for"), "void_window_hours")
    adjust_approval_points = whole(
        later("Two people for adjustments above"), "adjust_approval_points", may_be_empty=True
    )
    clawback_policy = RadioField(later("When a refund takes back more points than the card has"))

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.clawback_policy.choices = POLICY_CHOICES


class BrandingForm(TabForm):
    """How the card looks."""

    card_name = text(later("Name on the card"), "card_name")
    card_color = StringField(later("Colour of the card"), [DataRequired(later("Choose a colour."))])
    card_secondary_color = StringField(later("Colour of the stamps"), [at_most(7)])


class WalletForm(TabForm):
    """By which ids Google and Apple know the program."""

    google_issuer_id = text(later("Google issuer ID"), "google_issuer_id")
    google_class_id = text(later("Google class ID"), "google_class_id")
    apple_pass_type_id = text(later("Apple pass type ID"), "apple_pass_type_id")
    apple_team_id = text(later("Apple team ID"), "apple_team_id")


class TermsForm(TabForm):
    """What members agree to."""

    terms_text = TextAreaField(
        later("Terms"),
        [Length(max=TEXTS["terms_text"], message=later("The terms may have at most 20,000 characters."))],
        filters=[lambda typed: (typed or "").replace("\r\n", "\n")],
    )
    privacy_url = text(later("Address of your privacy notice"), "privacy_url")


class PictureForm(Form):
    """A picture for the card."""

    picture = FileField(later("Picture"))

    @property
    def content(self) -> bytes:
        """What was sent; a little more than is taken, so that too much can be told."""
        sent = self.picture.data
        return bytes(sent.read(LARGEST_FILE + 1)) if hasattr(sent, "read") else b""


class StartForm(Form):
    """What a new program collects, and what its card is called."""

    loyalty_type = RadioField(
        later("What customers collect"),
        [InputRequired(later("Choose one of the three."))],
        default="stamps",
    )
    card_name = text(later("Name on the card"), "card_name")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.loyalty_type.choices = TYPE_CHOICES

    def details(self) -> dict[str, Any]:
        """What was chosen; everything else begins with sensible values."""
        return {name: self[name].data for name in ("loyalty_type", "card_name")}


class StopForm(Form):
    """Until when rewards can be redeemed once earning stops."""

    redeem_until = DayField(later("Rewards can be redeemed until"), ends=True)


def rule_of(name: str) -> str:
    """Name the rule a field is about: amounts are kept in cents."""
    cents = ("minimum_purchase", "stamps_reward_value", "point_value")
    return {"tiers": "tier_config"}.get(name) or (f"{name}_cents" if name in cents else name)


def value_of(field: Any) -> Any:
    """Read what a field says: a number, an amount, tiers, a choice or a text."""
    if isinstance(field, (TypedField, TierRows)):
        return field.value
    if isinstance(field, BooleanField):
        return bool(field.data)
    return (field.data or "").strip() or None


def typed_rules(program: LoyaltyProgram) -> dict[str, Any]:
    """Write every rule as people type it, by the names of the fields."""
    typed: dict[str, Any] = {}
    for form in (EarningForm, RewardRulesForm, TiersForm, LimitsForm, BrandingForm, WalletForm, TermsForm):
        for name in form.__dict__:
            rule = rule_of(name)
            if hasattr(program, rule):
                typed[name] = _typed(rule, getattr(program, rule))
    return typed


def _typed(rule: str, value: Any) -> Any:
    if rule == "tier_config":
        return typed_tiers(value)
    if isinstance(value, str | bool):
        return value
    write = part_typed if rule in DECIMALS else money_typed if rule.endswith("_cents") else number_typed
    return write(value)


def opening_words(kind: str) -> str:
    """Say what a new program of this kind begins with."""
    return {
        "stamps": _("Ten stamps fill a card, and a full card earns a free item of yours."),
        "points": _("One point for each unit spent; rewards can be had from 100 points on."),
        "hybrid": _("One card for both: every purchase earns points, and a stamp beside them."),
    }[kind]
