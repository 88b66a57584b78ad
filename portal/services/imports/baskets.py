"""Reading baskets: which lines belong together, when they were sold, and what each says."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from portal.errors import Refused
from portal.services.imports.endings import (
    ENDINGS,
    FIGURES,
    MONEY_BACK,
    PARTLY,
    SIGNS,
    ending_of,
    is_below_zero,
    is_refund,
)
from portal.services.imports.moments import moment
from portal.services.imports.plans import Plan
from portal.services.imports.receipts import Receipt, Receipts
from portal.services.imports.sales import (
    LONGEST_NAME,
    Basket,
    Item,
    keep,
    note_said,
    note_zone,
    oddity,
    rounded,
)
from portal.services.imports.tables import Line
from portal.services.imports.values import Money, line_money
from portal.services.imports.zones import zone_called
from portal.services.ledger.earning import MOST_CENTS
from portal.words import _

BETWEEN = "\x1f"  # the number of a basket and its store
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)  # no till wrote a receipt before
LONGEST = timedelta(days=1)  # from the first line of a basket to its last


class Reader:
    """Reads the lines of one file; knows the merchant's clock and money."""

    def __init__(self, plan: Plan, *, now: datetime) -> None:
        self.plan, self.now = plan, now
        self.zone: ZoneInfo = plan.merchant.zone
        self.currency: str = plan.merchant.currency
        self._last = ("", "")

    def gather(self, receipts: Receipts, step: Callable[[int], object]) -> Iterator[Line]:
        """Sort the wanted lines into their baskets; yields those that were left out. `step` hears of each."""
        group_by = self.plan.group_by
        most = max(group_by)
        for line in self.plan.table.lines():
            step(1)
            if not line.fault and not self.plan.wants(line):
                yield line
                continue
            known = len(line.cells) > most
            cells = [line.cells[at] for at in group_by] if known else []
            if any(cells):
                receipts.add(self._key("/".join(cells), line), self._seconds(line), line)
            else:
                receipts.add(f"line {line.number}", None, self._nameless(line))

    def _key(self, number: str, line: Line) -> str:
        """Tell baskets of one number apart by their store; a blank one is that of the line before."""
        if not self.plan.is_numbered_by_store:
            return number
        store = self.plan.text(line, "store").casefold()
        if not store and self._last[0] == number:
            store = self._last[1]
        self._last = (number, store)
        return f"{number}{BETWEEN}{store}" if store else number

    def _nameless(self, line: Line) -> Line:
        """Fault a line that nothing tells from others: it could not be known again."""
        names = ", ".join(self.plan.table.columns[at] for at in self.plan.group_by)
        message = _("Nothing says which basket it is of: “%(columns)s” is blank.", columns=names)
        return line if line.fault else line._replace(fault=message)

    def _seconds(self, line: Line) -> int | None:
        try:
            return int(self._moment(line).timestamp())
        except (Refused, IndexError):  # told when the basket is read
            return None

    def _moment(self, line: Line) -> datetime:
        zone = zone_called(self.plan.text(line, "time_zone")) or self.zone
        return moment(self.plan.text(line, "date"), self.plan.text(line, "time"), self.plan.dates, zone)

    def read(self, receipt: Receipt) -> Basket:
        """Read a basket; what cannot be understood, in any of its lines, is a fault of the whole."""
        number = receipt.key.partition(BETWEEN)[0]
        basket = Basket(receipt.key.replace(BETWEEN, "/"), receipt.lines, number)
        for line in receipt.lines:
            if line.fault:
                basket.faults.append(line.fault)
            else:
                self._read_line(basket, line)
        self._settle(basket)
        if not (basket.faults or basket.ending):
            self._check(basket)
        basket.faults = list(dict.fromkeys(basket.faults))
        return basket

    def _read_line(self, basket: Basket, line: Line) -> None:
        is_back = self._gives_back(line)
        values, faults = self.plan.read(self._unsigned(line) if is_back else line)
        basket.faults += faults
        try:
            note_said(basket, values)
            note_zone(basket, values.get("time_zone"))
            if not is_back:  # a refund may be of another day
                self._note_moment(basket, line)
            if not faults:
                self._note_item(basket, self._item(basket, line.number, values), is_back=is_back)
        except Refused as fault:
            basket.faults.append(fault.message)

    def _gives_back(self, line: Line) -> bool:
        """Whether a line gives money back: by its type, or because it is below zero."""
        if is_refund(self.plan.text(line, "receipt_type")):
            return True
        return any(is_below_zero(self.plan.text(line, name)) for name in ("quantity", "price", "amount"))

    def _unsigned(self, line: Line) -> Line:
        """Read the figures of what is given back without their signs."""
        at = {self.plan.columns[name] for name in FIGURES if name in self.plan.columns}
        return line._replace(cells=[SIGNS.sub("", c) if i in at else c for i, c in enumerate(line.cells)])

    def _note_item(self, basket: Basket, item: Item, *, is_back: bool) -> None:
        if is_back:
            basket.back_cents += item.amount_cents
        else:
            basket.items.append(item)

    def _settle(self, basket: Basket) -> None:
        """Say how a sale ended that is none to keep, and take off what was given back of another."""
        ending = ending_of(basket.said)
        if basket.faults:
            return
        if ending in ENDINGS:
            basket.ending = ending
        else:
            self._take_off(basket, is_partly=ending == PARTLY)

    def _take_off(self, basket: Basket, *, is_partly: bool) -> None:
        told = basket.said.get("refunded_amount")
        try:
            back = basket.back_cents + (self._cents(line_money(told)) or 0 if told else 0)
        except Refused as fault:  # of another currency
            basket.faults.append(fault.message)
            return
        if not basket.items:
            basket.ending = MONEY_BACK
        elif back and back >= basket.total_cents:
            basket.ending = "refunded"
        elif back:
            keep(basket, basket.total_cents - back)
        elif is_partly:
            basket.faults.append(_("It was refunded in part, but nothing says how much."))

    def _note_moment(self, basket: Basket, line: Line) -> None:
        if basket.at is not None and not line.cells[self.plan.columns["date"]]:
            return  # only the first line of a basket says when
        at = self._moment(line)
        if basket.at is not None and abs(at - basket.at) > LONGEST:
            message = _("Its lines were sold more than a day apart. Is a column missing in --group-by?")
            raise Refused("mixed", message)
        basket.at = at if basket.at is None else min(basket.at, at)

    def _item(self, basket: Basket, number: int, values: dict[str, Any]) -> Item:
        quantity: Decimal = values.get("quantity", Decimal(1))
        price, amount = self._cents(values.get("price")), self._cents(values.get("amount"))
        if price is None and amount is None:
            raise Refused("no_amount", _("Line %(line)s has no amount.", line=number))
        off = self._cents(values.get("discount")) or 0
        counted = None if price is None else rounded(quantity * price) - off
        if amount is None:
            amount = counted or 0
        elif counted is not None and counted != amount:
            said = oddity(number, quantity, price or 0, amount)
            basket.oddities.append(("amount_differs", said))
        if amount < 0:
            raise Refused("bad_amount", _("Line %(line)s gives more off than it costs.", line=number))
        if price is None:
            price = rounded(Decimal(amount) / quantity) if quantity else amount
        name = (values.get("name") or "")[:LONGEST_NAME] or None
        return Item(number, values.get("product"), values.get("sku"), name, quantity, price, amount)

    def _cents(self, money: Money | None) -> int | None:
        if money is None:
            return None
        if not money.is_of(self.currency):
            told = {"sign": money.sign, "currency": self.currency}
            message = _("The price says %(sign)s, but the money here is %(currency)s.", **told)
            raise Refused("foreign_money", message)
        return money.cents

    def _check(self, basket: Basket) -> None:
        if basket.at is not None and basket.at > self.now:
            basket.faults.append(_("It was sold in the future. Is the date right, or --dates?"))
        if basket.at is not None and basket.at < EARLIEST:
            basket.faults.append(_("It was sold before 1970. Is the date right, or --dates?"))
        if basket.total_cents > MOST_CENTS:
            basket.faults.append(_("It costs more than anybody means."))
