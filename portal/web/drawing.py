"""Codes drawn as pictures, for people to scan."""

import segno
from markupsafe import Markup


def qr_of(text: str) -> Markup:
    """Draw a code that prints sharp: black on white always, read with a sixth of it covered."""
    code = segno.make(text, error="m", micro=False)
    picture = code.svg_inline(
        border=4, dark="#000", light="#fff", omitsize=True, svgclass="qr", lineclass=None
    )
    return Markup(picture)  # noqa: S704 - drawn by us; the text is in its dots alone


def in_halves(number: str) -> str:
    """Write a card number as people read it out: 1104 7297; an old one as it is."""
    is_ours = len(number) == 8 and number.isascii() and number.isdecimal()
    return f"{number[:4]} {number[4:]}" if is_ours else number
