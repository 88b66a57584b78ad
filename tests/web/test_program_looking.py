"""Rules that matter are saved once somebody saw what the last 90 days would have been by them."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from portal.extensions import db
from portal.models import LoyaltyProgram
from portal.services.ledger.earning import earn
from portal.services.ledger.stamping import stamp
from portal.services.ledger.visits import Visit
from tests.factories import give, make_card, make_program, owner_of, within
from tests.web.cast import make_cast
from tests.web.conftest import path
from tests.web.programs import TIERS, earning, read, start, to

SENTENCE = "Nothing is saved yet. Look at what would change"


@pytest.fixture
def started(app):
    """A merchant whose program is started by each test."""
    return make_cast()


@pytest.fixture
def cast(started):
    make_program(started.merchant, loyalty_type="points", points_per_euro=1)
    return started


@pytest.fixture
def owner(started, sign_in):
    return sign_in(started.owner)


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


def bought(cast, program, *cents):
    """Let a member of the program buy, an hour ago."""
    with within(cast.merchant):
        for spent in cents:
            visit = Visit(by=owner_of(cast.merchant), now=datetime.now(UTC) - timedelta(hours=1))
            earn(make_card(program).id, spent_cents=spent, visit=visit)
        db.session.commit()


def seen_rows(answer):
    """Read the figures of what would change."""
    cells = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", answer.text.partition('id="rules-look"')[2], re.DOTALL)
    words = [re.sub(r"<[^>]+>", "", cell).strip() for cell in cells][4:]
    return {words[i]: words[i + 1 : i + 4] for i in range(0, len(words), 4)}


def test_what_would_change_is_told_before_it_is_saved(started, owner):
    program = start(started.merchant, points_per_euro=10)
    bought(started, program, 1999, 1000)
    form = earning(points_per_euro="20", welcome_bonus_points="0", look="1")
    answer = owner.post(to(started, "earning"), data=form)
    assert answer.status_code == 200
    assert seen_rows(answer) == {"Points for purchases": ["299", "599", "+300"]}
    assert "Counted again from 2 purchases" in answer.text
    assert 'value="20"' in answer.text
    assert (read(started.merchant).points_per_euro, read(started.merchant).version) == (10, 1)


def test_tiers_tell_who_would_move(started, owner):
    program = start(started.merchant, points_per_euro=10, tier_config=TIERS)
    bought(started, program, 2000, 3000)
    rows = {"tier_name": ["Guest", "Gold"], "tier_key": ["guest", "gold"], "tier_multiplier": ["1", "1.5"]}
    rest = {"tiers": "1", "tier_window_days": "", "tier_grace_days": "30", "look": "1"}
    for threshold, said in (
        ("200", "1 member would stand in a higher"),
        ("301", "1 member would stand in a l"),
    ):
        answer = owner.post(to(started, "tiers"), data=rows | rest | {"tier_threshold": ["0", threshold]})
        assert said in answer.text
    assert read(started.merchant).tier_config == TIERS


def test_joining_and_stamps_are_told_where_they_count(started, owner):
    program = start(started.merchant, loyalty_type="hybrid", cooldown_minutes=0)
    with within(started.merchant):
        card = make_card(program)
        give(card, kind="enrol", at=datetime.now(UTC) - timedelta(hours=2))
        stamp(card.id, visit=Visit(by=owner_of(started.merchant), now=datetime.now(UTC)), quantity=4)
        db.session.commit()
    form = earning(loyalty_type="hybrid", welcome_bonus_points="25", stamps_target="2", look="1")
    rows = seen_rows(owner.post(to(started, "earning"), data=form))
    assert rows["Points for joining"] == ["0", "25", "+25"]
    assert rows["All points issued"] == ["0", "25", "+25"]
    assert rows["Cards filled"] == ["0", "2", "+2"]
    assert rows["Stamps put on"] == ["4", "4", "±0"]


def test_what_cannot_be_saved_cannot_be_looked_at(started, owner):
    start(started.merchant)
    answer = owner.post(to(started, "earning"), data=earning(points_per_euro="many", look="1"))
    assert answer.status_code == 422
    assert "rules-look-title" not in answer.text


def test_tabs_that_change_nothing_about_collecting_have_nothing_to_look_at(started, owner):
    start(started.merchant)
    assert 'id="look"' in owner.get(to(started, "earning")).text
    assert 'id="look"' not in owner.get(to(started, "limits")).text


def test_only_owners_look_at_what_would_change(started, sign_in):
    start(started.merchant)
    manager = sign_in(started.manager)
    assert 'id="look"' not in manager.get(to(started, "earning")).text
    assert manager.post(to(started, "earning"), data=earning(look="1")).status_code == 403
