"""What people do with rewards: offer, change, put in order, delete."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models.actor import Actor
from portal.models.deletion import Deletion
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.loyalty_reward import LoyaltyReward, RewardStore, check_dates
from portal.models.store import Store
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


def stores_of(program: LoyaltyProgram) -> dict[int, list[Store]]:
    """List the stores each limited reward may be taken in, by its id; deleted stores too."""
    listed = (
        select(RewardStore.reward_id, Store)
        .join(Store, (Store.merchant_id == RewardStore.merchant_id) & (Store.id == RewardStore.store_id))
        .where(RewardStore.merchant_id == program.merchant_id)
        .order_by(Store.name, Store.id)
    )
    found: dict[int, list[Store]] = {}
    for reward_id, store in db.session.execute(listed, execution_options={"include_deleted": {Store}}):
        found.setdefault(reward_id, []).append(store)
    return found


def stores_to_choose(program: LoyaltyProgram, reward: LoyaltyReward | None) -> list[tuple[Store, bool]]:
    """List the stores a reward may be limited to, each with whether it is; deleted ones only if it is."""
    chosen = select(RewardStore.store_id).where(
        RewardStore.merchant_id == program.merchant_id,
        RewardStore.reward_id == (reward.id if reward else None),
    )
    is_chosen = Store.id.in_(chosen)
    listed = (
        select(Store, is_chosen)
        .where(Store.merchant_id == program.merchant_id, Store.deleted_at.is_(None) | is_chosen)
        .order_by(Store.deleted_at.is_not(None), Store.name, Store.id)
    )
    found = db.session.execute(listed, execution_options={"include_deleted": {Store}})
    return [(store, bool(is_one)) for store, is_one in found]


def add_reward(
    program: LoyaltyProgram,
    *,
    name: str,
    points_required: int,
    by: Actor,
    store_ids: Collection[int] = (),
    **details: Any,
) -> LoyaltyReward:
    """Add something points buy, last in the order; `details` may give the other FIELDS.

    `store_ids` are the only stores it may be taken in; none is all. Raises Refused for values out of
    range, an unknown tier or store, or more rewards than anybody reads.
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
    _limit_to(reward, store_ids)
    audit.record("create", reward, by=by)
    return reward


def change_reward(
    reward: LoyaltyReward, *, by: Actor, store_ids: Collection[int] | None = None, **changes: Any
) -> list[str]:
    """Change the FIELDS given and name those that differ, "stores" too; raises as add_reward does."""
    hold(reward.program)
    dates = {field: getattr(reward, field) for field in ("valid_from", "valid_until")}
    _check(reward.program, dates | changes)
    changed = apply(reward, changes, known=FIELDS, by=by)
    if store_ids is not None and _limit_to(reward, store_ids):
        audit.record("change", reward, by=by, fields=["stores"])
        changed.append("stores")
    return changed


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


def _limit_to(reward: LoyaltyReward, store_ids: Collection[int]) -> bool:
    """Write down the stores the reward may be taken in; True when they differ from before."""
    query = select(RewardStore).where(
        RewardStore.merchant_id == reward.merchant_id, RewardStore.reward_id == reward.id
    )
    listed = {row.store_id: row for row in db.session.scalars(query)}
    added, removed = set(store_ids) - set(listed), set(listed) - set(store_ids)
    mine = select(Store.id).where(Store.merchant_id == reward.merchant_id, Store.id.in_(added))
    if added - set(db.session.scalars(mine)):
        raise Refused("no_store", _("Choose among the stores you have."), field="store_ids")
    for store_id in removed:
        db.session.delete(listed[store_id])
    for store_id in sorted(added):
        db.session.add(RewardStore(merchant_id=reward.merchant_id, reward_id=reward.id, store_id=store_id))
    return bool(added or removed)


def _check(program: LoyaltyProgram, details: dict[str, Any]) -> None:
    check_dates(details.get("valid_from"), details.get("valid_until"))
    tier = details.get("tier_key")
    if tier and tier not in {each["key"] for each in program.tier_config}:
        message = _("There is no tier “%(tier)s”. Choose one of the program's.", tier=tier)
        raise Refused("no_tier", message, field="tier_key")
