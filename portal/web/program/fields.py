"""Fields that know what was typed: whole numbers, money, days, multipliers.

Each keeps the text for the page and hands the value on as `value`; None where nothing was typed.
"""

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from wtforms import StringField
from wtforms.validators import ValidationError

from portal.errors import Refused
from portal.models.program_rules import SMALLEST_PART
from portal.models.tiers import BASIS
from portal.services.amounts import cents_from, part_from
from portal.web.days import midnight
from portal.web.filters import amount
from portal.web.scope import current_merchant
from portal.words import _, number

FIGURES = re.compile(r"[0-9]{1,3}(?:[ \u00a0\u202f'][0-9]{3})+|[0-9]+")
DECIMAL = re.compile(r"[0-9]{1,12}(?:[.,][0-9]{1,12})?")
TIMES = "\N{MULTIPLICATION SIGN}"
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 12, 31)


class TypedField(StringField):  # type: ignore[misc]  # WTForms has no types
    """A text with a meaning; what it does not say clearly is refused beside it."""

    value: Any = None

    def pre_validate(self, form: Any) -> None:
        """Read what was typed; WTForms calls this first."""
        del form
        typed = (self.data or "").strip()
        self.value = None
        if typed:
            try:
                self.value = self.read(typed)
            except Refused as refusal:
                raise ValidationError(refusal.message) from refusal

    def read(self, typed: str) -> Any:
        """Turn the text into what it means, or raise Refused with what would be right."""
        raise NotImplementedError


class WholeNumber(TypedField):
    """A whole number from lowest to highest."""

    def __init__(self, *args: Any, lowest: int, highest: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lowest, self.highest = lowest, highest

    def read(self, typed: str) -> int:
        """Read 12, or 1 200; no decimals, no sign."""
        plain = re.sub(r"\D", "", typed)[:19]
        if not FIGURES.fullmatch(typed) or not plain or not self.lowest <= int(plain) <= self.highest:
            most = number(self.highest)
            message = _(
                "Write a whole number from %(lowest)s to %(highest)s.", lowest=self.lowest, highest=most
            )
            raise Refused("bad_number", message)
        return int(plain)


class Money(TypedField):
    """An amount in the merchant's currency; `value` is in cents."""

    def __init__(self, *args: Any, highest: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.highest = highest

    def read(self, typed: str) -> int:
        """Read 4.50 or 4,50, never through a float."""
        cents = cents_from(typed, write=amount)
        if not 0 <= cents <= self.highest:
            most = number(self.highest // 100)
            raise Refused("bad_amount", _("Write an amount from 0 to %(highest)s.", highest=most))
        return cents


class PartOfMoney(TypedField):
    """A very small amount, such as what one point is worth; `value` is in cents with four decimals."""

    def __init__(self, *args: Any, highest: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.highest = highest

    def read(self, typed: str) -> Decimal:
        """Read 0.005 as half a cent."""
        cents = part_from(typed, write=amount) * 100
        if not 0 <= cents <= self.highest:
            most = number(self.highest // 100)
            raise Refused("bad_amount", _("Write an amount from 0 to %(highest)s.", highest=most))
        return cents.quantize(SMALLEST_PART)


class DayField(TypedField):
    """A day where the merchant is; `value` is the moment it begins, or with `ends` the moment it is over."""

    def __init__(self, *args: Any, ends: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ends = ends

    def read(self, typed: str) -> datetime:
        """Read 2026-12-24, as browsers send a date."""
        message = _("Write the day like 2026-12-24.")
        try:
            day = date.fromisoformat(typed)
        except ValueError as fault:
            raise Refused("bad_day", message) from fault
        if not FIRST_DAY <= day <= LAST_DAY:
            raise Refused("bad_day", message)
        return midnight(day, days=1 if self.ends else 0)


def part_typed(cents: Decimal | None) -> str:
    """Write a small amount as people type it, without idle zeros: 0.005."""
    return "" if cents is None else amount(cents.scaleb(-2))


def number_typed(value: int | None) -> str:
    """Write a number as people type it; nothing for none."""
    return "" if value is None else str(value)


def day_typed(moment: datetime | None, *, ends: bool = False) -> str:
    """Write the day of a moment where the merchant is, as browsers do; of one that ends, the last day."""
    if moment is None:
        return ""
    there = moment.astimezone(current_merchant().zone)
    return date.fromordinal(there.toordinal() - 1 if ends else there.toordinal()).isoformat()


def multiplier_typed(multiplier_bp: int) -> str:
    """Write a multiplier as people do: 1.5."""
    return amount(Decimal(multiplier_bp) / BASIS)


def multiplier_read(typed: str) -> int:
    """Read 1.5 or 1,5 as 15000 basis points, never through a float; -1 for what is none."""
    plain = typed.strip().lstrip(f"x{TIMES} ").replace(",", ".")
    if not DECIMAL.fullmatch(plain):
        return -1
    points = Decimal(plain) * BASIS
    return int(points) if points == points.to_integral_value() else -1
