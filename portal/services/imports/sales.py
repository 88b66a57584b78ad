"""One sale as a file tells it: its lines, what is said of it, and what is odd about it."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

from portal.errors import Refused
from portal.services.imports.endings import PARTLY
from portal.services.imports.tables import Line
from portal.services.imports.zones import zone_called
from portal.words import _

SAID = (  # one basket, one answer
    *("store", "customer", "contact", "staff", "number"),
    *("sale_status", "cancelled_at", "refunded_amount"),
)
LONGEST_NAME = 120
NOBODY = frozenset(["", "0"])


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
    """One sale as the file tells it; with `faults` it is refused, with an `ending` left out."""

    key: str
    lines: list[Line]
    number: str = ""
    said: dict[str, str] = field(default_factory=dict)
    at: datetime | None = None
    items: list[Item] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    oddities: list[tuple[str, str]] = field(default_factory=list)
    back_cents: int = 0
    ending: str = ""

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


def note_said(basket: Basket, values: dict[str, Any]) -> None:
    """Take in what a line says of the whole basket; raises Refused("mixed") when lines disagree."""
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


def keep(basket: Basket, kept_cents: int) -> None:
    """Take off what was given back: from each line its share, so that the lines sum up to what was kept."""
    total, said = basket.total_cents, {"line": basket.first_line}
    told = {"back": printed(total - kept_cents), "kept": printed(kept_cents)}
    sold = given = 0
    for at, item in enumerate(basket.items):
        sold += item.amount_cents
        share = kept_cents * sold // total - given
        given += share
        basket.items[at] = item._replace(amount_cents=share)
    message = _("Line %(line)s: %(back)s was given back; %(kept)s was kept, and counts.", **said, **told)
    basket.oddities.append((PARTLY, message))


def printed(cents: int) -> str:
    """Write an amount as receipts do."""
    return f"{Decimal(cents).scaleb(-2):.2f}"


def note_zone(basket: Basket, name: str | None) -> None:
    """Say that a time zone is not known; the first line that names it speaks for all."""
    if name and zone_called(name) is None:
        said = _("The time zone “%(name)s” is not known; the merchant's own was used.", name=name)
        if ("unknown_zone", said) not in basket.oddities:
            basket.oddities.append(("unknown_zone", said))


def oddity(line: int, quantity: Decimal, price_cents: int, amount_cents: int) -> str:
    """Say that a line does not add up."""
    return _(
        "Line %(line)s: %(quantity)s × %(price)s is not %(amount)s; the printed amount was kept.",
        line=line,
        quantity=f"{quantity.normalize():f}",
        price=printed(price_cents),
        amount=printed(amount_cents),
    )


def rounded(cents: Decimal) -> int:
    """Round half a cent up."""
    return int(cents.quantize(Decimal(1), rounding=ROUND_HALF_UP))
