"""Understanding cells: money, flags, numbers; what may mean two things is refused, never guessed."""

import re
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from portal.errors import Refused
from portal.words import _

# A sign, and the currencies that are written with it.
SIGNS = {
    "$": ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN"),
    "€": ("EUR",),
    "£": ("GBP",),
    "¥": ("JPY", "CNY"),
}
SIGN = re.compile(r"[$€£¥]|[A-Za-z]{3}(?![A-Za-z])")
PLAIN = re.compile(r"([0-9]{1,12})(?:[.,]([0-9]{1,2}))?")
GROUPED = re.compile(
    r"([0-9]{1,3}(?:([,.'\u2019 \u00a0\u202f])[0-9]{3})(?:\2[0-9]{3})*)(?!\2)[.,]([0-9]{1,2})"
)
UNCLEAR = re.compile(r"[0-9]+[.,][0-9]{3}")
QUANTITY = re.compile(r"[0-9]{1,8}(?:[.,][0-9]{1,3})?")
MINUS = "-\u2212"
BALANCE = re.compile(r"([0-9]{1,9})(?:[.,]([0-9]{1,4}))?")
YES = frozenset(["y", "yes", "true", "1", "oui", "vrai", "ja", "wahr"])
NO = frozenset(["n", "no", "false", "0", "non", "faux", "nein", "falsch"])


class Money(NamedTuple):
    """An amount in cents, with the sign that stood beside it, if any."""

    cents: int
    sign: str = ""

    def is_of(self, currency: str) -> bool:
        """Whether the sign fits the currency; no sign fits all."""
        return not self.sign or currency in SIGNS.get(self.sign, (self.sign,))


def money(text: str) -> Money:
    """Read an amount: $18.00, 18,00 €, 1.234,50; raises Refused("bad_amount", "ambiguous").

    1,234 and 1.234 may be a thousand or a fraction: refused.
    """
    figures, sign = _without_sign(text)
    if UNCLEAR.fullmatch(figures):
        message = _("“%(text)s” may be thousands or decimals. Write it like 1234.00.", text=text)
        raise Refused("ambiguous", message)
    plain, grouped = PLAIN.fullmatch(figures), GROUPED.fullmatch(figures)
    if plain:
        whole, decimals = plain[1], plain[2] or ""
    elif grouped:
        whole, decimals = re.sub("[^0-9]", "", grouped[1]), grouped[3]
    else:
        message = _("“%(text)s” is no amount of money. Write it like 4.50.", text=text)
        raise Refused("bad_amount", message)
    return Money(int(whole) * 100 + int(decimals.ljust(2, "0")), sign)


def _without_sign(text: str) -> tuple[str, str]:
    found = SIGN.match(text) or re.search(rf"(?:{SIGN.pattern})$", text)
    if found is None:
        return text, ""
    figures = text[: found.start()] + text[found.end() :]
    return figures.strip(), found[0].upper()


def flag(text: str) -> bool:
    """Read yes or no: Y, yes, true, 1 and their kin; raises Refused("bad_flag")."""
    word = text.casefold()
    if word in YES or word in NO:
        return word in YES
    raise Refused("bad_flag", _("“%(text)s” is neither yes nor no.", text=text))


def role(text: str) -> str:
    """Read the role of a team member; raises Refused("bad_role")."""
    word = text.casefold()
    if word not in ("manager", "staff"):
        message = _("“%(text)s” is no role; it must be manager or staff.", text=text)
        raise Refused("bad_role", message)
    return word


@lru_cache(maxsize=4096)
def line_money(text: str) -> Money:
    """Read an amount of a line sold, as `money` does; raises Refused("refund") for money given back."""
    if text[0] in "-(\u2212" or text[-1] in "-)":
        message = _("“%(text)s” is money given back. Import the sale, and refund its order here.", text=text)
        raise Refused("refund", message)
    return money(text)


@lru_cache(maxsize=4096)
def quantity(text: str) -> Decimal:
    """Read how many were sold: 2, 2.0, 0,250; raises Refused("bad_quantity")."""
    if QUANTITY.fullmatch(text) is None:
        raise Refused("bad_quantity", _("“%(text)s” is no quantity. Write it like 2 or 0.250.", text=text))
    return Decimal(text.replace(",", "."))


def whole(text: str) -> tuple[int, bool]:
    """Read a balance and say whether it was cut to the whole number below: 120, 1,250.50, -12.

    Raises Refused("bad_balance", "ambiguous"): 1,250 would be 1 or 1250.
    """
    figures = text[1:].strip() if text[0] in MINUS else text
    if UNCLEAR.fullmatch(figures):
        message = _("“%(text)s” may be thousands or decimals. Write it like 1234.", text=text)
        raise Refused("ambiguous", message)
    plain, grouped = BALANCE.fullmatch(figures), GROUPED.fullmatch(figures)
    if plain:
        count, decimals = int(plain[1]), plain[2] or ""
    elif grouped:
        count, decimals = int(re.sub("[^0-9]", "", grouped[1])), grouped[3]
    else:
        raise Refused("bad_balance", _("“%(text)s” is no balance. Write it like 120.", text=text))
    is_cut = bool(decimals.strip("0"))
    return (-count - is_cut if figures != text else count), is_cut
