"""Cards in a real browser: the statement reads true, and what managers correct is done once."""

import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from playwright.sync_api import expect

from portal.models.actor import OPERATOR, Actor, Role
from portal.services import programs, stores
from portal.services.ledger.adjusting import adjust
from portal.services.ledger.earning import earn
from portal.services.ledger.rewarding import issue_reward
from portal.services.ledger.visits import Visit
from tests.browser.conftest import PHONE, faults
from tests.factories import make_card, make_customer, make_earn, make_order, make_reward, make_token

pytestmark = pytest.mark.browser
RULES = {
    "loyalty_type": "hybrid",
    "points_per_euro": 1,
    "points_expiration_days": 30,
    "minimum_redemption_points": 0,
    "adjust_approval_points": 100,
}


@pytest.fixture
def anna(shop, within_shop):
    """Anna's 20 points of two months ago expired with today's visit; 19 and 10 points came since."""
    now = datetime.now(UTC)

    def make():
        store = stores.open_store(shop.merchant, name="Gare", store_code="gare", by=OPERATOR)
        return store, programs.create_program(shop.merchant, by=OPERATOR, now=now, **RULES)

    store, program = within_shop(make)
    customer = make_customer(shop.merchant, "Anna Weber")
    card = make_card(program, customer)
    make_token(card, kind="number", value="42178830")
    order = make_order(store, customer, number="R-1", total_cents=1999, occurred_at=now)

    def visit(cents, at):
        by = Actor(shop.owner.id, Role.OWNER)
        earn(card.id, spent_cents=cents, visit=Visit(by=by, now=at, store_id=store.id, source="till"))

    within_shop(lambda: visit(2000, now - timedelta(days=60)))
    make_earn(order, card)
    within_shop(lambda: visit(1000, now))
    return SimpleNamespace(card=card.id, order=order.id, program=program)


def told(page):
    """The statement as it stands: what, points, balance; newest first."""
    rows = page.locator(".statement-table tbody tr:not(.month)")
    return [
        (row.locator(".movement-what").inner_text(), *row.locator("td.num").first.inner_text().split("\n"))
        for row in rows.all()
    ]


def test_the_statement_reads_true_after_earn_refund_void_and_expiry(signed_in, shop, anna):
    page = signed_in
    page.goto(shop.at("cards", anna.card))
    expect(page.get_by_role("heading", name="Why is it 29?")).to_be_visible()
    newest = page.locator("tr", has_text="Purchase of €10.00")
    newest.get_by_role("link", name="Void…").click()
    dialog = page.get_by_role("dialog", name="Void a movement?")
    expect(dialog.get_by_text("Purchase of €10.00 at Gare, 1 point per €: +10")).to_be_visible()
    dialog.get_by_label("Reason").select_option("Wrong card")
    dialog.get_by_role("button", name="Void").click()
    expect(page.get_by_role("heading", name="Why is it 19?")).to_be_visible()
    page.goto(shop.at("orders", anna.order))
    page.get_by_role("link", name="Refund…").click()
    page.get_by_role("dialog").get_by_label("Amount").fill("5")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Refunded €5.00, −5 points.")).to_be_visible()
    page.get_by_role("link", name="See the card").click()
    expect(page.get_by_role("heading", name="Why is it 14?")).to_be_visible()
    assert told(page) == [
        ("Refund of €5.00 of €19.99", "−5", "Balance 14"),
        ("Voided: Purchase of €10.00", "−10", "Balance 19"),
        ("Purchase of €10.00", "+10", "Balance 29"),
        ("Purchase of €19.99", "+19", "Balance 19"),
        ("20 points expired", "−20", "Balance 0"),
        ("Purchase of €20.00", "+20", "Balance 20"),
    ]
    expect(page.get_by_text("no visit for 30 days")).to_be_visible()
    expect(page.get_by_text(re.compile("wrong card"))).to_be_visible()


def test_adjusting_by_keyboard_above_the_limit_waits_for_a_second_person(signed_in, shop, anna):
    page = signed_in
    page.goto(shop.at("cards", anna.card))
    page.get_by_role("link", name="Adjust…").press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Points")).to_be_focused()
    page.keyboard.type("+500")
    page.keyboard.press("Enter")
    expect(dialog.get_by_text("Choose a reason.", exact=True)).to_be_visible()
    expect(dialog.get_by_label("Points")).to_have_value("+500")
    dialog.get_by_label("Reason").select_option("Goodwill")
    page.keyboard.press("Enter")
    dialog.get_by_role("button", name="Adjust").click()
    expect(page.get_by_text("Somebody else must agree to it.")).to_be_visible()
    page.goto(shop.at("reviews/"))
    expect(page.get_by_text("+500 points, goodwill, proposed by Olga Owner")).to_be_visible()
    expect(page.get_by_text("You proposed it: somebody else must agree.")).to_be_visible()


def test_a_double_click_adjusts_once(signed_in, shop, anna):
    page = signed_in
    page.goto(shop.at("cards", anna.card, "adjustments", "new"))
    page.get_by_label("Points").fill("50")
    page.get_by_label("Reason").select_option("Goodwill")
    page.get_by_role("button", name="Adjust").dblclick()
    expect(page.get_by_role("heading", name="Why is it 79?")).to_be_visible()


def test_a_lost_card_is_replaced_and_its_qr_shown(signed_in, shop, anna):
    page = signed_in
    page.set_viewport_size(PHONE)
    page.goto(shop.at("cards", anna.card))
    page.get_by_role("link", name="Replace lost card…").click()
    page.get_by_role("dialog").get_by_role("button", name="Replace card").click()
    shown = page.get_by_role("dialog")
    expect(shown.get_by_role("img", name="QR code of the new card")).to_be_visible()
    expect(shown.get_by_role("button", name="Print")).to_be_visible()
    assert faults(page) == []
    number = shown.locator(".new-card-number").inner_text()
    shown.get_by_role("link", name="Done").click()
    expect(page.locator("header.page-top")).to_contain_text(number)
    expect(page.get_by_text("Leads nowhere")).to_be_visible()


def test_a_reward_is_handed_over_and_the_card_suspended(signed_in, shop, anna, within_shop):
    reward = make_reward(anna.program, "Mug", points_required=10)
    visit = Visit(by=OPERATOR, now=datetime.now(UTC))
    within_shop(lambda: issue_reward(anna.card, reward.id, visit=visit))
    page = signed_in
    page.goto(shop.at("cards", anna.card))
    page.get_by_role("link", name="Hand over…").click()
    page.get_by_role("dialog").get_by_role("button", name="Hand over").click()
    expect(page.get_by_text("Handed over “Mug”.")).to_be_visible()
    expect(page.get_by_text("Ready", exact=True)).to_have_count(0)
    page.get_by_role("link", name="Suspend…").click()
    page.get_by_role("dialog").get_by_role("button", name="Suspend").click()
    expect(page.get_by_text("This card is suspended")).to_be_visible()
    expect(page.get_by_role("link", name="Lift the suspension…")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_screens_of_cards_and_reviews_are_without_barriers(signed_in, shop, anna, within_shop, theme):
    asked = {"points": 500, "reason_code": "goodwill"}
    visit = Visit(by=Actor(None, Role.OWNER), now=datetime.now(UTC))
    within_shop(lambda: adjust(anna.card, visit=visit, **asked))
    page = signed_in
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    ways = ("", "adjustments/new", "replacement", "suspension")
    places = [shop.at("cards/"), *(shop.at("cards", anna.card, way) for way in ways), shop.at("reviews/")]
    for width in (390, 1024, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        for place in places:
            page.goto(place.rstrip("/") + ("/" if place.endswith(("cards/", "reviews/")) else ""))
            assert faults(page) == [], (place, width)


def test_accepting_a_proposal_posts_it(signed_in, shop, anna, within_shop):
    visit = Visit(by=Actor(None, Role.OWNER), now=datetime.now(UTC))
    within_shop(lambda: adjust(anna.card, points=500, reason_code="goodwill", visit=visit))
    page = signed_in
    page.goto(shop.at("reviews/"))
    page.get_by_role("link", name="Accept…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Note").fill("Agreed on the phone")
    dialog.get_by_role("button", name="Accept").click()
    expect(page.get_by_text("Accepted: agreed")).to_be_visible()
    expect(page.get_by_text("Nothing to look at")).to_be_visible()
    page.goto(shop.at("cards", anna.card))
    expect(page.get_by_text("Agreed on the phone")).to_be_visible()
    expect(page.locator("#balance-points")).to_have_text("529")
