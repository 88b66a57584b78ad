"""What no request may do, whoever sends it: too large, from elsewhere, nonsense, at the wrong host."""

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from portal.extensions import db, session_apart
from portal.web import retry
from tests.factories import make_merchant, make_owner, make_user


@pytest.mark.parametrize(
    "form",
    [{"login": "x" * 70_000}, {f"field{n}": "1" for n in range(1_100)}],
    ids=["70 KB", "1,100 fields"],
)
def test_a_form_beyond_the_limits_is_refused(client, form):
    assert client.post("/login", data=form).status_code == 413


def test_a_request_for_another_host_is_refused_calmly(client):
    answer = client.get("/login", headers={"Host": "evil.example"})
    assert answer.status_code == 400
    assert "That request was not understood" in answer.text
    assert answer.headers["X-Request-Id"]


def test_a_nul_in_an_address_is_not_found(app, client, sign_in):
    assert client.get("/invite/%00").status_code == 404
    sign_in(make_owner(make_merchant(), make_user()).user)
    assert client.get("/m/%00/stores/").status_code == 404


def test_what_another_site_makes_a_browser_do_is_refused(client):
    answer = client.post("/login", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403


@pytest.mark.postgresql
def test_a_value_the_database_cannot_hold_is_the_askers_fault(app, client, monkeypatch):
    monkeypatch.setattr("portal.services.accounts.find_user", lambda _: _ask_with_a_nul())
    answer = client.post("/login", data={"login": "a", "password": "b", "csrf_token": _token(client)})
    assert answer.status_code == 400


@pytest.mark.sqlite
def test_a_writing_request_never_waits_for_itself(app, session):
    make_user()
    session.connection()
    with pytest.raises(RuntimeError, match="wait for its own request"):
        session_apart()


@pytest.mark.parametrize(
    ("said", "state", "passes", "busy"),
    [
        ("database is locked", None, True, True),
        ("database or disk is full", None, False, True),
        ("deadlock detected", "40P01", True, True),
        ("connection lost", "08006", True, True),
        ("lock timeout", "55P03", False, True),
        ("no such table", None, False, False),
        ("not unique", "23505", False, False),
    ],
)
def test_what_is_tried_again_and_what_is_put_off(said, state, passes, busy):
    fault = Exception(said)
    fault.sqlstate = state
    trouble = OperationalError("SELECT 1", {}, fault)
    assert retry.is_passing(trouble) is passes
    assert retry.is_busy(trouble) is busy


def test_a_server_that_cannot_be_reached_is_a_passing_trouble():
    trouble = OperationalError("SELECT 1", {}, psycopg.OperationalError("connection refused"))
    assert retry.is_passing(trouble)


def _ask_with_a_nul():
    from sqlalchemy import select

    from portal.models import User

    return db.session.scalar(select(User).where(User.username == "\0"))


def _token(client):
    return client.get("/login").text.partition('name="csrf_token" value="')[2].partition('"')[0]
