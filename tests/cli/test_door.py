"""How every command answers."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner
from flask import Flask
from flask.cli import FlaskGroup
from sqlalchemy.exc import DataError, OperationalError

from config import ROOT
from portal import cli
from portal.cli.door import Act, Room, whole
from portal.cli.showing import progress, table
from portal.extensions import db, migrate
from portal.models.actor import OPERATOR
from portal.services import accounts
from portal.services.merchants import delete_merchant
from tests.factories import NOW, make_merchant
from tests.services.importing import committed


def everything(command, path=()):
    yield path, command
    for name, sub in getattr(command, "commands", {}).items():
        yield from everything(sub, (*path, name))


COMMANDS = [(*path,) for top in cli.COMMANDS for path, _ in everything(top, (top.name,))]


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example(flask, path):
    result = flask(*path, "--help")
    assert result.exit_code == 0
    assert "Example" in result.output or path == ("jobs", "list")


@pytest.mark.parametrize(
    ("path", "command"), [pair for top in cli.COMMANDS for pair in everything(top, (top.name,))]
)
def test_every_command_answers_the_same_way(path, command):
    assert isinstance(command, Act | Room), path


def test_a_database_without_tables_is_told(flask, monkeypatch):
    def bare(*_, **__):
        raise OperationalError("SELECT", {}, Exception("no such table: users"))

    monkeypatch.setattr(db.session(), "scalars", bare)
    monkeypatch.setattr("portal.models.session.PortalSession.scalars", bare)
    result = flask("accounts", "list")
    assert result.exit_code == 1
    assert result.stderr == "The database has no tables yet. Make them with: flask db upgrade\n"


def test_any_other_fault_of_the_database_rises(flask, monkeypatch):
    def broken(*_, **__):
        raise OperationalError("SELECT", {}, Exception("disk I/O error"))

    monkeypatch.setattr("portal.models.session.PortalSession.scalars", broken)
    with pytest.raises(OperationalError):
        flask("accounts", "list")


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (OperationalError("", {}, Exception("unable to open database file")), "cannot be reached"),
        (OperationalError("", {}, Exception("connection failed: no such host")), "cannot be reached"),
        (OperationalError("", {}, Exception("database is locked")), "is busy"),
        (OperationalError("", {}, Exception("database or disk is full")), "disk is full"),
        (OperationalError("", {}, Exception("attempt to write a readonly database")), "cannot be written"),
        (DataError("", {}, Exception("integer out of range")), "cannot hold such a value"),
    ],
)
def test_trouble_of_the_database_is_one_sentence_and_1(flask, monkeypatch, fault, sentence):
    def broken(*_, **__):
        raise fault

    monkeypatch.setattr("portal.models.session.PortalSession.scalars", broken)
    result = flask("accounts", "list")
    assert (result.exit_code, result.stdout) == (1, "")
    assert sentence in result.stderr
    assert len(result.stderr.splitlines()) == 1


def deadlocks(times, work=lambda: "done"):
    left = [OperationalError("", {}, Exception("database is locked"))] * times

    def unit(*given, **options):
        if left:
            raise left.pop()
        return work(*given, **options)

    return unit


def test_a_unit_of_work_is_done_again_after_a_passing_trouble(app, monkeypatch):
    monkeypatch.setattr("portal.services.trouble.PAUSE_SECONDS", 0)
    assert whole(deadlocks(2)) == "done"
    with pytest.raises(OperationalError):
        whole(deadlocks(3))


@pytest.mark.parametrize(("times", "code"), [(1, 0), (2, 0), (3, 1)])
def test_a_command_is_tried_again_and_then_gives_up(flask, monkeypatch, times, code):
    monkeypatch.setattr("portal.services.trouble.PAUSE_SECONDS", 0)
    module = sys.modules["portal.cli.accounts"]  # the name itself is the command's
    monkeypatch.setattr(module, "create_user", deadlocks(times, accounts.create_user))
    result = flask("accounts", "create", "--name", "Ana")
    assert result.exit_code == code
    assert ("is busy" in result.stderr) is bool(code)
    assert flask("accounts", "list").output.count("Ana") == 1 - code


def test_a_command_that_only_looks_cannot_write(app):
    @click.command("peek", cls=Act, reads=True)
    def peek():
        from portal.models import User

        db.session.add(User(display_name="Ana"))
        db.session.flush()

    with pytest.raises(RuntimeError, match="a reading session was asked to write"):
        app.test_cli_runner().invoke(peek, obj=None, catch_exceptions=False)


def test_columns_are_as_wide_as_their_widest_cell(capsys):
    table(("ID", "NAME"), [(1, "Ana"), (100, None)], empty="")
    assert capsys.readouterr().out == "ID   NAME\n1    Ana\n100\n"


def test_no_bar_is_drawn_in_a_pipe_and_rich_stays_out(capsys):
    with progress("Importing", 3) as step:
        step(1)
    assert capsys.readouterr().err == ""


def test_a_bar_is_drawn_for_whoever_watches(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with progress("Importing", 3) as step:
        step(3)
    assert "Importing" in capsys.readouterr().err


def test_flask_shows_what_an_operator_types_and_hides_the_tools_of_engineers():
    def make():
        app = Flask("carnet")
        migrate.init_app(app)
        cli.init_app(app)
        return app

    said = CliRunner().invoke(FlaskGroup(create_app=make), ["--help"]).output
    listed = [line.strip() for line in said.partition("Commands:\n")[2].splitlines()]
    names = {line.split()[0]: line.partition(" ")[2].strip() for line in listed}
    assert set(names) == {"db", *(command.name for command in cli.COMMANDS)}
    assert all(sentence.endswith(".") and "..." not in sentence for sentence in names.values())
    tool = CliRunner().invoke(FlaskGroup(create_app=make), ["routes", "--help"])
    assert tool.exit_code == 0


@pytest.mark.parametrize(
    "room", [each for each in cli.COMMANDS if isinstance(each, Room)], ids=lambda r: r.name
)
def test_what_a_command_does_is_never_cut_off(flask, room):
    assert "..." not in flask(room.name, "--help").output.partition("Commands:\n")[2]


def test_help_does_not_load_what_only_one_command_needs():
    code = (
        "import sys; import portal.cli;"
        "print([m for m in ('rich.progress', 'portal.services.demo') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


HUGE, LONG = "99999999999999999999", "9" * 5_000
NUMBERED = [
    ("accounts", "delete", "--id"),
    ("accounts", "list", "--limit"),
    ("accounts", "restore", "--id"),
    ("api-keys", "revoke"),
    ("import", "show", "--merchant", "cafe"),
    ("import", "undo", "--merchant", "cafe"),
    ("merchants", "restore", "--deletion"),
    ("trash", "hold"),
    ("trash", "list", "--all", "--after"),
    ("trash", "list", "--all", "--limit"),
    ("trash", "purge"),
    ("trash", "restore"),
    ("trash", "show"),
    ("trash", "unhold"),
]


@pytest.mark.parametrize("number", [HUGE, LONG, str(10**18), "0"])
@pytest.mark.parametrize("words", NUMBERED, ids=" ".join)
def test_a_number_nothing_can_have_is_a_usage_error(flask, words, number):
    result = flask(*words, number)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "will not do. Write a number from 1 " in result.stderr
    assert len(result.stderr) < 500


@pytest.mark.parametrize("number", ["x", "1.5", "1e3", "", "\uff11\uff12"])
def test_what_is_no_number_is_a_usage_error(flask, number):
    result = flask("trash", "show", number)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"“{number}” is not a whole number." in result.stderr


@pytest.mark.parametrize("words", [("accounts", "delete"), ("trash", "list", "--all", "--person")])
def test_a_person_nobody_can_be_is_a_usage_error(flask, words):
    result = flask(*words, f"#{HUGE}")
    assert result.exit_code == 2
    assert "will not do" in result.stderr


@pytest.mark.parametrize("words", [("trash", "show"), ("trash", "purge"), ("api-keys", "revoke")])
def test_the_biggest_number_is_merely_unknown(flask, words):
    result = flask(*words, 10**18 - 1)
    assert result.exit_code == 1
    assert "999999999999999999" in result.stderr


@pytest.mark.parametrize(
    ("day", "sentence"),
    [
        ("31.3.2026", "“31.3.2026” is not a day. Write it like 2026-03-31."),
        ("20260331", "“20260331” is not a day. Write it like 2026-03-31."),
        ("2026-02-30", "The calendar has no day 2026-02-30."),
        ("9999-12-31", "9999-12-31 lies beyond the calendar, 1900-01-01 to 2199-12-31."),
        ("0001-01-01", "0001-01-01 lies beyond the calendar, 1900-01-01 to 2199-12-31."),
    ],
)
@pytest.mark.parametrize("option", ["--since", "--until"])
@pytest.mark.parametrize("words", [("trash", "list", "--all"), ("loyalty", "stats", "--merchant", "x")])
def test_a_wrong_day_is_told_with_the_right_form(flask, words, option, day, sentence):
    result = flask(*words, option, day)
    assert (result.exit_code, result.stdout) == (2, "")
    assert sentence in result.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("program", "set", "--merchant", "cafe", "points_per_euro="), "must be between 0 and 10,000."),
        (("merchants", "set", "cafe", "retention_days="), "3,650"),
    ],
)
@pytest.mark.parametrize("number", ["9" * 13, HUGE, LONG])
def test_a_setting_far_too_large_is_told_its_limit(flask, words, sentence, number):
    make_merchant(subdomain="cafe")
    result = flask(*words[:-1], f"{words[-1]}{number}")
    assert (result.exit_code, result.stdout) == (1, "")
    assert sentence in result.stderr
    assert number not in result.stderr


@pytest.mark.parametrize("number", [HUGE, LONG])
def test_a_new_value_for_a_row_nothing_can_be_is_a_usage_error(flask, number):
    cafe = make_merchant(subdomain="cafe")
    with committed(cafe.id):
        act = delete_merchant(cafe, by=OPERATOR, now=NOW)
    for words in (("trash", "restore", act.id), ("merchants", "restore", "cafe")):
        result = flask(*words, "--set", f"products-{number}-sku=x")
        assert (result.exit_code, result.stdout) == (2, "")
        assert "will not do" in result.stderr
