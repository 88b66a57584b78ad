"""Long names without a space bend to the page, and what has the focus is never hidden."""

from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from portal.models.actor import OPERATOR
from portal.services import accounts, merchants, programs, rewards, stores
from tests.browser.conftest import PHONE

pytestmark = pytest.mark.browser
LONG = "Donaudampfschiff" * 8
DESKTOP = {"width": 1440, "height": 900}
PAGES = (
    "",
    "program/earning",
    "program/branding",
    "program/rewards/",
    "program/history",
    "program/deletion",
    "settings/",
    "settings/closing",
    "settings/deletion",
    "stores/",
    "trash/",
)
BEHIND = """() => {
    const bar = document.querySelector(".tab-save");
    const field = document.activeElement;
    return !bar.contains(field) && field.getBoundingClientRect().bottom > bar.getBoundingClientRect().top;
}"""
WIDER = "() => document.documentElement.scrollWidth > innerWidth"


@pytest.fixture
def long(shop, within_shop):
    """A business, a store, a program and a reward whose names hold no space."""

    def make():
        merchants.change_merchant(shop.merchant, by=OPERATOR, name=LONG[:100])
        stores.open_store(shop.merchant, name=LONG[:120], store_code="gare", by=OPERATOR)
        accounts.change_user(shop.owner, by=OPERATOR, now=datetime.now(UTC), display_name=LONG[:100])
        how = {"by": OPERATOR, "now": datetime.now(UTC)}
        tiers = [{"key": "guest", "name": LONG[:40], "threshold": 0, "multiplier_bp": 10_000}]
        made = programs.create_program(
            shop.merchant,
            loyalty_type="hybrid",
            card_name=LONG[:120],
            stamps_reward_description=LONG[:120],
            tier_config=tiers,
            **how,
        )
        return rewards.add_reward(
            made, name=LONG[:120], description=LONG, points_required=80, tier_key="guest", by=OPERATOR
        )

    return within_shop(make)


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_no_long_name_makes_a_page_wider_than_the_window(signed_in, shop, long, size):
    page = signed_in
    page.set_viewport_size(size)
    reward = (f"program/rewards/{long.id}/edit", f"program/rewards/{long.id}/deletion")
    wide = []
    for address in (
        *(shop.at(each) for each in (*PAGES, *reward)),
        f"{shop.url}/choose",
        f"{shop.url}/account/",
    ):
        assert page.goto(address).status == 200, address
        if page.evaluate(WIDER):
            wide.append(address.removeprefix(shop.url))
    assert wide == []
    page.goto(shop.at("program/rewards/"))
    page.locator(f"#reward-{long.id} summary").click()
    page.locator(f"#reward-{long.id}-delete").click()
    expect(page.locator("#dialog .sheet-top")).to_be_visible()
    assert page.evaluate(
        "() => { const b = document.getElementById('dialog'); return b.scrollWidth <= b.clientWidth; }"
    )
    assert not page.evaluate(WIDER)


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_the_focus_is_never_behind_the_bar_of_save(signed_in, shop, long, size):
    page = signed_in
    page.set_viewport_size(size)
    page.emulate_media(reduced_motion="reduce")  # or the page is still gliding when it is measured
    page.goto(shop.at("program/earning"))
    page.locator("#loyalty_type-2").focus()
    hidden = []
    for _ in range(14):
        page.keyboard.press("Tab")
        page.wait_for_timeout(60)
        if page.evaluate(BEHIND):
            hidden.append(page.evaluate("() => document.activeElement.id"))
    assert hidden == []
