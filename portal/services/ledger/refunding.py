"""Giving money back takes back the points it earned (specification of loyalty, section 6)."""

from typing import Any

from sqlalchemy import func, select

from portal.errors import Refused
from portal.extensions import db
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.models.order import Order, OrderLine
from portal.models.order_refund import OrderRefund
from portal.models.reward_issue import RewardIssue
from portal.services.ledger.accounts import Account, Posting, once
from portal.services.ledger.visits import Visit
from portal.words import _


def reverse_earn(
    earn: LoyaltyTransaction,
    refunded_cents: int,
    *,
    visit: Visit,
    refund_id: int | None = None,
    given_back: tuple[int, ...] = (),
) -> Posting:
    """Take back the points of a part of a purchase; works on a card in the trash and after rules changed.

    `refunded_cents` is the eligible part refunded now, cumulated by what was refunded before and
    capped at what is left; `given_back` are redeemed rewards ticked as given back.
    """
    request = {"earn": earn.id, "refunded": refunded_cents, "refund": refund_id, "back": list(given_back)}

    def work(account: Account) -> Posting:
        before = refunded_so_far(earn)
        now_refunded = min(refunded_cents, (earn.eligible_cents or 0) - before)
        owed = earn.kept_after_refunds(before) - earn.kept_after_refunds(before + now_refunded)
        _take_back(account, earn, owed, now_refunded, refund_id)
        for issue_id in given_back:
            _return_reward(account, issue_id)
        return Posting(account.card, account.rows, "refunded")

    return once(earn.card_id, "refund", request, work, visit=visit, dead_too=True)


def refunded_so_far(earn: LoyaltyTransaction) -> int:
    """Sum up the eligible cents already refunded of an earn; a voided reversal counts no more."""
    voided = select(LoyaltyTransaction.reverses_id).where(
        LoyaltyTransaction.merchant_id == earn.merchant_id, LoyaltyTransaction.type == "void"
    )
    counted = select(func.sum(LoyaltyTransaction.eligible_cents)).where(
        LoyaltyTransaction.merchant_id == earn.merchant_id,
        LoyaltyTransaction.type == "refund_reversal",
        LoyaltyTransaction.linked_id == earn.id,
        LoyaltyTransaction.id.not_in(voided.where(LoyaltyTransaction.reverses_id.is_not(None))),
    )
    return int(db.session.scalar(counted) or 0)


def eligible_part(order: Order, *, amount_cents: int, refunded_before: int, eligible_total: int) -> int:
    """Say how much of a refund by amount alone was eligible, cumulatively: a full refund counts all of it."""
    if not order.total_cents:
        return 0
    after = min(order.total_cents, refunded_before + amount_cents)
    return after * eligible_total // order.total_cents - refunded_before * eligible_total // order.total_cents


def eligible_of_lines(order: Order, lines: list[dict[str, Any]]) -> int:
    """Sum up what of the refunded lines had earned points; lines as `[{line_id, amount_cents}]`."""
    amounts = {entry["line_id"]: entry["amount_cents"] for entry in lines}
    mine = select(OrderLine).where(OrderLine.order_id == order.id, OrderLine.id.in_(amounts))
    return sum(amounts[line.id] for line in db.session.scalars(mine) if line.earns_points)


def refunded_money(order: Order) -> int:
    """Sum up the cents given back for an order."""
    back = select(func.sum(OrderRefund.amount_cents)).where(
        OrderRefund.merchant_id == order.merchant_id, OrderRefund.order_id == order.id
    )
    return int(db.session.scalar(back) or 0)


def _take_back(
    account: Account, earn: LoyaltyTransaction, owed: int, eligible: int, refund_id: int | None
) -> None:
    set_off = _set_off(account, earn, owed)
    left = owed - sum(part["points"] for part in set_off)
    forgiven = 0
    if earn.rule_snapshot.get("clawback_policy") == "clamp_to_zero":
        forgiven = max(0, left - max(0, account.card.points_balance))
    snapshot = {"set_off": set_off, "forgiven": forgiven, "refund_id": refund_id, "owed": owed}
    account.post(
        "refund_reversal",
        points=-(left - forgiven),
        eligible_cents=eligible,
        order_id=earn.order_id,
        linked_id=earn.id,
        rule_snapshot=snapshot,
    )


def _set_off(account: Account, earn: LoyaltyTransaction, owed: int) -> list[dict[str, int]]:
    """What already expired is not taken twice: reduce by what later expiries took and nobody set off yet."""
    rows = select(LoyaltyTransaction).where(
        LoyaltyTransaction.merchant_id == earn.merchant_id,
        LoyaltyTransaction.card_id == account.card.id,
        LoyaltyTransaction.type.in_(("expire", "forfeit", "refund_reversal", "void")),
    )
    later = list(db.session.scalars(rows.order_by(LoyaltyTransaction.id)))
    used = _used(later)
    parts = []
    for row in later:
        if row.type not in ("expire", "forfeit") or row.id < earn.id or owed <= 0:
            continue
        free = min(owed, -row.points_delta - used.get(row.id, 0))
        if free > 0:
            parts.append({"row": row.id, "points": free})
            owed -= free
    return parts


def _used(rows: list[LoyaltyTransaction]) -> dict[int, int]:
    voided = {row.reverses_id for row in rows if row.type == "void"}
    used: dict[int, int] = {}
    for row in rows:
        if row.type == "refund_reversal" and row.id not in voided:
            for part in row.rule_snapshot.get("set_off", ()):
                used[part["row"]] = used.get(part["row"], 0) + part["points"]
    return used


def _return_reward(account: Account, issue_id: int) -> None:
    query = select(RewardIssue).where(
        RewardIssue.merchant_id == account.card.merchant_id,
        RewardIssue.card_id == account.card.id,
        RewardIssue.id == issue_id,
    )
    issue = db.session.scalar(query)
    if issue is None or issue.status != "redeemed":
        raise Refused("issue_gone", _("This reward was not handed out on this card."))
    from portal.services.ledger.rewarding import give_back  # noqa: PLC0415 - the two rooms meet here

    give_back(account, issue, kind="refund_return")
