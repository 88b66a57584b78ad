"""What people do with the loyalty program: start it, change it, delete it."""

from datetime import datetime
from typing import Any

from sqlalchemy import inspect

from portal.extensions import db
from portal.models.actor import Actor
from portal.models.deletion import Deletion
from portal.models.loyalty_program import LoyaltyProgram, ProgramVersion
from portal.models.loyalty_reward import LoyaltyReward
from portal.models.merchant import Merchant
from portal.services import audit, trash
from portal.services.saving import save

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


def create_program(merchant: Merchant, *, by: Actor, now: datetime, **rules: Any) -> LoyaltyProgram:
    """Start the merchant's one program; raises Conflict("taken") while another lives."""
    program = LoyaltyProgram(merchant_id=merchant.id, **rules)
    if program.is_active is not False:
        program.activate(now)
    save(program, by=by)
    keep_version(program, by=by, now=now)
    audit.record("create", program, by=by)
    return program


def add_reward(
    program: LoyaltyProgram, *, name: str, points_required: int, by: Actor, **details: Any
) -> LoyaltyReward:
    """Add something points buy, last in the order."""
    reward = LoyaltyReward(
        merchant_id=program.merchant_id,
        program_id=program.id,
        name=name,
        points_required=points_required,
        position=len(program.points_rewards) + 1,
        **details,
    )
    save(reward, by=by)
    audit.record("create", reward, by=by)
    return reward


def keep_version(program: LoyaltyProgram, *, by: Actor, now: datetime) -> ProgramVersion:
    """Keep the rules as they are now under the program's version."""
    columns = inspect(LoyaltyProgram).column_attrs.keys()
    rules = {c: _plain(getattr(program, c)) for c in columns if c not in NOT_RULES}
    kept = ProgramVersion(
        merchant_id=program.merchant_id,
        program_id=program.id,
        version=program.version,
        rules=rules,
        saved_by_id=by.user_id,
        saved_at=now,
    )
    db.session.add(kept)
    return kept


def delete_program(
    program: LoyaltyProgram, *, by: Actor, now: datetime, reason: str | None = None
) -> Deletion:
    """Put the program, its rewards and its cards in the trash; a new one may be started."""
    return trash.soft_delete_cascade(program, by=by, now=now, reason=reason)


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | str | list) else str(value)
