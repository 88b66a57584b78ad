"""What an operator changes of a person, and the platform admins that must stay."""

import pytest
from sqlalchemy import select

from portal.errors import Conflict, Refused
from portal.models import ApiKey, AuditEntry, LoginSession
from portal.models.actor import OPERATOR
from portal.models.tenancy import across_merchants
from portal.services import accounts, api_keys, sessions
from tests.factories import ADMIN, NOW, make_member, make_merchant, make_store, make_user


@pytest.fixture
def everywhere(session):
    """The scope of the admin API."""
    with across_merchants(session, "a test"):
        yield session


def change(user, **changes):
    return accounts.change_user(user, by=ADMIN, now=NOW, **changes)


def test_only_what_differs_is_changed_and_written_down(everywhere):
    ana = make_user("Ana", email="ana@example.com")
    assert change(ana, display_name="Ana", email="Ana.Weber@Example.com", is_platform_admin=True) == [
        "email",
        "is_platform_admin",
    ]
    assert ana.email == "ana.weber@example.com"
    (entry,) = everywhere.scalars(select(AuditEntry).where(AuditEntry.action == "users.change"))
    assert (entry.merchant_id, entry.details) == (0, {"fields": ["email", "is_platform_admin"]})


def test_every_merchant_that_shows_the_person_hears_of_it(everywhere):
    ana, merchant = make_user("Ana"), make_merchant()
    make_member(make_store(merchant), ana)
    change(ana, display_name="Ana Weber")
    found = everywhere.scalars(select(AuditEntry.merchant_id).where(AuditEntry.action == "users.change"))
    assert sorted(found) == [0, merchant.id]


def test_nothing_new_is_no_change(everywhere):
    assert change(make_user("Ana"), display_name="Ana") == []
    assert everywhere.scalars(select(AuditEntry)).all() == []


def test_whoever_signs_in_keeps_a_login(everywhere):
    ana = accounts.create_user(
        display_name="Ana", email="ana@example.com", password="three warm rolls", by=OPERATOR
    )
    with pytest.raises(Refused) as refusal:
        change(ana, email=None)
    assert refusal.value.code == "no_login"
    assert change(ana, email=None, username="ana-weber") == ["email", "username"]


def test_whoever_never_signs_in_needs_none(everywhere):
    assert change(make_user("Ana"), email=None) == ["email"]


def test_a_login_in_use_names_its_holder_to_an_admin(everywhere):
    make_user("Olga", email="olga@example.com")
    with pytest.raises(Conflict) as taken:
        change(make_user("Ana"), email="olga@example.com")
    assert (taken.value.holder, taken.value.details["value"]) == ("Olga", "olga@example.com")


@pytest.mark.parametrize("act", ["dismiss", "delete"])
def test_the_last_platform_admin_stays(everywhere, act):
    ada, bea = (
        make_user("Ada", is_platform_admin=True, password_hash="x"),
        make_user("Bea", is_platform_admin=True, password_hash="x"),
    )

    def go(user):
        if act == "dismiss":
            change(user, is_platform_admin=False)
        else:
            accounts.delete_user(user, by=ADMIN, now=NOW)

    go(ada)
    with pytest.raises(Refused) as refusal:
        go(bea)
    assert refusal.value.code == "last_admin"


def test_dismissing_somebody_who_is_no_admin_is_nothing(everywhere):
    assert change(make_user("Ana"), is_platform_admin=False) == []


def test_a_deleted_person_loses_sessions_and_keys_and_a_second_delete_is_the_first(everywhere):
    ada = make_user("Ada", is_platform_admin=True, password_hash="x")
    make_user("Bea", is_platform_admin=True, password_hash="x")
    api_keys.create_key(ada, name="x", by=OPERATOR, now=NOW)
    sessions.open_session(ada, now=NOW)
    first = accounts.delete_user(ada, by=ADMIN, now=NOW)
    assert everywhere.scalars(select(ApiKey.revoked_at)).all() == [NOW]
    assert everywhere.scalars(select(LoginSession.ended_at)).all() == [NOW]
    assert accounts.delete_user(ada, by=ADMIN, now=NOW) is first


def test_an_admin_who_cannot_sign_in_does_not_count(everywhere):
    ada = make_user("Ada", is_platform_admin=True, password_hash="x")
    bea = make_user("Bea", is_platform_admin=True)
    with pytest.raises(Refused, match="who can sign in"):
        change(ada, is_platform_admin=False)
    assert change(bea, is_platform_admin=False) == ["is_platform_admin"]


@pytest.mark.parametrize("is_admin", [True, False])
def test_another_role_signs_out_and_a_lost_one_ends_the_keys(everywhere, is_admin):
    make_user("Bea", is_platform_admin=True, password_hash="x")
    ada = make_user("Ada", is_platform_admin=True, password_hash="x")
    api_keys.create_key(ada, name="x", by=OPERATOR, now=NOW)
    ada.is_platform_admin = not is_admin
    sessions.open_session(ada, now=NOW)
    change(ada, display_name="Ada B")
    assert everywhere.scalars(select(LoginSession.ended_at)).all() == [None]
    change(ada, is_platform_admin=is_admin)
    assert everywhere.scalars(select(LoginSession.ended_why)).all() == ["role changed"]
    assert everywhere.scalars(select(ApiKey.revoked_at)).all() == [None if is_admin else NOW]
