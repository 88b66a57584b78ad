"""Nothing typed is lost without a question, and nobody is asked for nothing."""

import re

import pytest
from playwright.sync_api import expect

from portal.models.actor import OPERATOR
from portal.services import products, stores

pytestmark = pytest.mark.browser
LEAVE = "Leave without saving what you typed?"


@pytest.fixture
def gare(shop, within_shop):
    def make():
        store = stores.open_store(shop.merchant, name="Gare", store_code="gare", city="Esch", by=OPERATOR)
        for name in ("Croissant", "Espresso"):
            products.add_product(store, name=name, price_cents=250, by=OPERATOR)
        return store

    return within_shop(make)


@pytest.fixture
def asked(page):
    """What the browser asks; the answer is no until `asked.agree` is set."""

    class Asked(list):
        agree = False

    questions = Asked()

    def hear(box):
        questions.append(box.message or box.type)
        if questions.agree:
            box.accept()
        else:
            box.dismiss()

    page.on("dialog", hear)
    return questions


@pytest.fixture
def form(signed_in, shop, gare, asked):
    signed_in.goto(shop.at("stores", gare.id, "edit"))
    return signed_in


def test_a_link_asks_once_and_stays_or_leaves(form, shop, asked):
    form.get_by_label("City").fill("Wiltz")
    form.locator(".cover-side").get_by_role("link", name="Team").click()
    assert asked == [LEAVE]
    expect(form.get_by_label("City")).to_have_value("Wiltz")
    asked.agree = True
    form.locator(".cover-side").get_by_role("link", name="Team").click()
    form.wait_for_url(shop.at("team/"))
    assert asked == [LEAVE, LEAVE]


def test_cancel_a_key_and_the_palette_ask_too(form, asked):
    form.get_by_label("City").fill("Wiltz")
    form.get_by_role("link", name="Cancel").click()
    form.get_by_label("City").blur()
    form.keyboard.press("g")
    form.keyboard.press("t")
    form.keyboard.press("Control+k")
    form.keyboard.type("products")
    form.keyboard.press("Enter")
    assert asked == [LEAVE] * 3
    expect(form.get_by_label("City")).to_have_value("Wiltz")


def test_closing_or_reloading_the_page_asks(form, asked):
    form.get_by_label("City").fill("Wiltz")
    form.get_by_label("City").press("Tab")
    form.evaluate("() => setTimeout(() => location.reload())")
    form.wait_for_timeout(500)
    assert asked == ["beforeunload"]
    expect(form.get_by_label("City")).to_have_value("Wiltz")


def test_nobody_is_asked_for_nothing(form, shop, asked):
    form.get_by_label("City").fill("Wiltz")
    form.get_by_label("City").fill("Esch")
    form.get_by_role("link", name="Cancel").click()
    form.wait_for_url(re.compile(r"/stores/\d+$"))
    form.go_back()
    form.get_by_label("City").fill("Wiltz")
    form.get_by_role("button", name="Save store").click()
    form.wait_for_url(re.compile(r"/stores/\d+$"))
    form.locator(".cover-side").get_by_role("link", name="Team").click()
    form.wait_for_url(shop.at("team/"))
    assert asked == []


def test_a_refused_form_is_unsaved(form, asked):
    form.get_by_label("Name", exact=True).fill("")
    form.get_by_role("button", name="Save store").click()
    expect(form.get_by_text("Give the store a name.")).to_be_visible()
    assert asked == []
    form.locator(".cover-side").get_by_role("link", name="Team").click()
    assert asked == [LEAVE]


def test_every_kind_of_field_counts(form, asked):
    zone = form.get_by_label("Time zone")
    zone.select_option("Europe/Paris")
    form.get_by_role("link", name="Cancel").click()
    assert asked == [LEAVE]
    zone.select_option("")
    asked.agree = True
    form.get_by_role("link", name="Cancel").click()
    form.wait_for_url(re.compile(r"/stores/\d+$"))
    assert asked == [LEAVE]


def edited(page, shop):
    page.goto(shop.at("products/"))
    page.get_by_role("link", name="Edit Croissant").click()
    expect(page.locator("tr.editing input:focus")).to_have_value("Croissant")
    return page.locator("tr.editing input:focus")


def test_an_edited_row_asks_before_escape_sorting_and_a_link(signed_in, shop, gare, asked):
    page = signed_in
    name = edited(page, shop)
    name.fill("Pain")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="SKU").click()
    page.locator(".cover-side").get_by_role("link", name="Team").click()
    assert asked == [LEAVE] * 3
    expect(page.locator("tr.editing").get_by_label("Name")).to_have_value("Pain")
    asked.agree = True
    page.keyboard.press("Escape")
    expect(page.locator("tr.editing")).to_have_count(0)
    assert len(asked) == 4


def test_an_edited_row_that_was_not_changed_is_left_at_once(signed_in, shop, gare, asked):
    edited(signed_in, shop)
    signed_in.keyboard.press("Escape")
    expect(signed_in.locator("tr.editing")).to_have_count(0)
    assert asked == []


def test_saving_a_row_asks_nothing(signed_in, shop, gare, asked):
    edited(signed_in, shop).fill("Pain")
    signed_in.keyboard.press("Enter")
    expect(signed_in.get_by_role("link", name="Pain", exact=True)).to_be_visible()
    assert asked == []


def test_one_row_is_saved_while_another_is_typed_in(signed_in, shop, gare, asked):
    page = signed_in
    edited(page, shop).fill("Pain")
    page.get_by_role("link", name="Edit Espresso").click()
    expect(page.locator("tr.editing")).to_have_count(2)
    page.keyboard.press("Enter")
    expect(page.locator("tr.editing")).to_have_count(1)
    assert asked == []
    expect(page.locator("tr.editing").get_by_label("Name")).to_have_value("Pain")


def test_a_dialog_asks_in_its_own_words_and_the_tab_too(signed_in, shop, gare, asked):
    page = signed_in
    page.goto(shop.at("stores/"))
    page.keyboard.press("n")
    dialog = page.get_by_role("dialog", name="New store")
    dialog.get_by_label("City").fill("Wiltz")
    page.keyboard.press("Escape")
    assert asked == ["Close without saving what you typed?"]
    expect(dialog.get_by_label("City")).to_have_value("Wiltz")
    page.evaluate("() => setTimeout(() => location.reload())")
    page.wait_for_timeout(500)
    assert asked[1:] == ["beforeunload"]
    asked.agree = True
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_back_from_a_dirty_form_asks(form, asked):
    form.get_by_label("City").fill("Wiltz")
    form.get_by_label("City").press("Tab")
    form.evaluate("() => setTimeout(() => history.back())")
    form.wait_for_timeout(500)
    assert asked == ["beforeunload"]
    expect(form.get_by_label("City")).to_have_value("Wiltz")
