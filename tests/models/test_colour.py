"""Colours of a card, and the ink that can be read on them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.errors import Refused
from portal.models import LoyaltyProgram
from portal.models.colour import BLACK, WHITE, card_colours, checked_colour, contrast, ink_on

COLOURS = st.integers(0, 0xFFFFFF).map("#{:06X}".format)


@pytest.mark.parametrize(
    ("one", "other", "measured"),
    [
        ("#000000", "#FFFFFF", 21),
        ("#777777", "#FFFFFF", 4.48),
        ("#FF0000", "#FFFFFF", 4.0),
        ("#abcdef", "#ABCDEF", 1),
    ],
)
def test_contrast_is_measured_as_wcag_does(one, other, measured):
    assert contrast(one, other) == pytest.approx(measured, abs=0.005)
    assert contrast(other, one) == contrast(one, other)


@given(COLOURS)
def test_on_every_colour_the_ink_can_be_read(colour):
    ink = ink_on(colour)
    assert contrast(colour, ink) >= 4.5
    assert contrast(colour, ink) >= contrast(colour, BLACK if ink == WHITE else WHITE)


@pytest.mark.parametrize(("colour", "ink"), [("#1F2A44", WHITE), ("#FDE68A", BLACK), ("#C2410C", WHITE)])
def test_the_ink_is_the_one_people_expect(colour, ink):
    assert ink_on(colour) == ink


def test_without_a_second_colour_stamps_have_the_colour_of_the_ink():
    assert card_colours("#1F2A44", None) == ("#1F2A44", WHITE, WHITE, BLACK)
    assert LoyaltyProgram(card_color="#1F2A44", card_secondary_color="#fde68a").colours == (
        "#1F2A44",
        WHITE,
        "#fde68a",
        BLACK,
    )


def test_the_colours_are_written_as_a_style_sheet():
    style = card_colours("#1F2A44", "#FDE68A").as_style
    assert style.startswith(".in-brand { --brand: #1F2A44; --brand-ink: #FFFFFF;")
    assert "--brand-stamp: #FDE68A; --brand-stamp-ink: #000000;" in style


@pytest.mark.parametrize(
    "typed", [None, "", "red", "#12345", "#1234567", "#12345G", "#12345\n", "#123456;x:y"]
)
def test_what_is_no_colour_is_refused(typed):
    with pytest.raises(Refused, match="for example #4F46E5") as no:
        checked_colour(typed, "card_color")
    assert no.value.details["field"] == "card_color"
