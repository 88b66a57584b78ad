"""Moving members from tier to tier (specification of loyalty, section 9)."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CompoundSelect, Select, select, union_all
from sqlalchemy.orm import aliased

from portal.extensions import db
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.models.standing import TierChange
from portal.services.ledger.accounts import Account

# Made once: making an alias takes longer than the query.
_earn, _refund = aliased(LoyaltyTransaction), aliased(LoyaltyTransaction)


def tier_for(program: LoyaltyProgram, qualifying_points: int) -> dict[str, Any] | None:
    """Find the tier those points reach, the threshold included; None when the program has no tiers."""
    reached = [tier for tier in program.tier_config if qualifying_points >= tier["threshold"]]
    return reached[-1] if reached else None


def qualifying_points(account: Account, now: datetime) -> int:
    """Count what was earned net of refunds and voids, over the program's window, merged cards included.

    A refund or a void takes from the day of the purchase it belongs to.
    """
    earn = _earn
    earns = select(earn.id).where(
        earn.merchant_id == account.card.merchant_id, earn.card_id.in_(account.cards()), earn.type == "earn"
    )
    days = account.program.tier_window_days
    if days is not None:
        earns = earns.where(earn.occurred_at > now - timedelta(days=days))
    dead_too = {"include_deleted": True}
    earned = db.session.execute(earns.add_columns(earn.points_delta), execution_options=dead_too)
    left: dict[int, int] = dict(earned.all())
    back = reversals_of(earns, account.card.merchant_id)
    reversals = db.session.execute(back, execution_options=dead_too).all()
    voided = {reversal.reverses_id for reversal in reversals if reversal.type == "void"}
    for reversal in reversals:
        if reversal.type == "refund_reversal" and reversal.id not in voided and reversal.linked_id in left:
            left[reversal.linked_id] -= reversal.rule_snapshot["owed"]
    return sum(points for earn_id, points in left.items() if earn_id not in voided)


def reversals_of(earns: Select[Any], merchant_id: int) -> CompoundSelect[Any]:
    """Select what refunds and voids took from purchases given by their ids, and voids of those refunds.

    On whatever card it was posted: while two records are one, it is the survivor's. As `(id, type,
    linked_id, reverses_id, rule_snapshot, created_at)`; one arm for each way, so that each uses its index.
    """
    row, refund = LoyaltyTransaction, _refund
    refunds = select(refund.id).where(
        refund.merchant_id == merchant_id, refund.type == "refund_reversal", refund.linked_id.in_(earns)
    )
    columns = (row.id, row.type, row.linked_id, row.reverses_id, row.rule_snapshot, row.created_at)
    arms = (
        (row.type == "refund_reversal", row.linked_id.in_(earns)),
        (row.type == "void", row.reverses_id.in_(earns)),
        (row.type == "void", row.reverses_id.in_(refunds)),
    )
    return union_all(*(select(*columns).where(row.merchant_id == merchant_id, *arm) for arm in arms))


def climb(account: Account, cause: LoyaltyTransaction) -> TierChange | None:
    """Lift the card to the tier its points reach; the purchase that crosses counted by the old rule."""
    every = account.program.tier_config
    if not every or account.card.tier_key == every[-1]["key"]:  # there is nothing above
        return None
    points = qualifying_points(account, account.visit.now)
    reached = tier_for(account.program, points)
    if reached is None or rank(account.program, reached["key"]) <= rank(
        account.program, account.card.tier_key
    ):
        return None
    return move(account, reached["key"], points, transaction_id=cause.id)


def move(
    account: Account, tier_key: str | None, points: int, *, transaction_id: int | None = None
) -> TierChange:
    """Put the card into a tier and write it down."""
    change = TierChange(
        merchant_id=account.card.merchant_id,
        card_id=account.card.id,
        from_key=account.card.tier_key,
        to_key=tier_key,
        qualifying_points=points,
        program_version=account.program.version,
        transaction_id=transaction_id,
        changed_at=account.visit.now,
    )
    db.session.add(change)
    account.card.tier_key = tier_key
    return change


def rank(program: LoyaltyProgram, tier_key: str | None) -> int:
    """Count how high a tier is, from 0; -1 for none, and for one that is no more."""
    keys = [tier["key"] for tier in program.tier_config]
    return keys.index(tier_key) if tier_key in keys else -1
