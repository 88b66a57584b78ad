"""Reading amounts of money as people write them, and refusing what could mean two things."""

import re
from collections.abc import Callable
from decimal import Decimal

from portal.errors import Refused
from portal.words import _

Write = Callable[[Decimal, int], str]
TOO_LONG = 200
APART = re.compile("[\\s\u2019]")  # a space of any width and a curly apostrophe are as good as a plain one
NO_MARKS = str.maketrans("", "", "'.,")
PLAIN = re.compile(r"[0-9]+")
GROUPED = re.compile(r"[1-9][0-9]{0,2}(?:(['.,])[0-9]{3})(?:\1[0-9]{3})*")
THOUSANDS = re.compile(r"[1-9][0-9]{0,2}")
CENT, PART = 2, 6


def as_programs_do(amount: Decimal, decimals: int) -> str:
    """Write an amount with a point and no thousands apart: 1234.50."""
    return f"{amount:.{decimals}f}"


def cents_from(typed: str, *, write: Write = as_programs_do) -> int:
    """Read an amount of money in cents: 19.99, 19,99, 1.234,50 and 1,234.50 all work.

    Raises Refused("bad_amount"), with what would be right as `write` puts it. Never through a float.
    More than two decimals, or one separator that could mean thousands, is refused, not guessed.
    """
    return int(_read(typed, CENT, write) * 100)


def part_from(typed: str, *, write: Write = as_programs_do) -> Decimal:
    """Read a small amount with up to six decimals: 0.005 and 0,005; raises as cents_from does."""
    return _read(typed, PART, write)


def _read(typed: str, decimals: int, write: Write) -> Decimal:
    text = APART.sub("'", typed.strip()[:TOO_LONG])
    sign = "-" if text.startswith("-") else ""
    whole, fraction = _apart(text.removeprefix(sign or "+"))
    said = write(Decimal("4.5"), 2) if decimals == CENT else write(Decimal("0.005"), 3)
    if len(text) == TOO_LONG or not _is_a_number(whole, fraction):
        raise Refused("bad_amount", _("Write the amount in figures, like %(example)s.", example=said))
    if decimals == CENT and len(fraction) == 3 and THOUSANDS.fullmatch(whole):
        raise Refused("bad_amount", _unclear(write(Decimal(whole + fraction), 2)))
    if len(fraction) > decimals:
        raise Refused("bad_amount", _too_fine(decimals, said))
    digits = whole.translate(NO_MARKS)
    return Decimal(f"{sign}{digits or '0'}.{fraction or '0'}")


def _apart(text: str) -> tuple[str, str]:
    """Split before the decimals: at the last of two kinds of separator, or at the only one."""
    last = max(text.rfind("."), text.rfind(","))
    if last < 0 or text.count(text[last]) > 1:  # one that comes twice parts thousands
        return text, ""
    return text[:last], text[last + 1 :]


def _is_a_number(whole: str, fraction: str) -> bool:
    is_whole = PLAIN.fullmatch(whole) or GROUPED.fullmatch(whole) or (not whole and fraction)
    return bool(is_whole and (not fraction or PLAIN.fullmatch(fraction)))


def _unclear(thousands: str) -> str:
    return _(
        "This may be thousands or decimals. Write %(thousands)s, or at most two decimals.",
        thousands=thousands,
    )


def _too_fine(decimals: int, said: str) -> str:
    if decimals == CENT:
        return _("An amount has at most two decimals, like %(example)s.", example=said)
    return _("This takes at most six decimals, like %(example)s.", example=said)
