"""The team in a real browser."""

import re

import pytest
from playwright.sync_api import expect

from portal.models.actor import OPERATOR
from portal.services import accounts, stores, team
from tests.browser.conftest import PASSWORD, PHONE, faults, sign_in

pytestmark = pytest.mark.browser


@pytest.fixture
def gare(shop, within_shop):
    """A store where Sam, who may sign in, and Eva and Finn, who may not, work."""

    def make():
        store = stores.open_store(shop.merchant, name="Gare", store_code="gare", by=OPERATOR)
        sam = accounts.create_user(display_name="Sam Staff", username="sam", password=PASSWORD, by=OPERATOR)
        team.add_member(store, sam, role="staff", by=OPERATOR, position="Barista")
        for name in ("Eva Kremer", "Finn Hoffmann"):
            team.add_till_person(store, display_name=name, by=OPERATOR)
        return store

    return within_shop(make)


@pytest.fixture
def team_page(signed_in, shop, gare):
    signed_in.goto(shop.at("team/"))
    return signed_in


def row(page, name):
    return page.get_by_role("row", name=re.compile(name))


def test_somebody_is_added_for_the_till(team_page):
    team_page.get_by_role("link", name="Add for the till").click()
    dialog = team_page.get_by_role("dialog", name="Add for the till")
    expect(dialog.get_by_label("Name")).to_be_focused()
    team_page.keyboard.press("Enter")
    expect(dialog.get_by_text("Type the person's name.")).to_be_visible()
    dialog.get_by_label("Name").fill("Gil Wagner")
    team_page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(row(team_page, "Gil Wagner")).to_contain_text("At the till only")
    expect(team_page.get_by_text("Added Gil Wagner.")).to_be_visible()


def test_the_link_of_an_invitation_is_shown_once_and_copied(team_page, context, shop):
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    team_page.keyboard.press("n")
    dialog = team_page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Lara Simon")
    dialog.get_by_label("Role").select_option("Owner")
    dialog.get_by_role("button", name="Make the link").click()
    link = dialog.get_by_label("Link")
    expect(link).to_have_value(re.compile("/invite/"))
    dialog.get_by_role("button", name="Copy the link").click()
    expect(team_page.get_by_text("Copied.")).to_be_visible()
    dialog.get_by_role("link", name="Done").click()
    expect(dialog).to_be_hidden()
    waiting = team_page.get_by_role("region", name="Open invitations")
    expect(waiting).to_contain_text("Lara Simon")
    waiting.get_by_role("button", name="Withdraw").click()
    expect(team_page.get_by_text("Lara Simon does not work any more")).to_be_visible()
    expect(waiting).to_have_count(0)


def test_a_role_is_changed_in_its_row_with_the_keyboard_alone(team_page):
    row(team_page, "Eva Kremer").get_by_role("link", name="Edit Eva Kremer").focus()
    team_page.keyboard.press("Enter")
    role = team_page.get_by_label("Role").and_(team_page.locator("tr select"))
    expect(role).to_be_focused()
    team_page.keyboard.press("m")
    team_page.keyboard.press("Tab")
    team_page.keyboard.type("Lead")
    team_page.keyboard.press("Enter")
    expect(row(team_page, "Eva Kremer")).to_contain_text("Manager")
    expect(row(team_page, "Eva Kremer")).to_contain_text("Lead")
    row(team_page, "Finn").get_by_role("link", name="Edit Finn").click()
    expect(team_page.locator("tr.editing")).to_have_count(1)
    team_page.keyboard.press("Escape")
    expect(team_page.locator("tr.editing")).to_have_count(0)


def test_whoever_is_removed_lands_on_the_sign_in_page_with_the_next_click(team_page, shop, browser):
    theirs = browser.new_context().new_page()
    sign_in(theirs, shop, "sam")
    theirs.goto(shop.at("team/"))
    expect(theirs.get_by_role("heading", name="Team")).to_be_visible()

    row(team_page, "Sam Staff").get_by_label("More for Sam Staff").click()
    team_page.get_by_role("link", name="Remove…").first.click()
    dialog = team_page.get_by_role("dialog", name="Remove Sam Staff from Gare?")
    dialog.get_by_label("Reason").fill("Season is over")
    dialog.get_by_role("button", name="Remove").click()
    expect(row(team_page, "Sam Staff")).to_have_count(0)

    theirs.get_by_role("link", name="Store", exact=True).click()  # sorts, by htmx
    expect(theirs).to_have_url(re.compile("/login"))
    team_page.get_by_role("button", name="Undo").click()
    expect(row(team_page, "Sam Staff")).to_have_count(1)
    theirs.goto(shop.at("team/"))
    expect(theirs).to_have_url(re.compile("/login"))
    theirs.context.close()


def test_several_are_removed_and_brought_back_with_one_undo(team_page):
    for name in ("Eva Kremer", "Finn Hoffmann"):
        team_page.get_by_role("checkbox", name=f"Select {name}").check()
    team_page.get_by_role("button", name="Remove…").click()
    dialog = team_page.get_by_role("dialog", name="Remove 2 team members?")
    expect(dialog).to_contain_text("Eva Kremer, Finn Hoffmann")
    dialog.get_by_role("button", name="Remove").click()
    expect(team_page.locator("#list tbody tr")).to_have_count(1)
    team_page.get_by_role("button", name="Undo").click()
    expect(team_page.locator("#list tbody tr")).to_have_count(3)


def test_the_only_owner_cannot_be_removed_but_one_of_two_can(team_page, shop, within_shop):
    from portal.services import merchants

    expect(team_page.locator("#owners-title")).to_have_text("Owner")
    expect(team_page.get_by_role("link", name="as an owner")).to_have_count(0)
    otto = within_shop(lambda: accounts.create_user(display_name="Otto Other", by=OPERATOR))
    within_shop(lambda: merchants.add_owner(shop.merchant, otto, by=OPERATOR))
    team_page.reload()
    team_page.get_by_role("link", name="Remove Otto Other as an owner").click()
    dialog = team_page.get_by_role("dialog")
    dialog.get_by_role("button", name="Remove owner").click()
    expect(dialog).to_be_hidden()
    expect(team_page.locator("#owners-title")).to_have_text("Owner")


def test_the_last_owner_is_offered_nothing_that_can_only_fail(team_page, shop):
    mine = team_page.locator("[id^=owner-]").first.get_attribute("id").removeprefix("owner-")
    team_page.goto(shop.at("team/owners", mine, "deletion"))
    expect(team_page.get_by_text("This is the last owner.")).to_be_visible()
    expect(team_page.get_by_text("Invite another owner first.")).to_be_visible()
    expect(team_page.get_by_role("main").get_by_role("button")).to_have_count(0)
    assert faults(team_page) == []
    team_page.get_by_role("link", name="Cancel").click()
    expect(team_page.get_by_role("heading", name="Team", exact=True)).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, {"width": 1440, "height": 900}], ids=["phone", "desktop"])
def test_the_team_is_for_everybody(team_page, shop, gare, theme, size):
    page = team_page
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size(size)
    page.reload()
    assert faults(page) == []
    first = page.locator("[id^=member-][id$=-show]").first.get_attribute("href")
    for address in (shop.at("team/new"), shop.at("team/invitations/new"), shop.url + first):
        page.goto(address)
        assert faults(page) == [], address
        page.goto(shop.url + first + "/edit")
        assert faults(page) == []
    page.goto(shop.at("team/"))
    page.get_by_role("link", name="Invite", exact=True).click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert faults(page) == []


def test_all_of_it_works_without_javascript(browser, shop, gare):
    page = browser.new_context(java_script_enabled=False).new_page()
    sign_in(page, shop, "olga")
    page.goto(shop.at("team/"))
    page.get_by_label("Search by name or e-mail").fill("eva")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("#list tbody tr")).to_have_count(1)
    page.get_by_label("More for Eva Kremer").click()
    page.get_by_role("link", name="Remove…").click()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("Deleted Eva Kremer from the team of Gare.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Restored team member Eva Kremer.")).to_be_visible()
    page.context.close()
