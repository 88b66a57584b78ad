"""The trash in a real browser."""

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from portal.models.actor import Actor, Role
from portal.services import products, stores
from tests.browser.conftest import PHONE, faults

pytestmark = pytest.mark.browser


@pytest.fixture
def boss(shop):
    return Actor(shop.owner.id, Role.OWNER)


@pytest.fixture
def gare(shop, within_shop, boss):
    """A store in the trash, with three products; one of them was deleted before it."""

    def make():
        store = stores.open_store(shop.merchant, name="Gare", store_code="gare", by=boss)
        names = ("Espresso", "Latte", "Mocha", "Old cake")
        made = [products.add_product(store, name=name, price_cents=300, by=boss) for name in names]
        act = products.delete_product(made[-1], by=boss, now=datetime.now(UTC))
        whole = stores.delete_store(store, by=boss, now=datetime.now(UTC), reason="Lease ended")
        return act.id, whole.id

    return within_shop(make)


@pytest.fixture
def new_gare(shop, within_shop, boss, gare):
    """Another store has the code now."""
    within_shop(lambda: stores.open_store(shop.merchant, name="New Gare", store_code="gare", by=boss))


@pytest.fixture
def trash_page(signed_in, shop, gare):
    signed_in.goto(shop.at("trash/"))
    return signed_in


def row(page, name):
    return page.get_by_role("row", name=re.compile(name))


def test_the_list_tells_what_who_when_why_and_how_long(trash_page):
    line = row(trash_page, "Gare")
    for told in ("Store, with 3 products", "Olga Owner", "Lease ended", "30 days"):
        expect(line).to_contain_text(told)
    trash_page.get_by_label("Kind").select_option("Products")
    expect(trash_page.locator("#list tbody tr")).to_have_count(1)
    expect(trash_page).to_have_url(re.compile("kind=products"))
    trash_page.get_by_label("Search by name").fill("nowhere")
    expect(trash_page.get_by_text("Nothing matches")).to_be_visible()
    trash_page.get_by_role("link", name="Show all").click()
    expect(trash_page.locator("#list tbody tr")).to_have_count(2)


def test_a_restore_brings_it_back_and_says_so(trash_page, shop):
    trash_page.get_by_role("button", name="Restore store Gare").click()
    expect(trash_page.get_by_text("Restored store Gare.")).to_be_visible()
    expect(trash_page.locator("#list tbody tr")).to_have_count(1)
    trash_page.goto(shop.at("stores/"))
    expect(row(trash_page, "Gare")).to_be_visible()


@pytest.mark.usefixtures("new_gare")
def test_a_taken_code_is_asked_for_anew_and_the_store_comes_back(trash_page):
    trash_page.get_by_role("button", name="Restore store Gare").click()
    dialog = trash_page.get_by_role("dialog", name="Restore store Gare")
    expect(dialog).to_contain_text("now belongs to store New Gare")
    code = dialog.get_by_label("New store code")
    expect(code).to_be_focused()
    code.fill("")
    trash_page.keyboard.press("Enter")
    expect(dialog.get_by_text("Give it a new value.")).to_be_visible()
    code.fill("GARE-2")
    trash_page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(trash_page.get_by_text("Restored store Gare.")).to_be_visible()


def test_a_dead_owner_comes_back_too(trash_page):
    trash_page.get_by_role("button", name="Restore product Old cake").click()
    dialog = trash_page.get_by_role("dialog", name="Restore product Old cake")
    expect(dialog).to_contain_text("It belongs to store Gare")
    dialog.get_by_role("button", name="Restore it too").click()
    expect(dialog).to_be_hidden()
    expect(trash_page.get_by_text("The trash is empty")).to_be_visible()


def test_the_page_of_an_act_shows_the_tree_and_what_stays(trash_page):
    trash_page.get_by_role("link", name="Gare", exact=True).click()
    brings = trash_page.get_by_role("region", name="A restore brings back")
    expect(brings).to_contain_text("3 products")
    expect(brings).to_contain_text("Deleted earlier, stays in the trash")
    expect(brings).to_contain_text("Old cake")
    trash_page.get_by_role("button", name="Hold").click()
    expect(trash_page.get_by_role("button", name="Lift the hold")).to_be_visible()
    trash_page.get_by_role("button", name="Lift the hold").click()
    trash_page.get_by_role("button", name="Restore").click()
    expect(trash_page.get_by_text("Restored store Gare.")).to_be_visible()


def test_a_purge_wants_the_name_typed(trash_page, shop, gare):
    trash_page.goto(shop.at("trash", gare[1]))
    trash_page.get_by_role("link", name="Purge now…").click()
    dialog = trash_page.get_by_role("dialog", name="Purge store Gare for good?")
    expect(dialog.get_by_label("Type Gare to go on")).to_be_focused()
    trash_page.keyboard.type("Gar")
    trash_page.keyboard.press("Enter")
    expect(dialog.get_by_text("This is not the name.")).to_be_visible()
    dialog.get_by_label("Type Gare to go on").fill("gare")
    trash_page.keyboard.press("Enter")
    expect(trash_page.get_by_text("Purged store Gare for good.")).to_be_visible()
    trash_page.goto(shop.at("trash", gare[1]))
    expect(trash_page.get_by_text("It cannot come back.")).to_be_visible()


def test_several_come_back_in_one_step(trash_page):
    trash_page.get_by_label("Select this page").check()
    trash_page.get_by_role("button", name="Restore…").click()
    dialog = trash_page.get_by_role("dialog", name="Restore 2 deletions?")
    dialog.get_by_role("button", name="Restore").click()
    expect(trash_page.get_by_text(re.compile("in the trash. Restore it first"))).to_be_visible()
    expect(dialog).to_contain_text("Old cake")  # nothing came back, and what was chosen stays


def test_keyboard_alone_is_enough(trash_page):
    trash_page.keyboard.press("/")
    expect(trash_page.get_by_label("Search by name")).to_be_focused()
    trash_page.keyboard.type("gar")
    expect(trash_page.locator("#list tbody tr")).to_have_count(1)
    button = trash_page.get_by_role("button", name="Restore store Gare")
    for _ in range(30):
        if button.evaluate("(button) => button === document.activeElement"):
            break
        trash_page.keyboard.press("Tab")
    trash_page.keyboard.press("Enter")
    expect(trash_page.get_by_text("Restored store Gare.")).to_be_visible()


@pytest.fixture(params=["light", "dark"])
def theme(request, trash_page):
    """The page in each theme."""
    trash_page.emulate_media(color_scheme=request.param)


@pytest.fixture(params=[PHONE, {"width": 1440, "height": 900}], ids=["phone", "desktop"])
def size(request, trash_page):
    """The page on a phone and on a desk."""
    trash_page.set_viewport_size(request.param)


@pytest.mark.usefixtures("theme", "size", "new_gare")
def test_the_trash_is_for_everybody(trash_page, shop, gare):
    page = trash_page
    page.reload()
    assert faults(page) == []
    for address in (*gare, f"{gare[1]}/purge", "?q=nowhere"):
        page.goto(shop.at("trash", address))
        assert faults(page) == [], address
    page.goto(shop.at("trash/"))
    page.get_by_role("button", name="Restore store Gare").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert faults(page) == []
