"""Understanding cells: money and flags; what may mean two things is refused, never guessed."""

import re
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
