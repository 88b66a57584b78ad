"""Stores in a real browser."""

import re

import pytest
from playwright.sync_api import expect

from portal.models.actor import OPERATOR
from portal.services import accounts, products, stores, team
from tests.browser.conftest import PHONE, faults

pytestmark = pytest.mark.browser


@pytest.fixture
def gare(shop, within_shop):
    def make():
        store = stores.open_store(shop.merchant, name="Gare", store_code="gare", city="Esch", by=OPERATOR)
        for name in ("Espresso", "Latte", "Mocha"):
            products.add_product(store, name=name, price_cents=300, by=OPERATOR)
        mia = accounts.create_user(display_name="Mia Manager", by=OPERATOR)
        team.add_member(store, mia, role="manager", by=OPERATOR)
        return store

    return within_shop(make)


def test_a_store_is_opened_from_the_dialog(signed_in, shop):
    page = signed_in
    page.goto(shop.at("stores/"))
    expect(page.get_by_text("No stores yet")).to_be_visible()
    page.keyboard.press("n")
    dialog = page.get_by_role("dialog", name="New store")
    expect(dialog.get_by_label("Name")).to_be_focused()
    dialog.get_by_label("Name").fill("Café Étoile")
    dialog.get_by_label("City").fill("Wiltz")
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(page.get_by_text("Opened Café Étoile.")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("Café Étoile"))).to_contain_text("cafe-etoile")
    expect(page.get_by_role("link", name="New store", exact=True)).to_be_focused()


def test_a_taken_code_stays_in_the_dialog_with_what_was_typed(signed_in, shop, gare):
    page = signed_in
    page.goto(shop.at("stores/"))
    page.get_by_role("link", name="New store").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Gare")
    dialog.get_by_label("City").fill("Wiltz")
    dialog.get_by_role("button", name="Open store").click()
    code = dialog.get_by_label("Store code")
    expect(code).to_be_focused()
    expect(code).to_have_value("gare")
    expect(code).to_have_attribute("aria-invalid", "true")
    expect(dialog.get_by_text("“gare” is taken by Gare. Choose another.")).to_be_visible()
    expect(dialog.get_by_label("City")).to_have_value("Wiltz")
    code.fill("gare-2")
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(page.locator(".pager").get_by_text("2 stores")).to_be_visible()


def test_a_store_is_deleted_after_a_preview_and_comes_back_by_undo(signed_in, shop, gare):
    page = signed_in
    page.goto(shop.at("stores/"))
    page.get_by_label("More for Gare").click()
    page.get_by_role("link", name="Delete…").click()
    dialog = page.get_by_role("dialog", name="Delete store Gare?")
    expect(dialog.get_by_text("3 products")).to_be_visible()
    expect(dialog.get_by_text("1 team member")).to_be_visible()
    dialog.get_by_label("Reason").fill("closed")
    dialog.get_by_role("button", name="Move to trash").click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_text("No stores yet")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("row", name=re.compile("Gare"))).to_contain_text("3")
    expect(page.get_by_text("Deleted store Gare.")).to_be_hidden()


def test_from_its_page_a_deletion_leads_to_the_list(signed_in, shop, gare):
    page = signed_in
    page.goto(shop.at("stores", gare.id))
    page.get_by_role("link", name="Delete…").click()
    page.get_by_role("button", name="Move to trash").click()
    page.wait_for_url(shop.at("stores/"))
    expect(page.get_by_text("Deleted store Gare.")).to_be_visible()
    page.goto(shop.at("stores", gare.id))
    expect(page.get_by_role("heading", name="The store Gare is in the trash")).to_be_visible()


def test_the_page_of_a_store_shows_what_was_changed_in_the_dialog(signed_in, shop, gare):
    page = signed_in
    page.goto(shop.at("stores", gare.id))
    page.get_by_role("link", name="Edit store").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Gare Sud")
    dialog.get_by_role("button", name="Save store").click()
    expect(page.get_by_role("heading", name="Gare Sud")).to_be_visible()
    expect(page.get_by_text("Saved Gare Sud.")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, {"width": 1440, "height": 900}], ids=["phone", "desktop"])
def test_no_screen_of_stores_has_a_fault(signed_in, shop, gare, scheme, size):
    page = signed_in
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size(size)
    here = shop.at("stores", gare.id)
    for address in (shop.at("stores/"), here, f"{here}/edit", f"{here}/deletion", shop.at("stores/?q=zzz")):
        page.goto(address)
        assert faults(page) == [], address
    page.goto(shop.at("stores/"))
    page.get_by_role("link", name="New store").click()
    page.get_by_role("button", name="Open store").click()
    expect(page.get_by_text("Give the store a name.")).to_be_visible()
    assert faults(page) == []
