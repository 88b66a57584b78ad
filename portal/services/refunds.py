"""What of an order can still be given back, and how much of that had earned points."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from portal.errors import Refused
from portal.extensions import db
from portal.models.loyalty_card import LoyaltyCard
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.loyalty_reward import LoyaltyReward
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.models.merchant import Merchant
from portal.models.order import Order, OrderLine
from portal.models.order_refund import OrderRefund
from portal.models.records import IdempotencyKey
from portal.models.reward_issue import RewardIssue
from portal.models.user import User
from portal.services.ledger.refunding import eligible_part, is_voided, refunded_so_far
from portal.services.ledger.sentences import money
from portal.services.ledger.visits import Visit
from portal.words import _

DEAD_TOO = {"include_deleted": True}


@dataclass(frozen=True)
class PastRefund:
    """One refund as people see it; a voided one counts no more."""

    refund: OrderRefund
    person: str
    is_voided: bool


@dataclass(frozen=True)
class Left:
    """What was given back so far, and what of the order and of each line is left."""

    order: Order
    lines: Sequence[OrderLine]
    refunds: Sequence[PastRefund]

    @property
    def refunded_cents(self) -> int:
        """Sum up what went back; what was voided counts no more."""
        return sum(int(past.refund.amount_cents) for past in self.refunds if not past.is_voided)

    @property
    def left_cents(self) -> int:
        """How much can still go back."""
        return max(0, self.order.total_cents - self.refunded_cents)

    def of_line(self, line: OrderLine) -> int:
        """How much of a line can still go back; never more than of the whole order."""
        parts = [part for past in self.refunds if not past.is_voided for part in past.refund.lines]
        gone = sum(int(part["amount_cents"]) for part in parts if part["line_id"] == line.id)
        return max(0, min(line.amount_cents - gone, self.left_cents))


def left_of(order: Order, lines: Sequence[OrderLine]) -> Left:
    """Read what went back so far, the newest first."""
    mine = (
        select(OrderRefund, User.display_name, is_voided())
        .outerjoin(User, User.id == OrderRefund.refunded_by_id)
        .where(OrderRefund.merchant_id == order.merchant_id, OrderRefund.order_id == order.id)
        .order_by(OrderRefund.id.desc())
    )
    found = db.session.execute(mine, execution_options=DEAD_TOO)
    return Left(order, lines, [PastRefund(refund, name or "", bool(void)) for refund, name, void in found])


def lines_of(order: Order) -> Sequence[OrderLine]:
    """Read the lines of an order in their order."""
    mine = select(OrderLine).where(OrderLine.merchant_id == order.merchant_id, OrderLine.order_id == order.id)
    return db.session.scalars(mine.order_by(OrderLine.position, OrderLine.id)).all()


def rewards_taken_with(order: Order, zone: ZoneInfo) -> list[tuple[int, str]]:
    """Name the rewards handed over on the day of the order, on the card it belongs to: (id, name)."""
    begin = datetime.combine(order.occurred_at.astimezone(zone).date(), time(), tzinfo=zone)
    row = LoyaltyTransaction
    earned = select(row.card_id).where(row.merchant_id == order.merchant_id, row.order_id == order.id)
    theirs = select(LoyaltyCard.id).where(
        LoyaltyCard.merchant_id == order.merchant_id,
        (LoyaltyCard.customer_id == order.customer_id) | LoyaltyCard.id.in_(earned),
    )
    name = func.coalesce(LoyaltyReward.name, LoyaltyProgram.stamps_reward_description)
    mine = select(RewardIssue.id, name).where(
        RewardIssue.merchant_id == order.merchant_id,
        RewardIssue.card_id.in_(theirs),
        RewardIssue.status == "redeemed",
        RewardIssue.redeemed_at >= begin,
        RewardIssue.redeemed_at < begin + timedelta(days=1),
    )
    named = (
        mine.join(LoyaltyCard, _is(LoyaltyCard, RewardIssue.card_id))
        .join(LoyaltyProgram, _is(LoyaltyProgram, LoyaltyCard.program_id))
        .outerjoin(LoyaltyReward, _is(LoyaltyReward, RewardIssue.reward_id))
    )
    found = db.session.execute(named.order_by(RewardIssue.id), execution_options=DEAD_TOO)
    return [(issue_id, reward) for issue_id, reward in found]


def write_down(
    order: Order,
    earn: LoyaltyTransaction | None,
    visit: Visit,
    key: IdempotencyKey | None,
    *,
    lines: Mapping[int, int] | None,
    amount_cents: int | None,
) -> OrderRefund:
    """Write one refund, once it is sure that so much is left; the order is locked by who calls.

    Raises Refused("bad_amount", "too_much", "nothing_left").
    """
    left = left_of(order, lines_of(order))
    parts = _parts(left, lines) if lines else []
    amount = sum(part["amount_cents"] for part in parts) if lines else amount_cents or 0
    _refuse_what_is_not_left(left, amount)
    refund = OrderRefund(
        merchant_id=order.merchant_id,
        order_id=order.id,
        amount_cents=amount,
        eligible_cents=_eligible(left, earn, amount, parts) if earn else 0,
        lines=parts,
        refunded_by_id=visit.by.user_id,
        store_id=visit.store_id,
        key_id=key.id if key else None,
        occurred_at=visit.occurred_at,
        created_at=visit.now,
    )
    db.session.add(refund)
    db.session.flush()  # its id goes into the answer
    return refund


def _parts(left: Left, lines: Mapping[int, int]) -> list[dict[str, Any]]:
    """Hold each line to what is left of it."""
    known = {line.id: line for line in left.lines}
    for line_id, cents in lines.items():
        line = known.get(line_id)
        if line is None or cents <= 0:
            raise Refused("bad_amount", _("Give an amount above 0 for the line."), field=f"line-{line_id}")
        if cents > left.of_line(line):
            said = _still(left, left.of_line(line))
            raise Refused("too_much", said, field=f"line-{line_id}", left=left.of_line(line))
    return [{"line_id": line_id, "amount_cents": cents} for line_id, cents in sorted(lines.items())]


def _refuse_what_is_not_left(left: Left, amount: int) -> None:
    if not left.left_cents:
        raise Refused("nothing_left", _("This order was refunded in full already."))
    if amount <= 0:
        said = _("Tick what comes back, or give the amount that goes back to the customer.")
        raise Refused("bad_amount", said, field="amount")
    if amount > left.left_cents:
        raise Refused("too_much", _still(left, left.left_cents), field="amount", left=left.left_cents)


def _still(left: Left, cents: int) -> str:
    merchant = db.session.get_one(Merchant, left.order.merchant_id)
    if not cents:
        return _("Nothing of this can be refunded any more.")
    return _("At most %(money)s can still be refunded.", money=money(merchant, cents))


def _eligible(left: Left, earn: LoyaltyTransaction, amount: int, parts: list[dict[str, Any]]) -> int:
    """Count how much of a refund had earned points, and not more than is left of that.

    What stays sold never keeps more than its own money had earned: so a full refund counts all of it,
    however lines and amounts came before one another.
    """
    total, before = earn.eligible_cents or 0, refunded_so_far(earn)
    if parts:
        earning = {line.id for line in left.lines if line.earns_points}
        wanted = sum(int(part["amount_cents"]) for part in parts if part["line_id"] in earning)
    else:
        wanted = eligible_part(
            left.order,
            amount_cents=amount,
            refunded_before=left.refunded_cents,
            eligible_total=total,
            eligible_before=before,
        )
    rest = max(0, total - before)
    return min(max(wanted, rest - (left.left_cents - amount)), rest, amount)


def _is(model: Any, key: Any) -> Any:
    return (model.merchant_id == RewardIssue.merchant_id) & (model.id == key)
