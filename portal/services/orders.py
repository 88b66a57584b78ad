"""What people do with orders: give money back, take points back, delete."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NoReturn
from uuid import uuid4

from sqlalchemy import select

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models.actor import Actor
from portal.models.deletion import Deletion
from portal.models.loyalty_card import LoyaltyCard
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.models.order import Order
from portal.models.order_refund import OrderRefund
from portal.models.records import IdempotencyKey
from portal.services import audit, refunds, trash
from portal.services.ledger.accounts import Account, Posting, once
from portal.services.ledger.refunding import live_earn, refunded_so_far, return_reward, take_back_part
from portal.services.ledger.visits import Visit
from portal.services.ledger.voiding import void
from portal.services.once import claim, digest_of
from portal.words import _


@dataclass(frozen=True)
class Refunded:
    """A refund, and what it moved on a card; `posting` is None where no card was touched."""

    refund: OrderRefund
    posting: Posting | None
    is_replay: bool = False

    @property
    def points(self) -> int:
        """Sum up the points it moved: below zero where they were taken back."""
        return self.posting.points if self.posting else 0

    @property
    def forgiven(self) -> int:
        """Count the points that were missing on the card and are forgiven."""
        return sum(row.rule_snapshot.get("forgiven", 0) for row in self._reversals)

    @property
    def expired(self) -> int:
        """Count the points that had expired before, and are not taken twice."""
        parts = [part for row in self._reversals for part in row.rule_snapshot.get("set_off", ())]
        return sum(part["points"] for part in parts)

    @property
    def _reversals(self) -> list[LoyaltyTransaction]:
        rows = self.posting.rows if self.posting else []
        return [row for row in rows if row.type == "refund_reversal"]


class _SeenError(Exception):
    """A preview has seen what would be done: it is undone."""

    def __init__(self, done: Refunded) -> None:
        super().__init__()
        self.done = done


def refund_order(
    order: Order,
    *,
    visit: Visit,
    lines: Mapping[int, int] | None = None,
    amount_cents: int | None = None,
    given_back: Sequence[int] = (),
) -> Refunded:
    """Give money back, for lines `{line id: cents}` or as an amount alone, and take back what it earned.

    `given_back` are redeemed rewards that came back. Works when customer, card, program or store are in
    the trash. Raises Refused("bad_amount", "too_much", "nothing_left", "issue_gone", "no_card"),
    Conflict("order_gone", "key_reused"). Specification of loyalty, section 6.
    """
    visit = visit if visit.key else replace(visit, key=str(uuid4()))
    asked = {"order": order.id, "lines": sorted((lines or {}).items()), "amount": amount_cents}
    asked["back"] = sorted(given_back)

    def write(key: IdempotencyKey | None) -> tuple[OrderRefund, LoyaltyTransaction | None]:
        _hold(order)
        earn = live_earn(order)
        refund = refunds.write_down(order, earn, visit, key, lines=lines, amount_cents=amount_cents)
        audit.record("refund", order, by=visit.by, refund_id=refund.id)
        return refund, earn

    card_id = _card_of(order, wants_one=bool(given_back))
    if card_id is None:
        return _refund_money_alone(order, asked, visit, write)

    def work(account: Account) -> Posting:
        refund, earn = write(account.key)
        if earn is not None:
            take_back_part(account, earn, refund.eligible_cents)
        for issue_id in given_back:
            return_reward(account, issue_id)
        return Posting(account.card, account.rows, "refunded")

    posting = once(card_id, "refund_order", asked, work, visit=visit, dead_too=True)
    return Refunded(_of_key(order, visit), posting, posting.is_replay)


def preview_refund(order: Order, *, visit: Visit, **asked: Any) -> Refunded:
    """Say what `refund_order` would do: it is done, looked at, and undone at once; raises as that does."""
    try:
        with db.session.begin_nested():
            _refund_and_undo(order, visit, asked)
    except _SeenError as seen:
        return seen.done


def void_earn(order: Order, *, visit: Visit, reason_code: str | None = None) -> Posting:
    """Take back all an order earned, as a mistake; raises Refused("nothing_to_void") and as `void` does."""
    earn = live_earn(order)
    if earn is None:
        raise Refused("nothing_to_void", _("This order has no points to take back."))
    return void(earn, visit=visit, reason_code=reason_code)


def delete_order(order: Order, *, by: Actor, now: datetime, reason: str | None = None) -> Deletion:
    """Put the order in the trash; its lines are read through it and go with it.

    Raises Refused("still_live") while points or stamps of it count: refund or void them first.
    """
    _hold(order)
    if is_live(order):
        said = _("Points or stamps of this order still count. Refund or void them first.")
        raise Refused("still_live", said)
    return trash.soft_delete_cascade(order, by=by, now=now, reason=reason)


def is_live(order: Order) -> bool:
    """Whether something of the order still counts in the ledger: neither voided nor refunded in full."""
    row = LoyaltyTransaction
    voided = select(row.reverses_id).where(
        row.merchant_id == order.merchant_id, row.type == "void", row.order_id == order.id
    )
    mine = select(row).where(
        row.merchant_id == order.merchant_id, row.order_id == order.id, row.type.in_(("earn", "stamp"))
    )
    standing = db.session.scalars(mine.where(row.id.not_in(voided)))
    return any(
        each.type == "stamp" or refunded_so_far(each) < (each.eligible_cents or 0) for each in standing.all()
    )


def _refund_and_undo(order: Order, visit: Visit, asked: dict[str, Any]) -> NoReturn:
    done = refund_order(order, visit=visit, **asked)
    for row in [done.refund, *(done.posting.rows if done.posting else [])]:
        db.session.refresh(row)
        db.session.expunge(row)  # it can be read when it is gone
    raise _SeenError(done)


def _refund_money_alone(order: Order, asked: dict[str, Any], visit: Visit, write: Any) -> Refunded:
    if asked["back"]:
        raise Refused("no_card", _("Nobody's card is known for this order, so no reward can come back."))
    digest = digest_of("refund_order", {"store": visit.store_id, **asked})
    key = claim(str(visit.key), request_hash=digest, by=visit.by, merchant_id=order.merchant_id)
    if key.result_id is not None:
        return Refunded(_of_key(order, visit), None, is_replay=True)
    refund, _earn = write(key)
    key.result_kind, key.result_id = "refunded", refund.id
    return Refunded(refund, None)


def _hold(order: Order) -> None:
    """Lock the order, so that two refunds of it wait for each other; it may still be pointed at."""
    living = select(Order.id).where(Order.merchant_id == order.merchant_id, Order.id == order.id)
    if db.session.scalar(living.with_for_update(key_share=True)) is None:
        raise Conflict("order_gone", _("This order is in the trash. Restore it first."))


def _card_of(order: Order, *, wants_one: bool) -> int | None:
    """Find the card the order earned on; if one is wanted all the same, its customer's newest."""
    row = LoyaltyTransaction
    earned = select(row.card_id).where(
        row.merchant_id == order.merchant_id, row.order_id == order.id, row.type == "earn"
    )
    found = db.session.scalar(earned.order_by(row.id.desc()).limit(1))
    if found is not None or not wants_one or order.customer_id is None:
        return found
    theirs = select(LoyaltyCard.id).where(
        LoyaltyCard.merchant_id == order.merchant_id, LoyaltyCard.customer_id == order.customer_id
    )
    newest = theirs.order_by(LoyaltyCard.deleted_at.is_not(None), LoyaltyCard.id.desc()).limit(1)
    return db.session.scalar(newest, execution_options={"include_deleted": True})


def _of_key(order: Order, visit: Visit) -> OrderRefund:
    by_key = (
        (IdempotencyKey.merchant_id == OrderRefund.merchant_id)
        & (IdempotencyKey.id == OrderRefund.key_id)
        & (IdempotencyKey.key == visit.key)
    )
    mine = select(OrderRefund).join(IdempotencyKey, by_key)
    return db.session.scalars(mine.where(OrderRefund.merchant_id == order.merchant_id)).one()
