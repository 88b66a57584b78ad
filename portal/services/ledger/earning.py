"""Giving points for a purchase (specification of loyalty, section 2)."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.models.order import Order
from portal.services.ledger import tiers
from portal.services.ledger.accounts import Account, Posting, once
from portal.services.ledger.stamping import check, no, put_on
from portal.services.ledger.visits import Visit
from portal.words import _

WHOLE = 1_000_000  # cents of a euro times basis points of one
MOST_CENTS = 100_000_000_00  # a hundred million: nobody means more, and points still fit


def points_for(eligible_cents: int, points_per_euro: int, multiplier_bp: int = 10_000) -> int:
    """Count the points a purchase earns: one floor, at the end; cents are never rounded up."""
    return eligible_cents * points_per_euro * multiplier_bp // WHOLE


def multiplier_of(program: LoyaltyProgram, tier_key: str | None) -> int:
    """Read the multiplier of a tier in basis points; 10,000 for none."""
    found = (tier["multiplier_bp"] for tier in program.tier_config if tier["key"] == tier_key)
    return int(next(found, 10_000))


def earn(
    card_id: int,
    *,
    spent_cents: int,
    visit: Visit,
    excluded_cents: int = 0,
    discount_cents: int = 0,
    order_id: int | None = None,
    stamps: int = 0,
) -> Posting:
    """Post the points of a purchase; one below the minimum is recorded as a visit with none.

    `excluded_cents` are lines that earn nothing, `discount_cents` what a reward took off the bill.
    `stamps` of the same purchase are put on, too; when they are refused the points are given all the
    same, and the posting says both. Raises Refused("bad_amount", "not_earning", "no_points",
    "already_earned", "card_suspended") and what `once` raises.
    """
    if not 0 <= spent_cents <= MOST_CENTS or excluded_cents < 0 or discount_cents < 0:
        raise Refused("bad_amount", _("Give an amount of 0 or more. To give money back, refund the order."))
    amounts = (spent_cents, max(0, spent_cents - discount_cents - excluded_cents))
    less = {"excluded": excluded_cents, "discount": discount_cents}
    request = {"spent": spent_cents, **less, "order": order_id, "stamps": stamps}

    def work(account: Account) -> Posting:
        refuse_if_idle(account)
        attempt = _attempt(account, order_id)
        refused = _stamps_refused(account, stamps) if stamps else None
        earned = _post_earn(account, amounts, refused, order_id=order_id, attempt_no=attempt)
        if stamps and not refused:
            put_on(account, stamps, linked_id=earned.id, order_id=order_id)
        tiers.climb(account, earned)
        return Posting(account.card, account.rows, _code_of(earned), refused=refused)

    posting = once(card_id, "earn", request, work, visit=visit)
    if posting.is_replay:
        posting.refused = _refused_before(posting.rows)
    return posting


def rules_of(program: LoyaltyProgram, tier_key: str | None) -> dict[str, Any]:
    """Take down the rules an earn is counted by; refunds read these, never today's."""
    return {
        "points_per_euro": program.points_per_euro,
        "multiplier_bp": multiplier_of(program, tier_key),
        "tier_key": tier_key,
        "minimum_purchase_cents": program.minimum_purchase_cents,
        "clawback_policy": program.clawback_policy,
    }


def points_by(rules: dict[str, Any], eligible_cents: int) -> int:
    """Count the points of a purchase by rules taken down; none below the minimum."""
    if eligible_cents < rules["minimum_purchase_cents"]:
        return 0
    return points_for(eligible_cents, rules["points_per_euro"], rules["multiplier_bp"])


def _post_earn(
    account: Account,
    amounts: tuple[int, int],
    refused: Refused | None,
    *,
    order_id: int | None,
    attempt_no: int | None,
) -> LoyaltyTransaction:
    spent, eligible = amounts
    rules = rules_of(account.program, account.card.tier_key)
    without = {"stamps_refused": {"code": refused.code, **_plain(refused.details)}} if refused else {}
    return account.post(
        "earn",
        points=points_by(rules, eligible),
        amount_cents=spent,
        eligible_cents=eligible,
        order_id=order_id,
        attempt_no=attempt_no,
        rule_snapshot=rules | without,
    )


def _code_of(earned: LoyaltyTransaction) -> str:
    is_below = (earned.eligible_cents or 0) < earned.rule_snapshot["minimum_purchase_cents"]
    return "below_minimum" if is_below else "earned"


def _stamps_refused(account: Account, stamps: int) -> Refused | None:
    try:
        check(account, stamps)
    except Refused as refused:
        return refused
    return None


def _plain(details: dict[str, Any]) -> dict[str, Any]:
    """Write details so that the row can keep them."""
    return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in details.items()}


def _refused_before(rows: list[LoyaltyTransaction]) -> Refused | None:
    """Say again why the stamps of the purchase were refused the first time."""
    for row in rows:
        if "stamps_refused" in row.rule_snapshot:
            details = dict(row.rule_snapshot["stamps_refused"])
            if "at" in details:
                details["at"] = datetime.fromisoformat(details["at"])
            return no(details.pop("code"), **details)
    return None


def refuse_if_idle(account: Account) -> None:
    """Refuse what needs a running program that counts points, and a card that may collect."""
    if not account.program.is_active:
        raise Refused("not_earning", _("The program is paused. An owner can start it again."))
    if not account.program.is_points_enabled:
        raise Refused("no_points", _("This program collects stamps, not points."))
    account.refuse_if_suspended()


def _attempt(account: Account, order_id: int | None) -> int | None:
    """Number the attempt on an order; a further one only when no live earn of it is left."""
    if order_id is None:
        return None
    # Lock the order: two tablets may put it on two cards in the same second.
    order = select(Order.id).where(Order.merchant_id == account.card.merchant_id, Order.id == order_id)
    if db.session.scalar(order.with_for_update()) is None:
        raise Conflict("order_gone", _("This order is in the trash. Restore it first."))
    mine = (
        LoyaltyTransaction.merchant_id == account.card.merchant_id,
        LoyaltyTransaction.order_id == order_id,
        LoyaltyTransaction.type == "earn",
    )
    tries = db.session.scalar(select(func.count()).where(*mine)) or 0
    if not tries:  # nearly always: and what was never done was never voided
        return 1
    voids = select(func.count()).where(
        LoyaltyTransaction.merchant_id == account.card.merchant_id,
        LoyaltyTransaction.type == "void",
        LoyaltyTransaction.reverses_id.in_(select(LoyaltyTransaction.id).where(*mine)),
    )
    if tries > (db.session.scalar(voids) or 0):
        raise Refused("already_earned", _("This order has earned its points already."))
    return tries + 1
