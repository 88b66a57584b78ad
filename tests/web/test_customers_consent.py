"""What a customer agrees to, written down by a manager: a yes, a no, and nothing else."""

import re

import pytest

from portal.extensions import db
from portal.models import ConsentEvent
from tests.factories import make_customer, within
from tests.web.cast import make_cast
from tests.web.conftest import path


@pytest.fixture
def cast(app):
    cast = make_cast()
    cast.lea = make_customer(cast.merchant, "Léa Martin")
    return cast


@pytest.fixture
def as_manager(cast, sign_in):
    return sign_in(cast.manager)


def at(cast, *parts):
    return path(cast.merchant, "customers", *parts)


def noted(cast):
    """All words that were noted, the oldest first."""
    with within(cast.merchant):
        found = db.session.scalars(ConsentEvent.of(cast.merchant).order_by(ConsentEvent.id)).all()
        db.session.expunge_all()
        db.session.rollback()
    return found


def test_a_yes_and_a_no_are_written_down(as_manager, cast):
    here = at(cast, cast.lea.id, "consents")
    assert "Nothing was said yet." in as_manager.get(here).text
    assert as_manager.post(here, data={"is_given": "yes"}).location == here
    said = as_manager.get(here).text
    assert "in the portal, Mia Manager" in said
    assert "They no longer agree" in said
    answer = as_manager.piece(here, method="POST", data={"is_given": "no"})
    assert "Noted: Léa Martin does not agree." in answer.text
    assert "list:changed" in answer.headers["HX-Trigger"]
    events = noted(cast)
    assert [(e.is_given, e.source, e.noted_by_id) for e in events] == [
        (True, "portal", cast.manager.id),
        (False, "portal", cast.manager.id),
    ]


@pytest.mark.parametrize("word", ["yes", "no"])
def test_the_same_word_twice_is_written_down_once(as_manager, cast, word):
    here = at(cast, cast.lea.id, "consents")
    as_manager.post(here, data={"is_given": word})
    answer = as_manager.piece(here, method="POST", data={"is_given": word})
    assert "That is noted already for Léa Martin." in answer.text
    assert [event.is_given for event in noted(cast)] == [word == "yes"]


def test_a_form_sent_again_does_not_take_back_what_was_said_since(as_manager, cast):
    here = at(cast, cast.lea.id, "consents")
    key = re.search(r'name="key"[^>]*value="([^"]+)"', as_manager.get(here).text)[1]
    for sent in ({"is_given": "yes", "key": key}, {"is_given": "no"}, {"is_given": "yes", "key": key}):
        as_manager.post(here, data=sent)
    assert [event.is_given for event in noted(cast)] == [True, False]


@pytest.mark.parametrize("typed", [{}, {"is_given": ""}, {"is_given": "maybe"}])
def test_what_is_neither_yes_nor_no_is_not_noted(as_manager, cast, typed):
    here = at(cast, cast.lea.id, "consents")
    for answer in (as_manager.post(here, data=typed), as_manager.piece(here, method="POST", data=typed)):
        assert answer.status_code == 422
        assert "Say whether the customer agrees or not" in answer.text
    assert noted(cast) == []


def test_a_consent_form_sent_again_with_another_word_speaks_to_people(as_manager, cast):
    here = at(cast, cast.lea.id, "consents")
    key = re.search(r'name="key"[^>]*value="([^"]+)"', as_manager.get(here).text)[1]
    as_manager.post(here, data={"is_given": "yes", "key": key})
    answer = as_manager.post(here, data={"is_given": "no", "key": key})
    assert answer.status_code == 409
    assert "This form was sent before, with something else in it." in answer.text
    assert "Idempotency" not in answer.text
