"""Signed-in browsers: listed, and signed out one by one or all at once."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.models import AuditEntry, LoginSession, User
from portal.models.actor import Actor, Role
from portal.models.login_session import ABSOLUTE, IDLE
from portal.services import merchants, sessions
from tests.factories import NOW, make_login, make_member, make_merchant, make_owner, make_store, make_user
from tests.factories import within as scope_of


@pytest.fixture
def olga(app):
    return make_user("Olga")


def me(user):
    return Actor(user.id, Role.STAFF)


def whys(session, user):
    mine = select(LoginSession.ended_why).where(LoginSession.user_id == user.id).order_by(LoginSession.id)
    return session.scalars(mine).all()


def noted(session):
    with scope_of(0):
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
        return [(entry.action, entry.subject_id, entry.details) for entry in entries]


def test_a_session_remembers_its_browser(session, olga):
    sessions.open_session(olga, now=NOW, agent="Firefox on Linux")
    session.flush()
    assert [each.agent for each in sessions.open_sessions(olga, now=NOW)] == ["Firefox on Linux"]


def test_only_open_ones_of_this_person_are_listed_the_last_seen_first(session, olga):
    first, last = make_login(olga), make_login(olga, last_seen_at=NOW + timedelta(minutes=5))
    make_login(olga, ended_at=NOW, ended_why="signed out")
    make_login(olga, last_seen_at=NOW - IDLE)
    make_login(olga, created_at=NOW - ABSOLUTE)
    make_login(make_user())
    listed = sessions.open_sessions(olga, now=NOW)
    assert [each.id for each in listed] == [last.id, first.id]


def test_one_is_signed_out_and_written_down_once(session, olga):
    make_login(olga), make_login(olga)
    last = sessions.open_sessions(olga, now=NOW)[0]
    for _ in range(2):
        sessions.end_one(last, by=me(olga), now=NOW)
    assert whys(session, olga) == [None, "signed out"]
    assert noted(session) == [("login_sessions.end", last.id, {})]


def test_everywhere_else_leaves_the_one_at_hand_and_other_people(session, olga):
    kept, _, stranger = make_login(olga), make_login(olga), make_user()
    make_login(stranger)
    assert sessions.end_all(olga, by=me(olga), now=NOW, but=kept) == 1
    assert whys(session, olga) == [None, "signed out everywhere"]
    assert whys(session, stranger) == [None]
    assert noted(session) == [("users.end_sessions", olga.id, {"sessions": 1, "all": False})]


def test_everywhere_leaves_none(session, olga):
    make_login(olga), make_login(olga)
    assert sessions.end_all(olga, by=me(olga), now=NOW) == 2
    assert sessions.open_sessions(olga, now=NOW) == []
    assert noted(session) == [("users.end_sessions", olga.id, {"sessions": 2, "all": True})]


def test_a_deleted_business_signs_its_team_out_but_not_its_owners(session, olga):
    """They see nothing of it any more, and may want to undo."""
    merchant = make_merchant(owner=olga)
    former, staff = make_user(), make_user()
    membership = make_owner(merchant, former)
    make_member(make_store(merchant), staff, role="manager")
    for person in (olga, former, staff):
        make_login(person)
    with scope_of(merchant):
        merchants.remove_owner(session.merge(membership), by=me(olga), now=NOW)
        session.flush()
        sessions.open_session(session.get(User, former.id), now=NOW)
        merchants.delete_merchant(session.merge(merchant), by=me(olga), now=NOW)
    assert whys(session, olga) == [None]
    assert whys(session, staff) == ["removed"]
    assert whys(session, former) == ["removed", None]  # gone before: this act did not put them out
