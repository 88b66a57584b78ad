"""Signing in and joining, in a real browser."""

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from portal.models.actor import OPERATOR, Actor, Role
from portal.services import accounts, stores, team
from tests.browser.conftest import PASSWORD, PHONE, faults, sign_in

pytestmark = pytest.mark.browser
THEMES = pytest.mark.parametrize("theme", ["light", "dark"])


@pytest.fixture
def link(shop, within_shop):
    """The link of an invitation to work at Gare."""

    def make():
        gare = stores.open_store(shop.merchant, name="Gare", store_code="gare", by=OPERATOR)
        by = Actor(shop.owner.id, Role.OWNER)
        words = {"display_name": "Ina New", "role": "staff", "store": gare, "now": datetime.now(UTC)}
        return team.invite(shop.merchant, by=by, **words)[1]

    return f"{shop.url}/invite/{within_shop(make)}"


def test_a_wrong_password_is_told_beside_the_field_and_the_right_one_leads_in(page, shop):
    page.goto(shop.at("team/"))
    expect(page).to_have_url(re.compile("/login"))
    login = page.get_by_label("E-mail or username")
    expect(login).to_be_focused()
    login.fill("olga")
    page.get_by_label("Password").fill("wrong wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_text("This does not match.")).to_be_visible()
    expect(page.get_by_label("Password")).to_be_focused()
    expect(page.get_by_label("E-mail or username")).to_have_value("olga")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(shop.at("team/"))
    expect(page.get_by_role("heading", name="Team")).to_be_visible()


def test_signing_out_leads_to_the_door_and_back_shows_nothing(signed_in, shop):
    page = signed_in
    page.goto(shop.at("team/"))
    page.locator(".cover-side summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto(shop.at("team/"))
    expect(page).to_have_url(re.compile("/login"))


def test_an_invitation_is_accepted_in_another_browser(page, shop, link):
    page.goto(link)
    expect(page.get_by_text("invites you to work in Gare, Café Lumière as staff")).to_be_visible()
    expect(page.get_by_label("Your name")).to_have_value("Ina New")
    page.get_by_label("E-mail or username").fill("ina@example.com")
    page.get_by_label("Password", exact=True).fill("three blue stamps")
    page.get_by_label("Password again").fill("three blue stamp")
    page.get_by_role("button", name="Join").click()
    expect(page.get_by_text("The two are not the same.")).to_be_visible()
    page.get_by_label("Password", exact=True).fill("three blue stamps")
    page.get_by_label("Password again").fill("three blue stamps")
    page.keyboard.press("Enter")
    expect(page).to_have_url(shop.at(""))
    page.goto(link)
    expect(page.get_by_text("This invitation does not work")).to_be_visible()


def test_somebody_with_an_account_signs_in_to_accept(page, shop, link, within_shop):
    words = {"display_name": "Peter", "username": "peter", "password": PASSWORD}
    within_shop(lambda: accounts.create_user(by=OPERATOR, **words))
    page.goto(link)
    page.get_by_role("link", name="Sign in to accept").click()
    page.get_by_label("E-mail or username").fill("peter")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Join as Peter").click()
    expect(page).to_have_url(shop.at(""))


@THEMES
@pytest.mark.parametrize("size", [PHONE, {"width": 1440, "height": 900}], ids=["phone", "desktop"])
def test_the_doors_are_for_everybody(page, shop, link, theme, size):
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size(size)
    for address in (f"{shop.url}/login", link, f"{shop.url}/invite/nothing"):
        page.goto(address)
        assert faults(page) == [], address
    sign_in(page, shop, "olga")
    for address in (f"{shop.url}/password", f"{shop.url}/choose", link):
        page.goto(address)
        assert faults(page) == [], address
