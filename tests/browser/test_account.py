"""One's own account in a real browser: the name, the login, and signing out from afar."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PASSWORD, PHONE, faults, sign_in

pytestmark = pytest.mark.browser
SIZES = [PHONE, {"width": 1024, "height": 768}, {"width": 1440, "height": 900}]


def test_the_menu_leads_to_ones_account_and_back(signed_in, shop):
    page = signed_in
    page.goto(shop.at("stores/"))
    page.locator("summary", has_text="Olga Owner").click()
    page.get_by_role("link", name="Profile and password").click()
    page.wait_for_url(re.compile("/account/"))
    page.get_by_role("link", name="Sign-ins").click()
    page.get_by_role("link", name="Back to Café Lumière").click()
    page.wait_for_url(re.compile("/m/lumiere/$"))


def test_a_name_is_changed_by_keyboard_alone(signed_in, shop):
    page = signed_in
    page.goto(f"{shop.url}/account/?from=lumiere")
    page.get_by_label("Your name").focus()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("Olga Weber")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Saved.")).to_be_visible()
    page.get_by_role("link", name="Back to Café Lumière").click()
    expect(page.locator("summary", has_text="Olga Weber")).to_be_visible()


def test_a_new_login_asks_for_the_password(signed_in, shop):
    page = signed_in
    page.goto(f"{shop.url}/account/")
    page.get_by_label("Username").fill("weber")
    page.get_by_role("button", name="Save").click()
    password = page.get_by_label("Current password")
    expect(password).to_be_focused()
    expect(page.get_by_text("type your current password")).to_be_visible()
    expect(page.get_by_label("Username")).to_have_value("weber")
    assert faults(page) == []
    password.fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Saved.")).to_be_visible()
    page.goto(f"{shop.url}/choose")
    page.get_by_role("button", name="Sign out").click()
    sign_in(page, shop, "weber")


def test_signing_out_everywhere_puts_out_two_browsers(signed_in, shop, browser):
    page, elsewhere = signed_in, browser.new_context()
    phone = sign_in(elsewhere.new_page(), shop, "olga")
    page.goto(f"{shop.url}/account/sessions")
    expect(page.get_by_text("Chrome on Linux")).to_have_count(2)
    expect(page.get_by_text("This one")).to_have_count(1)
    page.get_by_role("button", name="Sign out everywhere", exact=True).click()
    page.wait_for_url(re.compile("/login"))
    for each in (page, phone):
        each.goto(shop.at("stores/"))
        expect(each.get_by_role("heading", name="Sign in")).to_be_visible()
    elsewhere.close()


def test_one_other_browser_is_signed_out(signed_in, shop, browser):
    page, elsewhere = signed_in, browser.new_context()
    phone = sign_in(elsewhere.new_page(), shop, "olga")
    page.goto(f"{shop.url}/account/sessions")
    page.get_by_role("listitem").filter(has_not_text="This one").get_by_role("button").click()
    expect(page.get_by_text("Signed out: Chrome on Linux.")).to_be_visible()
    expect(page.get_by_role("listitem")).to_have_count(1)
    phone.goto(shop.at("stores/"))
    expect(phone.get_by_role("heading", name="Sign in")).to_be_visible()
    elsewhere.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES, ids=["phone", "tablet", "desktop"])
def test_no_screen_of_the_account_has_a_fault(signed_in, shop, scheme, size):
    page = signed_in
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size(size)
    for address in ("/account/", "/account/sessions", "/password", "/choose/trash/"):
        page.goto(shop.url + address)
        assert faults(page) == [], address
    page.goto(f"{shop.url}/account/")
    page.get_by_label("Your name").fill("")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Type your name.")).to_be_visible()
    assert faults(page) == []
