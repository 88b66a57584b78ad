"""Taking back a row that should not have been posted (specification of loyalty, section 6)."""

from datetime import datetime

from sqlalchemy import select

from portal.errors import Refused
from portal.extensions import db
from portal.models.actor import Role
from portal.models.loyalty_transaction import VOIDABLE, LoyaltyTransaction
from portal.models.review_item import ReviewItem
from portal.models.reward_issue import RewardIssue
from portal.services import audit
from portal.services.ledger.accounts import Account, Posting, once
from portal.services.ledger.forfeiting import forfeit_if_erased
from portal.services.ledger.rewarding import give_back, give_stock_back
from portal.services.ledger.taking_back import take_back
from portal.services.ledger.undoing import refuse_if_not_theirs
from portal.services.ledger.visits import Visit
from portal.words import _


def void(row: LoyaltyTransaction, *, visit: Visit, reason_code: str | None = None) -> Posting:
    """Reverse one row, once: the same staff within 10 minutes, a manager within the program's window.

    Voiding the handing over of a reward that was issued before leaves it ready; voiding the row that
    paid for it gives points and stock back. Raises Refused("not_voidable", "already_voided",
    "has_refunds", "not_redeemed", "too_late", "not_allowed").
    """

    def work(account: Account) -> Posting:
        _refuse_if_not_voidable(row)
        issue = _issue_of(row)
        _refuse_if_not_theirs(account, row, issue)
        _reverse(account, row, reason_code)
        if issue is not None:
            _put_back(account, issue, row)
        forfeit_if_erased(account)
        if visit.by.role >= Role.MANAGER:
            audit.record("void", account.card, by=visit.by, transaction_id=row.id)
        return Posting(account.card, account.rows, "voided")

    request = {"row": row.id, "reason": reason_code}
    return once(_card_of(row), "void", request, work, visit=visit, dead_too=True)


def voided_ids(row: LoyaltyTransaction) -> set[int | None]:
    """Name the rows of this row's order or card that were voided."""
    voids = select(LoyaltyTransaction.reverses_id).where(
        LoyaltyTransaction.merchant_id == row.merchant_id, LoyaltyTransaction.type == "void"
    )
    return set(db.session.scalars(voids.where(LoyaltyTransaction.reverses_id.in_(_around(row)))))


def _card_of(row: LoyaltyTransaction) -> int:
    """Find the card the row bears on: a refund on a merged card is its purchase's, after an unmerge too."""
    if row.type != "refund_reversal" or row.linked_id is None:
        return row.card_id
    return db.session.get_one(LoyaltyTransaction, (row.merchant_id, row.linked_id)).card_id


def _around(row: LoyaltyTransaction) -> list[int]:
    refunds = select(LoyaltyTransaction.id).where(
        LoyaltyTransaction.merchant_id == row.merchant_id,
        LoyaltyTransaction.type == "refund_reversal",
        LoyaltyTransaction.linked_id == row.id,
    )
    return [row.id, *db.session.scalars(refunds)]


def _refuse_if_not_voidable(row: LoyaltyTransaction) -> None:
    if row.type not in VOIDABLE:
        raise Refused("not_voidable", _("This movement cannot be voided."))
    around, voided = _around(row), voided_ids(row)
    if row.id in voided:
        raise Refused("already_voided", _("This was voided already."))
    if row.type == "earn" and set(around) - voided - {row.id}:
        raise Refused("has_refunds", _("A part of this was refunded. Refund the rest instead."))


def _refuse_if_not_theirs(account: Account, row: LoyaltyTransaction, issue: RewardIssue | None) -> None:
    if issue is not None and issue.status != "redeemed":
        raise Refused("not_redeemed", _("This reward is not handed over. Cancel it if it is still open."))
    done_at: datetime = (issue.redeemed_at if issue else None) or row.created_at
    refuse_if_not_theirs(account, row.staff_id, done_at)


def _reverse(account: Account, row: LoyaltyTransaction, reason_code: str | None) -> None:
    links = {"reverses_id": row.id, "linked_id": row.id, "reason_code": reason_code}
    issue = {"reward_issue_id": row.reward_issue_id} if row.reward_issue_id else {}
    void = take_back(account, row, "void", row.points_delta, stamps=-row.stamps_delta, **links, **issue)
    cancel_stamp_rewards(account)
    if row.stamps_delta > 0 and account.card.stamps_balance < 0:
        flag_missing_stamps(account, void, "void")


def cancel_stamp_rewards(account: Account) -> None:
    """Take back still-issued stamp rewards, newest first, until the balance is not negative."""
    if account.card.stamps_balance >= 0:
        return
    open_ones = select(RewardIssue).where(
        RewardIssue.merchant_id == account.card.merchant_id,
        RewardIssue.card_id == account.card.id,
        RewardIssue.status == "issued",
        RewardIssue.stamps_target > 0,
        # What expired gives nothing back, also before the night has written it down.
        RewardIssue.expires_at.is_(None) | (RewardIssue.expires_at > account.visit.now),
    )
    newest = open_ones.order_by(RewardIssue.id.desc()).execution_options(populate_existing=True)
    for issue in db.session.scalars(newest).all():
        if account.card.stamps_balance >= 0:
            return
        give_back(account, issue)


def flag_missing_stamps(account: Account, cause: LoyaltyTransaction, reason_code: str) -> None:
    """Ask a manager to look: stamps are missing that no open reward could give back."""
    card, visit = account.card, account.visit
    where = {"card_id": card.id, "store_id": visit.store_id, "transaction_id": cause.id}
    details = {"stamps": card.stamps_balance}
    db.session.add(
        ReviewItem(
            merchant_id=card.merchant_id,
            kind="negative_stamps",
            reason_code=reason_code,
            details=details,
            created_at=visit.now,
            **where,
        )
    )


def _issue_of(row: LoyaltyTransaction) -> RewardIssue | None:
    """Find the reward a redeem row handed out."""
    if row.type != "redeem":
        return None
    query = select(RewardIssue).where(
        RewardIssue.merchant_id == row.merchant_id, RewardIssue.id == row.reward_issue_id
    )
    return db.session.scalars(query.execution_options(populate_existing=True)).one()


def _put_back(account: Account, issue: RewardIssue, row: LoyaltyTransaction) -> None:
    """Cancel a reward whose points came back with the void; one that cost none then is ready again."""
    issue.redeemed_at = issue.redeemed_store_id = None
    if not row.points_delta:
        issue.status = "issued"
        return
    issue.status, issue.cancelled_at = "cancelled", account.visit.now
    give_stock_back(issue)
