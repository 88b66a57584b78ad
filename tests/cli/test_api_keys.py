"""`flask api-keys`."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from portal.extensions import db
from portal.models import ApiKey, AuditEntry
from portal.models.actor import OPERATOR
from portal.models.tenancy import PLATFORM
from portal.services import accounts, api_keys
from tests.factories import make_user, within


@pytest.fixture
def robin(app):
    return make_user("Robin", email="robin@example.com", is_platform_admin=True)


def keys():
    db.session.remove()
    return db.session.scalars(select(ApiKey).order_by(ApiKey.id)).all()


def test_a_key_is_shown_once_and_kept_as_a_hash(flask, robin):
    made = flask("api-keys", "create", "--user", "robin@example.com", "--name", "nightly report")
    assert made.exit_code == 0
    assert "Made key 1, “nightly report”, for Robin. It works until it is revoked." in made.output
    secret = re.search(r"^Key, shown only now: (carnet_[\w-]{22})$", made.output, re.MULTILINE)[1]
    (key,) = keys()
    assert (key.hint, key.expires_at, key.revoked_at) == (secret[:11], None, None)
    assert secret not in str(vars(key))
    assert api_keys.find_key(secret, now=datetime.now(UTC)).id == key.id
    listed = flask("api-keys", "list").output
    assert secret not in listed
    assert secret[:11] in listed


def test_it_is_written_down_who_got_a_key(flask, robin):
    flask("api-keys", "create", "--user", "robin@example.com", "--name", "x")
    flask("api-keys", "revoke", 1)
    db.session.remove()
    with within(PLATFORM):
        told = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [(e.action, e.subject_id, e.channel, e.details) for e in told] == [
        ("api_keys.create", 1, "cli", {"user_id": robin.id}),
        ("api_keys.revoke", 1, "cli", {"user_id": robin.id}),
    ]


def test_a_key_may_end(flask, robin):
    flask("api-keys", "create", "--user", "robin@example.com", "--name", "x", "--days", 90)
    (key,) = keys()
    assert key.expires_at - key.created_at == timedelta(days=90)


def test_only_platform_admins_get_one(flask, app):
    make_user("Nora", email="nora@example.com")
    refused = flask("api-keys", "create", "--user", "nora@example.com", "--name", "x")
    assert refused.exit_code == 1
    assert refused.stderr == (
        "Nora is no platform admin. Only platform admins have keys: make them one first.\n"
    )
    assert keys() == []


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("create", "--user", "nobody", "--name", "x"), 1, "Nobody signs in as “nobody”"),
        (("create", "--user", "robin@example.com", "--name", " "), 1, "Give a name."),
        (("create", "--user", "robin@example.com"), 2, "--name"),
        (("create", "--user", "robin@example.com", "--name", "x", "--days", "0"), 2, "--days"),
        (("revoke", "7"), 1, "There is no key 7."),
        (("revoke", "x"), 2, "ID"),
        (("revoke", "9" * 22), 2, "ID"),
        (("create", "--user", "robin@example.com", "--name", "a\udcff"), 2, "no readable text"),
        (("list", "--user", "nobody"), 1, "Nobody signs in as “nobody”"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(flask, robin, words, code, said):
    answer = flask("api-keys", *words)
    assert (answer.exit_code, said in answer.stderr) == (code, True), answer.stderr


def test_the_list_says_which_keys_work(flask, robin):
    assert flask("api-keys", "list").output == "There is no key yet. Make one with: flask api-keys create\n"
    ada = make_user("Ada", email="ada@example.com", is_platform_admin=True)
    none = flask("api-keys", "list", "--user", "ada@example.com").output
    assert none == "Ada has no key yet. Make one with: flask api-keys create\n"
    long_ago = datetime.now(UTC) - timedelta(days=9)
    with within(PLATFORM):
        for person, days in ((robin, None), (robin, 1), (ada, None)):
            owner = db.session.merge(person)
            api_keys.create_key(owner, name=f"for {days}", by=OPERATOR, now=long_ago, days=days)
        db.session.commit()
    flask("api-keys", "revoke", 3)
    flask("api-keys", "revoke", 3)
    lines = flask("api-keys", "list").output.splitlines()
    assert [line.split()[0] for line in lines] == ["ID", "3", "2", "1"]
    assert [line.split()[-1] for line in lines] == ["STATE", "revoked", "expired", "works"]
    with within(PLATFORM):
        db.session.get(ApiKey, 1).user.is_platform_admin = False
        db.session.commit()
    assert flask("api-keys", "list").output.splitlines()[-1].endswith("  not an admin")
    alone = flask("api-keys", "list", "--user", "ada@example.com").output.splitlines()
    assert [line.split()[0] for line in alone] == ["ID", "3"]


def test_the_keys_of_the_deleted_are_still_listed(flask, robin):
    make_user("Ada", is_platform_admin=True, password_hash="x")
    flask("api-keys", "create", "--user", "robin@example.com", "--name", "x")
    db.session.remove()
    with within(PLATFORM):
        accounts.delete_user(accounts.find_user("robin@example.com"), by=OPERATOR, now=datetime.now(UTC))
        db.session.commit()
    line = flask("api-keys", "list").output.splitlines()[1]
    assert "Robin" in line
    assert line.endswith("revoked")


def test_old_calls_are_forgotten_by_a_job(flask, app):
    done = flask("jobs", "run", "repeats")
    assert (done.exit_code, done.output) == (0, "Forgot 0 old calls that could have been sent twice.\n")


def test_the_help_shows_how(flask):
    assert "flask api-keys revoke 3" in flask("api-keys", "--help").output
