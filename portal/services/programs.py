"""What people do with the loyalty program: start it, change it, switch it on and off, delete it."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import inspect, select

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models.actor import Actor
from portal.models.deletion import Deletion
from portal.models.loyalty_program import LoyaltyProgram, ProgramVersion
from portal.models.loyalty_reward import LoyaltyReward
from portal.models.merchant import Merchant
from portal.services import audit, trash
from portal.services.changing import apply
from portal.services.ledger.expiring import put_off
from portal.services.saving import save
from portal.words import _

NOT_RULES = frozenset(
    [
        "id",
        "merchant_id",
        "version",
        "created_at",
        "updated_at",
        "deleted_at",
        "deleted_by_id",
        "deletion_id",
        "purged_at",
    ]
)
KEPT_BY_VERBS = frozenset(["is_active", "activated_at", "redeem_until", "expiry_floor_at"])
RULES = frozenset(inspect(LoyaltyProgram).column_attrs.keys()) - NOT_RULES
FIELDS = RULES - KEPT_BY_VERBS
LONGEST_REDEMPTION = timedelta(days=3_650)


def create_program(merchant: Merchant, *, by: Actor, now: datetime, **rules: Any) -> LoyaltyProgram:
    """Start the merchant's one program; raises Conflict("taken") while another lives."""
    program = LoyaltyProgram(merchant_id=merchant.id, **rules)
    if program.is_active is not False:
        program.activate(now)
    try:
        save(program, by=by)
    except Conflict as taken:
        message = _("There is a program already. Reload the page to see it.")
        raise Conflict("taken", message, taken.holder) from taken
    keep_version(program, by=by, now=now)
    audit.record("create", program, by=by)
    return program


def find_program(merchant: Merchant, *, to_change: bool = False) -> LoyaltyProgram | None:
    """Find the merchant's living program; `to_change` makes others who change it wait for us."""
    living = LoyaltyProgram.of(merchant)
    if to_change:
        living = living.with_for_update().execution_options(populate_existing=True)
    return db.session.scalars(living).one_or_none()


def hold(program: LoyaltyProgram) -> None:
    """Lock the program and read it anew: two who save at once save one after the other.

    Raises Conflict("deleted") when it was put in the trash meanwhile.
    """
    db.session.flush()  # reading anew would drop what is not written yet
    db.session.refresh(program, with_for_update=True)
    if program.is_deleted:
        raise Conflict("deleted", _("The program was deleted meanwhile. Restore it first."))


def change_program(program: LoyaltyProgram, *, by: Actor, now: datetime, **changes: Any) -> list[str]:
    """Change the FIELDS given and name those that differ; if any does, the version rises.

    A new type freezes the other currency and deletes nothing. Shorter expiry, and expiry of points that
    were frozen, counts 30 days ahead at the earliest. Raises Refused for a value out of range, or a
    tier that a reward still needs.
    """
    hold(program)
    _refuse_lost_tiers(program, changes.get("tier_config"))
    expired_after = _expiry(program)
    changed = apply(program, changes, known=FIELDS, by=by)
    if _is_shorter(_expiry(program), expired_after):
        put_off(program, now)
    if changed:
        _raise_version(program, by=by, now=now)
    return changed


def activate_program(program: LoyaltyProgram, *, by: Actor, now: datetime) -> bool:
    """Let customers enrol and earn; False when they could already. The first start is kept for ever."""
    hold(program)
    if program.is_active:
        return False
    program.activate(now)
    _raise_version(program, by=by, now=now)
    audit.record("activate", program, by=by)
    return True


def deactivate_program(
    program: LoyaltyProgram, *, redeem_until: datetime | None, by: Actor, now: datetime
) -> bool:
    """Stop enrolment and earning; rewards can be redeemed until then, or no more. False if it is so already.

    Raises Refused("bad_date") for a moment that is over, or more than ten years ahead.
    """
    hold(program)
    if redeem_until is not None and not now < redeem_until <= now + LONGEST_REDEMPTION:
        message = _("Choose today or a day to come, within ten years.")
        raise Refused("bad_date", message, field="redeem_until")
    if not program.is_active and program.redeem_until == redeem_until:
        return False
    program.deactivate(redeem_until)
    _raise_version(program, by=by, now=now)
    audit.record("deactivate", program, by=by)
    return True


def keep_version(program: LoyaltyProgram, *, by: Actor, now: datetime) -> ProgramVersion:
    """Keep the rules as they are now under the program's version."""
    kept = ProgramVersion(
        merchant_id=program.merchant_id,
        program_id=program.id,
        version=program.version,
        rules=rules_of(program),
        saved_by_id=by.user_id,
        saved_at=now,
    )
    db.session.add(kept)
    return kept


def rules_of(program: LoyaltyProgram) -> dict[str, Any]:
    """Read all rules as they are now, in plain values."""
    return {rule: _plain(getattr(program, rule)) for rule in sorted(RULES)}


def delete_program(
    program: LoyaltyProgram, *, by: Actor, now: datetime, reason: str | None = None
) -> Deletion:
    """Put the program, its rewards and its cards in the trash; a new one may be started."""
    return trash.soft_delete_cascade(program, by=by, now=now, reason=reason)


def _raise_version(program: LoyaltyProgram, *, by: Actor, now: datetime) -> None:
    program.version += 1
    keep_version(program, by=by, now=now)


def _expiry(program: LoyaltyProgram) -> int | None:
    """After how many days points expire; None when they never do, as while they are frozen."""
    return program.points_expiration_days if program.is_points_enabled else None


def _is_shorter(days: int | None, before: int | None) -> bool:
    return days is not None and (before is None or days < before)


def _refuse_lost_tiers(program: LoyaltyProgram, tiers: list[dict[str, Any]] | None) -> None:
    """A reward for the members of a tier needs that tier."""
    if tiers is None:
        return
    kept = {tier.get("key") for tier in tiers}
    names = {tier["key"]: tier["name"] for tier in program.tier_config}
    needing = select(LoyaltyReward).where(
        LoyaltyReward.merchant_id == program.merchant_id,
        LoyaltyReward.program_id == program.id,
        LoyaltyReward.tier_key.is_not(None),
    )
    for reward in db.session.scalars(needing.order_by(LoyaltyReward.position, LoyaltyReward.id)):
        if reward.tier_key not in kept:
            message = _(
                "The reward “%(reward)s” is for the tier “%(tier)s”. Change the reward first.",
                reward=reward.name,
                tier=names.get(reward.tier_key, reward.tier_key),
            )
            raise Refused("tier_needed", message, field="tiers")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value if value is None or isinstance(value, bool | int | str | list) else str(value)
