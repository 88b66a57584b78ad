"""What names, addresses and pictures of a program may not be, and the words that say so."""

from io import BytesIO

import pytest
from PIL import Image

from portal.errors import Refused
from portal.models.program_rules import checked_https
from portal.models.text import checked_code, checked_name, checked_text
from portal.models.tiers import checked_tiers
from portal.services.pictures import drawn_again

TURNS = [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]


@pytest.mark.parametrize("sign", TURNS)
def test_signs_that_turn_the_writing_are_refused(app, sign):
    for check in (checked_name, lambda text: checked_text(text, "description", 500)):
        with pytest.raises(Refused, match="turns the direction of the writing"):
            check(f"Gare{chr(sign)}eraG")
    tier = {"key": "gold", "name": f"G{chr(sign)}d", "threshold": 0, "multiplier_bp": 10_000}
    with pytest.raises(Refused, match="plain letters"):
        checked_tiers([tier])


def test_writing_from_right_to_left_is_welcome(app):
    assert checked_name("\u05d2\u05d0 \u200f\u05d3") == "\u05d2\u05d0 \u200f\u05d3"


def test_an_address_with_a_password_in_it_is_refused(app):
    with pytest.raises(Refused, match="https://"):
        checked_https("https://user:pw@example.com/privacy", "privacy_url")
    assert checked_https("https://example.com/@us", "privacy_url") == "https://example.com/@us"


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("username", "The username .* like lea-m"),
        ("subdomain", "The subdomain .* like cafe-lumiere"),
    ],
)
def test_a_code_is_told_in_the_words_of_the_screen(app, what, words):
    with pytest.raises(Refused, match=words):
        checked_code("no good", what)


def test_a_picture_that_would_be_a_strip_is_refused(app):
    out = BytesIO()
    Image.new("RGB", (8000, 40)).save(out, "PNG")
    with pytest.raises(Refused, match="too narrow"):
        drawn_again(out.getvalue(), (512, 512))


@pytest.mark.parametrize("nothing", ["\u200b", " \u200d\ufeff ", "\u00ad", "\u2060 \u200b"])
def test_a_text_of_signs_that_nobody_sees_is_none(app, nothing):
    with app.test_request_context():
        assert checked_text(nothing, "notes", 10) is None
        with pytest.raises(Refused, match="Give a name"):
            checked_name(nothing)
        assert checked_name("Zo\u200dë") == "Zo\u200dë"
