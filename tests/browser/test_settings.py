"""Settings in a real browser: the business, its trash, its end, and its way back."""

import re

import pytest
from playwright.sync_api import expect

from portal.models.actor import OPERATOR
from portal.services import accounts, merchants, products, stores
from tests.browser.conftest import PHONE, faults, keep, sign_in

pytestmark = pytest.mark.browser
SIZES = [PHONE, {"width": 1024, "height": 768}, {"width": 1440, "height": 900}]


@pytest.fixture
def gare(shop, within_shop):
    def make():
        store = stores.open_store(shop.merchant, name="Gare", store_code="gare", by=OPERATOR)
        products.add_product(store, name="Espresso", price_cents=300, by=OPERATOR)
        return store

    return within_shop(make)


def delete_business(page, shop, reason="moving away"):
    page.goto(shop.at("settings", "closing"))
    page.get_by_role("link", name="Delete this business…").click()
    dialog = page.get_by_role("dialog", name="Delete the business Café Lumière?")
    dialog.get_by_label("Reason").fill(reason)
    dialog.get_by_label("Type Café Lumière to go on").fill("Café Lumière")
    dialog.get_by_role("button", name="Move to trash").click()
    page.wait_for_url(f"{shop.url}/choose")


def test_a_new_name_and_address_by_keyboard_alone(signed_in, shop):
    page = signed_in
    page.goto(shop.at("settings/"))
    expect(page.get_by_label("Name", exact=True)).not_to_be_focused()  # the keys work until somebody types
    page.get_by_label("Name", exact=True).focus()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("Café Soleil")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Address of the portal")).to_be_focused()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("soleil")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{shop.url}/m/soleil/settings/")
    expect(page.get_by_text("The portal is now at /m/soleil/.")).to_be_visible()
    expect(page.get_by_role("link", name="Café Soleil")).to_be_visible()


def test_a_taken_address_stays_in_the_form_with_what_was_typed(signed_in, shop):
    page, somebody = signed_in, accounts.create_user(display_name="Sam", by=OPERATOR)
    merchants.create_merchant(name="Secret Shop", subdomain="soleil", owner=somebody, by=OPERATOR)
    keep()
    page.goto(shop.at("settings/"))
    page.get_by_label("Name", exact=True).fill("Café Soleil")
    page.get_by_label("Address of the portal").fill("soleil")
    page.get_by_role("button", name="Save").click()
    address = page.get_by_label("Address of the portal")
    expect(address).to_be_focused()
    expect(address).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text("“soleil” is taken. Choose another.")).to_be_visible()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Café Soleil")
    assert faults(page) == []


def test_a_zone_is_found_by_its_city(signed_in, shop):
    page = signed_in
    page.goto(shop.at("settings/"))
    page.get_by_label("Time zone").focus()
    page.keyboard.type("Tok")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.get_by_label("Time zone")).to_have_value("Asia/Tokyo")


def test_what_the_days_mean_is_said_while_they_are_typed(signed_in, shop):
    page = signed_in
    page.goto(shop.at("settings", "trash"))
    days, meaning = page.get_by_label("Keep deleted things for"), page.locator("#meaning")
    expect(meaning).to_contain_text("for 30 days")
    days.fill("1")
    expect(meaning).to_contain_text("for 1 day,")
    days.fill("0")
    expect(meaning).to_contain_text("kept for ever")
    days.fill("9999")
    expect(meaning).to_contain_text("Write a whole number of days")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Write a whole number of days from 0 to 3,650.")).to_be_visible()
    expect(days).to_be_focused()
    assert faults(page) == []
    days.fill("90")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(meaning).to_contain_text("for 90 days")


def test_a_business_is_deleted_by_keyboard_and_comes_back_by_undo(signed_in, shop, gare):
    page = signed_in
    page.goto(shop.at("settings", "closing"))
    page.get_by_role("link", name="Delete this business…").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Delete the business Café Lumière?")
    expect(dialog.get_by_text("1 store")).to_be_visible()
    expect(dialog.get_by_label("Type Café Lumière to go on")).to_be_focused()
    page.keyboard.type("Lumière")
    page.keyboard.press("Enter")
    expect(dialog.get_by_text("This is not the name.")).to_be_visible()
    expect(dialog.get_by_label("Type Café Lumière to go on")).to_be_focused()
    page.keyboard.type("café lumiere")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{shop.url}/choose")
    expect(page.get_by_text("Deleted the business Café Lumière.")).to_be_visible()
    page.get_by_role("button", name="Undo").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/m/lumiere/$"))
    expect(page.get_by_text("Restored merchant Café Lumière.")).to_be_visible()


def test_a_deleted_business_is_found_at_the_chooser_and_brought_back(signed_in, shop, gare):
    page = signed_in
    delete_business(page, shop)
    page.get_by_role("button", name="Sign out").click()
    sign_in(page, shop, "olga")
    expect(page.get_by_role("heading", name="Nothing open just now")).to_be_visible()
    page.get_by_role("link", name="Café Lumière").click()
    expect(page.get_by_text("moving away")).to_be_visible()
    expect(page.get_by_text("1 product", exact=True)).to_be_visible()
    page.get_by_role("button", name="Restore the business").click()
    page.wait_for_url(re.compile("/m/lumiere/$"))


def test_an_address_taken_meanwhile_is_asked_for_anew(signed_in, shop, gare):
    page = signed_in
    delete_business(page, shop)
    somebody = accounts.create_user(display_name="Sam", by=OPERATOR)
    merchants.create_merchant(name="Secret Shop", subdomain="lumiere", owner=somebody, by=OPERATOR)
    keep()
    page.get_by_role("link", name="Café Lumière").click()
    field = page.get_by_label("New subdomain")
    expect(field).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("“lumiere” is taken too.")).to_be_visible()
    assert faults(page) == []
    page.get_by_label("New subdomain").fill("lumiere-2")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/m/lumiere-2/$"))


def test_a_business_is_purged_once_its_name_is_typed(signed_in, shop, gare):
    page = signed_in
    delete_business(page, shop)
    page.get_by_role("link", name="Businesses in the trash").click()
    page.get_by_role("link", name="Café Lumière").click()
    page.get_by_role("button", name="Hold").click()
    expect(page.get_by_role("button", name="Lift the hold")).to_be_visible()
    page.get_by_role("button", name="Lift the hold").click()
    page.get_by_role("link", name="Purge now…").click()
    page.get_by_label("Type Café Lumière to go on").fill("Café Lumière")
    page.get_by_role("button", name="Purge for good").click()
    expect(page.get_by_text("Purged merchant Café Lumière for good.")).to_be_visible()
    expect(page.get_by_text("There is none.")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES, ids=["phone", "tablet", "desktop"])
def test_no_screen_of_settings_has_a_fault(signed_in, shop, gare, scheme, size):
    page = signed_in
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size(size)
    for address in ("settings/", "settings/trash", "settings/closing", "settings/deletion"):
        page.goto(shop.at(address))
        assert faults(page) == [], address
    delete_business(page, shop)
    assert faults(page) == []
    page.get_by_role("link", name="Businesses in the trash").click()
    assert faults(page) == []
    page.get_by_role("link", name="Café Lumière").click()
    assert faults(page) == []
    page.get_by_role("link", name="Purge now…").click()
    page.get_by_role("button", name="Purge for good").click()
    expect(page.get_by_text("This is not the name.")).to_be_visible()
    assert faults(page) == []
