"""Looking before, in one statement: the same answers however many questions fit into one."""

import pytest

from portal.extensions import db
from portal.models import Store
from portal.services import trash
from portal.services.trash import asking
from tests.factories import NOW, OWNER, act_of, make_everything, make_merchant, make_store, within
from tests.services.trash_stage import statements


@pytest.fixture
def things(app):
    """A merchant with one of everything."""
    return make_everything(make_merchant())


def deleted_store(things):
    with within(things.merchant.id):
        store = db.session.get(Store, (things.merchant.id, things.store.id))
        act = trash.soft_delete_cascade(store, by=OWNER, now=NOW)
        db.session.commit()
        return act.id


def looked(things, act_id):
    with within(things.merchant.id), statements() as sent:
        act = act_of(things.merchant, act_id)
        sent.clear()
        shown = trash.preview_restore(act, by=OWNER)
        db.session.rollback()
    return shown, sent


def selects(sent):
    return [each for each in sent if each.startswith("SELECT")]


def test_a_preview_is_one_statement(things):
    with within(things.merchant.id):
        store = db.session.get(Store, (things.merchant.id, things.store.id))
        with statements() as sent:
            shown = trash.preview(store)
        db.session.rollback()
    assert len(selects(sent)) == 1
    assert {kind.name for kind in shown.takes} == {"store_users", "products", "till_devices", "staff_pins"}
    assert [kind.text for kind in shown.stays] == ["1 order"]


def test_a_preview_of_a_restore_is_two(things):
    shown, sent = looked(things, deleted_store(things))
    assert len(sent) == 2
    assert shown.blocked_by is None
    assert shown.clashes == ()


def test_many_questions_are_parted_and_answered_alike(things, monkeypatch):
    act_id = deleted_store(things)
    together, _ = looked(things, act_id)
    monkeypatch.setattr(asking, "AT_ONCE", 2)
    parted, sent = looked(things, act_id)
    assert len(sent) > 4
    assert parted == together


def test_a_value_unique_on_the_platform_is_looked_for_only_where_there_is_one(things):
    with within(things.merchant.id):
        db.session.get(Store, (things.merchant.id, things.store.id)).subdomain = "gare"
        db.session.commit()
    act_id = deleted_store(things)
    _, sent = looked(things, act_id)
    assert len(selects(sent)) == 3
    make_store(make_merchant(), subdomain="gare")
    shown, _ = looked(things, act_id)
    assert [(each.field, each.value, each.holder) for each in shown.clashes] == [("subdomain", "gare", "")]
