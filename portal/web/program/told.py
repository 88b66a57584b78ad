"""The rules in words: what each is called, and how a value of it reads."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from portal.models.loyalty_reward import LoyaltyReward
from portal.models.store import Store
from portal.web.filters import day, money, when
from portal.web.program.fields import TIMES, multiplier_typed, part_typed
from portal.words import _, later, ngettext, number

CURRENT = 120  # letters of a text that a line of the history shows


class Told(NamedTuple):
    """One rule in words, before and after; `colour` is shown beside its name."""

    label: str
    old: str
    new: str
    old_colour: str = ""
    new_colour: str = ""


def in_words(rule: str, value: Any) -> str:
    """Say a value of a rule as people read it."""
    if value is None or value in ("", []):
        return _("not used") if rule in NOT_USED else _("none")
    return LINES[rule][1](value)


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[Told]:
    """Say what differs between two versions, rule by rule."""
    return [
        Told(
            str(LINES[rule][0]),
            in_words(rule, old.get(rule)),
            in_words(rule, new.get(rule)),
            _colour(rule, old),
            _colour(rule, new),
        )
        for rule in LINES
        if _plainly(rule, old.get(rule)) != _plainly(rule, new.get(rule))
    ]


def groups(rules: dict[str, Any]) -> Iterator[tuple[str, list[Told]]]:
    """Say all rules of one version, in the order of the tabs."""
    for title, names in GROUPS:
        lines = [
            Told(str(LINES[rule][0]), "", in_words(rule, rules.get(rule)), "", _colour(rule, rules))
            for rule in names
        ]
        yield str(title), lines


def reward_words(reward: LoyaltyReward, tiers: Mapping[str, str], stores: Sequence[Store] = ()) -> str:
    """Say for whom a reward is, where, how often, how many are left, and when."""
    said = [_tier_words(reward.tier_key, tiers) if reward.tier_key else _("Every member")]
    if stores:
        said.append(_("only in %(stores)s", stores=", ".join(store.name for store in stores)))
    if reward.per_customer_limit is not None:
        said.append(ngettext("%(num)s time each", "%(num)s times each", reward.per_customer_limit))
    if reward.stock:
        said.append(ngettext("%(num)s left", "%(num)s left", reward.stock))
    if reward.valid_from is not None:
        said.append(_("from %(day)s", day=day(reward.valid_from)))
    if reward.valid_until is not None:
        said.append(_("until %(day)s", day=day(reward.valid_until - timedelta(seconds=1))))
    return ", ".join(said)


def _tier_words(key: str, tiers: Mapping[str, str]) -> str:
    """Say for which tiers; the last of `tiers` is the highest."""
    name = tiers.get(key)
    return _("Only %(tier)s", tier=name) if [key] == [*tiers][-1:] else _("%(tier)s and up", tier=name)


def _colour(rule: str, rules: dict[str, Any]) -> str:
    return str(rules.get(rule) or "") if rule in ("card_color", "card_secondary_color") else ""


def _kind(value: str) -> str:
    return {"stamps": _("stamps"), "points": _("points"), "hybrid": _("stamps and points")}.get(value, value)


def _policy(value: str) -> str:
    below = _("the balance goes below zero")
    return below if value == "allow_negative" else _("the balance stops at zero")


def _yes(value: bool) -> str:  # noqa: FBT001 - it is what is said
    return _("yes") if value else _("no")


def _points(value: int) -> str:
    return ngettext("%(num)s point", "%(num)s points", value)


def _stamps(value: int) -> str:
    return ngettext("%(num)s stamp", "%(num)s stamps", value)


def _minutes(value: int) -> str:
    return ngettext("%(num)s minute", "%(num)s minutes", value) if value else _("no pause")


def _hours(value: int) -> str:
    return ngettext("%(num)s hour", "%(num)s hours", value)


def _days(value: int) -> str:
    return ngettext("%(num)s day", "%(num)s days", value)


def _daily(value: int) -> str:
    return _stamps(value) if value else _("no limit")


def _part(value: str) -> str:
    return part_typed(Decimal(value))


def _rate(value: str) -> str:
    return format(Decimal(value).normalize(), "f")


def _plainly(rule: str, value: Any) -> Any:
    """Take 1 and 1.0000 for the same: a database fills decimals up."""
    return Decimal(value) if value and rule in ("point_value_cents", "convert_rate") else value


def _picture(_value: str) -> str:
    return _("a picture")


def _moment(value: str) -> str:
    return when(datetime.fromisoformat(value))


def _text(value: Any) -> str:
    words = " ".join(str(value).split())
    return words if len(words) <= CURRENT else f"{words[:CURRENT]}…"


def _tiers(value: list[dict[str, Any]]) -> str:
    said = [
        _(
            "%(name)s from %(threshold)s (%(times)s%(multiplier)s)",
            name=tier["name"],
            threshold=number(tier["threshold"]),
            times=TIMES,
            multiplier=multiplier_typed(tier["multiplier_bp"]),
        )
        for tier in value
    ]
    return ", ".join(said)


LINES: dict[str, tuple[Any, Callable[[Any], str]]] = {
    "loyalty_type": (later("What customers collect"), _kind),
    "is_active": (later("Active"), _yes),
    "redeem_until": (later("Rewards can be redeemed until"), _moment),
    "activated_at": (later("First active"), _moment),
    "points_per_euro": (later("Points per unit spent"), _points),
    "minimum_purchase_cents": (later("Smallest purchase that earns"), money),
    "welcome_bonus_points": (later("Welcome bonus"), _points),
    "points_expiration_days": (later("Points expire after"), _days),
    "expiry_floor_at": (later("No points expire before"), _moment),
    "point_value_cents": (later("What one point is worth"), _part),
    "convert_rate": (later("Rate of conversion"), _rate),
    "stamps_target": (later("Stamps on a full card"), _stamps),
    "stamps_reward_description": (later("What a full card earns"), _text),
    "stamps_reward_value_cents": (later("What that is worth"), money),
    "cooldown_minutes": (later("Pause between two stamps"), _minutes),
    "max_daily_stamps": (later("Most stamps a day"), _daily),
    "max_stamps_per_transaction": (later("Most stamps at once"), _stamps),
    "minimum_redemption_points": (later("Points needed before any reward"), _points),
    "reward_valid_days": (later("A reward handed out is good for"), _days),
    "tier_config": (later("Tiers"), _tiers),
    "tier_window_days": (later("Tiers count the last"), _days),
    "tier_grace_days": (later("Before a member moves down"), _days),
    "require_staff_pin": (later("Ask staff for their PIN at the till"), _yes),
    "void_window_hours": (later("A manager may undo for"), _hours),
    "adjust_approval_points": (later("Two people for adjustments above"), _points),
    "clawback_policy": (later("When a refund takes more than the card has"), _policy),
    "card_name": (later("Name on the card"), _text),
    "card_color": (later("Colour of the card"), _text),
    "card_secondary_color": (later("Colour of the stamps"), _text),
    "logo_url": (later("Logo"), _picture),
    "hero_image_url": (later("Picture"), _picture),
    "google_issuer_id": (later("Google issuer ID"), _text),
    "google_class_id": (later("Google class ID"), _text),
    "apple_pass_type_id": (later("Apple pass type ID"), _text),
    "apple_team_id": (later("Apple team ID"), _text),
    "terms_text": (later("Terms"), _text),
    "privacy_url": (later("Address of your privacy notice"), _text),
}
_NAMES = tuple(LINES)
GROUPS = (
    (later("The program"), _NAMES[:4]),
    (later("Points"), _NAMES[4:11]),
    (later("Stamps"), _NAMES[11:17]),
    (later("Rewards"), _NAMES[17:19]),
    (later("Tiers"), _NAMES[19:22]),
    (later("Safeguards"), _NAMES[22:26]),
    (later("Card"), _NAMES[26:31]),
    (later("Wallet"), _NAMES[31:35]),
    (later("Terms"), _NAMES[35:]),
)
NOT_USED = frozenset(["points_expiration_days", "reward_valid_days", "tier_config", "tier_window_days"])
