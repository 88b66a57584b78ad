"""The merchant's colours, and the ink that can be read on them."""

import re

from portal.errors import Refused
from portal.words import _

COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")
BLACK, WHITE = "#000000", "#FFFFFF"


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
