"""Money back, points back, deleting: what people do with orders."""

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models import AuditEntry, LoyaltyCard, LoyaltyProgram, LoyaltyTransaction, Order, OrderRefund
from portal.models.actor import Role
from portal.services import orders, refunds, trash
from portal.services.ledger.earning import earn
from portal.services.ledger.refunding import eligible_part, live_earn, refunded_money, refunded_so_far
from portal.services.ledger.rewarding import issue_reward
from portal.services.ledger.stamping import stamp
from portal.services.ledger.visits import Visit
from portal.services.ledger.voiding import void
from tests.factories import (
    NOW,
    make_card,
    make_customer,
    make_earn,
    make_merchant,
    make_order,
    make_product,
    make_program,
    make_reward,
    make_store,
    owner_of,
    within,
)


@pytest.fixture
def shop(app):
    merchant = make_merchant("Lumière", currency="EUR", locale="en")
    with within(merchant):
        yield merchant


@pytest.fixture
def gare(shop):
    return make_store(shop, "Gare")


@pytest.fixture
def card(shop):
    rules = {"loyalty_type": "points", "points_per_euro": 1, "minimum_redemption_points": 0}
    return make_card(make_program(shop, **rules), make_customer(shop, "Anna"))


def visit(shop, minutes=0, **more):
    return Visit(
        by=owner_of(shop), now=NOW + timedelta(minutes=minutes), **{"key": str(uuid.uuid4()), **more}
    )


def sold(gare, card=None, cents=1999, **more):
    """An order of one amount, without lines, that earned on the card."""
    order = make_order(gare, card.customer if card else None, total_cents=cents)
    if card:
        make_earn(order, card, **more)
    return again(order)


def again(order):
    return db.session.get(Order, (order.merchant_id, order.id))


def test_refunds_in_parts_take_back_exactly_what_was_earned(shop, gare, card):
    order = sold(gare, card)
    parts = [
        orders.refund_order(order, amount_cents=cents, visit=visit(shop, n))
        for n, cents in enumerate((1000, 500, 499))
    ]
    assert [part.points for part in parts] == [-10, -5, -4]
    assert [part.refund.eligible_cents for part in parts] == [1000, 500, 499]
    assert refunded_money(order) == 1999
    with pytest.raises(Refused, match="in full already") as refused:
        orders.refund_order(order, amount_cents=1, visit=visit(shop, 9))
    assert refused.value.code == "nothing_left"


def test_more_than_is_left_is_refused_and_nothing_is_written(shop, gare, card):
    order = sold(gare, card)
    orders.refund_order(order, amount_cents=759, visit=visit(shop))
    db.session.commit()
    with pytest.raises(Refused, match=r"At most €12\.40 can still be refunded\.") as refused:
        orders.refund_order(order, amount_cents=1241, visit=visit(shop, 1))
    db.session.rollback()
    assert refused.value.details == {"field": "amount", "left": 1240}
    assert refunded_money(order) == 759


@pytest.mark.parametrize("cents", [0, -5, None])
def test_a_refund_needs_an_amount(shop, gare, card, cents):
    with pytest.raises(Refused, match="amount"):
        orders.refund_order(sold(gare, card), amount_cents=cents, visit=visit(shop))


def with_lines(gare, card=None):
    """Cake 10.00, coffee 9.99 and a gift card 20.00 that earns nothing."""
    goods = [
        make_product(gare, "Cake", price_cents=1000),
        make_product(gare, "Coffee", price_cents=999),
        make_product(gare, "Gift card", price_cents=2000, earns_points=False),
    ]
    order = make_order(gare, card.customer if card else None, goods)
    if card:
        make_earn(order, card)
    order = again(order)
    return order, [line.id for line in refunds.lines_of(order)]


def test_only_the_eligible_part_of_lines_counts(shop, gare, card):
    order, (cake, coffee, gift) = with_lines(gare, card)
    first = orders.refund_order(order, lines={gift: 2000, cake: 500}, visit=visit(shop))
    assert (first.refund.amount_cents, first.refund.eligible_cents, first.points) == (2500, 500, -5)
    assert first.refund.lines == [
        {"line_id": cake, "amount_cents": 500},
        {"line_id": gift, "amount_cents": 2000},
    ]
    second = orders.refund_order(order, lines={cake: 500, coffee: 999}, visit=visit(shop, 1))
    assert (second.points, db.session.get(LoyaltyCard, (shop.id, card.id)).points_balance) == (-14, 0)


def test_a_line_gives_back_no_more_than_it_has(shop, gare, card):
    order, (cake, _, _) = with_lines(gare, card)
    orders.refund_order(order, lines={cake: 700}, visit=visit(shop))
    for cents, said in ((301, r"At most €3\.00"), (0, "above 0"), (-1, "above 0")):
        with pytest.raises(Refused, match=said) as refused:
            orders.refund_order(order, lines={cake: cents}, visit=visit(shop, 1))
        assert refused.value.details["field"] == f"line-{cake}"
    orders.refund_order(order, lines={cake: 300}, visit=visit(shop, 2))
    with pytest.raises(Refused, match="Nothing of this"):
        orders.refund_order(order, lines={cake: 1}, visit=visit(shop, 3))


def test_a_line_of_another_order_is_none_of_this_one(shop, gare, card):
    order, _ = with_lines(gare, card)
    _, (theirs, *_rest) = with_lines(gare, card)
    with pytest.raises(Refused, match="above 0 for the line"):
        orders.refund_order(order, lines={theirs: 100}, visit=visit(shop))


def test_lines_and_amounts_together_take_back_all_of_a_full_refund(shop, gare, card):
    order, (_, _, gift) = with_lines(gare, card)
    orders.refund_order(order, lines={gift: 2000}, visit=visit(shop))
    one = orders.refund_order(order, amount_cents=100, visit=visit(shop, 1))
    assert one.refund.eligible_cents == 100
    rest = orders.refund_order(order, amount_cents=1899, visit=visit(shop, 2))
    assert (one.points + rest.points, refunded_so_far(live_earn(order))) == (-19, 1999)


@pytest.mark.parametrize("is_amount", [True, False])
def test_a_full_refund_takes_back_all_also_after_an_amount_that_was_part_gift_card(
    shop, gare, card, is_amount
):
    order, (cake, _, gift) = with_lines(gare, card)
    some = orders.refund_order(order, amount_cents=1000, visit=visit(shop))
    assert (some.refund.eligible_cents, some.points) == (499, -5)  # the gift card has its share in it
    voucher = orders.refund_order(order, lines={gift: 2000}, visit=visit(shop, 1))
    assert voucher.refund.eligible_cents == 501  # no more than 9.99 can still have earned
    rest = {"amount_cents": 999} if is_amount else {"lines": {cake: 999}}
    last = orders.refund_order(order, visit=visit(shop, 2), **rest)
    assert (last.refund.eligible_cents, some.points + voucher.points + last.points) == (999, -19)
    assert (refunded_so_far(live_earn(order)), orders.is_live(order)) == (1999, False)


def test_an_anonymous_order_gives_money_back_only(shop, gare):
    order = sold(gare)
    done = orders.refund_order(order, amount_cents=999, visit=visit(shop))
    assert (done.posting, done.points, done.expired, done.forgiven) == (None, 0, 0, 0)
    assert done.refund.eligible_cents == 0
    with pytest.raises(Refused, match="Nobody's card is known"):
        orders.refund_order(order, amount_cents=1, given_back=[1], visit=visit(shop, 1))


@pytest.mark.parametrize("is_anonymous", [True, False])
def test_the_same_key_refunds_once(shop, gare, card, is_anonymous):
    order = sold(gare, None if is_anonymous else card)
    key = str(uuid.uuid4())
    first = orders.refund_order(order, amount_cents=500, visit=visit(shop, key=key))
    db.session.commit()
    second = orders.refund_order(order, amount_cents=500, visit=visit(shop, 1, key=key))
    assert (second.is_replay, second.refund.id, second.points) == (True, first.refund.id, first.points)
    assert refunded_money(order) == 500
    with pytest.raises(Conflict, match="another request"):
        orders.refund_order(order, amount_cents=501, visit=visit(shop, key=key))


def test_without_a_key_it_makes_one_so_that_row_and_refund_find_each_other(shop, gare, card):
    order = sold(gare, card)
    done = orders.refund_order(order, amount_cents=500, visit=visit(shop, key=None))
    assert done.refund.key_id == done.posting.rows[0].key_id is not None


def test_it_works_when_customer_program_and_store_are_gone(shop, gare, card):
    order = sold(gare, card)
    program = db.session.get(LoyaltyProgram, (shop.id, card.program_id))
    for row in (program, gare, order.customer):
        trash.soft_delete_cascade(db.session.merge(row), by=owner_of(shop), now=NOW)
    db.session.commit()
    done = orders.refund_order(again(order), amount_cents=1999, visit=visit(shop, store_id=gare.id))
    assert done.points == -19


def test_an_order_in_the_trash_is_refunded_no_more(shop, gare):
    order = sold(gare)
    orders.delete_order(order, by=owner_of(shop), now=NOW)
    db.session.commit()
    with pytest.raises(Conflict, match="in the trash"):
        orders.refund_order(order, amount_cents=100, visit=visit(shop))


def test_a_refund_is_written_down(shop, gare, card):
    order = sold(gare, card)
    done = orders.refund_order(order, amount_cents=100, visit=visit(shop))
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "orders.refund")).one()
    assert (entry.subject_id, entry.details) == (order.id, {"refund_id": done.refund.id})


def test_a_voided_reversal_leaves_the_money_to_be_refunded_again(shop, gare, card):
    order = sold(gare, card)
    done = orders.refund_order(order, amount_cents=1999, visit=visit(shop))
    db.session.commit()
    void(done.posting.rows[0], visit=visit(shop, 1))
    left = refunds.left_of(order, [])
    assert ([past.is_voided for past in left.refunds], left.left_cents) == ([True], 1999)
    assert refunded_money(order) == 0
    assert orders.refund_order(order, amount_cents=1999, visit=visit(shop, 2)).points == -19


def test_a_reward_that_came_back_returns_its_points(shop, gare, card):
    program = db.session.get(LoyaltyProgram, (shop.id, card.program_id))
    reward = make_reward(program, "Mug", points_required=10)
    order = sold(gare, card)
    taken = issue_reward(card.id, reward.id, at_once=True, visit=visit(shop, 1)).rows[0]
    assert refunds.rewards_taken_with(order, shop.zone) == [(taken.reward_issue_id, "Mug")]
    done = orders.refund_order(
        order, amount_cents=1999, given_back=[taken.reward_issue_id], visit=visit(shop, 2)
    )
    assert ([row.type for row in done.posting.rows], done.points) == (
        ["refund_reversal", "refund_return"],
        -9,
    )
    assert refunds.rewards_taken_with(order, shop.zone) == []
    with pytest.raises(Refused, match="not handed out"):
        orders.refund_order(sold(gare, card), amount_cents=1, given_back=[999], visit=visit(shop, 3))


def test_a_reward_may_come_back_with_an_order_that_earned_nothing(shop, gare, card):
    program = db.session.get(LoyaltyProgram, (shop.id, card.program_id))
    reward = make_reward(program, "Mug", points_required=10)
    sold(gare, card)
    taken = issue_reward(card.id, reward.id, at_once=True, visit=visit(shop, 1)).rows[0]
    order = again(make_order(gare, card.customer, total_cents=500))
    done = orders.refund_order(
        order, amount_cents=500, given_back=[taken.reward_issue_id], visit=visit(shop, 2)
    )
    assert done.points == 10
    anonymous = again(make_order(gare, total_cents=500))
    with pytest.raises(Refused, match="Nobody's card"):
        orders.refund_order(
            anonymous, amount_cents=500, given_back=[taken.reward_issue_id], visit=visit(shop, 3)
        )


def test_the_preview_says_it_all_and_leaves_nothing(shop, gare, card):
    order = sold(gare, card)
    for at, cents in enumerate((1000, 1999)):
        seen = orders.preview_refund(order, amount_cents=cents, visit=visit(shop, at))
        assert seen.points == -(19 if cents == 1999 else 10)
        assert seen.posting.rows[-1].points_after == 19 + seen.points
    assert seen.refund.amount_cents == 1999
    with pytest.raises(Refused, match="At most"):
        orders.preview_refund(order, amount_cents=9999, visit=visit(shop))
    anonymous = orders.preview_refund(sold(gare), amount_cents=500, visit=visit(shop))
    assert (anonymous.points, anonymous.refund.amount_cents) == (0, 500)
    assert db.session.scalars(select(OrderRefund)).all() == []
    assert db.session.get(LoyaltyCard, (shop.id, card.id)).points_balance == 19


def test_the_preview_says_what_is_forgiven_and_what_had_expired(shop, gare, card):
    program = db.session.get(LoyaltyProgram, (shop.id, card.program_id))
    program.clawback_policy = "clamp_to_zero"
    reward = make_reward(program, points_required=15)
    order = sold(gare, card)
    issue_reward(card.id, reward.id, at_once=True, visit=visit(shop, 1))
    seen = orders.preview_refund(order, amount_cents=1999, visit=visit(shop, 2))
    assert (seen.points, seen.forgiven, seen.expired) == (-4, 15, 0)
    program.points_expiration_days = 10
    late = orders.preview_refund(order, amount_cents=1999, visit=visit(shop, 60 * 24 * 20))
    assert (late.points, late.expired, late.forgiven) == (0, 4, 15)


def test_all_an_order_earned_can_be_voided(shop, gare, card):
    order = sold(gare, card)
    done = orders.void_earn(order, visit=visit(shop, 5), reason_code="wrong_card")
    assert (done.code, done.points) == ("voided", -19)
    assert db.session.scalars(select(AuditEntry).where(AuditEntry.action == "loyalty_cards.void")).one()
    with pytest.raises(Refused, match="no points to take back"):
        orders.void_earn(order, visit=visit(shop, 6))
    money_only = orders.refund_order(order, amount_cents=1999, visit=visit(shop, 7))
    assert (money_only.points, money_only.refund.amount_cents) == (0, 1999)


def delete(shop, order):
    return orders.delete_order(order, by=owner_of(shop), now=NOW)


def test_an_order_that_still_counts_is_not_deleted(shop, gare, card):
    order = sold(gare, card)
    with pytest.raises(Refused, match="Refund or void them first"):
        delete(shop, order)
    orders.refund_order(order, amount_cents=1000, visit=visit(shop))
    with pytest.raises(Refused, match="Refund or void them first"):
        delete(shop, order)
    orders.refund_order(order, amount_cents=999, visit=visit(shop, 1))
    assert delete(shop, order).root_label == order.number


def test_a_voided_order_may_go_and_so_may_one_that_never_earned(shop, gare, card):
    order = sold(gare, card)
    orders.void_earn(order, visit=visit(shop, 1))
    assert delete(shop, order).id
    assert delete(shop, sold(gare)).id


def test_stamps_of_an_order_keep_it_until_they_are_voided(shop, gare):
    program = make_program(shop, loyalty_type="hybrid", cooldown_minutes=0)
    card = make_card(program)
    order = make_order(gare, card.customer, total_cents=0)
    make_earn(order, card, stamps=2)
    order = again(order)
    assert orders.is_live(order)
    stamps = db.session.scalars(select(LoyaltyTransaction).where(LoyaltyTransaction.type == "stamp")).one()
    assert stamps.order_id == order.id
    void(stamps, visit=visit(shop, 1))
    assert not orders.is_live(order)
    assert stamp(card.id, visit=visit(shop, 2)).stamps == 1


@pytest.mark.parametrize(
    ("amount", "before", "eligible_before", "part"),
    [(1000, 0, 0, 500), (1, 0, 0, 0), (1000, 1000, 500, 500), (9999, 0, 0, 1000), (500, 0, 900, 0)],
)
def test_the_eligible_part_of_an_amount_is_cumulative(amount, before, eligible_before, part):
    order = Order(total_cents=2000)
    asked = {"amount_cents": amount, "refunded_before": before, "eligible_before": eligible_before}
    assert eligible_part(order, eligible_total=1000, **asked) == part
    assert eligible_part(Order(total_cents=0), eligible_total=0, **asked) == 0


def test_a_void_by_staff_is_no_act_for_the_audit_log(shop, card):
    by = owner_of(shop)
    by = type(by)(by.user_id, Role.STAFF)
    row = earn(card.id, spent_cents=100, visit=Visit(by=by, now=NOW)).rows[0]
    void(row, visit=Visit(by=by, now=NOW))
    assert db.session.scalars(select(AuditEntry).where(AuditEntry.action == "loyalty_cards.void")).all() == []
