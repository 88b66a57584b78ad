"""Pictures of the card as people meet them: put in, shown to anybody, taken off."""

import html
import json
from io import BytesIO

import pytest
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from tests.services.test_programs_pictures import drawn, moving
from tests.web.cast import make_cast
from tests.web.programs import read, start, to


@pytest.fixture
def cast(app):
    return make_cast()


@pytest.fixture
def as_owner(cast, sign_in):
    return sign_in(cast.owner)


@pytest.fixture
def program(cast):
    return start(cast.merchant, card_name="Carte Lumière")


def send(browser, where, content, **headers):
    boundary, body = encode_multipart({"picture": FileStorage(BytesIO(content), "logo.png")})
    kind = f"multipart/form-data; boundary={boundary}"
    return browser.post(where, data=body, content_type=kind, headers=headers)


def test_a_picture_is_put_on_the_card_and_shown_to_anybody(as_owner, client, cast, program):
    answer = send(as_owner, to(cast, "branding/logo"), drawn())
    assert (answer.status_code, answer.location) == (303, to(cast, "branding"))
    address = read(cast.merchant).logo_url
    assert as_owner.get(answer.location).text.count(f'src="{address}"') == 2
    shown = client.application.test_client().get(address)
    assert (shown.status_code, shown.content_type) == (200, "image/jpeg")
    assert shown.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert shown.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "Set-Cookie" not in shown.headers
    assert "Cookie" not in shown.headers.get("Vary", "")
    again = client.get(address, headers={"If-None-Match": shown.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_from_the_page_the_field_and_the_card_come_back(as_owner, cast, program):
    answer = send(as_owner, to(cast, "branding/hero"), drawn((800, 400)), **{"HX-Request": "true"})
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert 'id="picture-hero"' in answer.text
    assert 'hx-swap-oob="true"' in answer.text
    assert "The picture is on the card." in answer.text
    assert "HX-Trigger" not in answer.headers
    assert answer.text.count(read(cast.merchant).hero_image_url) == 2


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"hello", "no picture we can read"),
        (b"", "Choose a picture first"),
        (moving(), "The picture moves"),
        (drawn((20, 20)), "only 20 by 20 pixels"),
        (b"\0" * (2 * 1024 * 1024 - 10_000), "larger than 2 MB"),
        (b"\0" * (3 * 1024 * 1024), "larger than 2 MB"),
    ],
    ids=["text", "nothing", "moving", "small", "large", "too large to read"],
)
@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}], ids=["page", "piece"])
def test_a_bad_picture_is_told_beside_its_field(as_owner, cast, program, content, sentence, headers):  # noqa: PLR0917 - a table
    answer = send(as_owner, to(cast, "branding/logo"), content, **headers)
    assert answer.status_code == 422
    assert sentence in html.unescape(answer.text)
    assert answer.text.count('aria-invalid="true"') == 1
    assert ("<html" in answer.text) == (not headers)
    saved = read(cast.merchant)
    assert (saved.version, saved.logo_url) == (1, None)


def test_much_too_large_tells_a_stranger_nothing(sign_in, client, cast, program):
    much = b"\0" * (3 * 1024 * 1024)
    assert send(client, to(cast, "branding/logo"), much).location.startswith("/login")
    for person, status in ((cast.staff, 403), (cast.manager, 403), (cast.stranger, 404)):
        assert send(sign_in(person), to(cast, "branding/logo"), much).status_code == status
    answer = send(sign_in(cast.owner), to(cast, "terms"), much)
    assert answer.status_code == 413


def test_a_form_without_a_file_asks_for_one(as_owner, cast, program):
    answer = as_owner.post(to(cast, "branding/logo"), data={"picture": "a text"})
    assert answer.status_code == 422
    assert "Choose a picture first" in answer.text


def test_a_picture_is_taken_off(as_owner, client, cast, program):
    send(as_owner, to(cast, "branding/logo"), drawn())
    address = read(cast.merchant).logo_url
    assert as_owner.post(to(cast, "branding/logo/removal")).status_code == 303
    assert read(cast.merchant).logo_url is None
    assert client.get(address).status_code == 404
    send(as_owner, to(cast, "branding/logo"), drawn())
    answer = as_owner.piece(to(cast, "branding/logo/removal"), method="POST")
    assert "The picture is off the card." in answer.text
    assert "Take it off" not in answer.text


def test_saving_the_colours_leaves_the_pictures(as_owner, cast, program):
    send(as_owner, to(cast, "branding/logo"), drawn())
    as_owner.post(to(cast, "branding"), data={"card_color": "#112233", "logo_url": "/elsewhere"})
    saved = read(cast.merchant)
    assert saved.card_color == "#112233"
    assert saved.logo_url.startswith("/media/")


@pytest.mark.parametrize(
    "name", ["x.png", "a" * 64 + ".png", "A" * 64 + ".png", "a" * 64 + ".svg", "..%2f.png"]
)
def test_no_other_address_shows_anything(client, cast, name):
    assert client.get(f"/media/{cast.merchant.public_ref}/{name}").status_code == 404
    assert client.get(f"/media/nobody/{name}").status_code == 404


def test_the_page_seen_before_is_told_of_a_new_picture(as_owner, cast, program):
    tag = as_owner.get(to(cast, "branding")).headers["ETag"]
    send(as_owner, to(cast, "branding/logo"), drawn(), **{"HX-Request": "true"})
    answer = as_owner.get(to(cast, "branding"), headers={"If-None-Match": tag})
    assert answer.status_code == 200
    assert json.dumps(read(cast.merchant).logo_url)[1:-1] in answer.text
