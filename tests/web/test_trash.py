"""The trash as people meet it."""

import pytest

from portal.extensions import db
from portal.models import Deletion
from portal.services import stores
from tests.factories import (
    NOW,
    make_member,
    make_merchant,
    make_product,
    make_store,
    make_user,
    owner_of,
    within,
)
from tests.web.conftest import path


@pytest.fixture
def owner(app):
    return make_user("Olga Owner")


@pytest.fixture
def merchant(owner):
    return make_merchant("Café Lumière", owner=owner)


@pytest.fixture
def store(merchant):
    return make_store(merchant, "Gare")


def throw_away(merchant, store, reason=None):
    with within(merchant):
        act = stores.delete_store(store, by=owner_of(merchant), now=NOW, reason=reason)
        db.session.commit()
        return act.id


def status_of(merchant, act_id):
    with within(merchant):
        status = db.session.get(Deletion, (merchant.id, act_id)).status
        db.session.rollback()
        return status


def test_the_trash_lists_one_row_for_each_deletion(sign_in, merchant, owner, store):
    make_product(store)
    make_member(store)
    throw_away(merchant, store, "closed")
    answer = sign_in(owner).get(path(merchant, "trash/"))
    assert answer.status_code == 200
    assert "Gare" in answer.text
    assert "1 team member" in answer.text
    assert "closed" in answer.text


def test_restoring_brings_the_store_back(sign_in, merchant, owner, store):
    act = throw_away(merchant, store)
    answer = sign_in(owner).post(path(merchant, "trash", act, "restoration"))
    assert answer.status_code == 303
    assert status_of(merchant, act) == "restored"


def test_the_page_of_an_act_says_what_a_restore_brings(sign_in, merchant, owner, store):
    act = throw_away(merchant, store)
    answer = sign_in(owner).get(path(merchant, "trash", act))
    assert answer.status_code == 200


def test_a_taken_code_is_asked_for_anew(sign_in, merchant, owner, store):
    code = f"stores-{store.id}-store_code"
    act = throw_away(merchant, store)
    make_store(merchant, "Gare")
    browser = sign_in(owner)
    answer = browser.post(path(merchant, "trash", act, "restoration"))
    assert answer.status_code == 409
    assert code in answer.text
    again = browser.post(path(merchant, "trash", act, "restoration"), data={code: "gare-2"})
    assert again.status_code == 303
    assert status_of(merchant, act) == "restored"
