"""The frame: where one comes back to after signing in, and what it says to scripts."""

from urllib.parse import parse_qs, urlsplit

import pytest
from werkzeug.exceptions import ServiceUnavailable

from portal.web.palette.found import Search
from tests.web.cast import make_cast
from tests.web.conftest import HTMX, path


@pytest.fixture
def cast(app):
    return make_cast()


def led_back_to(answer):
    address = answer.headers.get("HX-Redirect") or answer.headers["Location"]
    return parse_qs(urlsplit(address).query).get("next", [""])[0]


@pytest.mark.parametrize("host", ["http://localhost", "http://evil.example"])
def test_whoever_was_signed_out_is_led_back_to_the_page_that_asked(client, cast, host):
    page = path(cast.merchant, "products/?q=tea&sort=sku")
    expected = page if host == "http://localhost" else ""
    piece = client.get(path(cast.merchant, "palette"), headers=HTMX | {"HX-Current-URL": host + page})
    assert led_back_to(piece) == expected
    form = client.post(path(cast.merchant, "stores/"), headers={"Referer": host + page})
    assert led_back_to(form) == expected
    short = path(cast.merchant, "stores/")
    again = client.post(short, headers={"Referer": "http://localhost" + short})
    assert led_back_to(again) == short


def test_a_page_leads_back_to_itself(client, cast):
    page = path(cast.merchant, "products/?q=tea")
    assert led_back_to(client.get(page, headers={"Referer": "http://localhost/elsewhere"})) == page


def test_the_navigation_says_where_one_is_and_by_which_letter_one_comes(sign_in, cast):
    text = sign_in(cast.owner).get(path(cast.merchant, "stores/")).text
    side = text.partition('class="cover cover-side"')[2].partition("</nav>")[0]
    assert 'data-letter="s"' in side
    assert side.count('aria-current="page"') == 1


def test_words_for_scripts_stand_in_the_page(sign_in, cast):
    text = sign_in(cast.owner).get(path(cast.merchant, "products/")).text
    for name in (
        "ask-close",
        "ask-leave",
        "failed",
        "busy",
        "offline",
        "unreached",
        "lost",
        "copied",
        "uncopied",
    ):
        assert f'data-{name}="' in text


def test_a_busy_moment_offers_the_same_page_again(sign_in, cast, monkeypatch):
    def busy():
        raise ServiceUnavailable

    browser = sign_in(cast.owner)
    monkeypatch.setattr(Search, "asked", busy)
    address = path(cast.merchant, "palette?q=tea")
    answer = browser.get(address)
    assert answer.status_code == 503
    assert f'href="{address}">Try again<' in answer.text
    piece = browser.piece(address)
    assert piece.status_code == 503
    assert "data-toast" in piece.text


def test_what_is_missing_or_not_allowed_inside_keeps_the_navigation(sign_in, cast, statements):
    browser = sign_in(cast.staff)
    for parts, status, sentence in (
        (("trash/",), 403, "This is not yours to open"),
        (("stores", 999_999), 404, "There is nothing here"),
    ):
        with statements() as sent:
            answer = browser.get(path(cast.merchant, *parts))
        assert answer.status_code == status
        assert sentence in answer.text
        assert 'class="nav-main"' in answer.text
        assert f'href="{path(cast.merchant, "products/")}"' in answer.text
        assert "Trash</a>" not in answer.text, "no more than the role may see"
        assert f"Error {status}" in answer.text
    with statements() as known:
        browser.get(path(cast.merchant, "palette"))
    assert len(sent) <= len(known) + 1, "the answer itself asks nothing"


def test_a_stranger_and_an_unknown_address_get_the_plain_card(sign_in, cast):
    browser = sign_in(cast.stranger)
    for address in (path(cast.merchant, "stores/"), path(cast.merchant, "nowhere"), "/nowhere"):
        answer = browser.get(address)
        assert answer.status_code == 404
        assert "nav-main" not in answer.text
        assert cast.merchant.name not in answer.text
