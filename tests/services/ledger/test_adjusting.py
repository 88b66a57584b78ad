"""Correcting a balance by hand: reasons, notes, two people above the limit."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models import AuditEntry, ReviewItem, RewardIssue, TransactionNote
from portal.models.actor import OPERATOR
from portal.services.ledger.adjusting import adjust, approve, notes_of
from portal.services.ledger.merging import merge_customers
from portal.services.ledger.reasons import reason_word
from portal.services.ledger.visits import Visit
from portal.services.ledger.voiding import void
from tests.factories import (
    NOW,
    give,
    make_card,
    make_merchant,
    make_program,
    make_store,
    make_user,
    manager_of,
    owner_of,
    staff_of,
    within,
)


@pytest.fixture
def shop(app):
    merchant = make_merchant()
    with within(merchant):
        yield merchant


def visit(shop, minutes=0, by=None, **more):
    return Visit(by=by or owner_of(shop), now=NOW + timedelta(minutes=minutes), **more)


def card_in(shop, **rules):
    return make_card(make_program(shop, **rules))


def item_of(shop):
    return db.session.scalars(ReviewItem.of(shop)).one()


def refusal(work):
    with pytest.raises(Refused) as no:
        work()
    return no.value.code


def test_a_manager_adds_points_with_a_reason(shop):
    card = card_in(shop)
    done = adjust(card.id, points=50, reason_code="goodwill", visit=visit(shop, by=manager_of()))
    row = done.rows[0]
    assert (done.code, row.type, row.points_delta, row.reason_code) == ("adjusted", "adjust", 50, "goodwill")
    assert (card.points_balance, reason_word("lost_card")) == (50, "card lost")


def test_staff_may_not(shop):
    card = card_in(shop)
    by = staff_of(make_store(shop))
    assert refusal(lambda: adjust(card.id, points=1, reason_code="goodwill", visit=visit(shop, by=by))) == (
        "not_allowed"
    )
    assert card.points_balance == 0


@pytest.mark.parametrize(
    ("asked", "code", "field"),
    [
        ({"points": 5, "reason_code": "weather"}, "bad_reason", "reason_code"),
        ({"reason_code": "goodwill"}, "nothing_to_adjust", "points"),
        ({"points": 10_000_001, "reason_code": "goodwill"}, "out_of_range", "points"),
        ({"points": -10_000_001, "reason_code": "goodwill"}, "out_of_range", "points"),
        ({"stamps": 101, "reason_code": "goodwill"}, "out_of_range", "stamps"),
        ({"stamps": -101, "reason_code": "goodwill"}, "out_of_range", "stamps"),
        ({"points": 5, "reason_code": "other"}, "note_needed", "note"),
        ({"points": 5, "reason_code": "other", "note": "  "}, "note_needed", "note"),
        ({"stamps": -1, "reason_code": "fraud"}, "not_enough", "stamps"),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field(shop, asked, code, field):
    card = card_in(shop)
    with pytest.raises(Refused) as no:
        adjust(card.id, visit=visit(shop), **asked)
    assert (no.value.code, no.value.details["field"]) == (code, field)
    assert card.points_balance == 0


def test_points_go_below_zero_only_where_the_program_lets_them(shop):
    program = make_program(shop)
    card = make_card(program)
    adjust(card.id, points=-5, reason_code="fraud", visit=visit(shop))
    assert card.points_balance == -5
    program.clawback_policy = "clamp_to_zero"
    assert refusal(lambda: adjust(card.id, points=-1, reason_code="fraud", visit=visit(shop))) == "not_enough"
    adjust(card.id, points=9, reason_code="correction", visit=visit(shop))
    adjust(card.id, points=-4, reason_code="correction", visit=visit(shop))
    assert card.points_balance == 0


def test_a_note_stands_beside_the_row_and_can_be_emptied(shop):
    card = card_in(shop)
    row = adjust(card.id, points=5, reason_code="other", note=" Broken machine ", visit=visit(shop)).rows[0]
    note = db.session.scalars(select(TransactionNote).where(TransactionNote.merchant_id == shop.id)).one()
    assert (note.transaction_id, note.text, note.written_by_id) == (
        row.id,
        "Broken machine",
        owner_of(shop).user_id,
    )
    assert notes_of([row.id], shop.id) == {row.id: [note]}
    note.text = None
    db.session.flush()
    assert notes_of([row.id], shop.id) == {}


def test_a_full_card_becomes_a_reward_and_voiding_takes_it_back(shop):
    card = card_in(shop, loyalty_type="stamps", stamps_target=10)
    done = adjust(card.id, stamps=23, reason_code="migration", visit=visit(shop))
    assert [row.type for row in done.rows] == ["adjust", "stamp_complete", "stamp_complete"]
    assert card.stamps_balance == 3
    void(done.rows[0], visit=visit(shop, 1))
    issues = db.session.scalars(RewardIssue.of(shop)).all()
    assert ([issue.status for issue in issues], card.stamps_balance) == (["cancelled", "cancelled"], 0)


def test_frozen_stamps_make_no_reward(shop):
    card = card_in(shop, loyalty_type="points", stamps_target=10)
    done = adjust(card.id, stamps=12, reason_code="migration", visit=visit(shop))
    assert ([row.type for row in done.rows], card.stamps_balance) == (["adjust"], 12)


def test_above_the_limit_it_is_only_proposed(shop):
    card = card_in(shop, adjust_approval_points=100)
    at = visit(shop, key="k")
    done = adjust(card.id, points=-101, reason_code="fraud", visit=at)
    again = adjust(card.id, points=-101, reason_code="fraud", visit=at)
    assert (done.code, done.rows, again.code, again.is_replay) == ("proposed", [], "proposed", True)
    item = item_of(shop)
    assert (item.kind, item.reason_code, item.status, card.points_balance) == (
        "adjustment",
        "fraud",
        "open",
        0,
    )
    assert item.details == {"points": -101, "stamps": 0, "proposed_by_id": owner_of(shop).user_id}


@pytest.mark.parametrize("points", [100, -100])
def test_up_to_the_limit_one_is_enough(shop, points):
    card = card_in(shop, adjust_approval_points=100)
    assert adjust(card.id, points=points, reason_code="goodwill", visit=visit(shop)).code == "adjusted"


def alone(shop, card, minutes=0, by=None, **moved):
    return adjust(card.id, reason_code="goodwill", visit=visit(shop, minutes, by), **moved).code


@pytest.mark.parametrize("second", [41, -41])
def test_what_one_person_adjusts_within_a_day_counts_together(shop, second):
    card = card_in(shop, adjust_approval_points=100)
    assert alone(shop, card, points=60) == "adjusted"
    assert alone(shop, card, 1439, points=second) == "proposed"
    assert alone(shop, card, 1439, points=40) == "adjusted"
    assert alone(shop, card, 1439, points=1) == "proposed"
    assert alone(shop, card, 1440, points=60) == "adjusted"
    assert card.points_balance == 160


def test_stamps_count_together_and_apart_from_points(shop):
    card = card_in(shop, loyalty_type="hybrid", stamps_target=10, adjust_approval_points=100)
    assert alone(shop, card, points=100, stamps=6) == "adjusted"
    assert alone(shop, card, 1, stamps=3) == "adjusted"
    assert alone(shop, card, 2, stamps=-2) == "proposed"
    assert alone(shop, card, 3, points=1) == "proposed"


def test_another_person_another_card_and_what_two_agreed_on_count_apart(shop):
    card, other = card_in(shop, adjust_approval_points=100), manager_of(user=make_user())
    assert alone(shop, card, by=other, points=500) == "proposed"
    approve(item_of(shop), visit=visit(shop, 1))
    assert alone(shop, card, 2, points=100) == "adjusted"
    assert alone(shop, card, 3, by=other, points=100) == "adjusted"
    assert alone(shop, make_card(card.program), 4, points=100) == "adjusted"
    assert card.points_balance == 700


def test_what_was_taken_back_counts_all_the_same(shop):
    card = card_in(shop, adjust_approval_points=100, clawback_policy="clamp_to_zero")
    row = adjust(card.id, points=100, reason_code="goodwill", visit=visit(shop)).rows[0]
    void(row, visit=visit(shop, 1))
    assert alone(shop, card, 2, points=1) == "proposed"


def test_what_was_adjusted_on_a_record_merged_since_counts_too(shop):
    card = card_in(shop, adjust_approval_points=100)
    second = make_card(card.program)
    assert alone(shop, second, points=100) == "adjusted"
    merge_customers(card.customer, second.customer, visit=visit(shop, 1))
    assert alone(shop, card, 2, points=1) == "proposed"


def test_four_windows_at_once_give_no_more_than_one(shop, elsewhere):
    card, merchant_id = card_in(shop, adjust_approval_points=100), shop.id
    card_id, by = card.id, owner_of(shop)
    db.session.commit()

    def in_a_window():
        with within(merchant_id):
            at = Visit(by=by, now=NOW)
            code = adjust(card_id, points=60, reason_code="goodwill", visit=at).code
            db.session.commit()
            return code

    windows = [elsewhere(in_a_window) for _window in range(4)]
    assert sorted(each.result() for each in windows) == ["adjusted", "proposed", "proposed", "proposed"]


@pytest.mark.parametrize(("stamps", "code"), [(10, "adjusted"), (11, "proposed"), (-11, "proposed")])
def test_more_than_one_full_card_of_stamps_takes_two_people(shop, stamps, code):
    card = card_in(shop, loyalty_type="hybrid", stamps_target=20, adjust_approval_points=100)
    give(card, stamps=12)
    card.program.stamps_target = 10
    before = card.stamps_balance
    assert adjust(card.id, stamps=stamps, reason_code="goodwill", visit=visit(shop)).code == code
    assert (card.stamps_balance == before) == (code == "proposed")


def test_without_a_limit_one_person_gives_up_to_ten_full_cards(shop):
    card = card_in(shop, loyalty_type="stamps", stamps_target=10)
    with pytest.raises(Refused, match="Write at most 100 stamps at once"):
        adjust(card.id, stamps=101, reason_code="goodwill", visit=visit(shop))
    assert adjust(card.id, stamps=100, reason_code="goodwill", visit=visit(shop)).code == "adjusted"


def test_what_nobody_could_agree_to_is_not_proposed(shop):
    rules = {"loyalty_type": "hybrid", "stamps_target": 10, "clawback_policy": "clamp_to_zero"}
    card = card_in(shop, adjust_approval_points=0, **rules)
    for asked in ({"stamps": -11}, {"points": -1}):
        at = visit(shop)
        assert refusal(
            lambda asked=asked, at=at: adjust(card.id, reason_code="fraud", visit=at, **asked)
        ) == ("not_enough")
    assert db.session.scalars(select(ReviewItem).where(ReviewItem.merchant_id == shop.id)).all() == []


def test_a_proposal_keeps_no_note(shop):
    card = card_in(shop, adjust_approval_points=0)
    asked = {"points": 1, "reason_code": "goodwill", "note": "for Ana"}
    assert refusal(lambda: adjust(card.id, visit=visit(shop), **asked)) == "note_later"


def test_somebody_else_agrees_and_it_is_posted_once(shop):
    card = card_in(shop, adjust_approval_points=100)
    adjust(card.id, points=500, reason_code="other", visit=visit(shop))
    item, other = item_of(shop), manager_of(user=make_user())
    assert refusal(lambda: approve(item, visit=visit(shop, 1))) == "own_proposal"
    assert refusal(lambda: approve(item, visit=visit(shop, 1, by=staff_of()))) == "not_allowed"
    assert refusal(lambda: approve(item, visit=visit(shop, 1, by=other))) == "note_needed"
    done = approve(item, visit=visit(shop, 2, by=other, key="a"), note="Agreed by phone")
    again = approve(item, visit=visit(shop, 2, by=other, key="a"), note="Agreed by phone")
    assert (done.points, card.points_balance, again.is_replay) == (500, 500, True)
    assert (item.status, item.transaction_id, item.resolved_by_id, item.resolved_at) == (
        "accepted",
        done.rows[0].id,
        other.user_id,
        NOW + timedelta(minutes=2),
    )
    assert refusal(lambda: approve(item, visit=visit(shop, 3, by=other), note="x")) == "not_open"


def test_the_operator_needs_nobody_else(shop):
    card = card_in(shop, adjust_approval_points=100)
    done = adjust(card.id, points=500, reason_code="migration", visit=visit(shop, by=OPERATOR))
    assert (done.code, card.points_balance) == ("adjusted", 500)


def test_only_a_proposal_is_approved(shop):
    item = ReviewItem(merchant_id=shop.id, kind="late", reason_code="late", created_at=NOW)
    db.session.add(item)
    assert refusal(lambda: approve(item, visit=visit(shop))) == "not_a_proposal"


def test_a_suspended_card_may_be_adjusted_and_a_dead_one_not(shop):
    from portal.services import trash

    card = card_in(shop)
    card.status = "suspended"
    adjust(card.id, points=5, reason_code="goodwill", visit=visit(shop))
    trash.soft_delete_cascade(card.customer, by=owner_of(shop), now=NOW)
    with pytest.raises(Conflict, match="not there any more"):
        adjust(card.id, points=5, reason_code="goodwill", visit=visit(shop))


def test_who_adjusted_is_written_down(shop):
    card = card_in(shop, adjust_approval_points=10)
    adjust(card.id, points=5, reason_code="goodwill", visit=visit(shop))
    adjust(card.id, points=50, reason_code="goodwill", visit=visit(shop))
    db.session.flush()
    entries = db.session.scalars(select(AuditEntry).where(AuditEntry.merchant_id == shop.id))
    told = [(e.action, e.subject_id, e.details["points"]) for e in entries if "loyalty_cards" in e.action]
    assert told == [("loyalty_cards.adjust", card.id, 5), ("loyalty_cards.propose", card.id, 50)]
