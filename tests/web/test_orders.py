"""Orders as people meet them: found, shown, refunded in parts, deleted."""

import csv
import io
import json
import re
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.extensions import db
from portal.models import LoyaltyCard, LoyaltyTransaction, Order, OrderLine, OrderRefund
from portal.services.ledger.rewarding import issue_reward
from portal.services.ledger.visits import Visit
from tests.factories import (
    NOW,
    OWNER,
    make_card,
    make_customer,
    make_earn,
    make_order,
    make_product,
    make_program,
    make_reward,
    make_store,
    within,
)
from tests.web.cast import make_cast
from tests.web.conftest import path


@pytest.fixture
def cast(app):
    cast = make_cast()
    rules = {"loyalty_type": "points", "points_per_euro": 1, "minimum_redemption_points": 0}
    cast.program = make_program(cast.merchant, **rules)
    cast.customer = make_customer(cast.merchant, "Anna Weber")
    cast.card = make_card(cast.program, cast.customer)
    cast.order = make_order(cast.gare, cast.customer, number="R-1", total_cents=1999)
    cast.earn = make_earn(cast.order, cast.card)
    db.session.expunge_all()  # the cast stays readable
    return cast


@pytest.fixture
def manager(cast, sign_in):
    return sign_in(cast.manager)


def with_lines(cast):
    """A cake, and a gift card that earns nothing."""
    goods = [
        make_product(cast.gare, "Cake", price_cents=1000),
        make_product(cast.gare, "Gift card", price_cents=2000, earns_points=False),
    ]
    order = make_order(cast.gare, cast.customer, goods, number="R-9")
    make_earn(order, cast.card)
    db.session.expunge_all()  # what was made stays readable
    with within(cast.merchant):
        mine = select(OrderLine.id).where(OrderLine.order_id == order.id)
        ids = list(db.session.scalars(mine.order_by(OrderLine.position)))
        db.session.rollback()
    return order, ids


def listed(browser, cast, **query):
    text = browser.get(path(cast.merchant, "orders/"), query_string=query).text
    return re.findall(r'id="order-\d+-number"[^>]*>([^<]+)<', text)


def key_in(text):
    return re.search(r'name="key"[^>]*value="([^"]+)"', text)[1]


def refund(browser, cast, order=None, **typed):
    typed.setdefault("key", str(uuid.uuid4()))
    return browser.post(path(cast.merchant, "orders", (order or cast.order).id, "refunds"), data=typed)


def points_of(cast):
    with within(cast.merchant):
        held = db.session.scalar(select(LoyaltyCard.points_balance).where(LoyaltyCard.id == cast.card.id))
        db.session.rollback()
    return held


def refunded(cast):
    with within(cast.merchant):
        found = list(db.session.scalars(select(OrderRefund.amount_cents).order_by(OrderRefund.id)))
        db.session.rollback()
    return found


def test_the_list_shows_what_was_sold_and_what_it_earned(manager, cast):
    text = manager.get(path(cast.merchant, "orders/")).text
    assert "Anna Weber" in text
    assert re.search(r'data-label="Points"\s+class="num">\s*19\s*<', text)
    assert re.search(r'data-label="Amount" class="num">€19\.99<', text)


def test_a_manager_sees_the_orders_of_their_stores_and_an_owner_all(manager, cast, sign_in):
    make_order(cast.belval, number="B-1")
    assert listed(manager, cast) == ["R-1"]
    assert sorted(listed(sign_in(cast.owner), cast)) == ["B-1", "R-1"]


def test_orders_are_found_by_number_and_reference(manager, cast):
    make_order(cast.gare, number="X-2", external_ref="POS-77")
    assert listed(manager, cast, q="r-1") == ["R-1"]
    assert listed(manager, cast, q="pos-7") == ["X-2"]
    assert listed(manager, cast, q="nothing") == []


def test_filters_combine(manager, cast):
    make_order(cast.gare, number="A-1", total_cents=500, occurred_at=NOW + timedelta(days=3))
    refund(manager, cast, amount="1")
    assert listed(manager, cast, points="yes") == ["R-1"]
    assert listed(manager, cast, points="no") == ["A-1"]
    assert listed(manager, cast, kind="refunded") == ["R-1"]
    assert listed(manager, cast, kind="anonymous") == ["A-1"]
    assert listed(manager, cast, kind="known", points="no") == []
    day = (NOW + timedelta(days=3)).date().isoformat()
    assert listed(manager, cast, **{"from": day, "to": day}) == ["A-1"]
    assert listed(manager, cast, store=cast.gare.id, to=NOW.date().isoformat()) == ["R-1"]
    assert len(listed(manager, cast, store="x", points="x", kind="x")) == 2


def test_days_that_end_before_they_begin_are_said(manager, cast):
    turned = {"from": "2026-03-15", "to": "2026-03-01"}
    text = manager.get(path(cast.merchant, "orders/"), query_string=turned).text
    assert "The first day is after the last" in text


def test_a_day_that_is_none_is_told_beside_its_field_and_kept(manager, cast):
    here = path(cast.merchant, "orders/")
    answer = manager.get(here, query_string={"from": "2026-13-45", "to": "2026-03-01"})
    assert answer.status_code == 422
    sentence = "“2026-13-45” is no day from 1970-01-02 to 9000-01-01. A day looks like"
    assert re.search(rf'id="filter-from-error">{sentence}', answer.text)
    kept = re.search(r'<input[^>]*id="filter-from"[^>]*>', answer.text)[0]
    assert 'value="2026-13-45"' in kept
    assert 'aria-invalid="true"' in kept
    assert "R-1" not in answer.text  # not all of them either
    taken = manager.get(f"{here}export.csv", query_string={"to": "soon"})
    assert taken.status_code == 422
    assert "“soon” is no day" in taken.text


@pytest.mark.parametrize("sort", ["when", "number", "total"])
def test_the_list_sorts(manager, cast, sort):
    make_order(cast.gare, number="S-2", total_cents=9999, occurred_at=NOW + timedelta(hours=1))
    assert listed(manager, cast, sort=sort) == ["R-1", "S-2"]
    assert listed(manager, cast, sort=sort, direction="desc") == ["S-2", "R-1"]


def test_an_empty_list_says_where_orders_come_from(cast, sign_in):
    here = path(cast.elsewhere, "orders/")
    assert "No orders yet" in sign_in(cast.stranger).get(here).text


def test_the_export_says_what_the_list_shows(manager, cast):
    make_order(cast.gare, number="A-1", total_cents=500)
    refund(manager, cast, amount="10")
    here = path(cast.merchant, "orders/export.csv")
    rows = list(csv.DictReader(io.StringIO(manager.get(here, query_string={"kind": "known"}).text)))
    told = {"number": "R-1", "customer": "Anna Weber", "total": "19.99", "refunded": "10.00", "points": "9"}
    assert len(rows) == 1
    assert told.items() <= rows[0].items()
    assert rows[0]["store"] == "gare"


def test_the_page_shows_lines_sums_and_points(manager, cast):
    order, _ = with_lines(cast)
    text = manager.get(path(cast.merchant, "orders", order.id)).text
    for said in ("Cake", "Gift card", "No points", "€30.00", "Counts for points", "€10.00", "Anna Weber"):
        assert said in text
    assert "Purchase of €30.00" in text
    assert "€10.00 of it counts" in text


def test_the_page_of_an_order_of_nobody(manager, cast):
    order = make_order(cast.gare, number="A-1", total_cents=500)
    text = manager.get(path(cast.merchant, "orders", order.id)).text
    assert "Nobody's card was shown" in text
    assert "Only the sum of this order is known." in text


def test_a_customer_without_points_and_a_deleted_one(manager, cast, sign_in):
    order = make_order(cast.gare, cast.customer, number="A-1", total_cents=500)
    here = path(cast.merchant, "orders", order.id)
    assert "This order earned nothing." in manager.get(here).text
    sign_in(cast.owner).post(path(cast.merchant, "customers", cast.customer.id, "deletion"))
    assert "Anna Weber (deleted)" in sign_in(cast.owner).get(here).text


def test_the_order_of_somebody_merged_leads_to_who_they_are_now(cast, sign_in):
    other = make_customer(cast.merchant, "Fatima Benali")
    card = make_card(cast.program, other)
    owner, here = sign_in(cast.owner), path(cast.merchant, "orders", cast.order.id)
    merge = path(cast.merchant, "customers", other.id, "merge", cast.customer.id)
    assert owner.post(merge, data={"key": str(uuid.uuid4())}).status_code == 303
    text = owner.get(here).text
    survivor = path(cast.merchant, "customers", other.id)
    assert f'<a href="{survivor}">Anna Weber, now Fatima Benali</a>' in text
    assert f'href="{path(cast.merchant, "cards", card.id)}"' in text
    assert f'href="{path(cast.merchant, "cards", cast.card.id)}"' not in text
    owner.post(path(cast.merchant, "customers", other.id, "deletion"))
    text = owner.get(here).text
    assert "Anna Weber, now Fatima Benali (deleted)" in text
    assert f'href="{survivor}"' not in text


def test_the_order_of_somebody_erased_names_nobody_and_leads_nowhere(cast, sign_in):
    owner = sign_in(cast.owner)
    erasure = path(cast.merchant, "customers", cast.customer.id, "erasure")
    assert owner.post(erasure, data={"typed_name": "Anna Weber"}).status_code == 303
    text = owner.get(path(cast.merchant, "orders", cast.order.id)).text
    assert f"deleted customer #{cast.customer.id}" in text
    assert "(deleted)" not in text
    assert "See the card" not in text


def test_a_refund_says_when_the_purchase_was(manager, cast):
    refund(manager, cast, amount="5")
    text = manager.get(path(cast.merchant, "orders", cast.order.id)).text
    assert "The purchase was on" in text
    assert "It happened on" not in text


def test_a_voided_refund_counts_no_more_in_the_list_either(manager, cast):
    refund(manager, cast, amount="5")
    with within(cast.merchant):
        back = LoyaltyTransaction.of(cast.merchant).where(LoyaltyTransaction.type == "refund_reversal")
        row = db.session.scalars(back).one()
        here = path(cast.merchant, "cards", row.card_id, "movements", row.id, "void")
    form = manager.get(here).text
    assert "The money counts as not given back any more" in form
    assert "refund the order instead" not in form
    assert listed(manager, cast, kind="refunded") == ["R-1"]
    voided = manager.post(here, data={"key": key_in(form), "reason_code": "mistake"})
    assert voided.status_code == 303
    assert listed(manager, cast, kind="refunded") == []


def test_a_refund_in_parts_through_the_form(manager, cast):
    for amount, said in (("10", "−10 points"), ("5,00", "−5 points"), ("4.99", "−4 points")):
        form = manager.get(path(cast.merchant, "orders", cast.order.id, "refunds", "new")).text
        answer = refund(manager, cast, amount=amount, key=key_in(form))
        assert answer.status_code == 303
        assert said in manager.get(answer.location).text
    assert (refunded(cast), points_of(cast)) == ([1000, 500, 499], 0)
    assert "Refund…" not in manager.get(path(cast.merchant, "orders", cast.order.id)).text
    stale = manager.get(path(cast.merchant, "orders", cast.order.id, "refunds", "new")).text
    assert "Nothing of this order is left to be refunded." in stale
    assert 'name="amount"' not in stale


def test_a_refund_names_lines_and_amounts(manager, cast):
    order, (cake, gift) = with_lines(cast)
    typed = {f"line-{cake}-on": "1", f"line-{cake}": "2.50", f"line-{gift}": "20.00"}
    answer = refund(manager, cast, order, **typed)
    assert answer.status_code == 303
    assert refunded(cast) == [250]
    again = manager.get(path(cast.merchant, "orders", order.id, "refunds", "new")).text
    assert "€7.50 left of €10.00" in again
    assert 'value="7.50"' in again
    refund(manager, cast, order, **{f"line-{cake}-on": "1", f"line-{cake}": "7.50"})
    text = manager.get(path(cast.merchant, "orders", order.id, "refunds", "new")).text
    assert "Nothing is left of €10.00" in text


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"amount": ""}, "Tick what comes back, or give the amount"),
        ({"amount": "0"}, "give the amount"),
        ({"amount": "abc"}, "Write the amount in figures, like 4.50."),
        ({"amount": "1.999.5x"}, "Write the amount in figures"),
        ({"amount": "20.00"}, "At most €19.99 can still be refunded."),
        ({"amount": "9" * 30}, "Write the amount in figures."),
        ({"amount": "1", "reward": "99999"}, "not handed out on this card"),
    ],
)
def test_a_bad_refund_says_why_and_keeps_what_was_typed(manager, cast, typed, sentence):
    answer = refund(manager, cast, **typed)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert f'value="{typed["amount"]}"' in answer.text
    assert (refunded(cast), points_of(cast)) == ([], 19)


def test_a_reward_alone_is_no_refund_and_the_sentence_says_what_helps(manager, cast):
    answer = refund(manager, cast, amount="", reward=1)
    assert answer.status_code == 422
    assert "A reward comes back with money" in answer.text
    assert "Tick what comes back" not in answer.text


def test_a_bad_line_says_so_beside_it(manager, cast):
    order, (cake, _) = with_lines(cast)
    for typed, said in (("11.00", "At most €10.00 can still"), ("x", "in figures"), ("0", "above 0")):
        answer = refund(manager, cast, order, **{f"line-{cake}-on": "1", f"line-{cake}": typed})
        assert answer.status_code == 422
        error = re.search(rf'id="line-{cake}-error".*?<span>([^<]+)<', answer.text, re.DOTALL)[1]
        assert said in error
        assert f'value="{typed}"' in answer.text


@pytest.mark.parametrize("amount", ["3.00", "abc", "9" * 30])
def test_lines_and_an_amount_together_are_refused(manager, cast, amount):
    order, (cake, _) = with_lines(cast)
    typed = {f"line-{cake}-on": "1", f"line-{cake}": "2.50", "amount": amount}
    answer = refund(manager, cast, order, **typed)
    assert answer.status_code == 422
    error = re.search(r'id="amount-error".*?<span>([^<]+)<', answer.text, re.DOTALL)[1]
    assert error == "Tick lines, or write one amount, not both."
    assert 'value="2.50"' in answer.text
    assert f'value="{amount}"' in answer.text
    assert "not both" in preview(manager, cast, order, **typed).text
    assert refunded(cast) == []


def test_the_same_form_sent_twice_refunds_once_and_changed_it_is_a_conflict(manager, cast):
    key = str(uuid.uuid4())
    for _ in range(2):
        assert refund(manager, cast, amount="5", key=key).status_code == 303
    assert refunded(cast) == [500]
    answer = refund(manager, cast, amount="6", key=key)
    assert answer.status_code == 409
    assert "This form was sent before" in answer.text
    assert key_in(answer.text) != key
    assert refunded(cast) == [500]


def test_a_key_that_is_none_is_replaced(manager, cast):
    assert refund(manager, cast, amount="5", key="no key").status_code == 303
    assert refunded(cast) == [500]


def preview(browser, cast, order=None, **typed):
    here = path(cast.merchant, "orders", (order or cast.order).id, "refunds", "preview")
    return browser.piece(here, method="POST", data=typed)


def test_the_preview_says_what_it_would_do_and_writes_nothing(manager, cast):
    answer = preview(manager, cast, amount="10")
    assert answer.status_code == 200
    assert "Refund €10.00" in answer.text
    assert "−10 points; the card has 9 then." in answer.text
    assert preview(manager, cast, amount="10", key=str(uuid.uuid4())).status_code == 200
    assert (refunded(cast), points_of(cast)) == ([], 19)
    assert "At most €19.99" in preview(manager, cast, amount="30").text
    nobody = make_order(cast.gare, total_cents=500)
    assert "No card is touched." in preview(manager, cast, nobody, amount="5").text


def test_the_preview_says_why_fewer_points_go(manager, cast):
    with within(cast.merchant):
        program = db.session.merge(cast.program)
        program.clawback_policy, program.points_expiration_days = "clamp_to_zero", None
        db.session.commit()
    order = make_order(cast.gare, cast.customer, total_cents=3000)
    make_earn(order, cast.card)
    reward = make_reward(cast.program, "Mug", points_required=40)
    db.session.expunge_all()
    with within(cast.merchant):
        issue_reward(cast.card.id, reward.id, at_once=True, visit=Visit(by=OWNER, now=NOW))
        db.session.commit()
    answer = preview(manager, cast, order, amount="30")
    assert "21 are missing and are forgiven" in answer.text
    assert "−9 points; the card has 0 then." in answer.text


def test_without_javascript_the_whole_form_says_it(manager, cast):
    here = path(cast.merchant, "orders", cast.order.id, "refunds", "preview")
    answer = manager.post(here, data={"amount": "10"})
    assert "<html" in answer.text
    assert "−10 points" in answer.text
    assert 'value="10"' in answer.text
    assert refunded(cast) == []


def test_a_reward_that_came_with_it_can_be_given_back(manager, cast):
    reward, card_id = make_reward(cast.program, "Mug", points_required=10), cast.card.id
    with within(cast.merchant):
        done = issue_reward(card_id, reward.id, at_once=True, visit=Visit(by=OWNER, now=NOW))
        issue_id = done.rows[0].reward_issue_id
        db.session.commit()
    assert "Mug" in manager.get(path(cast.merchant, "orders", cast.order.id, "refunds", "new")).text
    assert refund(manager, cast, amount="19.99", reward=issue_id).status_code == 303
    with within(cast.merchant):
        held = db.session.scalar(select(LoyaltyCard.points_balance).where(LoyaltyCard.id == card_id))
        db.session.rollback()
    assert held == 0
    text = manager.get(path(cast.merchant, "orders", cast.order.id)).text
    assert "Reward “Mug” given back" in text
    assert re.search(r'<td class="num">\s*0\s*</td>', text)  # the points of the order, without the reward's
    void_form = manager.get(path(cast.merchant, *refund_row(cast), "void")).text
    assert "Reward “Mug” given back: +10" in void_form
    assert "voiding the refund does not hand the reward over again" in void_form


def refund_row(cast):
    with within(cast.merchant):
        back = LoyaltyTransaction.of(cast.merchant).where(LoyaltyTransaction.type == "refund_reversal")
        row = db.session.scalars(back).one()
        return "cards", row.card_id, "movements", row.id


def test_a_refund_names_the_money_that_went_back(manager, cast):
    order, _goods = with_lines(cast)
    refund(manager, cast, order, amount="3")
    here = path(cast.merchant, "orders", order.id)
    assert "Refund of €3.00, of which €1.00 counted" in manager.get(here).text
    form = manager.get(path(cast.merchant, *refund_row(cast), "void")).text
    assert "does not hand the reward over" not in form
    manager.post(
        path(cast.merchant, *refund_row(cast), "void"), data={"key": key_in(form), "reason_code": "mistake"}
    )
    assert "Voided: Refund of €3.00, of which €1.00 counted" in manager.get(here).text


def test_a_refund_that_counted_whole_names_the_purchase(manager, cast):
    refund(manager, cast, amount="5")
    assert "Refund of €5.00 of €19.99" in manager.get(path(cast.merchant, "orders", cast.order.id)).text


def test_in_the_dialog_a_refund_closes_it_and_refreshes_the_page(manager, cast):
    here = path(cast.merchant, "orders", cast.order.id, "refunds")
    answer = manager.piece(here, method="POST", data={"amount": "5"})
    assert set(json.loads(answer.headers["HX-Trigger"])) == {"dialog:close", "list:changed"}
    assert "Refunded €5.00, −5 points." in answer.text
    nobody = make_order(cast.gare, total_cents=500)
    here = path(cast.merchant, "orders", nobody.id, "refunds")
    assert "Refunded €5.00." in manager.piece(here, method="POST", data={"amount": "5"}).text


def test_an_order_that_counts_still_is_not_deleted(manager, cast):
    here = path(cast.merchant, "orders", cast.order.id, "deletion")
    assert "cannot be deleted yet" in manager.get(here).text
    answer = manager.post(here)
    assert answer.status_code == 422
    assert "Refund or void them first" in answer.text


def test_an_order_goes_to_the_trash_and_comes_back(manager, cast):
    order = make_order(cast.gare, number="A-1", total_cents=500)
    here = path(cast.merchant, "orders", order.id)
    assert "Delete order A-1?" in manager.get(f"{here}/deletion").text
    answer = manager.post(f"{here}/deletion", data={"reason": "a test"})
    assert answer.status_code == 303
    page = manager.get(answer.location).text
    assert "Deleted order A-1." in page
    assert "is in the trash" in manager.get(here).text.replace("\n", " ")
    undo = re.search(r'action="([^"]+/undo)"', page)[1]
    manager.post(undo)
    assert manager.get(here).status_code == 200


GUARDED = [
    ("get", ""),
    ("get", "export.csv"),
    ("get", "{id}"),
    ("get", "{id}/refunds/new"),
    ("post", "{id}/refunds/preview"),
    ("post", "{id}/refunds"),
    ("get", "{id}/deletion"),
    ("post", "{id}/deletion"),
]


@pytest.mark.parametrize(("method", "address"), GUARDED)
def test_every_door_asks_who_it_is(sign_in, client, cast, method, address):
    here = path(cast.merchant, "orders/") + address.format(id=cast.order.id)
    assert getattr(client, method)(here).status_code == 302
    assert getattr(sign_in(cast.staff), method)(here).status_code == 403
    assert getattr(sign_in(cast.stranger), method)(here).status_code == 404
    assert points_of(cast) == 19


@pytest.mark.parametrize(("method", "address"), [(m, a) for m, a in GUARDED if "{id}" in a])
def test_another_stores_and_another_merchants_order_is_not_there(manager, cast, method, address):
    theirs = make_order(make_store(cast.elsewhere))
    for order in (make_order(cast.belval), theirs):
        here = path(cast.merchant, "orders/") + address.format(id=order.id)
        assert getattr(manager, method)(here, data={"amount": "1"}).status_code == 404
    assert refunded(cast) == []


def test_an_order_of_no_store_is_everybodys(manager, cast):
    with within(cast.merchant):
        loose = Order(merchant_id=cast.merchant.id, number="L-1", total_cents=100, occurred_at=NOW)
        db.session.add(loose)
        db.session.flush()
        here = path(cast.merchant, "orders", loose.id)
        db.session.commit()
    assert "Order L-1" in manager.get(here).text
