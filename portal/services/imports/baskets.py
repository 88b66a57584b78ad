"""Reading baskets: which lines belong together, when they were sold, and what each says."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from portal.errors import Refused
from portal.services.imports.moments import moment
from portal.services.imports.plans import Plan
from portal.services.imports.receipts import Receipt, Receipts
from portal.services.imports.tables import Line
from portal.services.imports.values import Money
from portal.services.imports.zones import zone_called
from portal.services.ledger.earning import MOST_CENTS
from portal.words import _

LONGEST_NAME = 120
SAID = ("store", "customer", "contact", "staff", "number")  # one basket, one answer
NOBODY = frozenset(["", "0"])
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)  # no till wrote a receipt before
LONGEST = timedelta(days=1)  # from the first line of a basket to its last


class Item(NamedTuple):
    """One line of a basket: what was sold, how many, and for how much."""

    line: int
    product: str | None
    sku: str | None
    name: str | None
    quantity: Decimal
    price_cents: int
    amount_cents: int


@dataclass
class Basket:
    """One sale as the file tells it; with `faults` it is refused whole."""

    key: str
    lines: list[Line]
    said: dict[str, str] = field(default_factory=dict)
    at: datetime | None = None
    items: list[Item] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    oddities: list[tuple[str, str]] = field(default_factory=list)

    @property
    def first_line(self) -> int:
        """Where it begins in the file."""
        return self.lines[0].number

    @property
    def total_cents(self) -> int:
        """What was paid for all lines."""
        return sum(item.amount_cents for item in self.items)

    @property
    def customer(self) -> str | None:
        """Who bought, as the till that exported knows them; None for nobody."""
        ref = self.said.get("customer", "")
        return None if ref in NOBODY else ref


class Reader:
    """Reads the lines of one file; knows the merchant's clock and money."""

    def __init__(self, plan: Plan, *, now: datetime) -> None:
        self.plan, self.now = plan, now
        self.zone: ZoneInfo = plan.merchant.zone
        self.currency: str = plan.merchant.currency

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
                receipts.add("/".join(cells), self._seconds(line), line)
            else:
                receipts.add(f"line {line.number}", None, self._nameless(line))

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
        basket = Basket(receipt.key, receipt.lines)
        for line in receipt.lines:
            if line.fault:
                basket.faults.append(line.fault)
            else:
                self._read_line(basket, line)
        if not basket.faults:
            self._check(basket)
        basket.faults = list(dict.fromkeys(basket.faults))
        return basket

    def _read_line(self, basket: Basket, line: Line) -> None:
        values, faults = self.plan.read(line)
        basket.faults += faults
        try:
            self._note_moment(basket, line)
            _note_zone(basket, values.get("time_zone"))
            _note_said(basket, values)
            if not faults:
                basket.items.append(self._item(basket, line.number, values))
        except Refused as fault:
            basket.faults.append(fault.message)

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
        price, amount = self._cents(values, "price"), self._cents(values, "amount")
        if price is None and amount is None:
            raise Refused("no_amount", _("Line %(line)s has no amount.", line=number))
        off = self._cents(values, "discount") or 0
        counted = None if price is None else _rounded(quantity * price) - off
        if amount is None:
            amount = counted or 0
        elif counted is not None and counted != amount:
            said = _oddity(number, quantity, price or 0, amount)
            basket.oddities.append(("amount_differs", said))
        if amount < 0:
            raise Refused("bad_amount", _("Line %(line)s gives more off than it costs.", line=number))
        if price is None:
            price = _rounded(Decimal(amount) / quantity) if quantity else amount
        name = (values.get("name") or "")[:LONGEST_NAME] or None
        return Item(number, values.get("product"), values.get("sku"), name, quantity, price, amount)

    def _cents(self, values: dict[str, Any], name: str) -> int | None:
        money: Money | None = values.get(name)
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


def _note_said(basket: Basket, values: dict[str, Any]) -> None:
    for name in SAID:
        text = values.get(name)
        if text and basket.said.setdefault(name, text) != text:
            told = {"field": name, "one": basket.said[name], "other": text}
            message = _(
                "Lines of one basket disagree: %(field)s is “%(one)s” and “%(other)s”."
                " Is a column missing in --group-by?",
                **told,
            )
            raise Refused("mixed", message)


def _note_zone(basket: Basket, name: str | None) -> None:
    """Say that a time zone is not known; the first line that names it speaks for all."""
    if name and zone_called(name) is None:
        said = _("The time zone “%(name)s” is not known; the merchant's own was used.", name=name)
        if ("unknown_zone", said) not in basket.oddities:
            basket.oddities.append(("unknown_zone", said))


def _oddity(line: int, quantity: Decimal, price_cents: int, amount_cents: int) -> str:
    return _(
        "Line %(line)s: %(quantity)s × %(price)s is not %(amount)s; the printed amount was kept.",
        line=line,
        quantity=f"{quantity.normalize():f}",
        price=f"{Decimal(price_cents).scaleb(-2):.2f}",
        amount=f"{Decimal(amount_cents).scaleb(-2):.2f}",
    )


def _rounded(cents: Decimal) -> int:
    return int(cents.quantize(Decimal(1), rounding=ROUND_HALF_UP))
