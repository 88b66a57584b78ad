"""Customers in a real browser."""

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from portal.models.actor import OPERATOR
from portal.services import customers, programs, stores
from portal.services.ledger import earning, enrolling
from portal.services.ledger.visits import Visit
from tests.browser.conftest import PHONE, faults

pytestmark = pytest.mark.browser
NOW = datetime.now(UTC)
PROGRAM = {"loyalty_type": "hybrid", "card_name": "Carte Lumière", "welcome_bonus_points": 20}


@pytest.fixture
def people(shop, within_shop):
    """A shop with a program, Léa with 120 points on her card, and Tom who has none."""

    def make():
        store = stores.open_store(shop.merchant, name="Gare", store_code="gare", country="LU", by=OPERATOR)
        programs.create_program(shop.merchant, by=OPERATOR, now=NOW, points_per_euro=10, **PROGRAM)
        visit = Visit(by=OPERATOR, now=NOW, store_id=store.id)
        told = {"name": "Léa Martin", "phone": "621 123 456", "email": "lea@example.com"}
        lea = enrolling.enrol(shop.merchant, visit=visit, secret="s" * 40, **told)
        earning.earn(lea.card.id, spent_cents=10_00, visit=visit)
        tom = customers.add_customer(shop.merchant, name="Tom Weber", by=OPERATOR, now=NOW)
        return lea.customer.id, tom.id

    return within_shop(make)


def test_a_customer_is_enrolled_by_keyboard_alone(signed_in, shop, people):
    page = signed_in
    page.goto(shop.at("customers/"))
    page.keyboard.press("n")
    dialog = page.get_by_role("dialog", name="New customer")
    expect(dialog.get_by_label("Name")).to_be_focused()
    expect(dialog.get_by_label("Wants to hear news")).not_to_be_checked()
    page.keyboard.type("Zoé Kremer")
    page.keyboard.press("Tab")
    page.keyboard.type("12")
    page.keyboard.press("Enter")
    phone = dialog.get_by_label("Phone")
    expect(phone).to_be_focused()
    expect(phone).to_have_attribute("aria-invalid", "true")
    phone.fill("691 000 111")
    page.keyboard.press("Enter")
    given = page.get_by_role("dialog", name="Zoé Kremer has a card")
    expect(given.get_by_role("img", name="The code of the card")).to_be_visible()
    expect(given.get_by_text("20 points to welcome them.")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("row", name=re.compile("Zoé Kremer"))).to_contain_text("20")


def test_on_a_phone_filters_are_folded_and_counted(signed_in, shop, people):
    page = signed_in
    page.set_viewport_size(PHONE)
    page.goto(shop.at("customers/?card=with"))
    fold, card = page.locator("#filter-fold summary"), page.get_by_label("Card", exact=True)
    expect(fold).to_contain_text("Filters 1")
    expect(card).to_be_hidden()
    assert page.get_by_role("link", name="Léa Martin").bounding_box()["y"] < 360
    fold.click()
    card.select_option("With or without card")
    expect(page.get_by_role("link", name="Tom Weber")).to_be_visible()
    expect(fold.locator(".filter-count")).to_be_hidden()
    page.get_by_label("Consent to news").select_option("Did not agree")
    expect(fold).to_contain_text("Filters 1")


def test_beside_the_list_filters_stand_open(signed_in, shop, people):
    signed_in.goto(shop.at("customers/"))
    expect(signed_in.get_by_label("Card", exact=True)).to_be_visible()
    expect(signed_in.locator("#filter-fold summary")).to_be_hidden()


def test_the_list_is_searched_as_one_types(signed_in, shop, people):
    page = signed_in
    page.goto(shop.at("customers/"))
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("3456")
    expect(page.get_by_role("link", name="Tom Weber")).to_be_hidden()
    expect(page.get_by_role("link", name="Léa Martin")).to_be_visible()
    expect(page).to_have_url(re.compile(r"q=3456"))
    page.reload()
    expect(page.get_by_role("link", name="Tom Weber")).to_be_hidden()
    page.locator("#q").fill("nobody")
    expect(page.get_by_text("Nothing matches")).to_be_visible()


def test_a_taken_phone_names_its_holder_and_keeps_what_was_typed(signed_in, shop, people):
    page = signed_in
    page.goto(shop.at("customers", people[1]))
    page.get_by_role("link", name="Edit customer").click()
    dialog = page.get_by_role("dialog", name="Edit Tom Weber")
    dialog.get_by_label("Name").fill("Thomas Weber")
    dialog.get_by_label("Phone").fill("621 123 456")
    dialog.get_by_role("button", name="Save customer").click()
    expect(dialog.get_by_text("is taken by Léa Martin")).to_be_visible()
    expect(dialog.get_by_label("Name")).to_have_value("Thomas Weber")
    dialog.get_by_label("Phone").fill("")
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("heading", name="Thomas Weber")).to_be_visible()


def test_the_statement_explains_the_balance(signed_in, shop, people):
    page = signed_in
    page.goto(shop.at("customers", people[0]))
    expect(page.get_by_role("heading", name="Why is it 120?")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("Purchase of €10.00"))).to_contain_text("+100")
    expect(page.get_by_role("row", name=re.compile("Welcome bonus"))).to_contain_text("+20")


def test_consent_is_written_down_where_one_stands(signed_in, shop, people):
    page = signed_in
    page.goto(shop.at("customers", people[0], "consents"))
    page.get_by_role("button", name="They agree").click()
    expect(page.get_by_text("Noted: Léa Martin agrees.")).to_be_visible()
    expect(page.get_by_role("button", name="They no longer agree")).to_be_visible()
    expect(page.get_by_text("in the portal, Olga Owner")).to_be_visible()


def test_two_records_become_one_and_two_again(signed_in, shop, people):
    page = signed_in
    page.goto(shop.at("customers", people[0]))
    page.get_by_text("More", exact=True).click()
    page.get_by_role("link", name="Merge…").click()
    page.get_by_role("searchbox").fill("web")
    page.get_by_role("link", name="Tom Weber").click()
    expect(page.get_by_role("heading", name="Merge into Léa Martin?")).to_be_visible()
    page.get_by_role("button", name="Merge").click()
    expect(page.get_by_text("Tom Weber is now part of Léa Martin.")).to_be_visible()
    page.get_by_role("button", name="Undo the merge").click()
    expect(page.get_by_text("They are two customers again.")).to_be_visible()
    expect(page.get_by_role("button", name="Undo the merge")).to_be_hidden()
    page.goto(shop.at("customers/"))
    expect(page.get_by_role("link", name="Tom Weber")).to_be_visible()


def test_erasing_asks_for_the_name(signed_in, shop, people):
    page = signed_in
    page.goto(shop.at("customers", people[0]))
    page.get_by_text("More", exact=True).click()
    page.get_by_role("link", name="Erase for good…").click()
    dialog = page.get_by_role("dialog", name="Erase Léa Martin for good?")
    expect(dialog.get_by_text("120 points")).to_be_visible()
    dialog.get_by_role("button", name="Erase for good").click()
    expect(dialog.get_by_text("Type the name as it is written here: Léa Martin.")).to_be_visible()
    dialog.get_by_label("Name").fill("Léa Martin")
    page.keyboard.press("Enter")
    page.wait_for_url(shop.at("customers/"))
    expect(page.get_by_text("Erased for good.")).to_be_visible()
    expect(page.get_by_role("link", name="Léa Martin")).to_be_hidden()


def test_a_deletion_on_the_page_leads_to_the_list_with_undo(signed_in, shop, people):
    page = signed_in
    page.goto(shop.at("customers", people[0]))
    page.get_by_text("More", exact=True).click()
    page.get_by_role("link", name="Delete…").click()
    dialog = page.get_by_role("dialog", name="Delete customer Léa Martin?")
    expect(dialog.get_by_text("1 card", exact=False).first).to_be_visible()
    dialog.get_by_role("button", name="Move to trash").click()
    page.wait_for_url(shop.at("customers/"))
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("row", name=re.compile("Léa Martin"))).to_contain_text("120")


def test_many_are_put_in_the_trash_at_once(signed_in, shop, people):
    page = signed_in
    page.goto(shop.at("customers/"))
    for name in ("Léa Martin", "Tom Weber"):
        page.get_by_label(f"Select {name}").check()
    page.get_by_role("button", name="Move to trash…").click()
    page.get_by_role("dialog").get_by_role("button", name="Move to trash").click()
    expect(page.get_by_text("No customers yet")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("link", name="Tom Weber")).to_be_visible()


def test_it_all_works_without_javascript(browser, shop, people, signed_in):
    plain = browser.new_context(java_script_enabled=False, storage_state=signed_in.context.storage_state())
    page = plain.new_page()
    page.goto(shop.at("customers/?q=lea"))
    page.get_by_role("link", name="New customer").click()
    page.get_by_label("Name").fill("Zoé")
    page.get_by_label("Phone").fill("+352 621 999 888")  # who gives none waits for the bonus
    page.get_by_role("button", name="Give them a card").click()
    expect(page.get_by_role("heading", name="Zoé has a card")).to_be_visible()
    page.get_by_role("link", name="See the customer").click()
    expect(page.get_by_role("heading", name="Why is it 20?")).to_be_visible()
    page.goto(shop.at("customers", people[0], "merge", people[1]))
    page.get_by_role("button", name="Merge").click()
    page.get_by_role("button", name="Undo the merge").click()
    page.goto(shop.at("customers", people[1], "consents"))
    page.get_by_role("button", name="They agree").click()
    expect(page.get_by_role("button", name="They no longer agree")).to_be_visible()
    plain.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, {"width": 1440, "height": 900}], ids=["phone", "desktop"])
def test_no_screen_of_customers_has_a_fault(signed_in, shop, people, scheme, size):
    page = signed_in
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size(size)
    lea, tom = people
    here = shop.at("customers", lea)
    pages = ["", "/orders", "/consents", "/edit", "/deletion"]
    pages += ["/merge", f"/merge/{tom}", "/merge?q=t", "/erasure"]
    pages = [f"{here}{each}" for each in pages]
    for address in (*pages, shop.at("customers/"), shop.at("customers", tom), shop.at("customers/?q=zzz")):
        page.goto(address)
        assert faults(page) == [], address
    page.goto(shop.at("customers/new"))
    page.get_by_role("button", name="Give them a card").click()
    expect(page.get_by_text("Give the customer a name")).to_be_visible()
    assert faults(page) == []
    page.get_by_label("Name").fill("Zoé")
    page.get_by_role("button", name="Give them a card").click()
    expect(page.get_by_role("heading", name="Zoé has a card")).to_be_visible()
    assert faults(page) == []
    page.goto(here)
    page.get_by_text("More", exact=True).click()
    assert faults(page) == []
