"""Where work goes on after a dialog, an Undo or Escape, in a real browser."""

from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from portal.models.actor import OPERATOR, Actor, Role
from portal.services import products, stores, team

pytestmark = pytest.mark.browser


@pytest.fixture
def gare(shop, within_shop):
    def make():
        store = stores.open_store(shop.merchant, name="Gare", store_code="gare", by=OPERATOR)
        for name in ("Croissant", "Espresso", "Latte"):
            products.add_product(store, name=name, price_cents=250, by=OPERATOR)
        team.add_till_person(store, display_name="Eva Kremer", by=OPERATOR)
        return store

    return within_shop(make)


@pytest.mark.parametrize("way", ["Done", "Close", "Escape"])
def test_a_made_link_is_left_without_a_question_typed_words_are_not(signed_in, shop, gare, way):
    page, asked = signed_in, []
    page.on("dialog", lambda box: (asked.append(box.message), box.dismiss()))
    page.goto(shop.at("team/"))
    page.keyboard.press("n")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Make the link").click()
    expect(dialog.get_by_text("Type the person's name.")).to_be_visible()
    dialog.get_by_label("Name").fill("Lara Simon")
    dialog.get_by_role("link", name="Cancel").click()
    assert asked == ["Close without saving what you typed?"]
    dialog.get_by_label("Role").select_option("Owner")
    dialog.get_by_role("button", name="Make the link").click()
    expect(dialog.get_by_label("Link")).to_be_visible()
    if way == "Escape":
        page.keyboard.press("Escape")
    else:
        dialog.get_by_role("link", name=way).click()
    expect(dialog).to_be_hidden()
    assert len(asked) == 1


def test_the_page_of_a_member_shows_what_was_saved(signed_in, shop, gare):
    signed_in.goto(shop.at("team/"))
    signed_in.get_by_role("link", name="Eva Kremer", exact=True).click()
    signed_in.get_by_role("link", name="Edit").click()
    signed_in.get_by_role("dialog").get_by_label("Position").fill("Lead barista")
    signed_in.keyboard.press("Enter")
    expect(signed_in.get_by_role("dialog")).to_be_hidden()
    expect(signed_in.locator("main")).to_contain_text("Lead barista")


def test_the_page_of_an_act_shows_that_it_was_purged(signed_in, shop, gare, within_shop):
    boss = Actor(shop.owner.id, Role.OWNER)
    act = within_shop(lambda: stores.delete_store(gare, by=boss, now=datetime.now(UTC)))
    within_shop(lambda: stores.open_store(shop.merchant, name="New", store_code="gare", by=boss))
    signed_in.goto(shop.at("trash", act.id))
    signed_in.get_by_role("link", name="Purge now…").click()
    dialog = signed_in.get_by_role("dialog")
    dialog.get_by_label("Type Gare").fill("Gone")
    signed_in.keyboard.press("Enter")
    expect(dialog.get_by_text("This is not the name.")).to_be_visible()
    dialog.get_by_label("Type Gare").fill("Gare")
    signed_in.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(signed_in.locator("main")).to_contain_text("It cannot come back.")


def test_escape_leaves_the_row_that_holds_the_focus(signed_in, shop, gare):
    signed_in.goto(shop.at("products/"))
    for name in ("Croissant", "Espresso"):
        signed_in.get_by_role("link", name=f"Edit {name}").click()
        expect(signed_in.locator("tr.editing").filter(has=signed_in.locator("input:focus"))).to_have_count(1)
        expect(signed_in.locator("tr.editing input:focus")).to_have_value(name)
    signed_in.keyboard.press("Escape")
    expect(signed_in.locator("tr.editing")).to_have_count(1)
    expect(signed_in.locator("tr.editing").get_by_label("Name")).to_have_value("Croissant")
    signed_in.keyboard.press("Escape")
    expect(signed_in.locator("tr.editing")).to_have_count(0)


def test_after_undo_the_focus_is_in_the_list(signed_in, shop, gare):
    signed_in.goto(shop.at("products/"))
    signed_in.get_by_label("More for Espresso").click()
    signed_in.get_by_role("link", name="Delete…").click()
    signed_in.get_by_role("button", name="Move to trash").click()
    expect(signed_in.locator("#dialog")).to_be_hidden()
    expect(signed_in.get_by_text("Deleted product Espresso")).to_be_visible()
    signed_in.get_by_role("button", name="Undo").focus()
    signed_in.keyboard.press("Enter")
    expect(signed_in.get_by_text("Restored product Espresso")).to_be_visible()
    expect(signed_in.locator("#list")).to_be_focused()
