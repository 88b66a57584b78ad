"""What was posted while two records were one still counts when they are two again (sections 6, 9, 11)."""

import pytest

from portal.extensions import db
from portal.models import ReviewItem
from portal.services.erasing import erase_customer
from portal.services.ledger import nightly
from portal.services.ledger.accounts import open_account
from portal.services.ledger.merging import merge_customers
from portal.services.ledger.rewarding import redeem
from portal.services.ledger.stamping import stamp
from portal.services.ledger.tiers import qualifying_points
from portal.services.ledger.unmerging import unmerge
from portal.services.ledger.verifying import verify
from tests.factories import make_card, make_reward
from tests.services.ledger.stage import DAY, FOR_EVER, at, refused


def merged_and_apart(shop, loser, minutes, meanwhile):
    merge = merge_customers(shop.card.customer, loser.customer, visit=shop.visit(minutes))
    db.session.commit()
    meanwhile(minutes + 1)
    unmerge(merge, visit=shop.visit(minutes + 2))
    db.session.commit()


def balances(*cards):
    for card in cards:
        db.session.refresh(card)
    return [card.points_balance for card in cards]


def stamps(*cards):
    for card in cards:
        db.session.refresh(card)
    return [card.stamps_balance for card in cards]


def flagged(shop):
    items = db.session.scalars(ReviewItem.of(shop.merchant).order_by(ReviewItem.id))
    return [(item.reason_code, item.details["stamps"]) for item in items]


@pytest.mark.parametrize(("way", "left"), [("refund", 60), ("void", 0), ("refund and void", 100)])
def test_what_was_taken_back_meanwhile_is_no_longer_earned(shop_with, way, left):
    shop = shop_with()
    loser = make_card(shop.program)
    earned = shop.earn(10_000, on=loser).rows[0]

    def meanwhile(minutes):
        if way == "void":
            shop.void(earned, minutes)
            return
        back = shop.refund(earned, 4_000, minutes).rows[-1]
        if way == "refund and void":
            shop.void(back, minutes)

    merged_and_apart(shop, loser, 1, meanwhile)
    assert balances(shop.card, loser) == [0, left]
    assert qualifying_points(open_account(loser.id, shop.visit(5)), at(5)) == left
    assert list(verify(shop.merchant.id)) == []


def test_what_expired_is_set_off_once(shop_with):
    shop = shop_with(points_expiration_days=10, void_window_hours=FOR_EVER)
    loser = make_card(shop.program)
    first, second = (shop.earn(10_000, minutes, on=loser).rows[0] for minutes in (0, 1))
    reward = make_reward(shop.program, points_required=100)
    card, shop.card = shop.card, loser
    shop.issue(reward, 2, at_once=True)
    shop.card = card
    nightly.expire_some(shop.merchant, now=at(20 * DAY))
    db.session.commit()
    merged_and_apart(shop, loser, 20 * DAY, lambda minutes: shop.refund(first, 10_000, minutes))
    shop.refund(second, 10_000, 21 * DAY)
    assert balances(shop.card, loser) == [0, -100]


def test_a_suspension_is_not_lifted_by_a_merge(shop_with):
    shop = shop_with()
    loser = make_card(shop.program, status="suspended")
    with refused("card_suspended"):
        merge_customers(shop.card.customer, loser.customer, visit=shop.visit())
    db.session.refresh(shop.card)
    shop.card.status = "suspended"
    db.session.commit()
    merge_customers(shop.card.customer, loser.customer, visit=shop.visit(1))
    db.session.commit()
    assert shop.card.status == "suspended"


@pytest.mark.parametrize("way", ["void", "give back"])
def test_what_comes_back_to_an_erased_person_is_forfeited(shop_with, way):
    shop = shop_with()
    reward = make_reward(shop.program, points_required=50)
    earned = shop.earn(10_000).rows[0]
    taken = shop.issue(reward, 1, at_once=True).rows[0]
    erase_customer(shop.card.customer, visit=shop.visit(2), secret="x" * 40)
    db.session.commit()
    if way == "void":
        shop.void(taken, 3)
    else:
        shop.refund(earned, 0, 3, given_back=[taken.reward_issue_id])
    assert balances(shop.card) == [0]
    assert list(verify(shop.merchant.id)) == []


STAMPS = {"loyalty_type": "hybrid", "stamps_target": 10, "void_window_hours": FOR_EVER}


@pytest.mark.parametrize("is_posted", [False, True])
def test_a_stamp_reward_that_expired_gives_nothing_back(shop_with, is_posted):
    shop = shop_with(**STAMPS, reward_valid_days=1)
    loser = make_card(shop.program)
    first = shop.stamp(10).rows[0]
    stamp(loser.id, quantity=3, visit=shop.visit(1))
    merge = merge_customers(shop.card.customer, loser.customer, visit=shop.visit(3 * DAY))
    db.session.commit()
    if is_posted:
        nightly.expire_rewards_some(shop.merchant, now=at(3 * DAY))
    shop.void(first, 3 * DAY + 1)
    unmerge(merge, visit=shop.visit(3 * DAY + 2))
    db.session.commit()
    assert stamps(shop.card, loser) == [-10, 3]
    assert [issue.status for issue in shop.issues()] == ["expired" if is_posted else "issued"]
    assert flagged(shop) == [("void", -7)]
    assert list(verify(shop.merchant.id)) == []


@pytest.mark.parametrize("brought", [9, 19])
def test_stamps_that_are_missing_after_unmerging_are_flagged(shop_with, brought):
    """A reward that the loser brought is the loser's again; it covers nothing of the survivor's."""
    shop = shop_with(**STAMPS)
    loser = make_card(shop.program)
    given = shop.stamp(5).rows[0]
    shop.stamp(5, 1)
    shop.redeem(shop.issues()[0].id, 2)
    stamp(loser.id, quantity=brought, visit=shop.visit(3))
    merge = merge_customers(shop.card.customer, loser.customer, visit=shop.visit(4))
    db.session.commit()
    shop.void(given, 5)
    assert (stamps(shop.card), flagged(shop)) == ([4], [])
    unmerge(merge, visit=shop.visit(6))
    db.session.commit()
    assert (stamps(shop.card, loser), flagged(shop)) == ([-5, 9], [("unmerge", -5)])
    assert [(i.card_id, i.status) for i in shop.issues()[1:]] == [(loser.id, "issued")] * (brought > 9)
    assert list(verify(shop.merchant.id)) == []


def test_a_full_card_given_back_meanwhile_is_the_losers_again(shop_with):
    shop = shop_with(**STAMPS)
    loser = make_card(shop.program)
    earned = shop.earn(1_000, stamps=10, on=loser).rows[0]
    redeem(loser.id, shop.issues()[0].id, visit=shop.visit(1))
    merge = merge_customers(shop.card.customer, loser.customer, visit=shop.visit(2))
    db.session.commit()
    shop.refund(earned, 1_000, 3, given_back=[shop.issues()[0].id])
    assert (shop.issues()[1].card_id, shop.issues()[1].status) == (shop.card.id, "issued")
    unmerge(merge, visit=shop.visit(4))
    db.session.commit()
    assert stamps(shop.card, loser) == [0, 0]
    told = [(issue.card_id, issue.status) for issue in shop.issues()]
    assert told == [(loser.id, "cancelled"), (shop.card.id, "cancelled"), (loser.id, "issued")]
    assert list(verify(shop.merchant.id)) == []
