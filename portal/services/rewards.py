"""What people do with rewards: offer, change, put in order, delete."""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, select

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models.actor import Actor
from portal.models.deletion import Deletion
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.loyalty_reward import LoyaltyReward, check_dates
from portal.services import audit, trash
from portal.services.changing import apply, refuse_unknown
from portal.services.programs import hold
from portal.services.saving import save
from portal.words import _, number

FIELDS = frozenset(
    [
        "name",
        "description",
        "points_required",
        "discount_cents",
        "stock",
        "per_customer_limit",
        "tier_key",
        "valid_from",
        "valid_until",
    ]
)
MOST_REWARDS = 200


def rewards_of(program: LoyaltyProgram) -> Select[LoyaltyReward]:
    """Select the rewards of the program in their order."""
    owner = (LoyaltyReward.merchant_id == program.merchant_id, LoyaltyReward.program_id == program.id)
    return select(LoyaltyReward).where(*owner).order_by(LoyaltyReward.position, LoyaltyReward.id)


def add_reward(
    program: LoyaltyProgram, *, name: str, points_required: int, by: Actor, **details: Any
) -> LoyaltyReward:
    """Add something points buy, last in the order; `details` may give the other FIELDS.

    Raises Refused for values out of range, an unknown tier, or more rewards than anybody reads.
    """
    hold(program)
    others = _in_order(program)
    if len(others) >= MOST_REWARDS:
        message = _("There can be at most %(most)s rewards. Delete one first.", most=number(MOST_REWARDS))
        raise Refused("too_many", message)
    _check(program, refuse_unknown(details, FIELDS))
    reward = LoyaltyReward(
        merchant_id=program.merchant_id,
        program_id=program.id,
        name=name,
        points_required=points_required,
        position=max((other.position for other in others), default=0) + 1,
        **details,
    )
    save(reward, by=by)
    audit.record("create", reward, by=by)
    return reward


def change_reward(reward: LoyaltyReward, *, by: Actor, **changes: Any) -> list[str]:
    """Change the FIELDS given and name those that differ; raises as add_reward does."""
    hold(reward.program)
    dates = {field: getattr(reward, field) for field in ("valid_from", "valid_until")}
    _check(reward.program, dates | changes)
    return apply(reward, changes, known=FIELDS, by=by)


def move_reward(reward: LoyaltyReward, *, steps: int, by: Actor) -> bool:
    """Move the reward up (-1) or down (1) in the order; False when it is at the end already."""
    hold(reward.program)
    order = _in_order(reward.program)
    if reward not in order:
        raise Conflict("deleted", _("The reward was deleted meanwhile."))
    was = order.index(reward)
    to = min(max(was + steps, 0), len(order) - 1)
    order.insert(to, order.pop(was))
    for position, each in enumerate(order, 1):
        each.position = position
    if to != was:
        audit.record("move", reward, by=by, fields=["position"])
    return to != was


def delete_reward(reward: LoyaltyReward, *, by: Actor, now: datetime, reason: str | None = None) -> Deletion:
    """Put the reward in the trash; what was handed out before stays good."""
    return trash.soft_delete_cascade(reward, by=by, now=now, reason=reason)


def _in_order(program: LoyaltyProgram) -> list[LoyaltyReward]:
    return list(db.session.scalars(rewards_of(program).execution_options(populate_existing=True)))


def _check(program: LoyaltyProgram, details: dict[str, Any]) -> None:
    check_dates(details.get("valid_from"), details.get("valid_until"))
    tier = details.get("tier_key")
    if tier and tier not in {each["key"] for each in program.tier_config}:
        message = _("There is no tier “%(tier)s”. Choose one of the program's.", tier=tier)
        raise Refused("no_tier", message, field="tier_key")
