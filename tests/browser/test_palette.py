"""The palette in a real browser."""

import re

import pytest
from playwright.sync_api import expect

from portal.models.actor import OPERATOR
from portal.services import accounts, products, stores, team
from tests.browser.conftest import PASSWORD, PHONE, faults, sign_in

pytestmark = pytest.mark.browser
SIZES = [PHONE, {"width": 1024, "height": 768}, {"width": 1440, "height": 900}]


@pytest.fixture
def gare(shop, within_shop):
    def make():
        store = stores.open_store(shop.merchant, name="Gare", store_code="gare", city="Esch", by=OPERATOR)
        for name in ("Croissant", "Crème brûlée", "Espresso"):
            products.add_product(store, name=name, price_cents=250, by=OPERATOR)
        sam = accounts.create_user(display_name="Sam Staff", username="sam", password=PASSWORD, by=OPERATOR)
        team.add_member(store, sam, role="staff", by=OPERATOR)
        return store

    return within_shop(make)


@pytest.fixture
def at_home(signed_in, shop, gare):
    signed_in.goto(shop.at("stores/"))
    return signed_in


def palette(page):
    return page.locator("#palette")


def shown(page):
    return palette(page).get_by_role("option")


def chosen(page):
    return palette(page).locator("[aria-selected=true]")


def opened(page):
    page.keyboard.press("Control+k")
    expect(page.locator("#palette-q")).to_be_focused()
    return page


def test_what_the_page_offers_is_begun_from_the_palette(at_home, shop, gare):
    page = at_home
    page.goto(shop.at("stores", gare.id))
    opened(page)
    page.keyboard.type("delet")
    here = palette(page).get_by_role("group", name="On this page")
    expect(here.get_by_role("option")).to_have_text("Delete…")
    assert faults(page) == []
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Delete")).to_be_visible()
    expect(palette(page)).to_be_hidden()
    page.keyboard.press("Escape")
    page.goto(shop.at("stores/"))
    opened(page)
    page.keyboard.type("new store")
    expect(palette(page).get_by_role("option", name="New store…")).to_have_count(1)


def test_a_product_is_opened_with_the_keyboard_alone(at_home):
    page = opened(at_home)
    page.keyboard.type("creme")
    expect(chosen(page)).to_contain_text("Crème brûlée")
    expect(page.locator("#palette-said")).to_have_text("1 result")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Crème brûlée")).to_be_visible()


def test_arrows_go_round_and_are_told(at_home):
    page = opened(at_home)
    first, last = shown(page).first, shown(page).last
    expect(first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowUp")
    expect(last).to_have_attribute("aria-selected", "true")
    expect(page.locator("#palette-q")).to_have_attribute("aria-activedescendant", last.get_attribute("id"))
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(shown(page).nth(1)).to_have_attribute("aria-selected", "true")
    expect(chosen(page)).to_have_count(1)


def test_places_are_there_at_once_and_lead_on(at_home, shop):
    page = opened(at_home)
    page.keyboard.type("tea")
    expect(chosen(page)).to_contain_text("Team")
    page.keyboard.press("Enter")
    page.wait_for_url(shop.at("team/"))


def test_a_command_opens_its_dialog(at_home):
    page = opened(at_home)
    page.keyboard.type("new product")
    page.keyboard.press("Enter")
    expect(palette(page)).to_be_hidden()
    expect(page.get_by_role("dialog", name="New product").get_by_label("Name")).to_be_focused()


def test_escape_and_a_second_ctrl_k_close_it_and_leave_the_focus(at_home):
    link = at_home.get_by_role("link", name="New store")
    link.focus()
    for way in ("Escape", "Control+k"):
        opened(at_home).keyboard.press(way)
        expect(palette(at_home)).to_be_hidden()
        expect(link).to_be_focused()


def test_it_opens_with_caps_lock_on(at_home):
    at_home.keyboard.press("Control+K")
    expect(at_home.locator("#palette-q")).to_be_focused()


def test_it_stays_shut_where_people_type_and_over_a_dialog(at_home):
    page = at_home
    page.locator("#q").focus()
    page.keyboard.press("Control+k")
    expect(palette(page)).to_be_hidden()
    page.locator("#q").blur()
    page.keyboard.press("n")
    dialog = page.get_by_role("dialog", name="New store")
    dialog.get_by_role("link", name="Close").focus()
    page.keyboard.press("Control+k")
    expect(palette(page)).to_be_hidden()


def test_nothing_found_says_so(at_home):
    page = opened(at_home)
    page.keyboard.type("zzzz")
    expect(page.locator("#palette-said")).to_have_text("Nothing found. Try another word.")
    expect(shown(page)).to_have_count(0)


def test_an_answer_that_comes_too_late_is_not_shown(at_home):
    page = at_home
    held = []
    page.route(re.compile(r"/palette\?q=croiss"), lambda route: held.append(route))  # noqa: PLW0108
    opened(page).keyboard.type("croiss")
    expect(page.get_by_text("Searching…")).to_be_visible()
    page.wait_for_timeout(400)
    assert held
    page.locator("#palette-q").fill("espr")
    expect(chosen(page)).to_contain_text("Espresso")
    held[0].continue_()
    page.wait_for_timeout(400)
    expect(shown(page)).to_have_count(1)
    expect(palette(page).get_by_text("Croissant")).to_be_hidden()


def test_what_was_found_narrows_while_the_server_looks(at_home):
    page = opened(at_home)
    page.keyboard.type("cr")
    expect(palette(page).get_by_text("Croissant")).to_be_visible()
    page.route(re.compile(r"/palette\?q=croi"), lambda _: None)
    page.keyboard.type("oi")
    expect(palette(page).get_by_text("Crème brûlée")).to_be_hidden()
    expect(chosen(page)).to_contain_text("Croissant")


def test_enter_before_any_answer_leads_to_the_page_of_the_search(at_home, shop):
    page = at_home
    page.route(re.compile(r"/palette\?q=espr"), lambda route: None if htmx(route) else route.continue_())
    opened(page).keyboard.type("espr")
    page.keyboard.press("Enter")
    page.wait_for_url(shop.at("palette?q=espr"))
    expect(page.locator("main").get_by_role("link", name=re.compile("Espresso"))).to_be_visible()


def htmx(route):
    return "hx-request" in route.request.headers


def test_it_signs_out_and_turns_the_lights(at_home):
    page = opened(at_home)
    page.keyboard.type("light")
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    opened(page).keyboard.type("keyboard")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    page.keyboard.press("Escape")
    opened(page).keyboard.type("sign out")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/login"))


def test_signing_out_is_found_by_its_other_names(at_home):
    page = opened(at_home)
    page.keyboard.type("log out")
    expect(chosen(page)).to_contain_text("Sign out")


def test_staff_are_offered_less(page, shop, gare):
    sign_in(page, shop, "sam")
    page.goto(shop.at("products/"))
    opened(page)
    expect(palette(page).get_by_text("New product")).to_have_count(0)
    expect(palette(page).get_by_text("Trash")).to_have_count(0)
    page.keyboard.type("gare")
    expect(chosen(page)).to_contain_text("Gare")


def test_a_finger_opens_it_and_closes_it(at_home):
    page = at_home
    page.set_viewport_size(PHONE)
    page.locator(".cover-top").get_by_role("link", name="Search").click()
    expect(page.locator("#palette-q")).to_be_focused()
    # Not the box on screen: while the dialog still rises, that says 43.99997.
    assert all(each.evaluate("line => line.offsetHeight") >= 44 for each in shown(page).all())
    palette(page).get_by_role("button", name="Close").click()
    expect(palette(page)).to_be_hidden()


def test_without_javascript_it_is_a_page(browser, shop, gare):
    page = browser.new_context(java_script_enabled=False).new_page()
    sign_in(page, shop, "olga")
    page.goto(shop.at("stores/"))
    page.get_by_role("link", name="Search…").click()
    page.get_by_role("searchbox").fill("croi")
    page.get_by_role("button", name="Search").click()
    page.locator("main").get_by_role("link", name=re.compile("Croissant")).click()
    expect(page.get_by_role("heading", name="Croissant")).to_be_visible()
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES, ids=["phone", "tablet", "desktop"])
def test_the_palette_and_its_page_have_no_fault(at_home, shop, scheme, size):
    page = at_home
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size(size)
    assert faults(opened(page)) == []
    page.keyboard.type("cr")
    expect(palette(page).get_by_text("Croissant")).to_be_visible()
    assert faults(page) == []
    page.keyboard.type("zzz")
    expect(page.locator("#palette-said")).to_contain_text("Nothing found")
    assert faults(page) == []
    for address in ("palette", "palette?q=cr", "palette?q=zzz"):
        page.goto(shop.at(address))
        assert faults(page) == [], address
