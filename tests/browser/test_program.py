"""The program in a real browser."""

import re
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import expect

from portal.models.actor import OPERATOR
from portal.services import accounts, programs, rewards, stores, team
from portal.web.program import conversion
from tests.browser.conftest import PASSWORD, PHONE, faults, sign_in
from tests.factories import give, make_card

pytestmark = pytest.mark.browser
TIERS = [
    {"key": "guest", "name": "Guest", "threshold": 0, "multiplier_bp": 10_000},
    {"key": "gold", "name": "Gold", "threshold": 300, "multiplier_bp": 15_000},
]
SIZES = {"phone": PHONE, "tablet": {"width": 1024, "height": 768}, "desktop": {"width": 1440, "height": 900}}
TABS = ("earning", "rewards/", "tiers", "limits", "branding", "wallet", "terms", "history", "history/1")


@pytest.fixture
def program(shop, within_shop):
    def make():
        made = programs.create_program(
            shop.merchant,
            by=OPERATOR,
            now=datetime.now(UTC),
            loyalty_type="hybrid",
            card_name="Carte Lumière",
            card_color="#7C2D12",
            card_secondary_color="#FDE68A",
            tier_config=TIERS,
        )
        for name in ("Espresso", "Croissant", "Bag of beans"):
            rewards.add_reward(made, name=name, points_required=80, by=OPERATOR)
        return made

    return within_shop(make)


def picture(size=(400, 400), kind="PNG"):
    drawn = Image.new("RGB", size, (255, 180, 0))
    ImageDraw.Draw(drawn).ellipse((40, 40, size[0] - 40, size[1] - 40), fill=(30, 30, 90))
    out = BytesIO()
    drawn.save(out, kind)
    return {"name": "logo.png", "mimeType": "image/png", "buffer": out.getvalue()}


def colour_of(page, place=".loyal"):
    return page.locator(place).first.evaluate("it => getComputedStyle(it).backgroundColor")


def test_a_program_is_started_by_keyboard_alone(signed_in, shop):
    page = signed_in
    page.goto(shop.at("stores/"))
    page.keyboard.press("g")
    page.keyboard.press("p")
    expect(page.get_by_role("heading", name="Products", level=1)).to_be_visible()
    page.goto(shop.at("program/"))
    expect(page.get_by_role("heading", name="Start your program")).to_be_visible()
    page.get_by_role("radio", name=re.compile("^Stamps ")).first.focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name=re.compile("^Points"))).to_be_checked()
    page.keyboard.press("Tab")
    page.keyboard.type("Carte Lumière")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Carte Lumière", level=1)).to_be_visible()
    expect(page.get_by_text("Your program runs.")).to_be_visible()
    expect(page.get_by_role("radio", name=re.compile("^Points"))).to_be_checked()
    expect(page.get_by_label("Points per unit spent")).to_have_value("1")
    expect(page.get_by_label("Stamps on a full card")).to_be_hidden()


def test_the_rules_are_changed_and_a_fault_is_told_beside_its_field(signed_in, shop, program):
    page = signed_in
    page.goto(shop.at("program/earning"))
    rate = page.get_by_label("Points per unit spent")
    rate.fill("ten")
    page.get_by_label("Smallest purchase that earns").fill("2,50")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Write a whole number from 0 to 10,000.")).to_be_visible()
    expect(rate).to_be_focused()
    expect(page.get_by_label("Smallest purchase that earns")).to_have_value("2,50")
    rate.fill("10")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing is saved yet.")
    look = page.get_by_role("region", name="What the last 90 days would have been")
    expect(look).to_be_focused()
    expect(look).to_be_in_viewport()
    assert faults(page) == []
    page.get_by_role("button", name="Save these rules").click()
    expect(page.get_by_text("Version 2 counts from now on.")).to_be_visible()
    expect(page.get_by_label("Smallest purchase that earns")).to_have_value("2.50")


def test_what_was_looked_at_is_saved_at_once(signed_in, shop, program):
    page = signed_in
    page.goto(shop.at("program/earning"))
    page.get_by_label("Points per unit spent").fill("10")
    page.get_by_role("button", name="See what would change").click()
    expect(page.get_by_role("heading", name="What the last 90 days would have been")).to_be_in_viewport()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Version 2 counts from now on.")).to_be_visible()


def test_the_card_follows_the_rules_while_they_are_typed(signed_in, shop, program):
    page = signed_in
    page.goto(shop.at("program/earning"))
    card = page.get_by_role("figure", name="How the card looks")
    expect(card.locator(".loyal-dots li")).to_have_count(10)
    page.get_by_label("Stamps on a full card").fill("6")
    expect(card.locator(".loyal-dots li")).to_have_count(6)
    expect(card.locator(".stamped")).to_have_count(4)
    page.get_by_label("Stamps on a full card").fill("50")
    expect(card.locator(".loyal-dots li")).to_have_count(20)
    expect(card.get_by_text("33 / 50")).to_be_visible()
    page.get_by_label("What a full card earns").fill("A free cake")
    expect(card.get_by_text("A free cake")).to_be_visible()
    page.get_by_text("A stamp for each visit.").click()
    expect(card.get_by_text("240")).to_be_hidden()
    expect(page.get_by_label("Points per unit spent")).to_be_hidden()
    page.get_by_text("Points for what they spend.").click()
    expect(card.get_by_text("240")).to_be_visible()
    expect(card.locator(".loyal-dots")).to_be_hidden()


def test_the_card_changes_its_colours_while_they_are_typed(signed_in, shop, program):
    page = signed_in
    page.goto(shop.at("program/branding"))
    assert colour_of(page) == "rgb(124, 45, 18)"
    text, picker = page.locator("#card_color"), page.get_by_label("Pick the colour of the card")
    text.fill("#FFF")
    assert colour_of(page) == "rgb(124, 45, 18)"
    text.fill("#FFFFF0")
    page.wait_for_timeout(300)
    assert colour_of(page) == "rgb(255, 255, 240)"
    assert page.locator(".loyal").evaluate("it => getComputedStyle(it).color") == "rgb(0, 0, 0)"
    expect(picker).to_have_value("#fffff0")
    picker.fill("#0f766e")
    page.wait_for_timeout(300)
    expect(text).to_have_value("#0F766E")
    assert colour_of(page) == "rgb(15, 118, 110)"
    page.locator("#card_secondary_color").fill("")
    page.wait_for_timeout(300)
    assert colour_of(page, ".loyal-tier") == "rgb(255, 255, 255)"
    page.get_by_label("Name on the card").fill("")
    expect(page.locator(".loyal-name")).to_have_text("Loyalty Card")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Version 2 counts from now on.")).to_be_visible()
    page.reload()
    assert colour_of(page) == "rgb(15, 118, 110)"


def test_a_picture_goes_on_the_card_and_what_is_typed_stays(signed_in, shop, program):
    page = signed_in
    page.goto(shop.at("program/branding"))
    page.locator("#card_color").fill("#0F766E")
    page.get_by_label("Logo", exact=True).set_input_files(picture())
    expect(page.get_by_text("The picture is on the card.")).to_be_visible()
    logo = page.locator(".loyal-logo")
    expect(logo).to_be_visible()
    expect(logo).to_have_js_property("naturalWidth", 400)
    expect(page.locator("#card_color")).to_have_value("#0F766E")
    page.wait_for_timeout(300)
    assert colour_of(page) == "rgb(15, 118, 110)"
    page.get_by_label("Logo", exact=True).set_input_files({**picture(), "buffer": b"hello"})
    expect(page.get_by_text("This is no picture we can read.")).to_be_visible()
    expect(page.get_by_label("Logo", exact=True)).to_be_focused()
    page.get_by_label("Logo", exact=True).set_input_files({**picture(), "buffer": b"x" * 2_500_000})
    expect(page.get_by_text("larger than 2 MB")).to_be_visible()
    page.get_by_role("button", name="Take it off").click()
    expect(page.get_by_text("The picture is off the card.")).to_be_visible()
    expect(logo).to_be_hidden()


def test_without_javascript_a_picture_that_is_much_too_large_is_told(signed_in, shop, program, browser):
    plain = browser.new_context(java_script_enabled=False, storage_state=signed_in.context.storage_state())
    page = plain.new_page()
    page.goto(shop.at("program/branding"))
    page.set_input_files("#hero-file", {**picture(), "buffer": b"x" * 3_000_000})
    page.locator("#picture-hero").get_by_role("button", name="Upload").click()
    expect(page.get_by_text("larger than 2 MB")).to_be_visible()
    page.set_input_files("#hero-file", picture((800, 400), "JPEG"))
    page.locator("#picture-hero").get_by_role("button", name="Upload").click()
    expect(page.get_by_text("The picture is on the card.")).to_be_visible()
    expect(page.locator(".loyal-hero")).to_be_visible()
    plain.close()


def test_without_javascript_tiers_come_and_go(signed_in, shop, program, browser):
    plain = browser.new_context(java_script_enabled=False, storage_state=signed_in.context.storage_state())
    page = plain.new_page()
    page.goto(shop.at("program/tiers"))
    page.get_by_role("button", name="Add a tier").click()
    row = page.get_by_role("group", name="Tier 3")
    row.get_by_label("Name").fill("Patron")
    row.get_by_label("From points").fill("1000")
    row.get_by_label("Points ×").fill("2")
    page.get_by_role("button", name="Remove tier 2").click()
    expect(page.get_by_role("group", name="Tier 2").get_by_label("Name")).to_have_value("Patron")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Save these rules").click()
    expect(page.get_by_text("Version 2 counts from now on.")).to_be_visible()
    page.goto(shop.at("program/rewards/"))
    page.get_by_role("button", name="Move Croissant up").click()
    expect(page.locator("tbody tr").first).to_contain_text("Croissant")
    plain.close()


def test_tiers_are_added_where_they_are_typed(signed_in, shop, program):
    page = signed_in
    page.goto(shop.at("program/tiers"))
    page.get_by_role("button", name="Add a tier").click()
    row = page.get_by_role("group", name="Tier 3")
    expect(row.get_by_label("Name")).to_be_focused()
    page.keyboard.type("Patron")
    row.get_by_label("From points").fill("200")
    page.keyboard.press("Enter")
    expect(page.get_by_text("This must be more than the 300 of the tier before.")).to_be_visible()
    expect(row.get_by_label("From points")).to_be_focused()


def test_rewards_are_put_in_order_by_keyboard(signed_in, shop, program):
    page = signed_in
    page.goto(shop.at("program/rewards/"))
    down = page.get_by_role("button", name="Move Espresso down")
    down.focus()
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr").nth(1)).to_contain_text("Espresso")
    expect(down).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr").nth(2)).to_contain_text("Espresso")
    expect(down).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Espresso is number 3 now.").last).to_be_visible()


def test_a_reward_is_offered_and_changed(signed_in, shop, program):
    page = signed_in
    page.goto(shop.at("program/rewards/"))
    page.keyboard.press("n")
    dialog = page.get_by_role("dialog", name="New reward")
    expect(dialog.get_by_label("Name")).to_be_focused()
    page.keyboard.type("Cake")
    page.keyboard.press("Enter")
    expect(dialog.get_by_text("Say how many points it costs.")).to_be_visible()
    expect(dialog.get_by_label("Points", exact=True)).to_be_focused()
    page.keyboard.type("150")
    dialog.get_by_label("From the tier up").select_option("Gold")
    dialog.get_by_label("Last day").fill("2099-12-31")
    dialog.get_by_role("button", name="Offer it").click()
    expect(dialog).to_be_hidden()
    row = page.get_by_role("row", name=re.compile("Cake"))
    expect(row).to_contain_text("Only Gold, until 31 Dec 2099")
    page.get_by_label("More for Cake").click()
    page.get_by_role("link", name="Edit…").click()
    page.get_by_role("dialog").get_by_label("Points", exact=True).fill("200")
    page.keyboard.press("Enter")
    expect(row).to_contain_text("200")


def test_a_reward_is_deleted_and_brought_back_by_undo(signed_in, shop, program):
    page = signed_in
    page.goto(shop.at("program/rewards/"))
    row = page.get_by_role("row", name=re.compile("Croissant"))
    page.get_by_label("More for Croissant").click()
    row.get_by_role("link", name="Delete…").click()
    page.get_by_role("button", name="Move to trash").click()
    expect(row).to_be_hidden()
    page.get_by_role("button", name="Undo").click()
    expect(row).to_be_visible()


def test_the_program_is_switched_off_and_on(signed_in, shop, program):
    page = signed_in
    page.goto(shop.at("program/limits"))
    page.get_by_role("link", name="Switch off…").click()
    dialog = page.get_by_role("dialog", name="Switch the program off?")
    expect(dialog.get_by_text("nobody enrols and nobody earns")).to_be_visible()
    until = dialog.get_by_label("Rewards can be redeemed until")
    expect(until).to_be_focused()
    until.fill("2001-01-01")
    dialog.get_by_role("button", name="Switch off").click()
    expect(dialog.get_by_text("Choose today or a day to come")).to_be_visible()
    day = datetime.now(UTC) + timedelta(days=10)
    until.fill(f"{day:%Y-%m-%d}")
    dialog.get_by_role("button", name="Switch off").click()
    expect(page.get_by_text(f"Rewards can be redeemed until {day.day} {day:%b %Y}.")).to_be_visible()
    page.get_by_role("link", name="Switch on…").click()
    page.get_by_role("dialog").get_by_role("button", name="Switch on").click()
    expect(page.get_by_text("The program is off.")).to_be_hidden()
    expect(page.get_by_role("link", name="Switch off…")).to_be_visible()
    page.get_by_role("link", name="History", exact=True).click()
    expect(page.get_by_role("heading", name="Version 3 Counts now")).to_be_visible()
    expect(page.locator("#version-2")).to_contain_text("Active")
    page.get_by_role("link", name="All rules of version 2").click()
    expect(page.get_by_role("heading", name="Version 2")).to_be_visible()


def test_a_deleted_program_is_brought_back_by_undo(signed_in, shop, program):
    page = signed_in
    page.goto(shop.at("program/earning"))
    page.get_by_role("link", name="Delete…").click()
    dialog = page.get_by_role("dialog", name="Delete the program Carte Lumière?")
    expect(dialog.get_by_text("3 rewards")).to_be_visible()
    dialog.get_by_role("button", name="Move to trash").click()
    expect(page.get_by_role("heading", name="The program Carte Lumière is in the trash")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", name="Carte Lumière", level=1)).to_be_visible()


def test_a_deleted_program_is_brought_back_from_its_own_page(signed_in, shop, program):
    page = signed_in
    page.goto(shop.at("program/deletion"))
    page.get_by_role("button", name="Move to trash").click()
    page.goto(shop.at("program/"))
    page.get_by_role("button", name="Restore it").click()
    expect(page.get_by_role("heading", name="Carte Lumière", level=1)).to_be_visible()


def test_an_earlier_program_takes_the_place_of_the_current_in_one_press(signed_in, shop, program):
    page = signed_in
    page.goto(shop.at("program/deletion"))
    page.get_by_role("button", name="Move to trash").click()
    page.get_by_label("Name on the card").fill("New Card")
    page.get_by_role("button", name="Start the program").click()
    expect(page.get_by_role("heading", name="New Card", level=1)).to_be_visible()
    page.get_by_role("link", name="History", exact=True).click()
    page.get_by_role("button", name="Restore Carte Lumière instead…").click()
    expect(page.get_by_text("A business has one program")).to_be_visible()
    page.get_by_role("button", name="Replace the current program").click()
    page.goto(shop.at("program/"))
    expect(page.get_by_role("heading", name="Carte Lumière", level=1)).to_be_visible()


def test_what_is_typed_is_not_lost_without_a_question(signed_in, shop, program):
    page = signed_in
    page.goto(shop.at("program/limits"))
    page.get_by_label("A manager may undo").fill("48")
    asked = []
    page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    page.get_by_role("link", name="Wallet").click()
    assert asked
    expect(page.get_by_label("A manager may undo")).to_have_value("48")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Version 2 counts from now on.")).to_be_visible()


def test_a_manager_looks_and_finds_no_button(page, shop, program, within_shop):
    def hire():
        store = stores.open_store(shop.merchant, name="Gare", store_code="gare", by=OPERATOR)
        mia = accounts.create_user(display_name="Mia", username="mia", password=PASSWORD, by=OPERATOR)
        team.add_member(store, mia, role="manager", by=OPERATOR)

    within_shop(hire)
    sign_in(page, shop, "mia")
    for tab in TABS:
        page.goto(shop.at("program", tab))
        expect(page.get_by_role("button", name="Save", exact=True)).to_have_count(0)
        assert faults(page) == [], tab
    page.goto(shop.at("program/earning"))
    expect(page.get_by_text("An owner changes them.")).to_be_visible()
    expect(page.get_by_label("Points per unit spent")).to_be_disabled()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_no_screen_of_the_program_has_a_fault(signed_in, shop, program, scheme, size):
    page = signed_in
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size(SIZES[size])
    more = ("rewards/new", "rewards/rules", "deactivation", "activation", "deletion")
    for tab in (*TABS, *more):
        page.goto(shop.at("program", tab))
        assert faults(page) == [], tab
    page.goto(shop.at("program/tiers"))
    page.locator("#tier-1-threshold").fill("0")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("more than the 0 of the tier before")).to_be_visible()
    assert faults(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_starting_and_starting_again_have_no_fault(signed_in, shop, scheme, size):
    page = signed_in
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size(SIZES[size])
    page.goto(shop.at("program/"))
    assert faults(page) == []
    page.get_by_role("button", name="Start the program").click()
    page.goto(shop.at("program/deletion"))
    page.get_by_role("button", name="Move to trash").click()
    expect(page.get_by_role("heading", name="Start a new one")).to_be_visible()
    assert faults(page) == []


def test_save_pressed_twice_saves_once(signed_in, shop, program):
    page = signed_in
    page.goto(shop.at("program/terms"))
    page.get_by_label("Terms (optional)").fill("Be kind.")
    sent = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.evaluate(
        "() => { const save = document.getElementById('save');"
        " save.click(); setTimeout(() => save.click(), 5); }"
    )
    expect(page.get_by_text("Saved. Version 2 counts from now on.")).to_be_visible()
    assert len(sent) == 1
    page.go_back()
    page.get_by_label("Terms (optional)").fill("Be very kind.")
    page.locator("#save").click()
    page.wait_for_url("**/program/terms")
    expect(page.locator("#toasts, .flash").first).to_be_visible()
    assert len(sent) == 2


def test_a_sheet_pressed_twice_is_sent_once(signed_in, shop, program):
    page = signed_in
    page.goto(shop.at("program/rewards/"))
    page.get_by_role("link", name="New reward").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Cake")
    sent = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    dialog.get_by_role("button", name="Offer it").dblclick()
    expect(dialog.get_by_text("Say how many points it costs.")).to_be_visible()
    dialog.get_by_label("Points").fill("90")
    dialog.get_by_role("button", name="Offer it").dblclick()
    expect(page.get_by_text("Added Cake.")).to_be_visible()
    assert len(sent) == 2


def test_frozen_stamps_become_points_in_the_dialog(signed_in, shop, program, monkeypatch):
    monkeypatch.setattr(conversion, "CHUNK", 1)
    monkeypatch.setattr(conversion, "PATIENCE_SECONDS", 0)
    for held in (7, 4):
        give(make_card(program), stamps=held)
    page = signed_in
    page.goto(shop.at("program/earning"))
    page.get_by_text("Points for what they spend.").click()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Save these rules").click()
    expect(page.get_by_text("2 cards hold 11 frozen stamps.")).to_be_visible()
    page.get_by_role("link", name="Convert them into points…").click()
    dialog = page.get_by_role("dialog", name="Convert frozen stamps")
    dialog.get_by_role("button", name="See what it does").click()
    expect(dialog.get_by_text("Say how many for one")).to_be_visible()
    dialog.get_by_label("Points for one stamp").fill("2,5")
    dialog.get_by_role("button", name="See what it does").click()
    expect(dialog.get_by_text("On 2 cards 11 stamps become 27 points.")).to_be_visible()
    expect(dialog.get_by_text("1 card gets a whole number")).to_be_visible()
    assert faults(page) == []
    dialog.get_by_role("button", name="Convert", exact=True).click()
    expect(page.get_by_text("Converted 11 stamps into 27 points on 2 cards.")).to_be_visible()
    expect(page.get_by_text("frozen stamps")).to_have_count(0)
    expect(dialog).to_be_hidden()
