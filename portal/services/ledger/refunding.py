"""Giving money back takes back the points it earned (specification of loyalty, section 6)."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import aliased

from portal.errors import Refused
from portal.extensions import db
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.models.order import Order
from portal.models.order_refund import OrderRefund
from portal.models.reward_issue import RewardIssue
from portal.services.ledger.accounts import Account, Posting, once
from portal.services.ledger.forfeiting import forfeit_if_erased
from portal.services.ledger.rewarding import give_back
from portal.services.ledger.stamping import complete_again
from portal.services.ledger.taking_back import take_back
from portal.services.ledger.visits import Visit
from portal.words import _


def reverse_earn(
    earn: LoyaltyTransaction,
    refunded_cents: int,
    *,
    visit: Visit,
    given_back: Sequence[int] = (),
    refund_id: int | None = None,
) -> Posting:
    """Take back the points of a part of a purchase; works on a card in the trash and after rules changed.

    `refunded_cents` is the eligible part refunded now; what was refunded before is known from the
    ledger, and it is capped at what is left. `given_back` are redeemed rewards ticked as given back.
    Raises Refused("bad_amount", "not_refundable", "already_voided", "issue_gone").
    """
    if refunded_cents < 0:
        raise Refused("bad_amount", _("Give the amount that went back to the customer, above 0."))

    def work(account: Account) -> Posting:
        take_back_part(account, earn, refunded_cents)
        for issue_id in given_back:
            return_reward(account, issue_id)
        forfeit_if_erased(account)
        return Posting(account.card, account.rows, "refunded")

    request = {"earn": earn.id, "refunded": refunded_cents, "refund": refund_id, "back": list(given_back)}
    return once(earn.card_id, "refund", request, work, visit=visit, dead_too=True)


def take_back_part(account: Account, earn: LoyaltyTransaction, refunded_cents: int) -> LoyaltyTransaction:
    """Post what so many eligible cents less of a purchase take back, inside an act on the card.

    Raises Refused("not_refundable", "already_voided").
    """
    _refuse_if_not_refundable(earn)
    before = refunded_so_far(earn)
    now_refunded = min(refunded_cents, (earn.eligible_cents or 0) - before)
    owed = earn.kept_after_refunds(before) - earn.kept_after_refunds(before + now_refunded)
    return take_back(account, earn, "refund_reversal", owed, linked_id=earn.id, eligible_cents=now_refunded)


def _refuse_if_not_refundable(earn: LoyaltyTransaction) -> None:
    if earn.type != "earn":
        raise Refused("not_refundable", _("Only a purchase can be refunded."))
    row = LoyaltyTransaction
    void = select(row.id).where(
        row.merchant_id == earn.merchant_id, row.type == "void", row.reverses_id == earn.id
    )
    if db.session.scalar(void) is not None:
        raise Refused("already_voided", _("This was voided already."))


def live_earn(order: Order) -> LoyaltyTransaction | None:
    """Find the earn of an order that was not voided."""
    row = LoyaltyTransaction
    voided = select(row.reverses_id).where(
        row.merchant_id == order.merchant_id, row.type == "void", row.reverses_id.is_not(None)
    )
    mine = (row.merchant_id == order.merchant_id, row.order_id == order.id, row.type == "earn")
    newest = select(row).where(*mine, row.id.not_in(voided.where(row.order_id == order.id)))
    return db.session.scalars(newest.order_by(row.id.desc())).first()


def refunded_so_far(earn: LoyaltyTransaction) -> int:
    """Sum up the eligible cents already refunded of an earn; a voided reversal counts no more."""
    row = LoyaltyTransaction
    mine = (
        row.merchant_id == earn.merchant_id,
        row.type == "refund_reversal",
        row.linked_id == earn.id,
    )
    voided = select(row.reverses_id).where(
        row.merchant_id == earn.merchant_id,
        row.type == "void",
        row.reverses_id.in_(select(row.id).where(*mine)),
    )
    counted = select(func.sum(row.eligible_cents)).where(*mine, row.id.not_in(voided))
    return int(db.session.scalar(counted) or 0)


def eligible_part(
    order: Order, *, amount_cents: int, refunded_before: int, eligible_total: int, eligible_before: int
) -> int:
    """Say how much of a refund by amount alone was eligible, cumulatively: a full refund counts all of it.

    `refunded_before` is the money that went back so far, `eligible_before` what of it was eligible.
    """
    if not order.total_cents:
        return 0
    after = min(order.total_cents, refunded_before + amount_cents)
    part = after * eligible_total // order.total_cents - eligible_before
    return max(0, min(part, amount_cents))


def refunded_money(order: Order) -> int:
    """Sum up the cents given back for an order; a refund whose reversal was voided counts no more."""
    back = select(func.sum(OrderRefund.amount_cents)).where(
        OrderRefund.merchant_id == order.merchant_id, OrderRefund.order_id == order.id, ~is_voided()
    )
    return int(db.session.scalar(back) or 0)


def is_voided() -> ColumnElement[bool]:
    """Whether the ledger row of a refund was voided; they are of one act, so they share its key."""
    row, void = aliased(LoyaltyTransaction), aliased(LoyaltyTransaction)
    undone = exists().where(
        void.merchant_id == row.merchant_id, void.type == "void", void.reverses_id == row.id
    )
    return exists().where(
        row.merchant_id == OrderRefund.merchant_id,
        row.key_id == OrderRefund.key_id,
        row.type == "refund_reversal",
        undone,
    )


def return_reward(account: Account, issue_id: int) -> None:
    """Take a reward that was handed over back, and return what it cost, inside an act on the card.

    The stamps of a full card fill it again at once: the reward is ready anew.
    """
    query = select(RewardIssue).where(
        RewardIssue.merchant_id == account.card.merchant_id,
        RewardIssue.card_id == account.card.id,
        RewardIssue.id == issue_id,
    )
    issue = db.session.scalar(query, execution_options={"populate_existing": True})
    if issue is None or issue.status != "redeemed":
        raise Refused("issue_gone", _("This reward was not handed out on this card."))
    row = give_back(account, issue, kind="refund_return")
    complete_again(account, issue, row)
