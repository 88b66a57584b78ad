"""The poster of a store in a real browser, on the screen and on paper."""

import re

import pytest
from playwright.sync_api import expect

from portal.models.actor import OPERATOR
from portal.services import stores
from tests.browser.conftest import PHONE, faults, sign_in

pytestmark = pytest.mark.browser
SIZES = [PHONE, {"width": 1024, "height": 768}, {"width": 1440, "height": 900}]
A4_POINTS = (595, 842)
BLACK, WHITE = "rgb(0, 0, 0)", "rgb(255, 255, 255)"


@pytest.fixture
def gare(shop, within_shop):
    return within_shop(lambda: stores.open_store(shop.merchant, name="Gare", store_code="gare", by=OPERATOR))


@pytest.fixture
def poster(signed_in, shop, gare):
    signed_in.goto(shop.at("stores", gare.id))
    signed_in.get_by_role("link", name="Poster").click()
    signed_in.wait_for_url(shop.at("stores", gare.id, "poster"))
    return signed_in


def test_it_is_reached_from_the_store_and_printed_by_a_button(poster):
    poster.evaluate("() => { window.print = () => { document.title = 'printing'; }; }")
    poster.get_by_role("button", name="Print").click()
    expect(poster).to_have_title("printing")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_code_is_black_on_white_in_every_light(poster, scheme):
    poster.emulate_media(color_scheme=scheme)
    expect(poster.locator(".poster-sheet")).to_have_css("background-color", WHITE)
    expect(poster.locator(".poster-sheet")).to_have_css("color", BLACK)
    expect(poster.locator(".poster-code path").first).to_have_css("fill", WHITE)
    expect(poster.locator(".poster-code path").last).to_have_css("stroke", BLACK)
    code, sheet = (poster.locator(each).bounding_box() for each in (".poster-code", ".poster-sheet"))
    assert code["width"] > sheet["width"] * 0.6


def test_the_paper_is_chosen_by_a_link(poster):
    poster.get_by_role("link", name="A6").click()
    expect(poster.locator(".poster-a6")).to_be_visible()
    expect(poster.get_by_role("link", name="A6")).to_have_attribute("aria-current", "true")


def test_on_paper_there_is_the_poster_and_nothing_else(poster):
    poster.emulate_media(media="print")
    for gone in (".cover-side", ".page-top", ".papers", ".note >> nth=0", ".print-foot"):
        expect(poster.locator(gone)).to_be_hidden()
    expect(poster.locator(".poster-code svg")).to_be_visible()
    paper = poster.pdf(prefer_css_page_size=True)
    assert paper.count(b"/Type /Page\n") == 1
    width, height = re.search(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", paper).groups()
    assert (round(float(width)), round(float(height))) == A4_POINTS


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES, ids=["phone", "tablet", "desktop"])
def test_the_poster_has_no_fault(poster, scheme, size):
    poster.emulate_media(color_scheme=scheme)
    poster.set_viewport_size(size)
    assert faults(poster) == []


def test_without_javascript_it_says_how_to_print(browser, shop, gare):
    page = browser.new_context(java_script_enabled=False).new_page()
    sign_in(page, shop, "olga")
    page.goto(shop.at("stores", gare.id, "poster"))
    expect(page.get_by_text("Print this page with your browser.")).to_be_visible()
    expect(page.get_by_role("button", name="Print")).to_be_hidden()
    page.context.close()
