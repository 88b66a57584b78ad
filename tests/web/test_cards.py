"""Cards as people meet them: found, explained, corrected, replaced, stopped."""

import csv
import io
import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from portal.extensions import db
from portal.models import CardToken, LoyaltyCard, LoyaltyTransaction, ReviewItem, RewardIssue
from portal.services import cards
from portal.services.ledger.earning import earn
from portal.services.ledger.rewarding import issue_reward
from portal.services.ledger.visits import Visit
from tests.factories import (
    OWNER,
    give,
    make_card,
    make_customer,
    make_order,
    make_program,
    make_reward,
    make_token,
    within,
)
from tests.web.cast import make_cast
from tests.web.conftest import path

RULES = {
    "loyalty_type": "hybrid",
    "points_per_euro": 1,
    "minimum_redemption_points": 0,
    "adjust_approval_points": 500,
    "cooldown_minutes": 0,
}


def now():
    return datetime.now(UTC)


@pytest.fixture
def cast(app):
    cast = make_cast()
    cast.program = make_program(cast.merchant, **RULES)
    cast.customer = make_customer(cast.merchant, "Anna Weber", phone="+352621111222")
    card = make_card(cast.program, cast.customer)
    make_token(card, kind="number", value="42178830")
    make_token(card, kind="qr", value="secret-hash")
    make_token(card, kind="legacy", value="OLD-7")
    cast.card_id = card.id
    db.session.expunge_all()  # the cast stays readable
    return cast


@pytest.fixture
def manager(cast, sign_in):
    return sign_in(cast.manager)


@pytest.fixture
def earned(cast):
    """19 points for 19.99 at Gare, just now."""
    with within(cast.merchant):
        visit = Visit(by=OWNER, now=now(), store_id=cast.gare.id, source="till")
        row_id = earn(cast.card_id, spent_cents=1999, visit=visit).rows[0].id
        db.session.commit()
    return row_id


@pytest.fixture
def ready(cast):
    """A mug for 10 points, ready to be handed over."""
    reward = make_reward(cast.program, "Mug", points_required=10)
    with within(cast.merchant):
        card = db.session.get(LoyaltyCard, (cast.merchant.id, cast.card_id))
        db.session.expunge(card)
    give(card, points=30)
    with within(cast.merchant):
        done = issue_reward(cast.card_id, reward.id, visit=Visit(by=OWNER, now=now()))
        issue_id = done.rows[0].reward_issue_id
        db.session.commit()
    return issue_id


def at(cast, *parts):
    return path(cast.merchant, "cards", cast.card_id, *parts)


def read(cast, column, model=LoyaltyCard):
    with within(cast.merchant):
        found = db.session.scalars(select(column).where(model.merchant_id == cast.merchant.id)).all()
        db.session.rollback()
    return found


def listed(browser, cast, **query):
    text = browser.get(path(cast.merchant, "cards/"), query_string=query).text
    return re.findall(r'id="card-\d+-name"[^>]*>([^<]+)<', text)


def send(browser, cast, *parts, **typed):
    return browser.post(at(cast, *parts), data={"key": str(uuid.uuid4()), **typed})


@pytest.mark.parametrize("q", ["anna", "weber", "4217 88", "old-7", "621111222"])
def test_a_card_is_found_by_name_number_and_old_number(manager, cast, q):
    make_card(cast.program, make_customer(cast.merchant, "Bob Other"))
    assert listed(manager, cast, q=q) == ["Anna Weber"]


def other(cast, name, **fields):
    card = make_card(cast.program, make_customer(cast.merchant, name), **fields)
    db.session.expunge_all()
    return card


def test_filters_by_tier_status_and_balance(manager, cast):
    give(other(cast, "Rich", tier_key="gold"), points=100)
    give(other(cast, "Minus"), points=-5)
    other(cast, "Stopped", status="suspended")
    assert listed(manager, cast, tier="gold") == ["Rich"]
    assert listed(manager, cast, status="suspended") == ["Stopped"]
    assert listed(manager, cast, balance="some") == ["Rich"]
    assert listed(manager, cast, balance="negative") == ["Minus"]
    assert sorted(listed(manager, cast, balance="none")) == ["Anna Weber", "Stopped"]
    assert len(listed(manager, cast, balance="x", status="x")) == 4
    assert listed(manager, cast, q="nobody") == []


def set_rules(cast, **rules):
    with within(cast.merchant):
        program = db.session.merge(cast.program)
        for name, value in rules.items():
            setattr(program, name, value)
        db.session.commit()


def test_points_that_expire_in_30_days_are_found(manager, cast):
    today = now()
    for name, days in (("Soon", 340), ("Edge", 335), ("Far", 330), ("Gone", 400)):
        card = other(cast, name)
        with within(cast.merchant):
            past = Visit(by=OWNER, now=today - timedelta(days=days))
            earn(card.id, spent_cents=1000, visit=past)
            db.session.commit()
    assert listed(manager, cast, balance="expiring") == []
    set_rules(cast, points_expiration_days=365)
    found = set(listed(manager, cast, balance="expiring"))
    assert "Soon" in found
    assert not found & {"Far", "Gone", "Anna Weber"}
    text = manager.get(path(cast.merchant, "cards/"), query_string={"q": "gone"}).text
    assert re.search(r'data-label="Points" class="num">0<', text)  # net of what is due
    set_rules(cast, expiry_floor_at=today + timedelta(days=20))
    assert {"Gone", "Soon"} <= set(listed(manager, cast, balance="expiring"))
    set_rules(cast, loyalty_type="stamps")  # frozen
    assert listed(manager, cast, balance="expiring") == []
    set_rules(cast, loyalty_type="points", expiry_floor_at=today + timedelta(days=60))
    assert listed(manager, cast, balance="expiring") == []


@pytest.mark.parametrize("sort", ["customer", "points", "stamps", "visit"])
def test_the_list_sorts(manager, cast, sort):
    give(other(cast, "Zoe"), points=9, stamps=9)
    first = listed(manager, cast, sort=sort)
    assert first == listed(manager, cast, sort=sort, direction="desc")[::-1]


def test_an_empty_list_says_what_is_missing(cast, sign_in):
    browser = sign_in(cast.stranger)
    assert "An owner starts it under Program." in browser.get(path(cast.elsewhere, "cards/")).text
    make_program(cast.elsewhere)
    assert "Everybody who joins" in browser.get(path(cast.elsewhere, "cards/?q=")).text


def test_the_export_is_the_owners(manager, cast, earned, sign_in):
    here = path(cast.merchant, "cards/export.csv")
    assert manager.get(here).status_code == 403
    rows = list(csv.DictReader(io.StringIO(sign_in(cast.owner).get(here).text)))
    told = {"number": "42178830", "customer": "Anna Weber", "points": "19", "points_expire": ""}
    assert told.items() <= rows[0].items()
    set_rules(cast, points_expiration_days=10)
    rows = list(csv.DictReader(io.StringIO(sign_in(cast.owner).get(here).text)))
    assert rows[0]["points_expire"]


def test_the_page_explains_the_balance(manager, cast, earned):
    text = manager.get(at(cast)).text
    assert "Why is it 19?" in text
    assert "Purchase of €19.99" in text
    assert "1 point per €" in text
    assert "4217 8830" in text
    assert "OLD-7" in text
    assert "secret-hash" not in text
    assert "expire on" not in text
    set_rules(cast, points_expiration_days=10)
    assert "The points expire on" in manager.get(at(cast)).text


def test_a_card_on_which_nothing_happened(manager, cast):
    assert "Nothing happened on this card yet." in manager.get(at(cast)).text


def test_a_card_without_codes_and_below_zero(manager, cast):
    card = other(cast, "Nobody")
    give(card, points=-5)
    text = manager.get(path(cast.merchant, "cards", card.id)).text
    assert "No code leads to this card." in text
    assert "below zero" in text


def test_a_movement_of_a_foreign_store_leads_nowhere_that_is_not_theirs(sign_in, cast):
    with within(cast.merchant):
        order = make_order(cast.belval, cast.customer, number="R-9", total_cents=1999)
        visit = Visit(by=OWNER, now=now(), store_id=cast.belval.id, source="till")
        earn(cast.card_id, spent_cents=1999, order_id=order.id, visit=visit)
        db.session.commit()
        ways = [f'href="{path(cast.merchant, "orders", order.id)}"', "/void"]
    for person, leads in ((cast.manager, [False, False]), (cast.owner, [True, True])):
        text = sign_in(person).get(path(cast.merchant, "cards", cast.card_id)).text
        assert "Order R-9" in text
        assert [way in text for way in ways] == leads


def test_the_statement_goes_on_page_by_page(manager, cast):
    card = other(cast, "Busy")
    for n in range(30):
        give(card, points=n + 1)
    here = path(cast.merchant, "cards", card.id)
    first = manager.get(here).text
    assert first.count('id="movement-') >= 25
    older = re.search(r'id="statement-older" href="([^"#]+)', first.replace("\n", " "))
    older = older or re.search(r'href="([^"#]+\?after=[^"#]+)', first)
    second = manager.get(older[1].replace("&amp;", "&")).text
    assert "Balance 1<" in second
    assert "?before=" in second


def test_a_card_in_the_trash_says_so_and_a_strangers_is_not_there(manager, cast, sign_in):
    sign_in(cast.owner).post(path(cast.merchant, "customers", cast.customer.id, "deletion"))
    answer = manager.get(at(cast))
    assert answer.status_code == 404
    assert "in the trash" in answer.text


def test_adjusting_writes_the_reason_and_the_note(manager, cast):
    form = manager.get(at(cast, "adjustments", "new")).text
    assert "More than 500 is only proposed: a second person must agree." in form
    assert "within 24 hours counts together" in form
    assert "More than 10 is only proposed: a second person must agree." in form
    assert "At most 100 at once." in form
    answer = send(manager, cast, "adjustments", points="+50", reason_code="goodwill", note="Waited long")
    assert answer.status_code == 303
    text = manager.get(answer.location).text
    assert "Adjusted the balance." in text
    assert "Added by hand" in text
    assert "goodwill" in text
    assert "Waited long" in text
    send(manager, cast, "adjustments", points="\u221220", stamps="1", reason_code="correction")
    assert read(cast, LoyaltyCard.points_balance) == [30]


def test_above_the_limit_it_is_proposed(manager, cast):
    answer = send(manager, cast, "adjustments", points="501", reason_code="goodwill")
    assert "Somebody else must agree" in manager.get(answer.location).text
    assert read(cast, LoyaltyCard.points_balance) == [0]
    assert read(cast, ReviewItem.kind, ReviewItem) == ["adjustment"]


def test_what_is_proposed_already_is_said_on_the_card_and_its_form(manager, cast):
    assert "second person; the balance" not in manager.get(at(cast)).text
    send(manager, cast, "adjustments", points="501", reason_code="goodwill")
    for parts in ((), ("adjustments", "new")):
        text = manager.get(at(cast, *parts)).text
        assert "1 adjustment waits for a second person; the balance does not count it yet." in text
    send(manager, cast, "adjustments", points="502", reason_code="goodwill")
    assert "2 adjustments wait for a second person" in manager.get(at(cast)).text


def test_what_goes_below_zero_is_said_calmly(manager, cast):
    answer = send(manager, cast, "adjustments", points="-5", reason_code="correction")
    text = manager.get(answer.location).text
    assert text.count("The balance is below zero; new points fill it up first.") == 2
    assert "taken back than" not in text
    answer = send(manager, cast, "adjustments", points="-501", reason_code="correction")
    text = manager.get(answer.location).text
    assert "Proposed: −5 → −506 points. Somebody else must agree to it." in text
    assert "The balance goes below zero; new points fill it up first." in text
    answer = send(manager, cast, "adjustments", points="501", reason_code="correction")
    assert "goes below zero" not in manager.get(answer.location).text


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"points": "", "reason_code": "goodwill"}, "Say how many points or stamps"),
        ({"points": "1.5", "reason_code": "goodwill"}, "Write a whole number, like 50 or -50."),
        ({"points": "5", "reason_code": ""}, "Choose a reason."),
        ({"points": "5", "reason_code": "whim"}, "Choose one"),
        ({"points": "5", "reason_code": "other"}, "Write in the note what the reason was."),
        ({"points": "5", "reason_code": "goodwill", "note": "x" * 1001}, "at most"),
        ({"stamps": "-5", "reason_code": "correction"}, "no more can be taken"),
    ],
)
def test_a_bad_adjustment_says_why(manager, cast, typed, sentence):
    answer = send(manager, cast, "adjustments", **typed)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert read(cast, LoyaltyTransaction.id, LoyaltyTransaction) == []


def test_a_program_of_one_kind_asks_for_that_kind_only(manager, cast):
    set_rules(cast, loyalty_type="points")
    assert 'name="stamps"' not in manager.get(at(cast, "adjustments", "new")).text
    set_rules(cast, loyalty_type="stamps")
    assert 'name="points"' not in manager.get(at(cast, "adjustments", "new")).text


def test_voiding_asks_why_and_takes_it_back(manager, cast, earned):
    assert f"movements/{earned}/void" in manager.get(at(cast)).text
    here = ("movements", earned, "void")
    assert "Purchase of €19.99 at Gare" in manager.get(at(cast, *here)).text
    assert send(manager, cast, *here, reason_code="").status_code == 422
    answer = send(manager, cast, *here, reason_code="mistake")
    text = manager.get(answer.location).text
    assert "Voided: Purchase of €19.99." in text
    assert "entered by mistake" in text
    assert read(cast, LoyaltyCard.points_balance) == [0]
    assert f"movements/{earned}/void" not in text
    again = send(manager, cast, *here, reason_code="mistake")
    assert again.status_code == 422
    assert "voided already" in again.text
    stale = manager.get(at(cast, *here)).text
    assert "This was voided on" in stale
    assert 'name="reason_code"' not in stale


def test_what_is_too_old_offers_no_void(manager, cast):
    card = other(cast, "Old")
    with within(cast.merchant):
        old = Visit(by=OWNER, now=now() - timedelta(hours=25))
        row_id = earn(card.id, spent_cents=1000, visit=old).rows[0].id
        db.session.commit()
    here = path(cast.merchant, "cards", card.id)
    assert "/void" not in manager.get(here).text
    answer = manager.post(f"{here}/movements/{row_id}/void", data={"reason_code": "mistake"})
    assert "24 hours only" in answer.text


def test_a_movement_of_another_store_or_card_is_not_theirs_to_void(manager, cast, earned):
    strange = other(cast, "Other")
    with within(cast.merchant):
        visit = Visit(by=OWNER, now=now(), store_id=cast.belval.id)
        elsewhere = earn(strange.id, spent_cents=100, visit=visit).rows[0].id
        db.session.commit()
    there = path(cast.merchant, "cards", strange.id, "movements")
    for address in (f"{there}/{elsewhere}/void", f"{there}/{earned}/void"):
        assert manager.get(address).status_code == 404
        assert manager.post(address, data={"reason_code": "mistake"}).status_code == 404


def test_a_ready_reward_is_handed_over_or_cancelled(manager, cast, ready):
    page = manager.get(at(cast)).text
    assert "Ready" in page
    assert "Hand over “Mug”?" in manager.get(at(cast, "rewards", ready, "handover")).text
    answer = send(manager, cast, "rewards", ready, "handover")
    assert "Handed over “Mug”." in manager.get(answer.location).text
    assert "Handed over on" in manager.get(at(cast)).text
    refused = send(manager, cast, "rewards", ready, "cancellation")
    assert refused.status_code == 409
    assert "taken or taken back already" in refused.text
    assert send(manager, cast, "rewards", ready, "handover").status_code == 409
    for door in ("handover", "cancellation"):
        stale = manager.get(at(cast, "rewards", ready, door)).text
        assert "Handed over on" in stale
        assert 'type="submit"' not in stale.partition('id="sheet"')[2].partition("</section>")[0]


def test_of_many_rewards_three_are_shown_and_the_others_folded(manager, cast):
    with within(cast.merchant):
        keys = {"merchant_id": cast.merchant.id, "card_id": cast.card_id, "issued_at": now()}
        db.session.add_all([RewardIssue(stamps_target=10, **keys) for _ in range(5)])
        db.session.commit()
    answer = manager.get(at(cast)).text
    before, more, folded = answer.partition('id="more-rewards"')
    assert more
    assert "Show all 5" in folded
    assert (before.count("Hand over…"), folded.count("Hand over…")) == (3, 2)


def test_few_rewards_are_all_shown(manager, cast, ready):
    assert "more-rewards" not in manager.get(at(cast)).text


def test_a_cancelled_reward_returns_its_points(manager, cast, ready):
    sheet = manager.get(at(cast, "rewards", ready, "cancellation")).text
    assert "10 points come back" in sheet
    assert ">Keep it</a>" in sheet  # not "Cancel", beside "Cancel the reward"
    answer = send(manager, cast, "rewards", ready, "cancellation")
    assert "Cancelled “Mug”." in manager.get(answer.location).text
    assert read(cast, LoyaltyCard.points_balance) == [30]


def test_a_reward_that_expired_is_shown_so_and_one_of_stamps_returns_stamps(manager, cast):
    with within(cast.merchant):
        keys = {"merchant_id": cast.merchant.id, "card_id": cast.card_id, "issued_at": now()}
        issue = RewardIssue(stamps_target=10, expires_at=now() - timedelta(days=1), **keys)
        ready = RewardIssue(stamps_target=10, **keys)
        db.session.add_all([issue, ready])
        db.session.flush()
        issue_id, ready_id = issue.id, ready.id
        db.session.commit()
    assert "Expired on" in manager.get(at(cast)).text
    assert "10 stamps come back" in manager.get(at(cast, "rewards", ready_id, "cancellation")).text
    assert "Expired on" in manager.get(at(cast, "rewards", issue_id, "handover")).text
    strange = other(cast, "Other")
    here = path(cast.merchant, "cards", strange.id, "rewards", issue_id, "handover")
    assert manager.get(here).status_code == 404


def test_a_lost_card_is_replaced_and_its_qr_shown_once(manager, cast):
    assert "leads nowhere from now on" in manager.get(at(cast, "replacement")).text
    key = str(uuid.uuid4())
    answer = send(manager, cast, "replacement", key=key)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert "<svg" in answer.text
    number = re.search(r'new-card-number">\s*([\d ]+)', answer.text)[1].strip()
    again = send(manager, cast, "replacement", key=key)
    text = manager.get(again.location).text
    assert "was replaced already" in text
    assert number in text
    assert "Leads nowhere" in text
    assert len(read(cast, CardToken.id, CardToken)) == 5


def test_a_card_is_suspended_and_lifted(manager, cast):
    assert "earns and redeems nothing" in manager.get(at(cast, "suspension")).text
    answer = send(manager, cast, "suspension")
    assert "This card is suspended" in manager.get(answer.location).text
    assert listed(manager, cast, status="suspended") == ["Anna Weber"]
    assert "earns and redeems again" in manager.get(at(cast, "suspension")).text
    answer = send(manager, cast, "suspension", "end")
    assert "This card is suspended" not in manager.get(answer.location).text


def test_a_refused_press_stays_on_its_sheet(manager, cast):
    with within(cast.merchant):
        key = str(uuid.uuid4())
        cards.suspend_card(cast.card_id, visit=Visit(by=OWNER, now=now(), key=key))
        db.session.commit()
    for door in (("suspension", "end"), ("replacement",)):
        answer = send(manager, cast, *door, key=key)
        assert answer.status_code == 409
        assert "This form was sent before" in answer.text


GUARDED = [
    ("get", ""),
    ("get", "{card}"),
    ("get", "{card}/adjustments/new"),
    ("post", "{card}/adjustments"),
    ("get", "{card}/movements/{row}/void"),
    ("post", "{card}/movements/{row}/void"),
    ("get", "{card}/replacement"),
    ("post", "{card}/replacement"),
    ("get", "{card}/suspension"),
    ("post", "{card}/suspension"),
    ("post", "{card}/suspension/end"),
]


@pytest.mark.parametrize("door", GUARDED)
def test_every_door_asks_who_it_is(sign_in, client, cast, earned, door):
    method, address = door
    here = path(cast.merchant, "cards/") + address.format(card=cast.card_id, row=earned)
    assert getattr(client, method)(here).status_code == 302
    assert getattr(sign_in(cast.staff), method)(here).status_code == 403
    assert getattr(sign_in(cast.stranger), method)(here).status_code == 404
    assert read(cast, LoyaltyCard.points_balance) == [19]


def test_another_merchants_card_is_not_there(manager, cast, earned):
    theirs = make_card(make_program(cast.elsewhere))
    for method, address in GUARDED[1:]:
        here = path(cast.merchant, "cards/") + address.format(card=theirs.id, row=earned)
        assert getattr(manager, method)(here).status_code == 404
