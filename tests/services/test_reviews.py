"""The list of what a manager should look at."""

import pytest
from sqlalchemy import select

from portal.errors import Refused
from portal.extensions import db
from portal.models import AuditEntry, ReviewItem
from portal.services import reviews
from portal.services.ledger.adjusting import adjust
from portal.services.ledger.visits import Visit
from tests.factories import (
    NOW,
    make_card,
    make_merchant,
    make_program,
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


@pytest.fixture
def other(shop):
    return manager_of(user=make_user())


def flagged(shop, **more):
    item = reviews.flag("negative_stamps", "void", merchant_id=shop.id, now=NOW, **more)
    db.session.flush()
    return item


def proposed(shop):
    card = make_card(make_program(shop, adjust_approval_points=0))
    adjust(card.id, points=7, reason_code="goodwill", visit=Visit(by=owner_of(shop), now=NOW))
    return card, db.session.scalars(reviews.open_items(shop)).one()


def at(by, **more):
    return Visit(by=by, now=NOW, **more)


def refusal(work):
    with pytest.raises(Refused) as no:
        work()
    return no.value.code


def test_open_items_come_newest_first_and_only_this_merchants(shop):
    stranger = make_merchant()
    with within(stranger):
        flagged(stranger)
    first, second = flagged(shop), flagged(shop)
    settled = flagged(shop)
    reviews.dismiss(settled, by=owner_of(shop), now=NOW, outcome="duplicate")
    assert db.session.scalars(reviews.open_items(shop)).all() == [second, first]
    assert reviews.how_many_open(shop) == 2


def test_accepting_a_proposal_posts_it_once(shop, other):
    card, item = proposed(shop)
    done = reviews.accept(item, visit=at(other, key="k"), note="fine")
    again = reviews.accept(item, visit=at(other, key="k"), note="fine")
    assert (done.points, again.is_replay, card.points_balance) == (7, True, 7)
    assert (item.status, reviews.outcome_word(item)) == ("accepted", "agreed")


def test_a_dismissed_proposal_is_never_posted(shop, other):
    card, item = proposed(shop)
    reviews.dismiss(item, by=other, now=NOW, outcome="not_agreed")
    assert refusal(lambda: reviews.accept(item, visit=at(other))) == "not_open"
    assert (item.status, item.resolved_by_id, card.points_balance) == ("dismissed", other.user_id, 0)


def test_the_proposer_may_take_it_back(shop):
    _, item = proposed(shop)
    reviews.dismiss(item, by=owner_of(shop), now=NOW, outcome="mistake")
    assert item.status == "dismissed"


def test_another_kind_is_settled_without_posting(shop, other):
    item = flagged(shop)
    assert reviews.accept(item, visit=at(other), outcome="in_order") is None
    assert (item.status, item.resolved_at, item.details) == ("accepted", NOW, {"outcome": "in_order"})
    assert refusal(lambda: reviews.dismiss(item, by=other, now=NOW, outcome="mistake")) == "not_open"


def test_staff_and_unknown_outcomes_are_refused(shop, other):
    item = flagged(shop)
    assert refusal(lambda: reviews.accept(item, visit=at(staff_of()))) == "not_allowed"
    assert refusal(lambda: reviews.dismiss(item, by=staff_of(), now=NOW, outcome="mistake")) == "not_allowed"
    assert refusal(lambda: reviews.accept(item, visit=at(other), outcome="mistake")) == "bad_reason"
    assert refusal(lambda: reviews.dismiss(item, by=other, now=NOW, outcome="agreed")) == "bad_reason"


def test_items_have_words(shop):
    item = flagged(shop)
    assert (reviews.kind_word(item), reviews.outcome_word(item)) == ("Fewer stamps than none", "")
    odd = ReviewItem(kind="odd_thing", reason_code="x", details={})
    assert reviews.kind_word(odd) == "odd thing"


def test_settling_is_written_down_at_the_card(shop, other):
    card = make_card(make_program(shop))
    for item in (flagged(shop, card_id=card.id), flagged(shop)):
        reviews.accept(item, visit=at(other), outcome="handled")
    db.session.flush()
    entries = db.session.scalars(select(AuditEntry).where(AuditEntry.merchant_id == shop.id))
    settled = [(e.action, e.subject_id) for e in entries if e.action.endswith(".settle")]
    assert settled == [("loyalty_cards.settle", card.id), ("review_items.settle", None)]
