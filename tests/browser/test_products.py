"""Products in a real browser."""

import re

import pytest
from playwright.sync_api import expect

from portal.models.actor import OPERATOR
from portal.services import products, stores
from tests.browser.conftest import PHONE, faults

pytestmark = pytest.mark.browser
SALE = (("Croissant", "Bakery", 220), ("Espresso", "Coffee", 250), ("Latte", "Coffee", 390))


@pytest.fixture
def gare(shop, within_shop):
    def make():
        store = stores.open_store(shop.merchant, name="Gare", store_code="gare", by=OPERATOR)
        other = stores.open_store(shop.merchant, name="Belval", store_code="belval", by=OPERATOR)
        for name, category, cents in SALE:
            products.add_product(store, name=name, category=category, price_cents=cents, by=OPERATOR)
        products.add_product(other, name="Mug", category="Gifts", price_cents=1200, by=OPERATOR)
        return store

    return within_shop(make)


@pytest.fixture
def listed(signed_in, shop, gare):
    signed_in.goto(shop.at("products/"))
    return signed_in


def row(page, name):
    return page.get_by_role("row", name=re.compile(name))


def expect_names(page, *names):
    expect(page.locator("tbody .name")).to_have_text(names)


def test_a_bad_price_keeps_what_was_typed_and_the_focus(listed):
    listed.get_by_role("link", name="Edit Espresso").click()
    name, price = listed.get_by_label("Name", exact=True), listed.get_by_label("Price")
    expect(name).to_be_focused()
    name.fill("Ristretto")
    price.fill("2.8.0")
    listed.keyboard.press("Enter")
    expect(listed.get_by_text("Write the amount in figures, like 4.50.")).to_be_visible()
    expect(price).to_be_focused()
    expect(price).to_have_value("2.8.0")
    expect(name).to_have_value("Ristretto")
    price.fill("2,80")
    listed.keyboard.press("Enter")
    expect(row(listed, "Ristretto")).to_contain_text("€2.80")
    expect(listed.get_by_text("Saved Ristretto.")).to_be_visible()
    expect(listed.locator("tr.editing")).to_have_count(0)
    expect(row(listed, "Ristretto").get_by_role("link", name="Ristretto", exact=True)).to_be_focused()


def test_escape_leaves_a_row_as_it_was(listed):
    listed.on("dialog", lambda box: box.accept())  # asked, for something was typed
    listed.get_by_role("link", name="Edit Espresso").click()
    listed.get_by_label("Name", exact=True).fill("Nonsense")
    listed.keyboard.press("Escape")
    expect(row(listed, "Espresso")).to_contain_text("€2.50")
    expect(listed.locator("tr.editing")).to_have_count(0)


def test_the_row_and_the_dialog_share_an_address_and_are_not_mixed_up(listed):
    listed.get_by_role("link", name="Edit Espresso").click()
    expect(listed.locator("tr.editing")).to_have_count(1)
    listed.keyboard.press("Escape")
    expect(listed.locator("tr.editing")).to_have_count(0)
    listed.get_by_label("More for Espresso").click()
    listed.get_by_role("link", name="Edit all fields…").click()
    dialog = listed.get_by_role("dialog", name="Edit Espresso")
    expect(dialog.get_by_label("Barcode")).to_be_visible()
    listed.keyboard.press("Escape")
    listed.get_by_role("link", name="Edit Espresso").click()
    expect(listed.locator("tr.editing")).to_have_count(1)


def test_a_product_is_deleted_and_comes_back_by_undo(listed):
    listed.get_by_label("More for Espresso").click()
    listed.get_by_role("link", name="Delete…").click()
    listed.get_by_role("button", name="Move to trash").click()
    expect(listed.get_by_text("Deleted product Espresso at Gare.")).to_be_visible()
    expect(row(listed, "Espresso")).to_have_count(0)
    listed.get_by_role("button", name="Undo").click()
    expect(row(listed, "Espresso")).to_be_visible()
    expect(listed.get_by_text("Restored product Espresso at Gare.")).to_be_visible()


def test_many_go_at_once_and_come_back_by_one_undo(listed):
    listed.get_by_label("Select this page").check()
    expect(listed.get_by_text("4 selected")).to_be_visible()
    listed.get_by_label("Select Mug").uncheck()
    listed.get_by_role("button", name="Move to trash…").click()
    dialog = listed.get_by_role("dialog", name="Delete 3 products?")
    dialog.get_by_role("button", name="Move to trash").click()
    expect(listed.get_by_text("Deleted 3 products.")).to_be_visible()
    expect_names(listed, "Mug")
    listed.get_by_role("button", name="Undo").click()
    expect(row(listed, "Latte")).to_be_visible()
    expect_names(listed, "Croissant", "Espresso", "Latte", "Mug")


def test_a_filtered_list_survives_reload_and_back(listed, shop):
    listed.keyboard.press("/")
    expect(listed.locator("#q")).to_be_focused()
    listed.keyboard.type("e")
    listed.get_by_label("Category").select_option("Coffee")
    expect(row(listed, "Croissant")).to_have_count(0)
    listed.get_by_role("link", name="Price").click()
    listed.wait_for_url(re.compile("sort=price"))
    listed.get_by_role("link", name="Price").click()
    listed.wait_for_url(re.compile("direction=desc"))
    expect(listed.get_by_role("columnheader", name="Price")).to_have_attribute("aria-sort", "descending")
    expect_names(listed, "Latte", "Espresso")
    listed.reload()
    expect_names(listed, "Latte", "Espresso")
    expect(listed.locator("#q")).to_have_value("e")
    expect(listed.get_by_label("Category")).to_have_value("Coffee")
    listed.get_by_role("link", name="Latte", exact=True).click()
    expect(listed.get_by_role("heading", name="Latte")).to_be_visible()
    listed.go_back()
    expect(row(listed, "Espresso")).to_be_visible()
    expect_names(listed, "Latte", "Espresso")
    listed.go_back()
    listed.wait_for_url(re.compile("direction=asc"))
    expect(listed.get_by_role("columnheader", name="Price")).to_have_attribute("aria-sort", "ascending")
    expect_names(listed, "Espresso", "Latte")


def test_a_product_is_added_with_the_keyboard_alone(listed):
    listed.keyboard.press("n")
    dialog = listed.get_by_role("dialog", name="New product")
    expect(dialog.get_by_label("Name")).to_be_focused()
    listed.keyboard.type("Tea")
    listed.keyboard.press("Tab")
    listed.keyboard.type("1.80")
    listed.keyboard.press("Enter")
    expect(listed.get_by_text("Added Tea.")).to_be_visible()
    expect(row(listed, "Tea")).to_contain_text("€1.80")


def test_on_a_phone_a_row_is_edited_too(listed):
    listed.set_viewport_size(PHONE)
    listed.get_by_label("More for Espresso").click()
    listed.get_by_role("link", name="Edit here").click()
    price = listed.get_by_label("Price", exact=True)
    price.fill("3")
    listed.get_by_role("button", name="Save").click()
    expect(listed.locator("tr.editing")).to_have_count(0)
    expect(listed.locator("#list")).to_contain_text("€3.00")


def test_without_javascript_everything_still_works(browser, shop, gare, signed_in):
    context = browser.new_context(java_script_enabled=False, storage_state=signed_in.context.storage_state())
    page = context.new_page()
    page.goto(shop.at("products/"))
    page.get_by_label("Search name").fill("latte")
    page.get_by_role("button", name="Apply").click()
    expect_names(page, "Latte")
    page.get_by_role("link", name="Edit Latte").click()
    page.get_by_label("Price").fill("free")
    page.get_by_role("button", name="Save product").click()
    expect(page.get_by_text("Write the amount in figures")).to_be_visible()
    page.get_by_label("Price").fill("0")
    page.get_by_role("button", name="Save product").click()
    expect(page.get_by_text("Saved Latte.")).to_be_visible()
    page.goto(shop.at("products/"))
    page.get_by_label("Select Latte").check()
    page.get_by_label("Select Mug").check()
    page.get_by_role("button", name="Move to trash…").click()
    page.get_by_role("button", name="Move to trash").click()
    expect_names(page, "Croissant", "Espresso")
    page.get_by_role("button", name="Undo").click()
    expect_names(page, "Croissant", "Espresso", "Latte", "Mug")
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, {"width": 1440, "height": 900}], ids=["phone", "desktop"])
def test_no_screen_of_products_has_a_fault(listed, shop, scheme, size):
    listed.emulate_media(color_scheme=scheme)
    listed.set_viewport_size(size)
    listed.reload()
    assert faults(listed) == []
    listed.get_by_label("More for Espresso").click()
    assert faults(listed) == []
    listed.get_by_role("link", name="Edit here").click()
    listed.get_by_label("Price", exact=True).fill("x")
    listed.keyboard.press("Enter")
    expect(listed.get_by_text("Write the amount in figures")).to_be_visible()
    assert faults(listed) == []
    listed.get_by_label("Select Latte").check()
    listed.get_by_role("button", name="Move to trash…").click()
    expect(listed.get_by_role("dialog", name="Delete 1 product?")).to_be_visible()
    assert faults(listed) == []
    for address in ("new", "1", "1/edit", "1/deletion", "?q=zzz"):
        listed.goto(shop.at("products", address))
        assert faults(listed) == [], address
