"""What people see while an answer is under way, when none comes, and when they are signed out meanwhile."""

import re
import time

import pytest
from playwright.sync_api import expect

from portal.extensions import db
from portal.models import LoginSession
from portal.models.actor import OPERATOR
from portal.services import products, stores
from tests.browser.conftest import PASSWORD, sign_in

pytestmark = pytest.mark.browser
LATE_S = 1.0


@pytest.fixture
def gare(shop, within_shop):
    def make():
        store = stores.open_store(shop.merchant, name="Gare", store_code="gare", city="Esch", by=OPERATOR)
        for name in ("Croissant", "Espresso"):
            products.add_product(store, name=name, price_cents=250, by=OPERATOR)
        return store

    return within_shop(make)


@pytest.fixture
def rough(browser, shop, gare):
    """A signed-in page that may complain: the network fails here on purpose."""
    context = browser.new_context()
    yield sign_in(context.new_page(), shop, "olga")
    context.close()


class Held(list):
    """Requests that wait until they are let go."""

    def let_go(self, page):
        page.wait_for_timeout(50)
        for route in self:
            route.continue_()
        self.clear()


@pytest.fixture
def held(signed_in, shop, gare):
    """The list of products, every further answer of which waits."""
    waiting = Held()
    signed_in.goto(shop.at("products/"))
    signed_in.wait_for_load_state("networkidle")
    signed_in.route(re.compile("/m/"), lambda route: waiting.append(route))  # noqa: PLW0108 - asked for by name
    return waiting


LINE = """() => ['.busy', 'dialog[open]'].some((which) => {
  const box = document.querySelector(which);
  return box && getComputedStyle(box, which === '.busy' ? null : '::before').opacity === '1';
})"""


def works(page, held):
    """Whether the line at work is drawn, in the page or in the dialog above it, until the answer is there."""
    ends = time.monotonic() + LATE_S
    while not page.evaluate(LINE) and time.monotonic() < ends:
        page.wait_for_timeout(50)
    was_seen = page.evaluate(LINE)
    while held or page.locator(".htmx-request").count():  # an answer may ask for the list once more
        held.let_go(page)
    return was_seen and not page.evaluate(LINE)


def test_every_slow_answer_in_a_list_is_seen_to_be_under_way(signed_in, held):
    page = signed_in
    page.locator("#q").fill("espr")
    assert works(page, held), "filter"
    page.get_by_role("link", name="SKU").click()
    assert works(page, held), "sort"
    page.get_by_role("link", name="Edit Espresso").click()
    assert works(page, held), "edit a row"
    page.locator("tr.editing").get_by_label("Name").fill("Espresso doppio")
    page.keyboard.press("Enter")
    assert works(page, held), "save a row"


def test_every_slow_answer_around_a_dialog_is_seen_to_be_under_way(signed_in, held):
    page = signed_in
    page.get_by_label("More for Croissant").click()
    page.get_by_role("link", name="Delete…").click()
    assert works(page, held), "open a dialog"
    page.get_by_role("button", name="Move to trash").click()
    assert works(page, held), "send a dialog"
    page.get_by_role("button", name="Undo").click()
    assert works(page, held), "undo"
    page.keyboard.press("Control+k")
    page.keyboard.type("croi")
    expect(page.locator(".palette-wait")).to_have_css("opacity", "1")
    assert works(page, held), "palette"


def test_a_slow_page_of_its_own_shows_it_too(signed_in, shop, gare):
    page = signed_in
    page.goto(shop.at("stores", gare.id, "edit"))
    send = """() => {
      document.querySelector('[data-sheet]').requestSubmit();
      return 'going' in document.documentElement.dataset;
    }"""
    assert page.evaluate(send)
    page.wait_for_url(re.compile(r"/stores/\d+$"))
    expect(page.locator(".busy")).to_have_css("opacity", "0")


def test_a_second_click_is_not_a_second_deed(signed_in, held):
    page = signed_in
    page.get_by_role("link", name="New product").click()
    held.let_go(page)
    dialog = page.get_by_role("dialog", name="New product")
    dialog.get_by_label("Name").fill("Latte")
    dialog.get_by_label("Price").fill("3.90")
    button = dialog.locator("button[type=submit]")
    button.click()
    button.click()
    page.wait_for_timeout(100)
    assert [route.request.method for route in held] == ["POST"]


def fail(route):
    if "hx-request" in route.request.headers:
        route.abort()
    else:
        route.continue_()


def test_an_answer_that_never_comes_keeps_what_was_typed(rough, shop):
    page, asked = rough, []
    page.on("dialog", lambda box: (asked.append(box.message), box.dismiss()))
    page.goto(shop.at("stores/"))
    page.get_by_role("link", name="New store").click()
    dialog = page.get_by_role("dialog", name="New store")
    dialog.get_by_label("Name", exact=True).fill("Wiltz")
    page.route(re.compile("/m/"), fail)
    for _ in range(2):
        page.keyboard.press("Enter")
        expect(page.locator(".htmx-request")).to_have_count(0)
    page.evaluate("() => dispatchEvent(new Event('online'))")  # it may have been saved: that stays
    told = page.get_by_text(re.compile("No answer came back.*What you typed is still here."))
    expect(told).to_have_count(1)
    dialog.get_by_role("link", name="Cancel").click()
    assert asked == ["Close without saving what you typed?"]
    expect(dialog.get_by_label("Name", exact=True)).to_have_value("Wiltz")
    page.unroute(re.compile("/m/"))
    page.get_by_role("button", name="Dismiss").click()
    expect(told).to_have_count(0)
    dialog.get_by_label("Name", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Opened Wiltz.")).to_be_visible()


def test_a_list_that_cannot_be_reached_says_what_to_do(rough, shop):
    rough.goto(shop.at("products/"))
    rough.route(re.compile("/m/"), fail)
    rough.locator("#q").fill("espr")
    expect(rough.get_by_text("Carnet could not be reached.")).to_be_visible()
    expect(rough.locator("#q")).to_have_value("espr")
    expect(rough.get_by_role("link", name="Croissant", exact=True)).to_be_visible()
    expect(rough.get_by_text("What you typed")).to_have_count(0)
    rough.unroute(re.compile("/m/"))
    rough.locator("#q").fill("croi")
    expect(rough.get_by_text("Carnet could not be reached.")).to_have_count(0)


def test_without_a_connection_it_says_that(rough, shop):
    rough.goto(shop.at("products/"))
    rough.context.set_offline(True)
    rough.locator("#q").fill("espr")
    expect(rough.get_by_text("You are offline.")).to_be_visible()
    expect(rough.get_by_text("What you typed")).to_have_count(0)
    rough.context.set_offline(False)
    expect(rough.get_by_text("You are offline.")).to_have_count(0)
    rough.locator("#q").fill("croi")
    expect(rough.get_by_role("link", name="Croissant", exact=True)).to_be_visible()
    expect(rough.get_by_role("link", name="Espresso", exact=True)).to_be_hidden()


@pytest.mark.parametrize(
    ("status", "sentence"),
    [(503, "Carnet is busy just now."), (502, "That did not work. Nothing was changed.")],
)
def test_an_answer_of_something_in_between_is_told_in_our_words(rough, shop, status, sentence):
    rough.goto(shop.at("products/"))
    busy = {"status": status, "headers": {"Retry-After": "5"}, "body": "<html><h1>Upstream</h1></html>"}
    rough.route(re.compile("q=espr"), lambda route: route.fulfill(**busy))
    rough.locator("#q").fill("espr")
    expect(rough.get_by_text(sentence)).to_be_visible()
    expect(rough.get_by_text("Upstream")).to_have_count(0)
    expect(rough.get_by_role("link", name="Croissant", exact=True)).to_be_visible()
    rough.locator("#q").fill("croi")
    expect(rough.get_by_role("link", name="Espresso", exact=True)).to_be_hidden()
    expect(rough.get_by_text(sentence)).to_have_count(0 if status == 503 else 1)  # only what passes, passes


def end_sessions(within_shop):
    within_shop(lambda: db.session.execute(db.delete(LoginSession)))


def sign_in_again(page):
    page.wait_for_url(re.compile("/login"))
    page.get_by_label("E-mail or username").fill("olga")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def test_whoever_was_signed_out_comes_back_to_the_list_as_it_was(rough, shop, within_shop):
    rough.goto(shop.at("products/?q=espr"))
    end_sessions(within_shop)
    rough.get_by_role("link", name="SKU").click()
    sign_in_again(rough)
    rough.wait_for_url(shop.at("products/?q=espr"))
    expect(rough.locator("#q")).to_have_value("espr")


def test_whoever_was_signed_out_while_typing_is_warned(rough, shop, within_shop):
    page, asked = rough, []
    page.on("dialog", lambda box: (asked.append(box.type), box.accept()))
    page.goto(shop.at("stores/"))
    page.get_by_role("link", name="New store").click()
    page.get_by_role("dialog").get_by_label("Name", exact=True).fill("Wiltz")
    end_sessions(within_shop)
    page.keyboard.press("Enter")
    sign_in_again(page)
    page.wait_for_url(shop.at("stores/"))
    assert asked == ["beforeunload"]
