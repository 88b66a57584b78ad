"""The merchant's colours, and the ink that can be read on them."""

import re
from typing import NamedTuple

from portal.errors import Refused
from portal.words import _

COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")
BLACK, WHITE = "#000000", "#FFFFFF"


class CardColours(NamedTuple):
    """The colours of a card: what it is made of, what is written on it, its stamps, and what is on those."""

    card: str
    ink: str
    stamp: str
    stamp_ink: str

    @property
    def as_style(self) -> str:
        """Write them as a style sheet for whatever carries the class `in-brand`."""
        card, ink, stamp, stamp_ink = self
        return (
            f".in-brand {{ --brand: {card}; --brand-ink: {ink};"
            f" --brand-stamp: {stamp}; --brand-stamp-ink: {stamp_ink}; }}\n"
        )


def card_colours(card: str, second: str | None) -> CardColours:
    """Complete the merchant's one or two colours; without a second one, stamps have the colour of the ink."""
    ink = ink_on(card)
    stamp = second or ink
    return CardColours(card, ink, stamp, ink_on(stamp))


def checked_colour(value: str | None, field: str) -> str:
    """Hold a colour to #RRGGBB; raises Refused("bad_colour")."""
    if not COLOUR.fullmatch(value or ""):
        message = _("Write the colour as # and six signs 0-9 or A-F, for example #4F46E5.")
        raise Refused("bad_colour", message, field=field)
    return str(value)


def ink_on(colour: str) -> str:
    """Choose black or white, whichever is read better on the colour.

    One of the two always has a contrast of at least 4.58 to 1 (WCAG 2.2, 1.4.3 asks for 4.5).
    """
    return BLACK if contrast(colour, BLACK) >= contrast(colour, WHITE) else WHITE


def contrast(one: str, other: str) -> float:
    """Measure how well one colour is read on another: 1 not at all, 21 best (WCAG 2.2)."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    bright: float = ((part + 0.055) / 1.055) ** 2.4
    return part / 12.92 if part <= 0.04045 else bright
