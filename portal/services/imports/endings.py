"""How sales ended in the program they come from: kept, voided, refunded whole or in part, not paid yet.

A sale that was taken back is no sale: it is left out, and named. Of one that was refunded in part, what
was kept is imported.
"""

import re
from collections.abc import Mapping

from portal.errors import Refused
from portal.services.imports.values import NO, line_money
from portal.words import _, later

SOLD, PARTLY, MONEY_BACK = "sold", "partly_refunded", "money_back"
STATUSES = {
    SOLD: (
        "paid",
        "closed",
        "completed",
        "complete",
        "done",
        "processing",
        "fulfilled",
        "shipped",
        "delivered",
    ),
    PARTLY: ("partially_refunded", "partly_refunded"),
    "unpaid": ("pending", "authorized", "partially_paid", "unpaid", "on_hold", "open"),
    "voided": ("voided", "void", "cancelled", "canceled", "expired", "failed"),
    "refunded": ("refunded",),
}
TYPES = {SOLD: ("sale", "payment"), MONEY_BACK: ("refund", "return")}
ENDINGS = {
    "voided": later("It was voided or cancelled where it comes from."),
    "refunded": later("It was refunded whole where it comes from."),
    "unpaid": later("It was not paid yet when the file was written."),
    MONEY_BACK: later("It gives money back. Refund the order it belongs to here."),
}
SIGNS = re.compile(r"[-()\u2212]")
FIGURES = ("quantity", "price", "discount", "amount")


def _meanings(words: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    return {word: meaning for meaning, known in words.items() for word in known}


KNOWN_STATUSES, KNOWN_TYPES = _meanings(STATUSES), _meanings(TYPES)


def status(text: str) -> str:
    """Read how a sale stands; raises Refused("unknown_status")."""
    return _known(text, KNOWN_STATUSES, "sale_status", "paid")


def receipt_type(text: str) -> str:
    """Read whether a receipt sells or gives back; raises Refused("unknown_status")."""
    return _known(text, KNOWN_TYPES, "receipt_type", "sale")


def _known(text: str, words: Mapping[str, str], field: str, normal: str) -> str:
    found = words.get(_word(text))
    if found is None:
        message = _(
            "Whether “%(text)s” is a sale is not known. Say it: --map-value “%(field)s:%(text)s=%(normal)s”,"
            " or leave the column out: --map %(field)s=",
            text=text,
            field=field,
            normal=normal,
        )
        raise Refused("unknown_status", message)
    return found


def _word(text: str) -> str:
    """Write a word as it is listed here: Partially refunded becomes partially_refunded."""
    return re.sub(r"[^a-z0-9]+", "_", text.casefold()).strip("_")


def is_refund(text: str) -> bool:
    """Whether a receipt of this type gives money back."""
    return KNOWN_TYPES.get(_word(text)) == MONEY_BACK


def cancelled(text: str) -> str:
    """Read when a sale was cancelled: any moment means that it was."""
    return "" if text.casefold() in NO or text.startswith("0000") else "voided"


def given_back(text: str) -> str:
    """Read how much of a sale was given back, without its sign; empty for nothing."""
    figures = SIGNS.sub("", text).strip()
    return figures if line_money(figures or "0").cents else ""


def is_below_zero(text: str) -> bool:
    """Whether an amount or a quantity is one of something given back."""
    return (
        bool(text)
        and (text[0] in "-(\u2212" or text[-1] in "-)")
        and any(sign in text for sign in "123456789")
    )


def ending_of(said: Mapping[str, str]) -> str:
    """Say how a sale stands by its status, or by when it was cancelled."""
    return said.get("cancelled_at") or said.get("sale_status") or SOLD
