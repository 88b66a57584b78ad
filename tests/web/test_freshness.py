"""Not sending again what the browser has: a 304 as long as nothing of the merchant changed."""

import pytest
from sqlalchemy import select

from portal.extensions import db
from portal.models import AuditEntry, MerchantOwner
from portal.services import stores, trash
from portal.web import scope
from tests.factories import NOW, OWNER, give, make_card, make_owner, make_program, within
from tests.web.cast import make_cast
from tests.web.conftest import HTMX, path


@pytest.fixture
def cast(app):
    """A merchant's people."""
    return make_cast()


@pytest.fixture
def owner(cast, sign_in):
    """The owner's browser."""
    return sign_in(cast.owner)


def tag_of(browser, target, **headers):
    answer = browser.get(target, headers=headers)
    assert answer.status_code == 200
    return answer.headers["ETag"]


def again(browser, target, tag, **headers):
    return browser.get(target, headers={"If-None-Match": tag, **headers}).status_code


def note_an_act(merchant, *, number=None):
    """Leave an audit entry; with a number of its own, one that was begun earlier."""
    with within(merchant):
        entry = {"actor_role": "owner", "channel": "portal", "action": "x", "subject_kind": "stores"}
        db.session.add(AuditEntry(id=number, merchant_id=merchant, **entry))
        db.session.commit()
    db.session.remove()


def test_a_page_that_did_not_change_is_not_sent_again(cast, owner):
    target = path(cast.merchant, "stores/")
    tag = tag_of(owner, target)
    answer = owner.get(target, headers={"If-None-Match": tag})
    assert (answer.status_code, answer.data, answer.headers["ETag"]) == (304, b"", tag)
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert "Cookie" in answer.headers["Vary"]


def test_a_change_sends_it_again(cast, owner):
    target = path(cast.merchant, "stores/")
    tag = tag_of(owner, target)
    with within(cast.merchant):
        stores.open_store(db.session.merge(cast.merchant), name="New", store_code="new", by=OWNER)
        db.session.commit()
    assert again(owner, target, tag) == 200


@pytest.mark.parametrize("after_it", [1, 40])
def test_an_act_begun_earlier_and_kept_later_is_noticed(cast, owner, after_it, monkeypatch):
    monkeypatch.setattr(scope, "AT_ONCE", 50)
    target, merchant = path(cast.merchant, "stores/"), cast.merchant.id
    for number in (*range(1000, 1060), *range(1061, 1061 + after_it)):
        note_an_act(merchant, number=number)
    tag = tag_of(owner, target)
    assert again(owner, target, tag) == 304
    note_an_act(merchant, number=1060)
    assert again(owner, target, tag) == 200


def test_another_merchants_act_changes_nothing_here(cast, owner):
    target = path(cast.merchant, "stores/")
    tag = tag_of(owner, target)
    note_an_act(cast.elsewhere.id)
    assert again(owner, target, tag) == 304


def test_a_page_is_not_a_piece_and_not_another_persons(cast, owner, app, sign_in):
    target = path(cast.merchant, "stores/")
    tag = tag_of(owner, target)
    assert again(owner, target, tag, **HTMX) == 200
    assert again(sign_in(cast.manager, app.test_client()), target, tag) == 200
    assert again(owner, f"{target}?q=gare", tag) == 200


def test_who_was_put_out_gets_no_304(cast, owner):
    target = path(cast.merchant, "stores/")
    tag = tag_of(owner, target)
    make_owner(cast.merchant)
    with within(cast.merchant):
        mine = select(MerchantOwner).where(MerchantOwner.user_id == cast.owner.id)
        trash.soft_delete(db.session.scalars(mine).one(), by=OWNER, now=NOW)
        db.session.commit()
    assert again(owner, target, tag) == 302  # to the sign-in page


def test_a_movement_of_the_ledger_sends_it_again(cast, owner):
    card = make_card(make_program(cast.merchant))
    here = path(cast.merchant, "cards", card.id)
    tag = owner.get(here).headers["ETag"]
    assert owner.get(here, headers={"If-None-Match": tag}).status_code == 304
    give(card, points=40)
    answer = owner.get(here, headers={"If-None-Match": tag})
    assert answer.status_code == 200
    assert "Balance 40" in answer.text
