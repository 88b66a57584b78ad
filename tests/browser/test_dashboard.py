"""The dashboard in a real browser."""

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from portal.models.actor import Actor, Role
from portal.services import accounts, products, programs, stores, team
from tests.browser.conftest import PHONE, faults, sign_in

pytestmark = pytest.mark.browser
SIZES = [PHONE, {"width": 1024, "height": 768}, {"width": 1440, "height": 900}]


@pytest.fixture
def gare(shop, within_shop):
    """Two stores with a program, a team and something in the trash."""

    def make():
        boss, now = Actor(shop.owner.id, Role.OWNER), datetime.now(UTC)
        store = stores.open_store(shop.merchant, name="Gare", store_code="gare", by=boss)
        stores.open_store(shop.merchant, name="Belval", store_code="belval", by=boss)
        made = [products.add_product(store, name=f"Tea {n}", price_cents=300, by=boss) for n in range(4)]
        mia = accounts.create_user(display_name="Mia Manager", by=boss)
        team.add_member(store, mia, role="manager", by=boss)
        programs.create_program(shop.merchant, by=boss, now=now, card_name="Carte", loyalty_type="hybrid")
        products.delete_product(made[0], by=boss, now=now)
        return store

    return within_shop(make)


@pytest.fixture
def dashboard(signed_in, shop, gare):
    signed_in.goto(shop.at(""))
    return signed_in


def tile(page, name):
    figures = page.get_by_role("list", name="Figures").get_by_role("listitem")
    return figures.filter(has=page.get_by_text(name, exact=True))


def test_people_arrive_here(page, shop, gare):
    sign_in(page, shop, "olga")
    expect(page).to_have_url(shop.at(""))
    expect(page.get_by_role("heading", name="Café Lumière")).to_be_visible()
    current = page.get_by_role("navigation", name="Main", exact=True).get_by_role("link", name="Dashboard")
    expect(current).to_have_attribute("aria-current", "page")
    page.goto(f"{shop.url}/")
    expect(page).to_have_url(shop.at(""))


def test_time_and_store_stand_in_the_address_and_back_leads_back(dashboard, shop, gare):
    page = dashboard
    expect(tile(page, "Team")).to_contain_text("1")
    page.get_by_label("Store", exact=True).select_option("Belval")
    expect(page).to_have_url(re.compile(r"store=\d+"))
    expect(page.get_by_role("region", name="Per store")).not_to_contain_text("Gare")
    expect(tile(page, "Team")).to_contain_text("0")
    page.get_by_label("Time", exact=True).select_option("Last 7 days")
    expect(page).to_have_url(re.compile("range=7"))
    expect(tile(page, "Orders")).to_contain_text("Last 7 days")
    page.reload()
    expect(page.get_by_label("Time", exact=True)).to_have_value("7")
    page.go_back()
    expect(page.get_by_label("Time", exact=True)).to_have_value("30")
    expect(page.get_by_label("Store", exact=True)).not_to_have_value("")
    page.go_back()
    expect(page.get_by_label("Store", exact=True)).to_have_value("")
    expect(page.get_by_role("region", name="Per store")).to_contain_text("Gare")


def test_a_figure_leads_to_its_list(dashboard, shop, gare):
    tile(dashboard, "Products").get_by_role("link").click()
    expect(dashboard).to_have_url(shop.at("products/"))
    dashboard.go_back()
    dashboard.get_by_role("link", name="Products of Gare: 3").click()
    expect(dashboard).to_have_url(shop.at(f"products/?store={gare.id}"))
    dashboard.go_back()
    dashboard.get_by_role("region", name="Deleted lately").get_by_role("link", name="Tea 0").click()
    expect(dashboard).to_have_url(re.compile(r"/trash/\d+$"))


def test_keyboard_alone_is_enough(dashboard, shop):
    page = dashboard
    page.get_by_label("Time", exact=True).focus()
    page.keyboard.press("ArrowDown")
    expect(page).to_have_url(re.compile("range=90"))
    expect(page.get_by_label("Time", exact=True)).to_be_focused()
    page.get_by_label("Store", exact=True).focus()
    page.keyboard.press("Tab")
    expect(tile(page, "Stores").get_by_role("link")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(shop.at("stores/"))
    page.keyboard.press("g")
    page.keyboard.press("d")
    expect(page).to_have_url(shop.at(""))


def test_a_new_merchant_opens_the_first_store_from_here(signed_in, shop):
    page = signed_in
    page.goto(shop.at(""))
    steps = page.get_by_role("region", name="First steps")
    expect(steps.get_by_role("listitem")).to_have_count(3)
    page.keyboard.press("n")
    dialog = page.get_by_role("dialog", name="New store")
    dialog.get_by_label("Name", exact=True).fill("Gare")
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(steps.locator(".is-done")).to_contain_text("Open a store")
    expect(page.get_by_role("region", name="Per store")).to_contain_text("Gare")
    expect(steps.get_by_role("link", name="Invite the team")).to_be_visible()


def test_it_works_without_javascript(browser, page, signed_in, shop, gare):
    plain = browser.new_context(java_script_enabled=False, storage_state=signed_in.context.storage_state())
    page = plain.new_page()
    page.goto(shop.at(""))
    page.get_by_label("Store", exact=True).select_option("Gare")
    page.get_by_label("Time", exact=True).select_option("This month")
    page.get_by_role("button", name="Apply").click()
    expect(page).to_have_url(re.compile(rf"range=month&store={gare.id}"))
    expect(tile(page, "Team")).to_contain_text("1")
    expect(page.get_by_label("Time", exact=True)).to_have_value("month")
    plain.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES, ids=["phone", "tablet", "desktop"])
def test_it_is_for_everybody(signed_in, shop, request, scheme, size):
    page = signed_in
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size(size)
    page.goto(shop.at(""))
    expect(page.get_by_role("region", name="First steps")).to_be_visible()
    assert faults(page) == []
    store = request.getfixturevalue("gare")
    for query in ("", f"?store={store.id}&range=7"):
        page.goto(shop.at(query))
        expect(page.get_by_role("region", name="Program")).to_be_visible()
        assert faults(page) == [], query
