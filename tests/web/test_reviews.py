"""The review list: what waits, who may settle it, what became of it."""

import uuid

import pytest
from sqlalchemy import select

from portal.extensions import db
from portal.models import LoyaltyCard, ReviewItem
from portal.services import reviews
from portal.services.ledger.adjusting import adjust
from portal.services.ledger.visits import Visit
from tests.factories import (
    NOW,
    make_card,
    make_customer,
    make_program,
    manager_of,
    owner_of,
    within,
)
from tests.web.cast import make_cast
from tests.web.conftest import path


@pytest.fixture
def cast(app):
    cast = make_cast()
    program = make_program(cast.merchant, loyalty_type="points", adjust_approval_points=100)
    cast.customer = make_customer(cast.merchant, "Anna Weber")
    cast.card_id = make_card(program, cast.customer).id
    db.session.expunge_all()  # the cast stays readable
    return cast


@pytest.fixture
def manager(cast, sign_in):
    return sign_in(cast.manager)


def propose(cast, by, points=500):
    with within(cast.merchant):
        adjust(cast.card_id, points=points, reason_code="goodwill", visit=Visit(by=by, now=NOW))
        item_id = db.session.scalars(select(ReviewItem.id).order_by(ReviewItem.id.desc())).first()
        db.session.commit()
        db.session.expunge_all()
    return item_id


def flag(cast, **more):
    with within(cast.merchant):
        keys = {"merchant_id": cast.merchant.id, "now": NOW, **more}
        item = reviews.flag("negative_stamps", "mistake", **keys)
        db.session.flush()
        item_id = item.id
        db.session.commit()
        db.session.expunge_all()
    return item_id


@pytest.fixture
def proposed(cast):
    return propose(cast, owner_of(cast.merchant, cast.owner))


def at(cast, *parts):
    return path(cast.merchant, "reviews", *parts)


def send(browser, cast, *parts, **typed):
    return browser.post(at(cast, *parts), data={"key": str(uuid.uuid4()), **typed})


def points_of(cast):
    with within(cast.merchant):
        held = db.session.scalar(select(LoyaltyCard.points_balance).where(LoyaltyCard.id == cast.card_id))
        db.session.rollback()
    return held


def test_an_empty_list_says_what_would_wait_here(manager, cast):
    assert "Nothing to look at" in manager.get(at(cast, "")).text


def test_a_proposal_says_what_why_and_who(manager, cast, proposed):
    text = manager.get(at(cast, "")).text
    for said in ("+500 points, goodwill, proposed by Olga Owner", "Card of Anna Weber", "second person"):
        assert said in text
    assert f"reviews/{proposed}/acceptance" in text


def test_ones_own_proposal_is_not_ones_own_to_accept(cast, proposed, sign_in):
    browser = sign_in(cast.owner)
    text = browser.get(at(cast, "")).text
    assert "somebody else must agree" in text
    assert f"reviews/{proposed}/acceptance" not in text
    answer = send(browser, cast, proposed, "acceptance")
    assert answer.status_code == 422
    assert "Somebody else must agree" in answer.text
    assert points_of(cast) == 0


def test_accepting_posts_it_and_lists_it_below(manager, cast, proposed):
    assert "posted as soon as you agree" in manager.get(at(cast, proposed, "acceptance")).text
    answer = send(manager, cast, proposed, "acceptance", note="Fair")
    text = manager.get(answer.location).text
    assert "Accepted." in text
    assert "Accepted: agreed" in text
    assert "Mia Manager" in text
    assert points_of(cast) == 500
    again = send(manager, cast, proposed, "acceptance")
    assert again.status_code == 409
    assert "settled this already" in again.text


def test_accepting_shows_before_and_after_and_warns_below_zero(manager, cast):
    owner = owner_of(cast.merchant, cast.owner)
    more, less = propose(cast, owner, 500), propose(cast, owner, -99_999)
    sheet = manager.get(at(cast, more, "acceptance")).text
    assert "0 → 500 points" in sheet
    assert "below zero" not in sheet
    send(manager, cast, more, "acceptance")
    sheet = manager.get(at(cast, less, "acceptance")).text
    assert "500 → −99,499 points" in sheet
    assert "The balance goes below zero; new points fill it up first." in sheet


def test_a_settled_proposal_and_a_flag_foresee_nothing(manager, cast, proposed):
    send(manager, cast, proposed, "dismissal", outcome="mistake")
    for item_id in (proposed, flag(cast, card_id=cast.card_id)):
        assert "→" not in manager.get(at(cast, item_id, "acceptance")).text


def test_dismissing_asks_why_and_posts_nothing(manager, cast, proposed):
    assert "never posted" in manager.get(at(cast, proposed, "dismissal")).text
    assert "Choose a reason." in send(manager, cast, proposed, "dismissal", outcome="").text
    answer = send(manager, cast, proposed, "dismissal", outcome="mistake")
    text = manager.get(answer.location).text
    assert "Dismissed." in text
    assert "Dismissed: a mistake" in text
    assert points_of(cast) == 0


def test_a_flag_is_settled_with_how(manager, cast):
    item_id = flag(cast, card_id=cast.card_id, details={"stamps": -3})
    text = manager.get(at(cast, "")).text
    assert "Fewer stamps than none" in text
    assert "−3 stamps" in text
    assert send(manager, cast, item_id, "acceptance").status_code == 422
    answer = send(manager, cast, item_id, "acceptance", outcome="in_order")
    assert "it is in order" in manager.get(answer.location).text


def test_a_manager_sees_what_happened_in_their_stores(manager, cast, sign_in):
    here, there = flag(cast, store_id=cast.gare.id), flag(cast, store_id=cast.belval.id)
    nowhere = flag(cast)
    text = manager.get(at(cast, "")).text
    assert f'id="review-{here}"' in text
    assert f'id="review-{nowhere}"' in text
    assert f'id="review-{there}"' not in text
    assert manager.get(at(cast, there, "dismissal")).status_code == 404
    assert f'id="review-{there}"' in sign_in(cast.owner).get(at(cast, "")).text


def test_a_deleted_customer_keeps_the_name_and_has_no_link(manager, cast, proposed, sign_in):
    sign_in(cast.owner).post(path(cast.merchant, "customers", cast.customer.id, "deletion"))
    text = manager.get(at(cast, "")).text
    assert "Anna Weber (deleted)" in text
    assert f"cards/{cast.card_id}" not in text


def test_a_long_list_goes_on_page_by_page(manager, cast):
    ids = [flag(cast) for _ in range(52)]
    first = manager.get(at(cast, "")).text
    assert f'id="review-{ids[0]}"' not in first
    after = first.split("?after=")[1].split('"')[0]
    second = manager.get(at(cast, "") + f"?after={after}").text
    assert f'id="review-{ids[0]}"' in second
    assert "?before=" in second


GUARDED = [
    ("get", ""),
    ("get", "{id}/acceptance"),
    ("post", "{id}/acceptance"),
    ("get", "{id}/dismissal"),
    ("post", "{id}/dismissal"),
]


@pytest.mark.parametrize("door", GUARDED)
def test_every_door_asks_who_it_is(sign_in, client, cast, proposed, door):
    method, address = door
    here = path(cast.merchant, "reviews/") + address.format(id=proposed)
    assert getattr(client, method)(here).status_code == 302
    assert getattr(sign_in(cast.staff), method)(here).status_code == 403
    assert getattr(sign_in(cast.stranger), method)(here).status_code == 404
    assert points_of(cast) == 0


def test_another_merchants_item_is_not_there(cast, proposed, sign_in):
    browser = sign_in(cast.stranger)
    for method, address in GUARDED[1:]:
        here = path(cast.elsewhere, "reviews/") + address.format(id=proposed)
        assert getattr(browser, method)(here, data={"outcome": "mistake"}).status_code == 404


def test_a_managers_own_proposal_waits_for_another(manager, cast):
    item_id = propose(cast, manager_of(cast.gare, user=cast.manager))
    assert send(manager, cast, item_id, "acceptance").status_code == 422


def test_staff_are_told_that_a_manager_can(cast, sign_in):
    for answer in (sign_in(cast.staff).get(at(cast, "")), sign_in(cast.staff).piece(at(cast, ""))):
        assert answer.status_code == 403
        assert "A manager or an owner" in answer.text
    settings = sign_in(cast.manager).get(path(cast.merchant, "settings") + "/")
    assert (settings.status_code, "A manager or" in settings.text) == (403, False)


def test_an_erased_customer_is_not_called_deleted_twice(cast, proposed, sign_in):
    owner = sign_in(cast.owner)
    erasure = path(cast.merchant, "customers", cast.customer.id, "erasure")
    assert owner.post(erasure, data={"typed_name": "Anna Weber"}).status_code == 303
    text = owner.get(at(cast, "")).text
    assert f"deleted customer #{cast.customer.id}" in text
    assert f"#{cast.customer.id} (deleted)" not in text


def test_a_page_of_what_is_settled_or_ones_own_offers_nothing_to_press(manager, cast, proposed, sign_in):
    own = sign_in(cast.owner).get(at(cast, proposed, "acceptance")).text
    assert "You proposed it: somebody else must agree." in own
    send(sign_in(cast.manager), cast, proposed, "dismissal", outcome="mistake")
    for door in ("acceptance", "dismissal"):
        stale = sign_in(cast.manager).get(at(cast, proposed, door)).text
        assert "This was settled already" in stale
        assert 'name="key"' not in stale
