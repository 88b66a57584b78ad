"""The readable statement of a card: why is it 140?"""

from datetime import timedelta

import pytest

from portal.extensions import db
from portal.models import Customer, LoyaltyTransaction, Order, RewardIssue, TransactionNote
from portal.services import trash
from portal.services.ledger.accounts import open_account
from portal.services.ledger.earning import earn
from portal.services.ledger.refunding import reverse_earn
from portal.services.ledger.rewarding import cancel_reward, issue_reward, redeem
from portal.services.ledger.sentences import Telling, signed
from portal.services.ledger.stamping import stamp
from portal.services.ledger.statement import line_of, lines_of_order, outlook, statement_of
from portal.services.ledger.visits import Visit
from portal.services.ledger.voiding import void
from tests.factories import (
    NOW,
    give,
    make_card,
    make_customer,
    make_merchant,
    make_order,
    make_program,
    make_reward,
    make_store,
    make_user,
    owner_of,
    within,
)

TIERS = [
    {"key": "base", "name": "Base", "threshold": 0, "multiplier_bp": 10_000},
    {"key": "gold", "name": "Gold", "threshold": 100, "multiplier_bp": 15_000},
]


@pytest.fixture
def shop(app):
    merchant = make_merchant("Lumière", currency="EUR", locale="en")
    with within(merchant):
        yield merchant


@pytest.fixture
def seller(shop):
    return make_user("Stan Staff")


def visit(shop, minutes=0, **more):
    return Visit(by=owner_of(shop), now=NOW + timedelta(minutes=minutes), **more)


def points_card(shop, **rules):
    rules = {"loyalty_type": "points", "points_per_euro": 10, "minimum_redemption_points": 0} | rules
    program = make_program(shop, **rules)
    return program, make_card(program)


def read(card, program, shop, **more):
    return [line.sentence for line in statement_of(card, program, shop, **more).rows]


@pytest.mark.parametrize(("value", "said"), [(199, "+199"), (-5, "−5"), (0, "0"), (-1234, "−1,234")])
def test_numbers_carry_their_sign(value, said):
    assert signed(value) == said


def test_a_purchase_says_how_much_where_and_by_which_rule(shop):
    program, card = points_card(shop)
    gare = make_store(shop, "Gare")
    earn(card.id, spent_cents=1999, visit=visit(shop, store_id=gare.id))
    line = statement_of(card, program, shop).rows[0]
    assert line.sentence == "Purchase of €19.99 at Gare, 10 points per €: +199"
    assert (line.place, line.row.points_after, line.is_late, line.source) == ("Gare", 199, False, "")


def test_a_purchase_says_what_of_it_does_not_count_and_the_tier(shop):
    program, card = points_card(shop, points_per_euro=1, tier_config=TIERS)
    earn(card.id, spent_cents=10_000, visit=visit(shop))
    earn(card.id, spent_cents=2990, excluded_cents=1000, visit=visit(shop, 1))
    said = "Purchase of €29.90, €19.90 of it counts, 1 point per €, × 1.5 for Gold: +29"
    assert read(card, program, shop)[0] == said


def test_a_tier_that_is_gone_is_named_by_its_key(shop):
    program, card = points_card(shop, tier_config=TIERS)
    earn(card.id, spent_cents=1000, visit=visit(shop))
    program.tier_config = []
    rules = {"points_per_euro": 1, "multiplier_bp": 20_000, "tier_key": "gold", "minimum_purchase_cents": 0}
    give(card, points=2, kind="earn", amount_cents=100, eligible_cents=100, rule_snapshot=rules)
    assert read(card, program, shop)[0] == "Purchase of €1.00, 1 point per €, × 2 for gold: +2"


def test_a_purchase_below_the_minimum_says_so(shop):
    program, card = points_card(shop, minimum_purchase_cents=500)
    earn(card.id, spent_cents=499, visit=visit(shop))
    assert read(card, program, shop) == [
        "Purchase of €4.99, below the smallest purchase that counts, €5.00: 0"
    ]


def test_a_refund_says_what_was_set_off_and_forgiven(shop):
    program, card = points_card(
        shop, points_per_euro=1, points_expiration_days=10, clawback_policy="clamp_to_zero"
    )
    first = earn(card.id, spent_cents=2000, visit=visit(shop)).rows[0]
    earn(card.id, spent_cents=100, visit=visit(shop, 60 * 24 * 30))
    reverse_earn(first, 2000, visit=visit(shop, 60 * 24 * 31))
    told = read(card, program, shop)
    said = "Refund of €20.00 of €20.00, 20 points to take back, 20 had expired already"
    assert told[0] == said
    assert told[2] == "20 points expired, no visit for 10 days: −20"


def test_a_refund_of_a_purchase_that_counted_in_part_names_what_counted(shop):
    program, card = points_card(shop)
    first = earn(card.id, spent_cents=1220, excluded_cents=1000, visit=visit(shop)).rows[0]
    reverse_earn(first, 220, visit=visit(shop, 1))
    assert read(card, program, shop)[0] == "Refund of €2.20 of the €2.20 that counted: −22"


def test_a_refund_says_what_the_merchant_forgives(shop):
    program, card = points_card(shop, clawback_policy="clamp_to_zero")
    reward = make_reward(program, "Free coffee", points_required=150)
    first = earn(card.id, spent_cents=2000, visit=visit(shop)).rows[0]
    issue_reward(card.id, reward.id, visit=visit(shop, 1), at_once=True)
    reverse_earn(first, 2000, visit=visit(shop, 2))
    told = read(card, program, shop)
    assert told[0] == "Refund of €20.00 of €20.00, 200 points to take back, 150 forgiven: −50"
    assert told[1] == "Reward “Free coffee” taken: −150"


def test_a_void_names_what_it_takes_back(shop):
    program, card = points_card(shop)
    earned = earn(card.id, spent_cents=1999, visit=visit(shop)).rows[0]
    assert statement_of(card, program, shop).rows[0].can_be_voided
    void(earned, visit=visit(shop, 5), reason_code="wrong_card")
    newest, oldest = statement_of(card, program, shop).rows
    assert newest.sentence == "Voided: Purchase of €19.99, wrong card: −199"
    assert newest.about == NOW
    assert (oldest.is_voided, oldest.can_be_voided, newest.can_be_voided) == (True, False, False)


def test_what_was_refunded_in_part_cannot_be_voided_until_the_refund_is(shop):
    program, card = points_card(shop)
    earned = earn(card.id, spent_cents=1000, visit=visit(shop)).rows[0]
    back = reverse_earn(earned, 500, visit=visit(shop, 1)).rows[0]
    refund, purchase = statement_of(card, program, shop).rows
    assert (refund.can_be_voided, purchase.can_be_voided, purchase.has_refunds) == (True, False, True)
    void(back, visit=visit(shop, 2))
    assert read(card, program, shop)[0] == "Voided: Refund of €5.00: +50"
    assert line_of(earned.id, program, shop).can_be_voided


def test_stamps_and_full_cards(shop):
    program = make_program(
        shop, loyalty_type="stamps", stamps_target=2, cooldown_minutes=0, stamps_reward_description="Coffee"
    )
    card = make_card(program)
    done = stamp(card.id, quantity=2, visit=visit(shop))
    redeem(card.id, done.rows[1].reward_issue_id, visit=visit(shop, 1))
    assert read(card, program, shop) == [
        "Reward “Coffee” handed over",
        "Card full: 2 stamps became a reward: −2",
        "2 stamps: +2",
    ]
    handed = statement_of(card, program, shop).rows[0]
    assert handed.can_be_voided


def test_rewards_cancelled_given_back_and_not_collected(shop):
    program, card = points_card(shop)
    reward = make_reward(program, "Mug", points_required=50)
    earn(card.id, spent_cents=1000, visit=visit(shop))
    issue = issue_reward(card.id, reward.id, visit=visit(shop, 1)).rows[0]
    assert not statement_of(card, program, shop).rows[0].can_be_voided  # it is not handed over yet
    cancel_reward(card.id, issue.reward_issue_id, visit=visit(shop, 2))
    assert read(card, program, shop)[0] == "Reward “Mug” cancelled: +50"
    give(card, kind="refund_return", points=50, reward_issue_id=issue.reward_issue_id)
    assert read(card, program, shop)[0] == "Reward “Mug” given back: +50"


def test_an_expired_reward_says_that_it_was_not_collected(shop):
    program, card = points_card(shop)
    reward = make_reward(program, "Mug", points_required=50)
    earn(card.id, spent_cents=1000, visit=visit(shop))
    issue_id = issue_reward(card.id, reward.id, visit=visit(shop, 1)).rows[0].reward_issue_id
    account = open_account(card.id, visit(shop, 2))
    issue = db.session.get(RewardIssue, (shop.id, issue_id))
    issue.status = "expired"
    account.post("redeem_cancel", points=50, reward_issue_id=issue_id)
    assert read(card, program, shop)[0] == "Reward “Mug” was not collected in time: +50"


OTHERS = [
    ({"kind": "enrol"}, "Joined the program"),
    ({"kind": "welcome_bonus", "points": 5}, "Welcome bonus: +5"),
    ({"kind": "earn", "points": 5}, "Purchase: +5"),
    ({"kind": "adjust", "points": 7, "reason_code": "goodwill"}, "Added by hand, goodwill: +7"),
    ({"kind": "adjust", "stamps": -1, "reason_code": "my_own"}, "Taken away by hand, my own: −1"),
    ({"kind": "forfeit", "points": -3, "reason_code": "erased"}, "Forfeited, the customer was erased: −3"),
    ({"kind": "merge_in", "points": 3}, "Taken over from another card: +3"),
    ({"kind": "merge_out", "points": -3}, "Moved to another card: −3"),
    ({"kind": "import", "points": 40}, "Balance from an import: +40"),
    ({"kind": "import", "points": -40}, "Import taken back: −40"),
    ({"kind": "convert", "points": -40, "stamps": 4}, "Points turned into stamps: −40 points, +4 stamps"),
    ({"kind": "convert", "points": 40, "stamps": -4}, "Stamps turned into points: +40 points, −4 stamps"),
    ({"kind": "expire", "points": -1}, "1 point expired: −1"),
    ({"kind": "refund_reversal", "points": -1, "eligible_cents": 100}, "Refund of €1.00: −1"),
    ({"kind": "earn", "points": 5, "store_id": None, "source": "import"}, "Purchase: +5"),
]


@pytest.mark.parametrize(("row", "said"), OTHERS)
def test_every_kind_of_movement_has_its_sentence(shop, row, said):
    program, card = points_card(shop)
    give(card, **row)
    assert read(card, program, shop) == [said]


def test_a_void_without_its_row_is_a_void_all_the_same(shop):
    program, card = points_card(shop)
    earned = give(card, points=5, kind="earn")
    give(card, points=-5, kind="void", reverses_id=earned.id)
    assert read(card, program, shop)[0] == "Voided: −5"


def test_a_merge_names_the_other_person(shop):
    program, card = points_card(shop)
    other = make_card(program, make_customer(shop, "Anna Alt"))
    out = give(other, points=-5, kind="merge_out", linked_id=None)
    give(card, points=5, kind="merge_in", linked_id=out.id)
    assert read(card, program, shop) == ["Taken over from the card of Anna Alt: +5"]
    give(other, points=-1, kind="merge_out", linked_id=db.session.scalar(newest(shop, card)).id)
    assert read(other, program, shop)[0].startswith("Moved to the card of ")


def newest(shop, card):
    mine = LoyaltyTransaction.of(shop).where(LoyaltyTransaction.card_id == card.id)
    return mine.order_by(LoyaltyTransaction.id.desc()).limit(1)


def test_the_deleted_keep_their_names(shop, seller):
    program, card = points_card(shop)
    gare = make_store(shop, "Gare")
    order = make_order(gare, number="R-77", total_cents=1000)
    by = owner_of(shop, seller)
    earn(
        card.id,
        spent_cents=1000,
        order_id=order.id,
        visit=Visit(by=by, now=NOW, store_id=gare.id, source="api"),
    )
    db.session.commit()
    line = statement_of(card, program, shop).rows[0]
    assert (line.person, line.order_number, line.is_order_there) == ("Stan Staff", "R-77", True)
    assert line.source == "by another program"
    for row in (gare, db.session.get(Order, (shop.id, order.id))):
        trash.soft_delete(row, by=owner_of(shop), now=NOW)
    db.session.commit()
    line = statement_of(card, program, shop).rows[0]
    assert (line.place, line.order_number, line.is_order_there) == ("Gare (deleted)", "R-77", False)
    assert line.sentence.startswith("Purchase of €10.00 at Gare (deleted)")
    told = lines_of_order(order, Telling(shop, program))
    assert [each.row.id for each in told] == [line.row.id]


def test_a_note_is_shown_and_an_erased_one_is_not(shop):
    program, card = points_card(shop)
    row = give(card, points=5, kind="adjust")
    note = TransactionNote(merchant_id=shop.id, transaction_id=row.id, text="Forgot her card")
    db.session.add(note)
    db.session.flush()
    assert statement_of(card, program, shop).rows[0].note == "Forgot her card"
    note.text = None
    assert statement_of(card, program, shop).rows[0].note == ""


def test_a_row_posted_late_says_so(shop):
    program, card = points_card(shop)
    earn(card.id, spent_cents=100, visit=visit(shop, happened_at=NOW - timedelta(days=2)))
    assert statement_of(card, program, shop).rows[0].is_late


def test_pages_go_on_where_the_last_one_ended(shop):
    program, card = points_card(shop)
    for minute in range(5):
        earn(card.id, spent_cents=100 * (minute + 1), visit=visit(shop, minute))
    first = statement_of(card, program, shop, size=2)
    second = statement_of(card, program, shop, size=2, after=first.next)
    assert [line.row.points_after for line in (*first.rows, *second.rows)] == [150, 100, 60, 30]
    back = statement_of(card, program, shop, size=2, before=second.previous)
    assert [line.row.id for line in back.rows] == [line.row.id for line in first.rows]


def test_another_merchants_movement_is_not_told(shop):
    program, card = points_card(shop)
    other = make_merchant()
    row = give(card, points=5)
    assert line_of(row.id, program, shop).row.id == row.id
    assert line_of(row.id, program, other) is None


def test_the_outlook_is_net_of_what_is_due_and_says_what_will_expire(shop):
    program, card = points_card(shop, points_expiration_days=10)
    assert outlook(card, program, shop, NOW).expires_at is None
    earn(card.id, spent_cents=1000, visit=visit(shop))
    soon = outlook(card, program, shop, NOW)
    assert (soon.points, soon.is_expiring) == (100, True)
    assert soon.expires_at.astimezone(shop.zone).date() == (NOW + timedelta(days=11)).date()
    later = outlook(card, program, shop, NOW + timedelta(days=30))
    assert (later.points, later.is_expiring) == (0, False)
    assert card.points_balance == 100  # reading writes nothing


def test_a_reader_of_a_dead_customers_card_sees_it_all(shop):
    program, card = points_card(shop)
    earn(card.id, spent_cents=1000, visit=visit(shop))
    db.session.commit()
    trash.soft_delete_cascade(
        db.session.get(Customer, (shop.id, card.customer_id)), by=owner_of(shop), now=NOW
    )
    db.session.commit()
    assert len(read(card, program, shop)) == 1
