"""Keys, density, the way back to a list, paper, and the thumb, in a real browser."""

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from portal.models.actor import OPERATOR
from portal.services import products, programs, stores
from tests.browser.conftest import PHONE, faults, sign_in

pytestmark = pytest.mark.browser
TABLET, DESKTOP = {"width": 1024, "height": 768}, {"width": 1440, "height": 900}
FINGER = 44


@pytest.fixture
def gare(shop, within_shop):
    def make():
        store = stores.open_store(shop.merchant, name="Gare", store_code="gare", city="Esch", by=OPERATOR)
        stores.open_store(shop.merchant, name="Belval", store_code="belval", by=OPERATOR)
        for n in range(60):
            products.add_product(store, name=f"Tea {n:02}", category="Tea", price_cents=250, by=OPERATOR)
        products.add_product(store, name="Mug", category="Gifts", price_cents=1200, by=OPERATOR)
        return store

    return within_shop(make)


@pytest.fixture
def listed(signed_in, shop, gare):
    signed_in.goto(shop.at("products/"))
    signed_in.wait_for_load_state("networkidle")
    return signed_in


def row_height(page):
    return page.locator("#list tbody tr").first.bounding_box()["height"]


def is_dense(page):
    return page.evaluate("() => document.documentElement.dataset.density === 'dense'")


def test_the_help_shows_every_key(listed):
    listed.keyboard.press("?")
    dialog = listed.get_by_role("dialog", name="Keyboard")
    for words in (
        "Search and commands",
        "Search this list",
        "Dense or comfortable lists",
        "Dashboard",
        "Trash",
    ):
        expect(dialog.get_by_text(words, exact=True)).to_be_visible()
    letters = dialog.locator(".keys").last.locator("dt").all_inner_texts()
    assert len(set(letters)) == len(letters) >= 4
    listed.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_the_help_leaves_out_what_does_nothing_here(listed, shop):
    for address, is_there in (("products/", True), ("settings/", False)):
        listed.goto(shop.at(address))
        listed.keyboard.press("?")  # no field took the focus
        dialog = listed.get_by_role("dialog", name="Keyboard")
        expect(dialog.get_by_text("Show this help")).to_be_visible()
        for words in ("Search this list", "Add something new"):
            expect(dialog.get_by_text(words)).to_be_visible(visible=is_there)


def test_the_title_says_whose_portal_it_is(listed, shop):
    expect(listed).to_have_title("Products \N{EN DASH} Café Lumière")
    listed.locator("#q").fill("mug")
    expect(listed.locator("#list tbody tr")).to_have_count(1)
    expect(listed).to_have_title("Products \N{EN DASH} Café Lumière")
    listed.goto(f"{shop.url}/account/")
    expect(listed).to_have_title("Your profile \N{EN DASH} Carnet")


def test_a_program_on_paper_has_no_bar_to_save(listed, shop, within_shop):
    within_shop(
        lambda: programs.create_program(
            shop.merchant,
            by=OPERATOR,
            now=datetime.now(UTC),
            loyalty_type="hybrid",
            card_name="Carte Lumière",
        )
    )
    listed.goto(shop.at("program/earning"))
    expect(listed.locator(".tab-save")).to_be_visible()
    listed.emulate_media(media="print")
    expect(listed.locator(".tab-save")).to_be_hidden()


def test_every_letter_leads_where_the_help_says(listed):
    places = listed.locator(".cover-side [data-letter]")
    for n in range(places.count()):
        place = places.nth(n)
        letter, address = place.get_attribute("data-letter"), place.get_attribute("href")
        listed.keyboard.press("g")
        listed.keyboard.press(letter)
        listed.wait_for_url(re.compile(re.escape(address) + "$"))


def test_no_key_does_anything_while_people_type(listed, shop):
    listed.locator("#q").focus()
    listed.keyboard.type("?dgt/n")
    expect(listed.locator("#q")).to_have_value("?dgt/n")
    assert not is_dense(listed)
    expect(listed.locator("dialog[open]")).to_have_count(0)
    assert listed.url.startswith(shop.at("products/"))


def test_lists_become_dense_with_a_key_and_stay_so(listed, shop):
    comfortable = row_height(listed)
    listed.keyboard.press("d")
    assert is_dense(listed)
    dense = row_height(listed)
    assert dense < comfortable * 0.7
    listed.goto(shop.at("stores/"))
    assert is_dense(listed)
    assert row_height(listed) == dense
    listed.locator(".finder").get_by_role("button", name="Comfortable lists").click()
    assert not is_dense(listed)
    listed.reload()
    assert not is_dense(listed)


def test_dense_lists_do_not_jump_when_the_page_is_drawn(listed):
    listed.keyboard.press("d")
    listed.route(re.compile(r"/js/(?!early)"), lambda route: route.abort())
    listed.reload()
    assert is_dense(listed)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, TABLET, DESKTOP], ids=["phone", "tablet", "desktop"])
def test_dense_lists_and_the_help_have_no_fault(listed, shop, scheme, size):
    listed.emulate_media(color_scheme=scheme)
    listed.set_viewport_size(size)
    listed.keyboard.press("d")
    for address in ("products/", "stores/", "team/", "trash/"):
        listed.goto(shop.at(address))
        assert faults(listed) == [], address
    listed.keyboard.press("?")
    assert faults(listed) == []


def test_filter_order_and_page_stay_by_reload_and_back(listed):
    listed.get_by_label("Category").select_option("Tea")
    expect(listed).to_have_url(re.compile("category=Tea"))
    listed.get_by_role("link", name="Name").click()
    expect(listed).to_have_url(re.compile("direction=desc"))
    listed.get_by_role("link", name="Next").click()
    expect(listed).to_have_url(re.compile("after="))
    second_page, first = listed.url, listed.locator("#list .name").first.inner_text()
    listed.reload()
    expect(listed.locator("#list .name").first).to_have_text(first)
    expect(listed.get_by_label("Category")).to_have_value("Tea")
    listed.locator("#list .name").first.click()
    expect(listed.get_by_role("heading", level=1)).to_have_text(first)
    listed.go_back()
    expect(listed).to_have_url(second_page)
    expect(listed.locator("#list .name").first).to_have_text(first)
    listed.go_back()
    expect(listed).not_to_have_url(re.compile("after="))
    expect(listed.locator("#list .name").first).to_have_text("Tea 59")


def test_back_takes_a_filter_away_and_stays_on_the_list(listed, shop):
    whole = listed.locator("#list").get_attribute("data-count")
    for label, choice in (("Store", "Gare"), ("Category", "Gifts")):
        listed.get_by_label(label, exact=True).select_option(choice)
        expect(listed).to_have_url(re.compile(label.lower() + "="))
    expect(listed.locator("#list tbody tr")).to_have_count(1)
    listed.locator("#q").fill("mu")
    expect(listed).to_have_url(re.compile("q=mu"))
    listed.go_back()
    expect(listed).not_to_have_url(re.compile("category="))
    expect(listed.get_by_label("Category")).to_have_value("")
    expect(listed.get_by_label("Store", exact=True)).not_to_have_value("")
    listed.go_back()
    expect(listed).to_have_url(shop.at("products/"))
    expect(listed.get_by_label("Store", exact=True)).to_have_value("")
    expect(listed.locator("#q")).to_have_value("")
    expect(listed.locator("#list")).to_have_attribute("data-count", whole)
    listed.go_forward()
    expect(listed.get_by_label("Store", exact=True)).not_to_have_value("")


def test_escape_empties_the_search_and_then_leaves_it(listed):
    field = listed.locator("#q")
    field.fill("mug")
    expect(listed.locator("#list tbody tr")).to_have_count(1)
    listed.keyboard.press("Escape")
    expect(field).to_have_value("")
    expect(field).to_be_focused()
    expect(listed.locator("#list tbody tr")).not_to_have_count(1)
    listed.keyboard.press("Escape")
    expect(field).not_to_be_focused()
    listed.keyboard.press("d")
    assert is_dense(listed)


def test_the_crumb_leads_back_to_the_list_as_it_was_and_the_navigation_to_all_of_it(listed, shop):
    listed.locator("#q").fill("mug")
    expect(listed).to_have_url(re.compile("q=mug"))
    listed.get_by_role("link", name="Mug", exact=True).click()
    listed.locator(".crumbs").get_by_role("link", name="Products").click()
    listed.wait_for_url(shop.at("products/?q=mug"))
    expect(listed.locator("#q")).to_have_value("mug")
    listed.locator(".cover-side").get_by_role("link", name="Products").click()
    listed.wait_for_url(shop.at("products/"))
    expect(listed.locator("#q")).to_have_value("")


def test_filters_work_and_stay_without_javascript(browser, shop, gare):
    page = browser.new_context(java_script_enabled=False).new_page()
    sign_in(page, shop, "olga")
    page.goto(shop.at("products/"))
    page.get_by_label("Category").select_option("Gifts")
    page.get_by_role("button", name="Apply").click()
    expect(page).to_have_url(re.compile("category=Gifts"))
    page.get_by_role("link", name="Mug", exact=True).click()
    page.go_back()
    expect(page.get_by_label("Category")).to_have_value("Gifts")
    expect(page.locator("#list tbody tr")).to_have_count(1)
    page.context.close()


def test_on_paper_a_list_is_a_plain_table(listed):
    listed.emulate_media(media="print", color_scheme="dark")
    for gone in (
        ".cover-side",
        ".finder",
        ".page-does",
        ".pager nav",
        "#list .pick >> nth=0",
        "#list .does >> nth=0",
    ):
        expect(listed.locator(gone)).to_be_hidden()
    head = listed.locator("#list thead")
    expect(head).to_have_css("display", "table-header-group")
    expect(listed.locator("body")).to_have_css("background-color", "rgb(255, 255, 255)")
    expect(listed.locator("#list tbody td").nth(1)).to_have_css("color", "rgb(0, 0, 0)")
    listed.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    expect(listed.locator("[data-print-address]")).to_have_text(listed.url)
    expect(listed.locator("[data-print-moment]")).to_have_text(
        re.compile(r"^\d+ [A-Z][a-z]{2} \d{4}, \d\d:\d\d$")
    )
    expect(listed.locator(".print-foot")).to_be_visible()
    assert listed.pdf().startswith(b"%PDF")


def test_paper_tells_the_time_of_the_business_not_of_the_browser(browser, shop, gare):
    context = browser.new_context(timezone_id="Asia/Tokyo", locale="en-US")
    page = sign_in(context.new_page(), shop, "olga")
    page.clock.set_fixed_time("2026-01-31T22:05:00Z")
    page.goto(shop.at("products/"))
    page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    expect(page.locator("[data-print-moment]")).to_have_text("31 Jan 2026, 23:05")
    context.close()


def test_on_paper_a_phone_prints_the_same_table(listed):
    listed.set_viewport_size(PHONE)
    listed.emulate_media(media="print")
    expect(listed.locator("#list tbody tr").first).to_have_css("display", "table-row")
    expect(listed.locator("#list tbody td").nth(2)).to_have_css("display", "table-cell")


SMALL = """() => [...document.querySelectorAll('.btn, .form-control, .form-select, summary, .menu-body a,'
  + '.cover-item, .nav-main a, .pick-area, .sort, .list-table .name, .palette-line, .btn-close, .crumbs a')]
  .filter((each) => each.checkVisibility({ visibilityProperty: true }) && !each.closest('[inert]'))
  .filter((each) => !document.querySelector('dialog[open]') || each.closest('dialog[open]'))
  .map((each) => [each, each.getBoundingClientRect()])
  .filter(([each, box]) => box.width > 2 && (box.height < 43.5 || box.width < 43.5))
  .map(([each, box]) => `${each.outerHTML.slice(0, 80)} ${box.width}x${box.height}`)"""


@pytest.fixture
def in_hand(browser, shop, gare):
    """A phone: small, and touched."""
    context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True)
    yield sign_in(context.new_page(), shop, "olga")
    context.close()


def is_easy(page):
    """Whether a thumb hits everything that is shown, and nothing is wider than the screen."""
    assert page.evaluate(SMALL) == []
    assert not page.evaluate("() => document.documentElement.scrollWidth > innerWidth")
    return True


def test_a_thumb_hits_everything_from_the_list_to_the_trash_and_back(in_hand, shop):
    page = in_hand
    page.goto(shop.at("products/?q=mug"))
    assert is_easy(page)
    new = page.get_by_role("link", name="New product").bounding_box()
    assert new["y"] > PHONE["height"] * 0.75, "where the thumb is"
    page.get_by_label("More for Mug").tap()
    assert is_easy(page)
    page.get_by_role("link", name="Edit here").tap()
    expect(page.locator("tr.editing")).to_be_visible()
    assert is_easy(page)
    page.locator("tr.editing").get_by_role("link", name="Cancel").tap()
    expect(page.locator("tr.editing")).to_have_count(0)
    page.get_by_label("More for Mug").tap()
    page.get_by_role("link", name="Delete…").tap()
    dialog = page.get_by_role("dialog", name=re.compile("Delete"))
    expect(dialog).to_be_visible()
    assert is_easy(page)
    dialog.get_by_role("button", name="Move to trash").tap()
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="Undo").tap()
    expect(page.get_by_text("Restored product Mug")).to_be_visible()


@pytest.mark.parametrize("address", ["", "stores/", "stores/new", "team/", "trash/", "palette?q=tea"])
def test_a_thumb_hits_everything_on(in_hand, shop, address):
    in_hand.goto(shop.at(address))
    assert is_easy(in_hand)
    in_hand.get_by_text("Menu", exact=True).tap()
    assert is_easy(in_hand)


def test_a_dialog_fits_above_the_keyboard_of_the_screen(in_hand, shop):
    page = in_hand
    page.goto(shop.at("stores/"))
    page.get_by_role("link", name="New store").tap()
    dialog = page.get_by_role("dialog", name="New store")
    expect(dialog).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 400})  # what a keyboard leaves
    page.wait_for_timeout(250)
    box = dialog.bounding_box()
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= 401
    expect(dialog.get_by_role("button", name="Open store")).to_be_in_viewport()
    dialog.get_by_label("Reference").focus()
    expect(dialog.get_by_label("Reference")).to_be_in_viewport()


def test_dense_rows_stay_big_enough_under_a_finger(browser, shop, gare):
    context = browser.new_context(viewport=TABLET, has_touch=True, is_mobile=True)
    page = sign_in(context.new_page(), shop, "olga")
    page.goto(shop.at("products/"))
    page.evaluate("() => { document.documentElement.dataset.density = 'dense'; }")
    menu = page.locator("#list summary").first.bounding_box()
    assert min(menu["height"], menu["width"]) >= FINGER
    context.close()
