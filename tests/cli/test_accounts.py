"""`flask accounts`."""

import pytest
from sqlalchemy import select

from portal.models import LoginSession
from portal.services import accounts
from tests.factories import NOW, make_login, make_member, make_merchant, make_store, make_user

PASSWORD = "three warm croissants"


def test_help_reads_well(flask):
    text = flask("accounts", "create", "--help").output
    assert "Add a person." in text
    assert '  flask accounts create --name "Ana Weber" --email ana@example.com\n' in text


def test_a_person_is_added_with_a_password_typed_twice(flask):
    result = flask(
        "accounts",
        "create",
        "--name",
        "Ana",
        "--email",
        "Ana@Example.com",
        answers=f"{PASSWORD}\n{PASSWORD}\n",
    )
    assert result.exit_code == 0, result.output
    assert "Added Ana as person" in result.output
    assert PASSWORD not in result.output
    assert accounts.sign_in("ana@example.com", PASSWORD, now=NOW)


def test_a_platform_admin_is_added_with_a_password_from_stdin(flask):
    words = ["--name", "Root", "--username", "root-1", "--platform-admin", "--password-stdin"]
    assert flask("accounts", "create", *words, answers=f"{PASSWORD}\n").exit_code == 0
    assert accounts.find_user("root-1").is_platform_admin
    assert accounts.sign_in("root-1", PASSWORD, now=NOW)


def test_a_generated_password_is_printed_once_and_works(flask):
    result = flask("accounts", "create", "--name", "Ana", "--username", "ana", "--generate")
    password = result.output.partition("only now: ")[2].strip()
    assert accounts.sign_in("ana", password, now=NOW)


def test_a_person_without_login_needs_no_password(flask, session):
    assert flask("accounts", "create", "--name", "Ana").exit_code == 0
    assert "Ana" in flask("accounts", "list").output


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--name", "Ana", "--email", "nobody", "--generate"], "This is no e-mail address."),
        (["--name", "", "--email", "a@example.com", "--generate"], "Give a name."),
        (["--name", "Bo", "--email", "taken@example.com", "--generate"], "is taken by"),
    ],
)
def test_what_is_refused_is_a_sentence_on_stderr_and_exit_code_1(flask, words, sentence):
    make_user("Ana", email="taken@example.com")
    result = flask("accounts", "create", *words)
    assert (result.exit_code, result.stdout) == (1, "")
    assert sentence in result.stderr


def test_a_weak_password_is_refused(flask):
    result = flask(
        "accounts", "create", "--name", "A", "--username", "ana", "--password-stdin", answers="hello123\n"
    )
    assert result.exit_code == 1
    assert "among the first that are tried" in result.stderr
    assert accounts.find_user("ana") is None


@pytest.mark.parametrize(
    "words",
    [
        ["create"],
        ["create", "--name"],
        ["create", "--name", "A", "--email", "a@example.com", "--generate", "--password-stdin"],
        ["list", "--limit", "0"],
        ["reset-password"],
        ["nothing"],
    ],
)
def test_what_is_mistyped_ends_with_2(flask, words):
    assert flask("accounts", *words).exit_code == 2


def test_people_are_listed_and_searched(flask):
    make_user("Ana Weber", email="ana@example.com")
    make_user("Bo", email="bo@example.com", is_platform_admin=True)
    assert "ana@example.com" in flask("accounts", "list", "--q", "weber").output
    assert "Bo" not in flask("accounts", "list", "--q", "ANA@").output
    assert flask("accounts", "list", "--q", "nobody%").output == "Nobody found.\n"
    assert "more than 1." in flask("accounts", "list", "--limit", "1").output


def test_a_password_is_reset_and_the_person_signed_out(flask, session):
    ana = make_user("Ana", email="ana@example.com")
    make_login(ana)
    result = flask(
        "accounts", "reset-password", "ana@example.com", "--password-stdin", answers=f"{PASSWORD}\n"
    )
    assert result.exit_code == 0
    assert session.scalars(select(LoginSession.ended_why)).all() == ["password changed"]
    assert accounts.sign_in("ana@example.com", PASSWORD, now=NOW)
    session.rollback()
    generated = flask("accounts", "reset-password", "ana@example.com", "--generate")
    assert "shown only now" in generated.output


def test_an_unknown_login_is_refused(flask):
    result = flask("accounts", "reset-password", "nobody", "--generate")
    assert result.exit_code == 1
    assert "Nobody signs in as “nobody”" in result.stderr


def test_a_person_is_deleted_after_a_preview_and_comes_back(flask):
    make_member(make_store(make_merchant()), make_user("Ana", email="ana@example.com"))
    no = flask("accounts", "delete", "ana@example.com", answers="n\n")
    assert no.exit_code == 1
    assert "1 team member" in no.output
    assert accounts.find_user("ana@example.com")
    assert "Ana is in the trash" in flask("accounts", "delete", "ana@example.com", "--yes").output
    assert accounts.find_user("ana@example.com") is None
    listed = flask("accounts", "list", "--include-deleted", "--q", "ana").output
    assert "Ana" in listed
    assert flask("accounts", "restore", "ana@example.com").output.startswith("The person Ana is back: ")
    assert accounts.find_user("ana@example.com")


def test_a_person_who_is_not_in_the_trash_cannot_be_restored(flask):
    result = flask("accounts", "restore", "nobody@example.com")
    assert result.exit_code == 1
    assert "Nobody in the trash had the login" in result.stderr


def test_of_several_with_one_login_the_deletion_must_be_named(flask):
    for _ in range(2):
        make_user("Ana", email="ana@example.com")
        flask("accounts", "delete", "ana@example.com", "--yes")
    assert "Several people in the trash" in flask("accounts", "restore", "ana@example.com").stderr


def test_the_last_owner_cannot_be_deleted(flask):
    make_merchant(owner=make_user("Ana", email="ana@example.com"))
    result = flask("accounts", "delete", "ana@example.com", "--yes")
    assert result.exit_code == 1
    assert "last owner" in result.stderr


def test_a_person_without_login_is_deleted_and_restored_by_number(flask, session):
    number = make_user("Till", email=None).id
    session.rollback()
    for who in ([f"#{number}"], ["--id", number]):
        gone = flask("accounts", "delete", *who, "--yes")
        assert f"flask accounts restore --id {number}" in gone.output
        assert "The person Till is back" in flask("accounts", "restore", *who).output
    assert "There is no person 999" in flask("accounts", "delete", "#999").stderr
    assert "the number 999" in flask("accounts", "restore", "--id", 999).stderr


@pytest.mark.parametrize("words", [[], ["ana", "--id", "1"], ["--id", "0"]])
def test_a_person_is_named_in_one_way(flask, words):
    assert flask("accounts", "delete", *words).exit_code == 2
    assert flask("accounts", "restore", *words).exit_code == 2


def test_a_person_comes_back_with_another_login_when_theirs_is_taken(flask):
    make_user("Ana", email="ana@example.com")
    flask("accounts", "delete", "ana@example.com", "--yes")
    make_user("Other", email="ana@example.com")
    refused = flask("accounts", "restore", "ana@example.com")
    assert refused.exit_code == 1
    assert "--set" in refused.stderr
    words = ["--with-owners", "--set", "email=ana-2@example.com"]
    assert flask("accounts", "restore", "ana@example.com", *words).exit_code == 0
    assert accounts.find_user("ana-2@example.com").display_name == "Ana"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--platform-admin"], "must be able to sign in"),
        (["--email", "nobody"], "no e-mail address"),
        (["--email", "TAKEN@example.com"], "is taken by Bo"),
        (["--username", "root"], "reserved"),
    ],
)
def test_a_login_that_will_not_do_is_refused_before_the_password(flask, words, sentence):
    make_user("Bo", email="taken@example.com")
    result = flask("accounts", "create", "--name", "Ana", *words)
    assert (result.exit_code, result.stdout) == (1, "")
    assert sentence in result.stderr
