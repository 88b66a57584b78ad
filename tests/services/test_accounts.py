"""Accounts: made, signed in to, changed, left."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.errors import Conflict, Refused, TooMany
from portal.models import AuditEntry, LoginSession, StoreUser
from portal.models.actor import OPERATOR, Actor, Role
from portal.models.tenancy import across_merchants
from portal.services import accounts, passwords, sessions, trash
from tests.factories import NOW, make_member, make_merchant, make_store, within

SECRET = "three blue stamps"


@pytest.fixture
def olga(session):
    person = accounts.create_user(
        display_name="Olga", email="Olga@Example.com", username="Olga", password=SECRET, by=OPERATOR
    )
    session.commit()
    return person


def test_an_account_is_found_by_its_address_or_name_in_any_case(olga):
    assert accounts.find_user(" OLGA@example.com ") is olga
    assert accounts.find_user("olga") is olga
    assert accounts.find_user("nobody") is None


def test_a_password_needs_something_to_sign_in_with(session):
    with pytest.raises(Refused) as told:
        accounts.create_user(display_name="Till", password=SECRET, by=OPERATOR)
    assert told.value.code == "no_login"
    assert not accounts.create_user(display_name="Till", by=OPERATOR).can_sign_in


def test_an_address_in_use_is_taken_and_its_holder_not_named(olga):
    with pytest.raises(Conflict) as told:
        accounts.create_user(display_name="Thief", email="olga@example.com", by=OPERATOR)
    assert told.value.details["field"] == "email"


def test_signing_in_opens_a_session_with_a_secret_kept_only_as_a_hash(session, olga):
    person, secret = accounts.sign_in("olga", SECRET, now=NOW)
    session.flush()
    kept = session.scalars(select(LoginSession)).one()
    assert person is olga
    assert secret not in kept.token_hash
    assert sessions.find_session(secret, now=NOW).user_id == olga.id


@pytest.mark.parametrize(("login", "password"), [("olga", "wrong wrong"), ("nobody", SECRET), ("", "")])
def test_wrong_and_unknown_are_refused_with_one_sentence(olga, login, password):
    with pytest.raises(Refused) as told:
        accounts.sign_in(login, password, now=NOW)
    assert told.value.message == accounts.WRONG


def test_the_eleventh_try_is_one_too_many_and_the_twelfth_after_five_minutes_is_not(session):
    for _ in range(10):
        accounts.count_attempt("olga", address="10.0.0.1", now=NOW)
    with pytest.raises(TooMany):
        accounts.count_attempt("OLGA", address="10.0.0.2", now=NOW)
    with pytest.raises(TooMany):
        accounts.count_attempt("other", address="10.0.0.1", now=NOW)
    accounts.count_attempt("olga", address="10.0.0.1", now=NOW + timedelta(minutes=5, seconds=1))


def test_a_right_password_takes_back_the_tries_of_its_name_and_its_own(session, olga):
    for n in range(9):
        accounts.count_attempt("olga", address="10.0.0.1", now=NOW + timedelta(seconds=n))
    now = NOW + timedelta(seconds=20)
    accounts.count_attempt("olga", address="10.0.0.1", now=now)
    accounts.sign_in("olga", SECRET, now=now, address="10.0.0.1")
    session.commit()
    accounts.count_attempt("olga", address="10.0.0.1", now=now)  # the tenth of this address
    with pytest.raises(TooMany):
        accounts.count_attempt("olga", address="10.0.0.1", now=now)


def test_a_new_password_ends_every_session_but_the_one_it_opens(session, olga):
    old = sessions.open_session(olga, now=NOW)
    session.flush()
    new = accounts.change_password(olga, current=SECRET, new="four green apples", by=OPERATOR, now=NOW)
    session.flush()
    session.expire_all()
    assert sessions.find_session(old, now=NOW) is None
    assert sessions.find_session(new, now=NOW) is not None
    assert passwords.is_right("four green apples", olga.password_hash)


def test_a_wrong_current_password_changes_nothing(olga):
    with pytest.raises(Refused) as told:
        accounts.change_password(olga, current="no", new="four green apples", by=OPERATOR, now=NOW)
    assert told.value.details["field"] == "current"
    assert passwords.is_right(SECRET, olga.password_hash)


WEAK = [
    "short",
    "password",
    "Passw0rd!",
    "$ecret2026",
    "12345678",
    "87654321",
    "aaaaaaaa",
    "111222333",
    "olga2026",
]


@pytest.mark.parametrize("weak", [*WEAK, "x" * 129])
def test_what_is_tried_first_makes_no_password(weak):
    with pytest.raises(Refused) as told:
        passwords.hash_password(weak, of=("Olga", "olga@example.com", None))
    assert told.value.code == "weak_password"


def test_the_same_letters_written_otherwise_are_the_same_password():
    kept = passwords.hash_password("caf\u00e9 au lait")
    assert passwords.is_right("cafe\u0301 au lait", kept)
    assert not passwords.is_right("cafe au lait", kept)
    assert not passwords.is_right("anything", None)
    assert not passwords.is_right("anything", "no hash at all")


@pytest.mark.parametrize(
    ("minutes", "apart", "noted"), [(5, True, False), (11, True, True), (11, False, True)]
)
def test_being_here_is_noted_once_in_ten_minutes(session, olga, minutes, apart, noted):
    secret = sessions.open_session(olga, now=NOW)
    session.commit()
    later = NOW + timedelta(minutes=minutes)
    session.info["read_only"] = apart  # a request that reads does not hold SQLite's one pen
    sessions.note_seen(sessions.find_session(secret, now=later), now=later, apart=apart)
    session.info["read_only"] = False
    session.commit()
    session.expire_all()
    seen = sessions.find_session(secret, now=later).last_seen_at
    assert (seen == later) is noted


def test_a_deleted_person_leaves_every_team_is_signed_out_and_stays_so(session, olga):
    merchant = make_merchant()
    make_member(make_store(merchant), olga)
    secret = sessions.open_session(olga, now=NOW)
    act = accounts.delete_user(olga, by=OPERATOR, now=NOW)
    assert sessions.find_session(secret, now=NOW) is None
    with within(merchant):
        assert session.scalars(StoreUser.of(merchant)).all() == []
    with across_merchants(session, "a test"):
        trash.restore(act, by=OPERATOR, now=NOW)
        assert session.scalars(StoreUser.of(merchant)).one().user_id == olga.id
    assert sessions.find_session(secret, now=NOW) is None


# One's own name and login


def profile(**changes):
    kept = {"display_name": "Olga", "email": "olga@example.com", "username": "olga", "current": ""}
    return kept | changes


def test_a_name_is_changed_without_the_password_and_written_down(session, olga):
    merchant = make_merchant(owner=olga)
    make_member(make_store(merchant), olga)  # in one merchant twice is one entry
    changed = accounts.change_profile(olga, by=OPERATOR, **profile(display_name="Olga Weber"))
    session.commit()
    assert changed == ["display_name"]
    for merchant_id in (0, merchant.id):
        with within(merchant_id):
            noted = session.scalars(select(AuditEntry).where(AuditEntry.action == "users.change")).all()
            assert [entry.details for entry in noted] == [{"fields": ["display_name"]}]


def test_what_is_written_down_holds_no_name(session, olga):
    accounts.change_profile(olga, by=OPERATOR, **profile(display_name="Olga Weber"))
    with within(0):
        noted = session.scalars(select(AuditEntry).where(AuditEntry.action == "users.change")).one()
    assert "Weber" not in str(noted.details)


def test_nothing_new_is_no_change(session, olga):
    same = profile(email=" OLGA@example.com ", username="Olga")
    assert accounts.change_profile(olga, by=OPERATOR, **same) == []


@pytest.mark.parametrize("new", [{"email": "new@example.com"}, {"username": "weber"}, {"username": ""}])
def test_a_new_login_takes_the_current_password(olga, new):
    for current in ("", "no"):
        with pytest.raises(Refused) as told:
            accounts.change_profile(olga, by=OPERATOR, **profile(**new, current=current))
        assert (told.value.code, told.value.details["field"]) == ("wrong_password", "current")
    assert accounts.change_profile(olga, by=OPERATOR, **profile(**new, current=SECRET)) == [*new]
    assert getattr(olga, *new) == (next(iter(new.values())) or None)


def test_a_login_is_never_given_up_whole(olga):
    with pytest.raises(Refused) as told:
        accounts.change_profile(olga, by=OPERATOR, **profile(email="", username="", current=SECRET))
    assert told.value.code == "no_login"


def test_a_login_in_use_is_taken_and_its_holder_stays_unnamed(session, olga):
    accounts.create_user(display_name="Secret Sam", username="sam", by=OPERATOR)
    with pytest.raises(Conflict) as told:
        accounts.change_profile(
            olga, by=Actor(olga.id, Role.STAFF), **profile(username="sam", current=SECRET)
        )
    assert "Secret Sam" not in told.value.message
