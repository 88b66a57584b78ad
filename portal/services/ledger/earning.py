"""Giving points for a purchase (specification of loyalty, section 2)."""

from sqlalchemy import func, select

from portal.errors import Refused
from portal.extensions import db
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.services.ledger.accounts import Account, Posting, once
from portal.services.ledger.visits import Visit
from portal.words import _

WHOLE = 1_000_000  # cents of a euro times basis points of one


def points_for(eligible_cents: int, points_per_euro: int, multiplier_bp: int = 10_000) -> int:
    """Count the points a purchase earns: one floor, at the end; cents are never rounded up."""
    return eligible_cents * points_per_euro * multiplier_bp // WHOLE


def multiplier_of(program: LoyaltyProgram, tier_key: str | None) -> int:
    """Read the multiplier of a tier in basis points; ×1 for none."""
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
) -> Posting:
    """Post the points of a purchase; one below the minimum is recorded as a visit with none.

    `excluded_cents` are lines that earn nothing, `discount_cents` what a reward took off the bill.
    Raises Refused("bad_amount", "not_earning", "already_earned", "card_suspended").
    """
    if spent_cents < 0 or excluded_cents < 0 or discount_cents < 0:
        raise Refused("bad_amount", _("An amount cannot be negative. To give money back, refund the order."))
    request = {"spent": spent_cents, "excluded": excluded_cents, "discount": discount_cents, "order": order_id}
    eligible = max(0, spent_cents - discount_cents - excluded_cents)

    def work(account: Account) -> Posting:
        refuse_if_idle(account)
        attempt = _attempt(account, order_id)
        return _earned(account, spent_cents, eligible, order_id=order_id, attempt_no=attempt)

    return once(card_id, "earn", request, work, visit=visit)


def _earned(account: Account, spent: int, eligible: int, *, order_id: int | None, attempt_no: int | None) -> Posting:
    program, tier = account.program, account.card.tier_key
    is_enough = eligible >= program.minimum_purchase_cents
    multiplier = multiplier_of(program, tier)
    points = points_for(eligible, program.points_per_euro, multiplier) if is_enough else 0
    snapshot = {
        "points_per_euro": program.points_per_euro,
        "multiplier_bp": multiplier,
        "tier_key": tier,
        "minimum_purchase_cents": program.minimum_purchase_cents,
        "clawback_policy": program.clawback_policy,
    }
    account.post(
        "earn",
        points=points,
        amount_cents=spent,
        eligible_cents=eligible,
        order_id=order_id,
        attempt_no=attempt_no,
        rule_snapshot=snapshot,
    )
    return Posting(account.card, account.rows, "earned" if is_enough else "below_minimum")


def refuse_if_idle(account: Account) -> None:
    """Refuse what needs a running program that counts points, and a card that may collect."""
    if not account.program.is_active:
        raise Refused("not_earning", _("The program is paused. An owner can start it again."))
    if not account.program.is_points_enabled:
        raise Refused("no_points", _("This program collects stamps, not points."))
    refuse_if_suspended(account)


def refuse_if_suspended(account: Account) -> None:
    """Refuse a card that a manager has stopped."""
    if account.card.status == "suspended":
        raise Refused("card_suspended", _("This card is suspended. A manager can lift it."))


def _attempt(account: Account, order_id: int | None) -> int | None:
    """Number the attempt on an order; a further one only when no live earn of it is left."""
    if order_id is None:
        return None
    mine = (
        LoyaltyTransaction.merchant_id == account.card.merchant_id,
        LoyaltyTransaction.order_id == order_id,
        LoyaltyTransaction.type == "earn",
    )
    tries = db.session.scalar(select(func.count()).where(*mine)) or 0
    voids = select(func.count()).where(
        LoyaltyTransaction.merchant_id == account.card.merchant_id,
        LoyaltyTransaction.type == "void",
        LoyaltyTransaction.reverses_id.in_(select(LoyaltyTransaction.id).where(*mine)),
    )
    if tries > (db.session.scalar(voids) or 0):
        raise Refused("already_earned", _("This order has earned its points already."))
    return tries + 1
