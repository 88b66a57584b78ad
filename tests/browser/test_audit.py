"""The audit log in a real browser."""

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from portal.models.actor import OPERATOR, Actor, Role
from portal.services import products, stores
from tests.browser.conftest import PHONE, faults

pytestmark = pytest.mark.browser
SIZES = [PHONE, {"width": 1024, "height": 768}, {"width": 1440, "height": 900}]


@pytest.fixture
def log(signed_in, shop, within_shop):
    """The page of a log of more than one page: the operator made things, and Olga changed some."""

    def make():
        boss, now = Actor(shop.owner.id, Role.OWNER), datetime.now(UTC)
        store = stores.open_store(shop.merchant, name="Gare", store_code="gare", by=OPERATOR)
        made = [products.add_product(store, name=f"Tea {n}", price_cents=300, by=OPERATOR) for n in range(52)]
        products.change_product(made[1], by=boss, price_cents=310, name="Green tea")
        products.delete_product(made[2], by=boss, now=now, reason="sold out")

    within_shop(make)
    signed_in.goto(shop.at("audit/"))
    return signed_in


def lines(page):
    return page.locator("#list tbody tr")


def test_the_newest_comes_first_and_leads_on(log, shop):
    expect(lines(log).nth(0)).to_contain_text("Olga Owner put product Tea 2 in the trash")
    expect(lines(log).nth(1)).to_contain_text("Olga Owner changed product Green tea: name, price")
    log.get_by_role("link", name="product Tea 2", exact=True).click()
    expect(log).to_have_url(re.compile(r"/trash/\d+$"))
    log.go_back()
    log.get_by_role("link", name="product Green tea").first.click()
    expect(log).to_have_url(re.compile(r"/products/\d+$"))


def test_filters_combine_in_the_address(log):
    log.get_by_label("Done by").select_option("Olga Owner")
    expect(log).to_have_url(re.compile(r"person=\d+"))
    expect(log.get_by_text("Tea 51")).to_be_hidden()
    log.get_by_label("What was done").select_option("Changed")
    expect(lines(log)).to_have_count(1)
    log.reload()
    expect(lines(log)).to_have_count(1)
    expect(log.get_by_label("What was done")).to_have_value("changed")
    log.get_by_label("Kind of thing").select_option("Stores")
    expect(log.get_by_text("Nothing matches")).to_be_visible()
    log.get_by_role("link", name="Show all").click()
    expect(lines(log)).to_have_count(50)


def test_pages_turn_and_back_leads_back(log):
    log.get_by_role("link", name="Next").click()
    expect(log).to_have_url(re.compile("after="))
    expect(log.get_by_text("opened store Gare")).to_be_visible()
    log.go_back()
    expect(lines(log)).to_have_count(50)
    expect(lines(log).nth(0)).to_contain_text("Tea 2")


def test_keyboard_alone_is_enough(log):
    log.keyboard.press("/")
    expect(log.get_by_label("Search a name or a number")).to_be_focused()
    log.keyboard.type("green")
    expect(lines(log)).to_have_count(2)
    log.keyboard.press("Tab")
    expect(log.get_by_label("Done by")).to_be_focused()
    log.keyboard.type("Olga")
    expect(lines(log)).to_have_count(1)
    link = lines(log).get_by_role("link", name="product Green tea")
    for _ in range(20):
        if link.evaluate("(link) => link === document.activeElement"):
            break
        log.keyboard.press("Tab")
    log.keyboard.press("Enter")
    expect(log.get_by_role("heading", name="Green tea")).to_be_visible()


def test_days_the_wrong_way_round_are_told(log):
    log.get_by_label("From", exact=True).fill("2026-03-15")
    log.get_by_label("To", exact=True).fill("2026-03-01")
    expect(log.get_by_role("alert")).to_contain_text("The first day is after the last")
    expect(log.get_by_label("From", exact=True)).to_have_value("2026-03-15")


def test_what_is_shown_can_be_taken_away(log):
    log.get_by_label("Done by").select_option("Olga Owner")
    expect(log).to_have_url(re.compile("person="))
    with log.expect_download() as waiting:
        log.get_by_role("link", name="Export as CSV").click()
    told = waiting.value.path().read_text()
    assert waiting.value.suggested_filename == "lumiere-audit.csv"
    assert "Olga Owner changed product Green tea: name, price" in told
    assert "Tea 51" not in told


def test_it_works_without_javascript(browser, log, shop):
    plain = browser.new_context(java_script_enabled=False, storage_state=log.context.storage_state())
    page = plain.new_page()
    page.goto(shop.at("audit/"))
    page.get_by_label("Done by").select_option("Olga Owner")
    page.get_by_label("What was done").select_option("Put in the trash")
    page.get_by_role("button", name="Apply").click()
    expect(lines(page)).to_have_count(1)
    page.get_by_role("link", name="Show all").click()
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_text("opened store Gare")).to_be_visible()
    plain.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES, ids=["phone", "tablet", "desktop"])
def test_it_is_for_everybody(log, shop, scheme, size):
    log.emulate_media(color_scheme=scheme)
    log.set_viewport_size(size)
    for query in ("?q=tea", "?q=nowhere", "?from=2026-03-15&to=2026-03-01"):
        log.goto(shop.at("audit/" + query))
        assert faults(log) == [], query
