"""Points for orders that are here already without any: imported without `earn`, or restored after an undo.

An order waits for points when it never earned, or when all it earned was taken back with an import.
One whose points somebody voided by hand, or whose money was given back, does not.
"""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import func, select

from portal.extensions import db
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.models.order import Order, OrderLine
from portal.models.order_refund import OrderRefund
from portal.services.imports import posting
from portal.services.imports.outcomes import Outcome
from portal.services.ledger.refunding import is_voided

ROW = LoyaltyTransaction


def waiting(merchant_id: int, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Pick the orders here that wait for points, and number the attempt each would be."""
    asked = {each.order_id: each for each in outcomes if _may_earn(each)}
    earned, undone = _tries(merchant_id, list(asked))
    found = {order_id: each for order_id, each in asked.items() if earned[order_id] == undone[order_id]}
    if found:
        refunds = (OrderRefund.merchant_id == merchant_id, OrderRefund.order_id.in_(found), ~is_voided())
        for order_id in db.session.scalars(select(OrderRefund.order_id).where(*refunds).distinct()):
            del found[order_id]
    for order_id, each in found.items():
        each.attempt_no = earned[order_id] + 1
    return list(found.values())


def hold(program: LoyaltyProgram, late: Sequence[Outcome], others: Sequence[Outcome]) -> list[Outcome]:
    """Lock the cards, then the orders, and pick again those that wait; what counts of them is read."""
    both = {each.customer_id for each in (*late, *others) if each.customer_id}
    posting.lock_cards(program, both)
    mine = (Order.merchant_id == program.merchant_id, Order.id.in_([each.order_id for each in late]))
    # Two tablets may put an order on a card in the same second.
    alive = set(db.session.scalars(select(Order.id).where(*mine).order_by(Order.id).with_for_update()))
    found = waiting(program.merchant_id, [each for each in late if each.order_id in alive])
    eligible = _eligible(program.merchant_id, [each.order_id for each in found])
    for each in found:
        each.eligible_cents = eligible[each.order_id]
    return found


def _may_earn(each: Outcome) -> bool:
    """Whether an order is here as the file has it, of somebody known."""
    return each.outcome == "unchanged" and each.customer_id is not None and not each.notes


def _tries(merchant_id: int, order_ids: list[int]) -> tuple[Counter[int | None], Counter[int | None]]:
    """Count by order how often it earned, and how often that was taken back with an import."""
    mine = (ROW.merchant_id == merchant_id, ROW.order_id.in_(order_ids), ROW.type == "earn")
    earns = dict(db.session.execute(select(ROW.id, ROW.order_id).where(*mine)).all()) if order_ids else {}
    if not earns:
        return Counter(), Counter()
    voids = select(ROW.reverses_id).where(
        ROW.merchant_id == merchant_id,
        ROW.type == "void",
        ROW.reverses_id.in_(earns),
        ROW.reason_code == "import_undone",
    )
    return Counter(earns.values()), Counter(earns[earn_id or 0] for earn_id in db.session.scalars(voids))


def _eligible(merchant_id: int, order_ids: list[int]) -> dict[int, int]:
    """Sum up by order what counts of its lines."""
    mine = (OrderLine.merchant_id == merchant_id, OrderLine.order_id.in_(order_ids))
    counts = func.sum(OrderLine.amount_cents).filter(OrderLine.earns_points)
    sums = select(OrderLine.order_id, func.coalesce(counts, 0)).where(*mine).group_by(OrderLine.order_id)
    return {order_id: int(cents) for order_id, cents in db.session.execute(sums)}
