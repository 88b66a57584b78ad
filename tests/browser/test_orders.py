"""Orders in a real browser: a refund in parts says what it will do, and does it once."""

import re
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from playwright.sync_api import expect

from portal.models.actor import OPERATOR
from portal.services import products, programs, stores
from tests.browser.conftest import PHONE, faults
from tests.factories import make_card, make_customer, make_earn, make_order

pytestmark = pytest.mark.browser


@pytest.fixture
def sale(shop, within_shop):
    """19.99 at Gare for Anna: a cake and a coffee, and a gift card sold beside it to nobody."""

    def make():
        store = stores.open_store(shop.merchant, name="Gare", store_code="gare", by=OPERATOR)
        rules = {"loyalty_type": "points", "points_per_euro": 1}
        program = programs.create_program(shop.merchant, by=OPERATOR, now=datetime.now(UTC), **rules)
        goods = [
            products.add_product(store, name=name, price_cents=cents, by=OPERATOR)
            for name, cents in (("Cake", 1000), ("Coffee", 999))
        ]
        return store, program, goods

    store, program, goods = within_shop(make)
    customer = make_customer(shop.merchant, "Anna Weber")
    card, at = make_card(program, customer), datetime.now(UTC)
    whole = make_order(store, customer, number="R-1", total_cents=1999, occurred_at=at)
    make_earn(whole, card)
    lined = make_order(store, customer, goods, number="R-2", occurred_at=at)
    make_earn(lined, card)
    return SimpleNamespace(whole=whole.id, lined=lined.id, card=card.id)


def test_a_refund_in_parts_says_its_points_and_takes_back_exactly_what_was_earned(signed_in, shop, sale):
    page = signed_in
    page.goto(shop.at("orders", sale.whole))
    for amount, points, left in (("10.00", "−10", "28"), ("5.00", "−5", "23"), ("4.99", "−4", "19")):
        page.get_by_role("link", name="Refund…").click()
        dialog = page.get_by_role("dialog")
        field = dialog.get_by_label("Amount")
        expect(field).to_be_focused()
        field.fill(amount)
        expect(dialog.get_by_text(f"{points} points; the card has {left} then.")).to_be_visible()
        page.keyboard.press("Enter")
        expect(dialog).to_be_hidden()
        expect(page.get_by_text(f"Refunded €{amount}, {points} points.")).to_be_visible()
    expect(page.get_by_role("link", name="Refund…")).to_have_count(0)
    backs = page.locator("tr", has_text="Refund of").locator("strong")
    expect(backs).to_have_text(["−10", "−5", "−4"])
    page.goto(shop.at("cards", sale.card))
    expect(page.locator("#balance-points")).to_have_text("19")


def test_lines_are_ticked_by_keyboard_alone(signed_in, shop, sale):
    page = signed_in
    page.goto(shop.at("orders", sale.lined))
    page.get_by_role("link", name="Refund…").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    cake = dialog.get_by_role("checkbox", name=re.compile("Cake"))
    expect(cake).to_be_focused()
    page.keyboard.press("Space")
    expect(dialog.get_by_text("Refund €10.00")).to_be_visible()
    page.keyboard.press("Tab")
    expect(dialog.get_by_label("Amount of Cake")).to_be_focused()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("2,50")
    expect(dialog.get_by_text("Refund €2.50")).to_be_visible()
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(page.get_by_text("Refunded €2.50, −3 points.")).to_be_visible()


def test_too_much_stays_in_the_dialog_beside_its_line(signed_in, shop, sale):
    page = signed_in
    page.set_viewport_size(PHONE)
    page.goto(shop.at("orders", sale.lined))
    page.get_by_role("link", name="Refund…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("checkbox", name=re.compile("Coffee")).check()
    amount = dialog.get_by_label("Amount of Coffee")
    amount.fill("12")
    dialog.get_by_role("button", name="Refund").click()
    expect(amount).to_have_attribute("aria-invalid", "true")
    expect(amount).to_be_focused()
    expect(amount).to_have_value("12")
    expect(dialog.locator(".field-error")).to_have_text("At most €9.99 can still be refunded.")
    assert faults(page) == []


@pytest.mark.parametrize("has_script", [True, False])
def test_a_double_click_refunds_once(browser, shop, sale, has_script):
    context = browser.new_context(java_script_enabled=has_script)
    page = context.new_page()
    page.goto(f"{shop.url}/login")
    page.get_by_label("E-mail or username").fill("olga")
    page.get_by_label("Password").fill("correct horse 7")
    page.get_by_role("button", name="Sign in").click()
    page.goto(shop.at("orders", sale.whole, "refunds", "new"))
    page.get_by_label("Amount").fill("5")
    page.get_by_role("button", name="Refund", exact=True).dblclick()
    page.wait_for_url(shop.at("orders", sale.whole))
    expect(page.locator("#order-refunds ~ .lines li")).to_have_count(1)
    expect(page.get_by_role("cell", name="€14.99")).to_be_visible()
    context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_screens_of_orders_are_without_barriers(signed_in, shop, sale, theme):
    page = signed_in
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    for place in (("",), (sale.whole,), (sale.lined, "refunds", "new"), (sale.whole, "deletion")):
        page.goto(shop.at("orders", *place))
        assert faults(page) == [], place


def test_orders_are_found_as_one_types(signed_in, shop, sale):
    page = signed_in
    page.goto(shop.at("orders/"))
    page.keyboard.press("/")
    page.keyboard.type("r-2")
    expect(page.locator("tbody .name")).to_have_text(["R-2"])
    page.keyboard.press("Escape")
