"""How every command answers."""

import subprocess
import sys

import click
import pytest
from sqlalchemy.exc import DataError, OperationalError

from config import ROOT
from portal import cli
from portal.cli.door import Act, Room, whole
from portal.cli.showing import progress, table
from portal.extensions import db
from portal.services import accounts


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


def test_help_does_not_load_what_only_one_command_needs():
    code = (
        "import sys; import portal.cli;"
        "print([m for m in ('rich.progress', 'portal.services.demo') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
