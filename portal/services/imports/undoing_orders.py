"""Taking back an import of orders: earns are voided by the ledger's rules, orders go to the trash."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from portal.errors import Refused
from portal.extensions import db
from portal.models.actor import Actor
from portal.models.import_batch import ImportRow
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.models.order import Order
from portal.models.order_refund import OrderRefund
from portal.services import trash
from portal.services.ledger.accounts import Account, Posting, once
from portal.services.ledger.taking_back import take_back
from portal.services.ledger.visits import Visit
from portal.words import _, ngettext

CHUNK = 200
ROW = LoyaltyTransaction


class OrdersUndone:
    """Takes back the orders of one batch, chunk by chunk."""

    def __init__(self, merchant_id: int, batch_id: int, *, by: Actor, now: datetime) -> None:
        self.merchant_id, self.batch_id, self.by, self.now = merchant_id, batch_id, by, now
        self.visit = Visit(by=by, now=now, source="import", batch_id=batch_id)

    def _made(self, *columns: Any) -> Select[Any]:
        """Select from the orders the batch made that are not in the trash."""
        return self._touched(*columns).where(ImportRow.fate != "changed")

    def _touched(self, *columns: Any) -> Select[Any]:
        """Select from these, and from those that were here and only got their points."""
        return (
            select(*columns)
            .select_from(Order)
            .join(ImportRow, (ImportRow.merchant_id == Order.merchant_id) & (ImportRow.made_id == Order.id))
            .where(
                Order.merchant_id == self.merchant_id,
                ImportRow.batch_id == self.batch_id,
                ImportRow.made_kind == "orders",
            )
        )

    def refuse_if_used(self, order_ids: Sequence[int] | None = None) -> None:
        """Refuse when money was given back for an order, or its points were earned anew."""
        mine = self._touched(Order.id) if order_ids is None else list(order_ids)
        refunds = select(func.count()).where(
            OrderRefund.merchant_id == self.merchant_id, OrderRefund.order_id.in_(mine)
        )
        voided = select(ROW.reverses_id).where(
            ROW.merchant_id == self.merchant_id, ROW.type == "void", ROW.reverses_id.is_not(None)
        )
        others = select(func.count()).where(
            ROW.merchant_id == self.merchant_id,
            ROW.order_id.in_(mine),
            ROW.type.in_(("earn", "stamp")),
            (ROW.batch_id.is_(None)) | (ROW.batch_id != self.batch_id),
            ROW.id.not_in(voided.where(ROW.order_id.in_(mine))),
        )
        refunded = db.session.scalar(refunds) or db.session.scalar(self._reversals(mine)) or 0
        if refunded:
            message = ngettext(
                "%(num)s refund was made for these orders since. A refund cannot be taken back.",
                "%(num)s refunds were made for these orders since. Refunds cannot be taken back.",
                refunded,
            )
            raise Refused("used_since", message)
        if db.session.scalar(others):
            raise Refused(
                "used_since",
                _("Points of these orders were given anew since. Void those first, or undo that import."),
            )

    def _reversals(self, mine: Any) -> Select[int]:
        """Count refunds of points that stand."""
        voids = select(ROW.reverses_id).where(
            ROW.merchant_id == self.merchant_id,
            ROW.type == "void",
            ROW.order_id.in_(mine),
            ROW.reverses_id.is_not(None),
        )
        return select(func.count()).where(
            ROW.merchant_id == self.merchant_id,
            ROW.order_id.in_(mine),
            ROW.type == "refund_reversal",
            ROW.id.not_in(voids),
        )

    def take_some(self) -> list[Counter[str]]:
        """Void what some orders earned and put them in the trash; empty when none is left."""
        held = self._made(Order).order_by(Order.id).limit(CHUNK).with_for_update(of=Order, key_share=True)
        orders = list(db.session.scalars(held))
        if not orders:
            return self._take_points()
        order_ids = [order.id for order in orders]
        self.refuse_if_used(order_ids)
        earns = self._live_earns(order_ids)
        self._void_all(earns)
        reason = _("Import %(id)s was taken back.", id=self.batch_id)
        trash.soft_delete_many(orders, by=self.by, now=self.now, reason=reason)
        return [Counter(taken_back=len(order_ids), voided=len(earns))]

    def _live_earns(self, order_ids: Sequence[int]) -> list[LoyaltyTransaction]:
        return list(db.session.scalars(self._live(ROW.order_id.in_(order_ids))))

    def _live(self, which: ColumnElement[bool]) -> Select[LoyaltyTransaction]:
        """Select earns that were not voided."""
        mine = (ROW.merchant_id == self.merchant_id, which)
        voided = select(ROW.reverses_id).where(*mine, ROW.type == "void", ROW.reverses_id.is_not(None))
        return select(ROW).where(*mine, ROW.type == "earn", ROW.id.not_in(voided)).order_by(ROW.id)

    def _take_points(self) -> list[Counter[str]]:
        """Void what the batch gave some orders that were here before; they stay."""
        row = ImportRow
        mine = (row.merchant_id == self.merchant_id, row.batch_id == self.batch_id)
        behind = select(row.made_id).where(*mine, row.made_kind == "orders", row.fate == "changed")
        given = self._live(ROW.order_id.in_(behind)).where(ROW.batch_id == self.batch_id)
        earns = list(db.session.scalars(given.limit(CHUNK)))
        if not earns:
            return []
        self.refuse_if_used([earn.order_id or 0 for earn in earns])
        self._void_all(earns)
        return [Counter(voided=len(earns))]

    def _void_all(self, earns: Sequence[LoyaltyTransaction]) -> None:
        for card_id in sorted({earn.card_id for earn in earns}):
            self._void([earn for earn in earns if earn.card_id == card_id], card_id)

    def _void(self, earns: Sequence[LoyaltyTransaction], card_id: int) -> None:
        def work(account: Account) -> Posting:
            for earn in earns:
                links: dict[str, Any] = {
                    "reverses_id": earn.id,
                    "linked_id": earn.id,
                    "reason_code": "import_undone",
                }
                take_back(account, earn, "void", earn.points_delta, **links)
            return Posting(account.card, account.rows, "voided")

        request = {"earns": [earn.id for earn in earns]}
        once(card_id, "undo_import", request, work, visit=self.visit, dead_too=True)

    def counts(self) -> Counter[str]:
        """Count what was taken back in all, over every run of the undo."""
        voids = select(func.count()).where(
            ROW.merchant_id == self.merchant_id, ROW.batch_id == self.batch_id, ROW.type == "void"
        )
        made = select(func.count()).where(
            ImportRow.merchant_id == self.merchant_id,
            ImportRow.batch_id == self.batch_id,
            ImportRow.made_kind == "orders",
            ImportRow.fate != "changed",
        )
        return Counter(taken_back=db.session.scalar(made) or 0, voided=db.session.scalar(voids) or 0)
