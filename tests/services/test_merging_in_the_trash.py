"""Records merged while their program lay in the trash: what they had moves when it comes back."""

import pytest
from sqlalchemy import select

from portal.errors import Conflict
from portal.extensions import db
from portal.models import CardToken, Customer, CustomerMerge, LoyaltyCard, LoyaltyTransaction, RewardIssue
from portal.services import cards, customers, erasing, programs, trash
from portal.services.ledger.merging import merge_customers
from portal.services.ledger.refunding import reverse_earn
from portal.services.ledger.rewarding import issue_reward, redeem
from portal.services.ledger.stamping import stamp
from portal.services.ledger.verifying import verify
from tests.factories import NOW, make_customer, make_merchant, make_program, make_reward, owner_of, within
from tests.services.ledger.stage import dead
from tests.services.merging import STAMPS, TIERS, actions, apart, balance, buy, join, merge, pair, visit

RULES = {**STAMPS, "tier_config": TIERS}


@pytest.fixture
def shop(app):
    merchant = make_merchant()
    with within(merchant):
        yield merchant


@pytest.fixture
def program(shop):
    return make_program(shop, **RULES)


def throw(shop, minutes=8):
    """Put the living program in the trash."""
    program = programs.find_program(shop)
    act = programs.delete_program(program, by=owner_of(shop), now=visit(shop, minutes).now)
    db.session.commit()
    return act


def bring(shop, act, minutes=15, **how):
    trash.restore(act, by=owner_of(shop), now=visit(shop, minutes).now, **how)
    db.session.commit()
    all_well(shop)


def all_well(shop):
    assert list(verify(shop.id)) == []
    assert trash.doctor() == []


def held(who):
    """Where a card stands, also one in the trash."""
    card = dead(who.card)
    return (card.points_balance, card.stamps_balance)


def cards_of(customer):
    mine = (LoyaltyCard.merchant_id == customer.merchant_id, LoyaltyCard.customer_id == customer.id)
    return db.session.scalars(select(LoyaltyCard).where(*mine)).all()


def kinds(shop, card):
    mine = (LoyaltyTransaction.merchant_id == shop.id, LoyaltyTransaction.card_id == card.id)
    found = select(LoyaltyTransaction.type).where(*mine).order_by(LoyaltyTransaction.id)
    return db.session.scalars(found).all()


def merged_while_away(shop, survivor, loser):
    act = throw(shop)
    done = merge(shop, survivor, loser)
    db.session.commit()
    assert "card_id" not in done.moved
    return done, act


def test_all_that_was_on_the_card_moves_when_the_program_is_back(shop, program):
    lea, other = pair(shop)
    reward = make_reward(program, points_required=10)
    buy(shop, lea, 30)
    buy(shop, other, 120)
    stamp(other.card.id, visit=visit(shop, 2), quantity=3)
    issued = issue_reward(other.card.id, reward.id, visit=visit(shop, 3)).rows[0].reward_issue_id
    lost = cards.replace_token(other.card.id, visit=visit(shop, 4))
    done, act = merged_while_away(shop, lea, other)
    assert held(other) == (110, 3)
    bring(shop, act)
    assert (balance(lea), held(other)) == ((140, 3), (0, 0))
    assert kinds(shop, lea.card)[-1] == "merge_in"
    assert db.session.get(RewardIssue, (shop.id, issued)).card_id == lea.card.id
    assert (cards.find_card(shop, lost.codes.qr), lea.card.tier_key) == (lea.card, "gold")
    assert (done.moved["card_id"], done.moved["from_card_id"]) == (lea.card.id, other.card.id)
    redeem(lea.card.id, issued, visit=visit(shop, 16))


def test_a_card_is_made_for_a_survivor_without_one(shop, program):
    lea, other = make_customer(shop, "Lea"), join(shop, "Lea M")
    buy(shop, other, 12)
    act = throw(shop)
    done = merge_customers(lea, other.customer, visit=visit(shop, 10))
    bring(shop, act)
    (card,) = cards_of(lea)
    assert (card.points_balance, kinds(shop, card)) == (12, ["merge_in"])
    assert cards.find_card(shop, other.codes.number) == card
    apart(shop, done)
    assert (cards_of(lea), balance(other)) == ([], (12, 0))
    all_well(shop)


def test_of_two_welcome_bonuses_one_is_reversed_and_a_single_one_stays(shop):
    make_program(shop, **RULES, welcome_bonus_points=50)
    lea, other = pair(shop)
    third, fourth = make_customer(shop, "Luca"), join(shop, "Luca R", phone="621 222 222")
    act = throw(shop)
    first = merge(shop, lea, other)
    merge_customers(third, fourth.customer, visit=visit(shop, 11))
    bring(shop, act)
    assert (balance(lea), held(other)) == ((50, 0), (0, 0))
    assert [card.points_balance for card in cards_of(third)] == [50]
    apart(shop, first)
    assert (balance(lea), balance(other)) == ((50, 0), (50, 0))


def test_stamps_that_fill_a_card_together_bring_a_reward(shop, program):
    lea, other = pair(shop)
    stamp(lea.card.id, visit=visit(shop, 1), quantity=6)
    stamp(other.card.id, visit=visit(shop, 2), quantity=7)
    done, act = merged_while_away(shop, lea, other)
    bring(shop, act)
    issue = db.session.scalars(RewardIssue.of(shop)).one()
    assert (balance(lea), issue.card_id) == ((0, 3), lea.card.id)
    apart(shop, done)
    assert (balance(lea), balance(other)) == ((0, 6), (0, 7))
    all_well(shop)


def test_taken_apart_after_it_moved_everything_is_as_before(shop, program):
    lea, other = pair(shop)
    buy(shop, lea, 30)
    bought = buy(shop, other, 120)
    done, act = merged_while_away(shop, lea, other)
    bring(shop, act)
    reverse_earn(bought, 2000, visit=visit(shop, 16))
    buy(shop, lea, 5, minutes=17)
    apart(shop, done)
    assert (balance(lea), balance(other)) == ((35, 0), (100, 0))
    assert (lea.card.tier_key, cards.find_card(shop, other.codes.qr)) == ("base", other.card)
    all_well(shop)


def test_taken_apart_before_the_program_is_back_nothing_has_moved(shop, program):
    lea, other = pair(shop)
    bought = buy(shop, other, 120)
    done, act = merged_while_away(shop, lea, other)
    reverse_earn(bought, 2000, visit=visit(shop, 11))
    assert (held(lea), held(other)) == ((0, 0), (100, 0))  # the loser's until the points move
    apart(shop, done, 12)
    bring(shop, act)
    assert (balance(lea), balance(other)) == ((0, 0), (100, 0))
    assert "merge_out" not in kinds(shop, other.card)


def test_what_was_refunded_meanwhile_does_not_come_back(shop, program):
    lea, other = pair(shop)
    bought = buy(shop, other, 120)
    done, act = merged_while_away(shop, lea, other)
    reverse_earn(bought, 2000, visit=visit(shop, 11))
    bring(shop, act)
    reverse_earn(bought, 3000, visit=visit(shop, 16))
    assert (balance(lea), held(other)) == ((70, 0), (0, 0))
    apart(shop, done)
    assert (balance(lea), balance(other)) == ((0, 0), (70, 0))


@pytest.mark.parametrize("has_card", [True, False])
def test_merges_in_a_row_are_played_in_their_order_and_taken_apart_again(shop, has_card):
    make_program(shop, **RULES, welcome_bonus_points=7)
    lea, third = join(shop, "Lea", phone="621 123 456"), join(shop, "Lea K", phone="621 222 222")
    middle = join(shop, "Lea M").customer if has_card else make_customer(shop, "Lea M")
    early = join(shop, "Lea E")
    buy(shop, third, 30)
    buy(shop, early, 4)
    merge(shop, third, early, 7)
    act = throw(shop)
    first = merge_customers(middle, third.customer, visit=visit(shop, 9))
    second = merge_customers(lea.customer, middle, visit=visit(shop, 10))
    bring(shop, act)
    into = select(Customer.merged_into_id).where(Customer.merchant_id == shop.id)
    told = db.session.scalars(
        into.where(Customer.id != lea.customer.id), execution_options={"include_deleted": True}
    )
    assert set(told) == {lea.customer.id}
    assert (balance(lea), held(third)) == ((41, 0), (0, 0))
    apart(shop, second)
    all_well(shop)
    assert (balance(lea)[0], [card.points_balance for card in cards_of(middle)]) == (7, [41])
    apart(shop, first, 21)
    assert balance(third) == (41, 0)
    assert [card.points_balance for card in cards_of(middle)] == [0]
    all_well(shop)


@pytest.mark.parametrize("has_card", [True, False])
def test_of_a_survivor_in_the_trash_it_waits_there_with_them(shop, program, has_card):
    lea = join(shop, "Lea").customer if has_card else make_customer(shop, "Lea")
    other = join(shop, "Lea M")
    buy(shop, other, 30)
    stamp(other.card.id, visit=visit(shop, 2), quantity=3)
    act = throw(shop)
    merge_customers(lea, other.customer, visit=visit(shop, 9))
    gone = customers.delete_customer(lea, by=owner_of(shop), now=visit(shop, 10).now)
    db.session.commit()
    bring(shop, act)
    assert (cards_of(lea), held(other)) == ([], (0, 0))
    bring(shop, gone, 16)
    (card,) = cards_of(lea)
    assert (card.points_balance, card.stamps_balance) == (30, 3)
    assert cards.find_card(shop, other.codes.qr) == card


def test_of_a_survivor_who_was_erased_nobody_gets_it(shop, program):
    lea, other = pair(shop)
    buy(shop, other, 30)
    _done, act = merged_while_away(shop, lea, other)
    erasing.erase_customer(lea.customer, visit=visit(shop, 11), secret="key")
    bring(shop, act)
    assert held(other) == (0, 0)
    assert "merge_out" not in kinds(shop, other.card)


def test_of_a_survivor_who_was_purged_nobody_gets_it_and_later_merges_stand(shop, program):
    lea, other = pair(shop)
    luca, more = join(shop, "Luca"), join(shop, "Luca R")
    buy(shop, other, 30)
    buy(shop, more, 8)
    _done, act = merged_while_away(shop, lea, other)
    gone = customers.delete_customer(lea.customer, by=owner_of(shop), now=visit(shop, 11).now)
    merge_customers(luca.customer, make_customer(shop, "Luca S"), visit=visit(shop, 11))
    trash.purge(gone, by=owner_of(shop), now=visit(shop, 12).now)
    db.session.commit()
    bring(shop, act)
    assert held(other) == (30, 0)
    merge(shop, luca, more, 16)
    bring(shop, throw(shop, 17), 18)
    assert (balance(luca), kinds(shop, luca.card).count("merge_in")) == ((8, 0), 1)


def test_in_chunks_it_moves_when_the_last_is_back(shop, program, monkeypatch):
    lea, other = pair(shop)
    buy(shop, other, 30)
    _done, act = merged_while_away(shop, lea, other)
    monkeypatch.setattr("portal.services.trash.bring_back.IN_ONE_TRANSACTION", 1)
    trash.restore(act, by=owner_of(shop), now=visit(shop, 15).now)
    db.session.commit()
    assert (held(other), list(verify(shop.id))) == ((30, 0), [])
    while not trash.continue_some(act, now=visit(shop, 16).now, limit=1):
        db.session.commit()
    db.session.commit()
    assert (balance(lea), held(other)) == ((30, 0), (0, 0))
    all_well(shop)


@pytest.mark.parametrize("stopped", ["lea", "other", "both"])
def test_a_suspension_is_not_lifted(shop, program, stopped):
    lea, other = pair(shop)
    buy(shop, other, 30)
    was = [stopped in ("lea", "both"), stopped in ("other", "both")]
    for who, is_stopped in zip((lea, other), was, strict=True):
        if is_stopped:
            cards.suspend_card(who.card.id, visit=visit(shop, 7))
    done, act = merged_while_away(shop, lea, other)
    bring(shop, act)
    assert (balance(lea), lea.card.status) == ((30, 0), "suspended")
    apart(shop, done)
    told = [who.card.status == "suspended" for who in (lea, other)]
    assert (told, balance(other)) == (was, (30, 0))
    assert ("loyalty_cards.lift" in actions(shop)) == (stopped == "other")


def test_a_suspension_that_was_lifted_since_stays_lifted(shop, program):
    lea, other = pair(shop)
    cards.suspend_card(other.card.id, visit=visit(shop, 7))
    done, act = merged_while_away(shop, lea, other)
    bring(shop, act)
    cards.lift_suspension(lea.card.id, visit=visit(shop, 16))
    apart(shop, done)
    assert actions(shop).count("loyalty_cards.lift") == 1


def test_merged_under_another_program_each_card_moves_when_its_own_is_back(shop, program):
    lea, other = join(shop, "Lea"), join(shop, "Lea M", phone="621 123 456")
    buy(shop, other, 30)
    old = throw(shop, 3)
    make_program(shop, **RULES)
    fresh = join(shop, "Lea M", minutes=4, phone="621 123 456")
    assert fresh.customer.id == other.customer.id
    buy(shop, fresh, 5, minutes=5)
    done = merge(shop, lea, other)
    assert [part["from_card_id"] for part in done.parts] == [fresh.card.id]
    bring(shop, old, replace_holder=True)
    assert [part["card_id"] for part in done.parts][1:] == [lea.card.id]
    assert (balance(lea), held(other)) == ((30, 0), (0, 0))
    with pytest.raises(Conflict, match="in the trash with its program"):
        apart(shop, done)


def test_nothing_moves_twice(shop, program):
    lea, other = pair(shop)
    third, fourth = join(shop, "Luca"), join(shop, "Luca R")
    buy(shop, other, 30)
    buy(shop, fourth, 8)
    merge(shop, third, fourth, 6)
    _done, act = merged_while_away(shop, lea, other)
    bring(shop, act)
    bring(shop, throw(shop, 16), 17)
    assert (balance(lea), balance(third)) == ((30, 0), (8, 0))
    assert kinds(shop, lea.card).count("merge_in") == 1
    assert len(db.session.scalars(CustomerMerge.of(shop)).all()) == 2


def test_codes_of_a_card_that_lay_in_the_trash_alone_stay_there(shop, program):
    lea, other = pair(shop)
    act = trash.soft_delete_cascade(other.card, by=owner_of(shop), now=NOW)
    buy(shop, lea, 3)
    merged_away = merge(shop, lea, other)
    assert "card_id" not in merged_away.moved
    tokens = CardToken.of(shop).where(CardToken.card_id == other.card.id)
    left = db.session.scalars(tokens, execution_options={"include_deleted": True}).all()
    assert {token.deletion_id for token in left} == {act.id}
    bring(shop, throw(shop, 12), 14)
    assert balance(lea) == (3, 0)
