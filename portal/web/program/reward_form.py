"""The form of a reward."""

from types import SimpleNamespace
from typing import Any, Self

from wtforms import SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from portal.models.loyalty_program import LoyaltyProgram
from portal.models.loyalty_reward import LONGEST_DESCRIPTION, REWARD_LIMITS, LoyaltyReward
from portal.models.store import Store
from portal.models.text import LONGEST_NAME
from portal.services.rewards import stores_to_choose
from portal.web.filters import money_typed
from portal.web.forms import ChangeForm, ChecksField, at_most
from portal.web.program.fields import (
    DayField,
    Money,
    WholeNumber,
    day_typed,
    number_typed,
)
from portal.words import _, later

SHORT = [at_most(40)]


def _number(label: Any, field: str, *validators: Any) -> WholeNumber:
    lowest, highest = REWARD_LIMITS[field]
    return WholeNumber(label, [*validators, *SHORT], lowest=lowest, highest=highest)


class RewardForm(ChangeForm):
    """What points buy, for whom, how often and when."""

    name = StringField(
        later("Name"),
        [
            InputRequired(later("Give the reward a name.")),
            Length(max=LONGEST_NAME, message=later("A name has at most 120 letters.")),
        ],
    )
    description = TextAreaField(
        later("Description"),
        [Length(max=LONGEST_DESCRIPTION, message=later("A description has at most 500 letters."))],
        filters=[lambda typed: (typed or "").replace("\r\n", "\n")],
    )
    points_required = _number(
        later("Points"), "points_required", InputRequired(later("Say how many points it costs."))
    )
    discount = Money(later("Takes off the bill"), SHORT, highest=REWARD_LIMITS["discount_cents"][1])
    stock = _number(later("In stock"), "stock")
    per_customer_limit = _number(later("Times per member"), "per_customer_limit")
    tier_key = SelectField(later("From the tier up"), filters=[lambda key: key or ""])
    store_ids = ChecksField(later("Only in these stores"), coerce=int)
    valid_from = DayField(later("First day"), SHORT)
    valid_until = DayField(later("Last day"), SHORT, ends=True)

    @classmethod
    def of(cls, program: LoyaltyProgram, reward: LoyaltyReward | None = None) -> Self:
        """Show a reward as people type it, with the tiers to choose from; or an empty form."""
        stores = stores_to_choose(program, reward)
        chosen = {"store_ids": sorted(store.id for store, is_chosen in stores if is_chosen)}
        form = cls(obj=SimpleNamespace(**_typed(reward), **chosen) if reward else None)
        tiers = [(tier["key"], tier["name"]) for tier in program.tier_config]
        form.tier_key.choices = [("", _("Every member")), *tiers]
        form.store_ids.choices = [(store.id, _store_words(store)) for store, _chosen in stores]
        return form

    def details(self) -> dict[str, Any]:
        """What was typed, by the names the verbs know."""
        texts = {
            name: (self[name].data or "").strip() or None for name in ("name", "description", "tier_key")
        }
        numbers = {
            name: self[name].value
            for name in ("points_required", "stock", "per_customer_limit", "valid_from", "valid_until")
        }
        return (
            texts | numbers | {"discount_cents": self.discount.value, "store_ids": self.store_ids.data or []}
        )


def _store_words(store: Store) -> str:
    return _("%(name)s (deleted)", name=store.name) if store.is_deleted else store.name


def _typed(reward: LoyaltyReward) -> dict[str, Any]:
    return {
        "name": reward.name,
        "description": reward.description or "",
        "points_required": number_typed(reward.points_required),
        "discount": money_typed(reward.discount_cents),
        "stock": number_typed(reward.stock),
        "per_customer_limit": number_typed(reward.per_customer_limit),
        "tier_key": reward.tier_key or "",
        "valid_from": day_typed(reward.valid_from),
        "valid_until": day_typed(reward.valid_until, ends=True),
    }
