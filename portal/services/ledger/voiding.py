"""Taking back a row that should not have been posted (specification of loyalty, section 6)."""

from datetime import timedelta

from sqlalchemy import select

from portal.errors import Refused
from portal.extensions import db
from portal.models.actor import Role
from portal.models.loyalty_transaction import VOIDABLE, LoyaltyTransaction
from portal.models.reward_issue import RewardIssue
from portal.services.ledger.accounts import Account, Posting, once
from portal.services.ledger.rewarding import give_back
from portal.services.ledger.visits import Visit
from portal.words import _

UNDO = timedelta(minutes=10)


def void(row: LoyaltyTransaction, *, visit: Visit, reason_code: str | None = None) -> Posting:
    """Reverse one row, once: the same staff within 10 minutes, a manager within the program's window.

    Raises Refused("not_voidable", "already_voided", "has_refunds", "too_late", "not_allowed").
    """

    def work(account: Account) -> Posting:
        _refuse_if_not_voidable(row)
        _refuse_if_not_theirs(account, row)
        if row.type == "redeem":
            _cancel_issue_of(account, row)
        _reverse(account, row, reason_code)
        return Posting(account.card, account.rows, "voided")

    return once(row.card_id, "void", {"row": row.id}, work, visit=visit, dead_too=True)


def _refuse_if_not_voidable(row: LoyaltyTransaction) -> None:
    if row.type not in VOIDABLE:
        raise Refused("not_voidable", _("This movement cannot be voided."))
    mine = (LoyaltyTransaction.merchant_id == row.merchant_id, LoyaltyTransaction.card_id == row.card_id)
    voids = select(LoyaltyTransaction.reverses_id).where(*mine, LoyaltyTransaction.type == "void")
    voided = set(db.session.scalars(voids))
    if row.id in voided:
        raise Refused("already_voided", _("This was voided already."))
    refunds = select(LoyaltyTransaction.id).where(
        *mine, LoyaltyTransaction.type == "refund_reversal", LoyaltyTransaction.linked_id == row.id
    )
    if row.type == "earn" and set(db.session.scalars(refunds)) - voided:
        raise Refused("has_refunds", _("A part of this was refunded. Refund the rest instead."))


def _refuse_if_not_theirs(account: Account, row: LoyaltyTransaction) -> None:
    by, now = account.visit.by, account.visit.now
    if by.role >= Role.MANAGER:
        window = timedelta(hours=account.program.void_window_hours)
        if by.role < Role.ADMIN and now > row.created_at + window:
            hours = account.program.void_window_hours
            raise Refused("too_late", _("This can be voided for %(hours)s hours only.", hours=hours))
    elif row.staff_id != by.user_id or now > row.created_at + UNDO:
        raise Refused("not_allowed", _("Only who did it may undo it, for ten minutes. Ask a manager."))


def _reverse(account: Account, row: LoyaltyTransaction, reason_code: str | None) -> None:
    account.post(
        "void",
        points=-row.points_delta,
        stamps=-row.stamps_delta,
        reverses_id=row.id,
        linked_id=row.id,
        order_id=row.order_id,
        reason_code=reason_code,
    )
    if account.card.stamps_balance < 0:
        _cancel_stamp_rewards(account)


def _cancel_stamp_rewards(account: Account) -> None:
    """Take back still-issued stamp rewards, newest first, until the balance is not negative."""
    open_ones = select(RewardIssue).where(
        RewardIssue.merchant_id == account.card.merchant_id,
        RewardIssue.card_id == account.card.id,
        RewardIssue.status == "issued",
        RewardIssue.stamps_target > 0,
    )
    for issue in db.session.scalars(open_ones.order_by(RewardIssue.id.desc())).all():
        if account.card.stamps_balance >= 0:
            return
        give_back(account, issue)


def _cancel_issue_of(account: Account, row: LoyaltyTransaction) -> None:
    query = select(RewardIssue).where(
        RewardIssue.merchant_id == row.merchant_id, RewardIssue.id == row.reward_issue_id
    )
    issue = db.session.scalars(query).one()
    issue.status, issue.redeemed_at, issue.cancelled_at = "cancelled", None, account.visit.now
