"""Rules that matter are saved once somebody saw what the last 90 days would have been by them."""

import re

import pytest

from portal.extensions import db
from portal.models import LoyaltyProgram
from tests.factories import make_program, within
from tests.web.cast import make_cast
from tests.web.conftest import path

SENTENCE = "Nothing is saved yet. Look at what would change"


@pytest.fixture
def cast(app):
    cast = make_cast()
    make_program(cast.merchant, loyalty_type="points", points_per_euro=1)
    return cast


@pytest.fixture
def owner(cast, sign_in):
    return sign_in(cast.owner)


@pytest.fixture
def send(cast, owner):
    """Save the tab of earning, as somebody who typed this over what is there."""

    def post(**typed):
        rules = {"loyalty_type": "points", "points_per_euro": "1", "minimum_purchase": "0.00"}
        return owner.post(path(cast.merchant, "program", "earning"), data=rules | typed)

    return post


def points(cast):
    with within(cast.merchant):
        found = db.session.scalar(LoyaltyProgram.of(cast.merchant)).points_per_euro
        db.session.rollback()
    return found


def mark_in(answer):
    return re.search(r'name="looked" value="(\w+)"', answer.text)[1]


def test_saving_leads_first_to_what_would_change(cast, send):
    shown = send(points_per_euro="2")
    assert shown.status_code == 200
    assert SENTENCE in shown.text
    assert "Save these rules" in shown.text
    assert "Go on editing" in shown.text
    assert 'name="points_per_euro"' in shown.text
    assert points(cast) == 1
    assert send(points_per_euro="2", looked=mark_in(shown)).status_code == 303
    assert points(cast) == 2


def test_what_was_changed_after_the_look_is_looked_at_again(cast, send):
    mark = mark_in(send(points_per_euro="2"))
    assert SENTENCE in send(points_per_euro="20", looked=mark).text
    assert points(cast) == 1


def test_rules_that_change_no_figure_are_saved_at_once(cast, send):
    assert send(points_expiration_days="90").status_code == 303


def test_what_was_looked_at_by_the_button_is_saved_at_once(cast, send):
    shown = send(points_per_euro="2", look="1")
    assert "What the last 90 days would have been" in shown.text
    assert SENTENCE not in shown.text  # nobody wanted to save yet
    assert send(points_per_euro="2", looked=mark_in(shown)).status_code == 303


def test_what_cannot_be_saved_says_why_once(cast, send):
    wrong = send(points_per_euro="many")
    assert wrong.status_code == 422
    assert 'name="looked"' not in wrong.text


def test_tiers_are_looked_at_too(cast, owner):
    here = path(cast.merchant, "program", "tiers")
    rows = {"tier_name": ["Guest", "Gold"], "tier_key": ["", ""], "tier_threshold": ["0", "500"]}
    typed = {"tiers": "1", "tier_multiplier": ["1", "2"], **rows}
    shown = owner.post(here, data=typed)
    assert SENTENCE in shown.text
    swapped = typed | {"tier_name": ["Gold", "Guest"], "looked": mark_in(shown)}
    assert SENTENCE in owner.post(here, data=swapped).text
    again = typed | {"tier_key": ["guest", "gold"], "looked": mark_in(shown)}  # as they are shown by then
    assert owner.post(here, data=again).status_code == 303


def test_the_look_takes_few_statements(cast, send, statements):
    send(points_per_euro="2")
    with statements() as sent:
        assert SENTENCE in send(points_per_euro="2").text
    asked = [each for each in sent if not each.startswith(("BEGIN", "SET LOCAL", "SAVEPOINT", "RELEASE"))]
    assert len(asked) <= 6, asked
