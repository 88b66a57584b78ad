"""Converting what a program does not collect any more, as an owner does it on the program's page."""

import re
from decimal import Decimal
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from portal.extensions import db
from portal.models import LoyaltyTransaction, ProgramVersion
from portal.web.program import conversion
from tests.factories import give, make_card, make_program, within
from tests.web.cast import make_cast
from tests.web.conftest import HTMX, path


@pytest.fixture
def cast(app):
    return make_cast()


@pytest.fixture
def as_owner(cast, sign_in):
    return sign_in(cast.owner)


@pytest.fixture
def program(cast):
    return make_program(cast.merchant, loyalty_type="points")


def to(cast, tab="conversion"):
    return path(cast.merchant, "program", tab)


def stamped(program, *stamps):
    cards = [make_card(program) for _ in stamps]
    for card, held in zip(cards, stamps, strict=True):
        give(card, stamps=held)
    return cards


def legs(cast):
    with within(cast.merchant):
        kind = LoyaltyTransaction.type == "convert"
        rows = db.session.scalars(LoyaltyTransaction.of(cast.merchant).where(kind)).all()
        found = [(row.points_delta, row.stamps_delta) for row in rows]
        db.session.rollback()
    return found


def form(rate="10", looked="", key=None):
    return {"rate": rate, "looked": looked, "key": key or str(uuid4())}


def test_only_where_something_is_frozen_a_note_says_so(as_owner, cast, program):
    assert "frozen stamp" not in as_owner.get(to(cast, "earning")).text
    stamped(program, 5, 2)
    text = as_owner.get(to(cast, "earning")).text
    assert "2 cards hold 7 frozen stamps." in text
    assert f'href="{to(cast)}"' in text
    answer = as_owner.get(to(cast))
    assert (answer.status_code, "Points for one stamp" in answer.text) == (200, True)
    assert "What it does" not in answer.text


def test_a_manager_reads_the_note_and_a_stranger_nothing(cast, program, sign_in):
    stamped(program, 5)
    manager = sign_in(cast.manager)
    text = manager.get(to(cast, "earning")).text
    assert "1 card holds 5 frozen stamps." in text
    assert to(cast) not in text
    assert [manager.get(to(cast)).status_code, manager.post(to(cast), data=form()).status_code] == [403, 403]
    stranger = sign_in(cast.stranger)
    assert [stranger.get(to(cast)).status_code, stranger.post(to(cast), data=form()).status_code] == [
        404,
        404,
    ]
    assert legs(cast) == []


def test_without_a_program_and_with_nothing_frozen_it_leads_on(as_owner, cast):
    assert as_owner.get(to(cast)).location == as_owner.post(to(cast)).location == to(cast, "")
    make_program(cast.merchant, loyalty_type="hybrid")
    assert as_owner.get(to(cast)).location == to(cast, "earning")
    answer = as_owner.post(to(cast), data=form(looked="10.0000"), follow_redirects=True)
    assert "Nothing was left to convert." in answer.text


@pytest.mark.parametrize("rate", ["10", "10,0", "10.0000"])
def test_a_rate_is_looked_at_then_carried_out_once(as_owner, cast, program, rate):
    stamped(program, 5, 2)
    first = as_owner.post(to(cast), data=form(rate))
    assert first.status_code == 200
    assert "On 2 cards 7 stamps become 70 points." in first.text
    assert 'name="looked" value="10.0000"' in first.text
    assert legs(cast) == []
    sent = form(rate, "10.0000")
    for _ in range(2):
        answer = as_owner.post(to(cast), data=sent, follow_redirects=True)
        assert "Converted 7 stamps into 70 points on 2 cards." in answer.text
    assert sorted(legs(cast)) == [(0, -5), (0, -2), (20, 0), (50, 0)]
    assert "frozen stamp" not in as_owner.get(to(cast, "earning")).text


def test_a_new_rate_is_looked_at_again_and_the_last_one_is_kept(as_owner, cast, program):
    stamped(program, 5, 1)
    answer = as_owner.post(to(cast), data=form("0.5", looked="10.0000"))
    assert "This rate is new. What it does" in answer.text
    assert "On 1 card 5 stamps become 2 points." in answer.text
    assert "1 card gets a whole number: what is left over falls away." in answer.text
    assert "1 card holds too little to get anything and keeps 1 stamp, frozen." in answer.text
    sent = form("0.5", "0.5000")
    for _ in range(2):  # what was kept changes nothing of the answer
        answer = as_owner.post(to(cast), data=sent, follow_redirects=True)
        assert "Converted 5 stamps into 2 points on 1 card." in answer.text
    with within(cast.merchant):
        versions = db.session.scalar(
            select(func.count()).select_from(ProgramVersion.of(cast.merchant).subquery())
        )
        rules = db.session.scalars(ProgramVersion.of(cast.merchant)).all()[-1].rules
        db.session.rollback()
    assert (versions, rules["convert_rate"]) == (1, "0.5000")
    again = as_owner.get(to(cast))  # the saved rate would give nothing
    assert re.search(r'name="rate"[^>]*value="0.5"', again.text)
    assert "What it does" not in again.text
    stamped(program, 4)
    assert "On 1 card 4 stamps become 2 points." in as_owner.get(to(cast)).text


def test_frozen_points_become_stamps_and_rewards(as_owner, cast):
    program = make_program(
        cast.merchant, loyalty_type="stamps", stamps_target=10, convert_rate=Decimal("0.1")
    )
    give(make_card(program), points=120)
    text = as_owner.get(to(cast)).text
    assert "Stamps for one point" in text
    assert "On 1 card 120 points become 12 stamps." in text
    assert "Cards become full: members get 1 reward." in text
    assert "1 card holds 120 frozen points." in as_owner.get(to(cast, "earning")).text
    answer = as_owner.post(to(cast), data=form("0.1", "0.1000"), follow_redirects=True)
    assert "Converted 120 points into 12 stamps on 1 card." in answer.text


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        ("", "Say how many for one"),
        ("many", "Write a number above 0 with at most four decimals, like 0.1."),
        ("0", "Write a number above 0"),
        ("-1", "Write a number above 0"),
        ("0.00001", "Write a number above 0"),
        ("0.0000001", "Write a number above 0"),
        ("10000000", "Write a number above 0"),
        ("0.01", "At this rate no card would get anything."),
    ],
)
def test_a_rate_that_is_none_is_told_beside_its_field(as_owner, cast, program, rate, said):
    stamped(program, 5)
    answer = as_owner.post(to(cast), data=form(rate))
    assert (answer.status_code, said in answer.text) == (422, True)
    assert re.search(rf'aria-invalid="true"[^>]*value="{re.escape(rate)}"', answer.text)
    assert legs(cast) == []


def test_what_takes_long_goes_on_where_it_was(as_owner, cast, program, monkeypatch):
    monkeypatch.setattr(conversion, "CHUNK", 2)
    monkeypatch.setattr(conversion, "PATIENCE_SECONDS", 0)
    stamped(program, 1, 2, 3, 4, 5)
    sent = form("10", "10.0000")
    answer = as_owner.post(to(cast), data=sent)
    assert "2 cards are done, 3 to go." in answer.text
    assert "Go on" in answer.text
    assert sent["key"] in answer.text
    piece = as_owner.post(to(cast), data=sent, headers=HTMX)
    assert 'hx-trigger="load"' in piece.text
    assert len(legs(cast)) == 8
    last = as_owner.post(to(cast), data=sent, headers=HTMX)
    assert "Converted 15 stamps into 150 points on 5 cards." in last.text
    assert len(legs(cast)) == 10


def test_the_very_last_chunk_may_be_full(as_owner, cast, program, monkeypatch):
    monkeypatch.setattr(conversion, "CHUNK", 2)
    monkeypatch.setattr(conversion, "PATIENCE_SECONDS", 0)
    stamped(program, 1, 2)
    answer = as_owner.post(to(cast), data=form("10", "10.0000"), follow_redirects=True)
    assert "Converted 3 stamps into 30 points on 2 cards." in answer.text


def deleted_meanwhile(*_args, **_how):
    """Another owner was faster: what holds the next chunk to a living program is real."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conversion.shown, "living", lambda: None)
        conversion.shown.still_there()


def test_a_program_that_died_meanwhile_is_told(as_owner, cast, program, monkeypatch):
    stamped(program, 5)
    monkeypatch.setattr(conversion.converting, "convert_some", deleted_meanwhile)
    answer = as_owner.post(to(cast), data=form("10", "10.0000"))
    assert (answer.status_code, "There is no program any more." in answer.text) == (409, True)
    assert legs(cast) == []


def test_the_same_form_with_another_rate_is_a_conflict(as_owner, cast, program):
    (card,) = stamped(program, 5)
    sent = form("10", "10.0000")
    as_owner.post(to(cast), data=sent)
    give(card, stamps=3)  # such as a void brings back
    answer = as_owner.post(to(cast), data={**sent, "rate": "5", "looked": "5.0000"})
    assert (answer.status_code, "This form was sent before" in answer.text) == (409, True)
    assert len(legs(cast)) == 2


def test_it_takes_six_statements_however_many_cards(as_owner, cast, program, statements):
    stamped(program, *[4] * 9)
    program_rate = form("10", "10.0000")
    as_owner.post(to(cast), data=program_rate)
    stamped(program, 3, 4)
    for tab in ("conversion", "earning"):
        with statements() as sent:
            assert as_owner.get(to(cast, tab)).status_code == 200
        asked = [each for each in sent if not each.startswith(("SET", "PRAGMA", "BEGIN", "SAVEPOINT"))]
        assert len(asked) <= 6, asked


def test_the_act_is_in_the_log_of_the_merchant(as_owner, cast, program):
    stamped(program, 5)
    as_owner.post(to(cast), data=form("10", "10.0000"))
    assert "converted what" in as_owner.get(path(cast.merchant, "audit", "")).text
