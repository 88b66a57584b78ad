"""Importing orders: receipts become orders, and with `earn` movements on the cards of their customers.

A chunk of baskets is one transaction, with the rows of the batch that remember it: killed in the middle
the same import goes on where it was, and nothing is there twice.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any

from sqlalchemy import select

from portal.errors import Refused
from portal.extensions import db
from portal.models.actor import Actor
from portal.models.import_batch import ImportBatch
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.models.order import Order, OrderLine
from portal.services.imports import batches, late, lookups, posting
from portal.services.imports.baskets import Reader
from portal.services.imports.endings import ENDINGS
from portal.services.imports.naming import Names
from portal.services.imports.outcomes import Outcome
from portal.services.imports.plans import Plan
from portal.services.imports.receipts import Receipts
from portal.services.imports.sales import Basket, Item
from portal.services.imports.settling import program_of, refuse_if_not_earning
from portal.services.ledger.visits import Visit
from portal.words import _, later

CHUNK = 500
NOT_TAKEN = ("refused", "not_sold")
WRITTEN = ("new", "updated", *NOT_TAKEN)  # what the batch remembers
NOT_EARNED = {
    "no_card": later("The customer has no card in the program. Import the customers again for one."),
    "card_suspended": later("The card of the customer is suspended: the purchase earned nothing."),
}


Unit = Callable[[Callable[[], list[Outcome]]], list[Outcome]]


def run_orders(
    reader: Reader, receipts: Receipts, *, by: Actor, now: datetime, unit: Unit
) -> Iterator[list[Outcome]]:
    """Write the baskets, the earliest first, and yield what became of each chunk of them.

    `receipts` holds the lines that `reader` gathered. Nothing is committed here: `unit` does the
    work of one chunk and may do it again after a rollback. Raises Refused("no_program", "not_earning",
    "no_points") when the program stops in the middle; the same import goes on later.
    """
    writer = OrderWriter(reader.plan, by=by, now=now)
    baskets = map(reader.read, receipts.sorted())
    while chunk := list(islice(baskets, CHUNK)):
        yield unit(partial(writer.write, chunk))


class OrderWriter:
    """Writes baskets as orders; each `write` is one transaction's worth."""

    def __init__(self, plan: Plan, *, by: Actor, now: datetime) -> None:
        self.plan, self.by, self.now = plan, by, now
        self.merchant_id: int = plan.merchant.id
        self.country: str = plan.merchant.country

    def write(self, chunk: Sequence[Basket]) -> list[Outcome]:
        """Write a chunk: the orders, their lines, what they earned, and what the batch remembers."""
        program = refuse_if_not_earning(program_of(self.merchant_id)) if self.plan.is_earning else None
        stores = lookups.Stores(self.merchant_id)
        names = Names(self.plan, stores)
        here = lookups.orders_here(self.merchant_id, names.possible(chunk))
        outcomes = [self._judge(basket, here, names) for basket in chunk]
        self._recall(outcomes)
        is_waiting = program is not None and bool(late.waiting(self.merchant_id, outcomes))
        if is_waiting or any(each.outcome in WRITTEN and not each.is_resumed for each in outcomes):
            self._write(outcomes, stores, program)
        return outcomes

    def _write(
        self, outcomes: Sequence[Outcome], stores: lookups.Stores, program: LoyaltyProgram | None
    ) -> None:
        batch = batches.hold(self.plan, by=self.by, now=self.now)
        fresh = [each for each in outcomes if each.outcome == "new" and not each.is_resumed]
        for each in fresh:
            each.notes += each.basket.oddities
        if fresh:
            self._add(fresh, stores)
        if program is not None:
            self._earn(outcomes, program, batch)
        self._remember(batch, [each for each in outcomes if not each.is_resumed])

    def _judge(self, basket: Basket, here: dict[str, lookups.Known], names: Names) -> Outcome:
        """Say what is to become of a basket."""
        if basket.faults:
            return Outcome(basket, "refused", " ".join(basket.faults))
        try:
            names.settle(basket, here)
            known = here.get(basket.key)
            return _here_already(basket, known) if known else self._judge_new(basket, names.stores)
        except Refused as refusal:
            return Outcome(basket, "refused", refusal.message)

    def _judge_new(self, basket: Basket, stores: lookups.Stores) -> Outcome:
        if basket.ending:
            return _not_sold(basket)
        name = self.plan.store or basket.said.get("store")
        return Outcome(basket, "new", store_id=stores.called(name))

    def _add(self, fresh: Sequence[Outcome], stores: lookups.Stores) -> None:
        baskets = [each.basket for each in fresh]
        store_ids = {each.store_id for each in fresh}
        stores.hold(store_ids)
        people = lookups.customers(self.merchant_id, baskets, self.country)
        sold_by = lookups.sellers(self.merchant_id, baskets)
        for each in fresh:
            each.customer_id = people.get(each.basket.key)
            _note_unknown(each, sold_by)
        batches.add_rows(Order, [self._order(each, sold_by) for each in fresh])
        made = self._ids_of(fresh)
        for each in fresh:
            each.order_id = made[each.basket.key]
        self._add_lines(fresh, lookups.Shelves(self.merchant_id, baskets, store_ids))

    def _ids_of(self, fresh: Sequence[Outcome]) -> dict[str | None, int]:
        """Read the ids of the orders just made: sent back one by one they would cost four times as much."""
        keys = [each.basket.key for each in fresh]
        mine = (Order.merchant_id == self.merchant_id, Order.external_ref.in_(keys))
        return dict(db.session.execute(select(Order.external_ref, Order.id).where(*mine)).all())

    def _order(self, each: Outcome, sold_by: dict[str, int]) -> dict[str, Any]:
        basket = each.basket
        return {
            "merchant_id": self.merchant_id,
            "store_id": each.store_id,
            "customer_id": each.customer_id,
            "sold_by_id": sold_by.get(basket.said.get("staff", "")),
            "number": basket.said.get("number", basket.key),
            "total_cents": basket.total_cents,
            "occurred_at": basket.at,
            "external_ref": basket.key,
        }

    def _add_lines(self, fresh: Sequence[Outcome], shelves: lookups.Shelves) -> None:
        rows = []
        for each in fresh:
            for position, item in enumerate(each.basket.items, 1):
                row = self._line(each, item, shelves)
                rows.append({**row, "position": position})
                if row["earns_points"]:
                    each.eligible_cents += item.amount_cents
        batches.add_rows(OrderLine, rows)

    def _line(self, each: Outcome, item: Item, shelves: lookups.Shelves) -> dict[str, Any]:
        goods, called = shelves.of(each.store_id, item), item.product or item.sku
        if goods is None and called:
            each.note("unknown_product", _("Nothing is sold here as “%(ref)s”; it earns points.", ref=called))
        return {
            "merchant_id": self.merchant_id,
            "order_id": each.order_id,
            "product_id": goods.id if goods else None,
            "name": item.name or (goods.name if goods else called or "-"),
            "quantity": item.quantity,
            "unit_price_cents": item.price_cents,
            "amount_cents": item.amount_cents,
            "earns_points": goods.earns_points if goods else True,
        }

    def _earn(self, outcomes: Sequence[Outcome], program: LoyaltyProgram, batch: ImportBatch) -> None:
        """Post the points of new orders, and of those here that wait for theirs, the earliest first."""
        visit = Visit(by=self.by, now=self.now, source="import", batch_id=batch.id)
        fresh = [each for each in outcomes if each.outcome == "new" and not each.is_resumed]
        behind = late.waiting(self.merchant_id, outcomes)
        behind = late.hold(program, behind, fresh) if behind else []
        those = {id(each) for each in (*fresh, *behind) if each.customer_id}
        earning = [each for each in outcomes if id(each) in those]
        posted = posting.post_all([each.sale for each in earning], program, visit=visit)
        for each in behind:
            each.outcome = "updated" if each.order_id in posted.points else each.outcome
        for each in earning:
            each.points = posted.points.get(each.order_id)
            each.card_id = posted.cards.get(each.order_id)
            why = posted.refused.get(each.order_id)
            if why:
                each.note(why, str(NOT_EARNED[why]))

    def _remember(self, batch: ImportBatch, outcomes: Sequence[Outcome]) -> None:
        """Write down what each basket became; what a run cut off wrote down stays."""
        keys = [each.basket.key for each in outcomes if each.outcome in NOT_TAKEN]
        known = batches.known_rows(batch.id, self.merchant_id, keys)
        fresh = [each for each in outcomes if each.basket.key not in known]
        batches.write_down(batch, [each.made for each in fresh if each.outcome in WRITTEN])

    def _recall(self, outcomes: Sequence[Outcome]) -> None:
        """Know again what this very import made before it was cut off: its sums are those of one run."""
        here = {each.basket.key: each for each in outcomes if each.outcome == "unchanged"}
        rows = batches.known_rows(batches.unfinished(self.plan), self.merchant_id, here)
        if not rows:
            return
        earned = _earned_by({here[key].order_id for key in rows}, self.merchant_id)
        for key, row in rows.items():
            here[key].recall(row, earned.get(here[key].order_id))


def _here_already(basket: Basket, known: lookups.Known) -> Outcome:
    """Leave alone an order that is here already, or lies in the trash."""
    if known.deletion_id is not None:
        act = known.deletion_id
        told = _("It is in the trash (deletion %(id)s). Restore it to have it back.", id=act)
        return Outcome(basket, "skipped", told)
    found = Outcome(basket, "unchanged", order_id=known.id, customer_id=known.customer_id)
    found.store_id = known.store_id or 0
    if basket.ending:
        told = _("It is an order here, and was left as it is. Look at it.")
        found.note("ended_since", f"{ENDINGS[basket.ending]} {told}")
    elif known.total_cents != basket.total_cents:
        found.note("differs", _("It is here with another total, and was left as it is."))
    elif known.occurred_at != basket.at:
        told = _("It is here as sold at another time, and was left as it is. Is it another sale?")
        found.note("other_time", told)
    return found


def _not_sold(basket: Basket) -> Outcome:
    """Leave out what was no sale in the end, and say why."""
    found = Outcome(basket, "not_sold", str(ENDINGS[basket.ending]))
    found.note(basket.ending, "")
    return found


def _note_unknown(each: Outcome, sold_by: dict[str, int]) -> None:
    """Say which customer or seller is not known here."""
    ref, staff = each.basket.customer or each.basket.said.get("contact"), each.basket.said.get("staff")
    if ref and each.customer_id is None:
        message = _("There is no customer “%(ref)s”; the order is kept without one.", ref=ref)
        each.note("unknown_customer", message)
    if staff and staff not in sold_by:
        each.note("unknown_seller", _("Nobody in the team has the reference “%(ref)s”.", ref=staff))


def _earned_by(order_ids: set[int], merchant_id: int) -> dict[int | None, tuple[int, int]]:
    row = LoyaltyTransaction
    mine = (row.merchant_id == merchant_id, row.type == "earn", row.order_id.in_(order_ids))
    earns = select(row.order_id, row.points_delta, row.card_id).where(*mine)
    found = db.session.execute(earns.order_by(row.id))  # the last attempt is the one
    return {order_id: (points, card_id) for order_id, points, card_id in found}
