"""Keys at the door: whom they let in, until when, and what is written down of each call."""

import time
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from portal.api.saying import seconds_until
from portal.extensions import db
from portal.models import ApiKey, AuditEntry
from portal.models.actor import OPERATOR
from portal.models.tenancy import PLATFORM, across_merchants
from portal.models.user import User
from portal.services import accounts, api_keys, trash
from tests.api.conftest import make_admin, make_key
from tests.factories import make_user, within
from tests.web.conftest import sign_in  # noqa: F401 - a fixture


def entries(action="api_keys.call"):
    db.session.remove()
    with within(PLATFORM):
        found = select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.id)
        return list(db.session.scalars(found))


def only_key():
    db.session.remove()
    return db.session.scalars(select(ApiKey)).one()


def test_a_key_ends(call, robin):
    made = datetime.now(UTC)
    key = make_key(robin, days=1, now=made)
    assert call("GET", "/users", key=key).status_code == 200
    with time_machine.travel(made + timedelta(days=1, seconds=1), tick=False):
        assert call("GET", "/users", key=key).status_code == 401


def test_a_revoked_key_opens_nothing_from_the_next_call_on(call, key):
    with within(PLATFORM):
        api_keys.revoke_key(only_key().id, by=OPERATOR, now=datetime.now(UTC))
        db.session.commit()
    assert call("GET", "/users").status_code == 401


def test_the_key_of_a_deleted_person_is_dead_for_good(call, robin, key):
    other = make_key(make_admin("Ada"))
    assert call("DELETE", f"/users/{robin.id}", key=other).status_code == 200
    assert call("GET", "/users").status_code == 401
    assert call("PUT", f"/users/{robin.id}/restore", key=other).json["restored"] is True
    assert call("GET", "/users").status_code == 401


def test_a_cookie_is_never_looked_at(app, robin, sign_in):  # noqa: F811 - a fixture
    browser = sign_in(robin, app.test_client())
    assert browser.get("/api/admin/users").status_code == 401


def test_a_call_needs_no_token_of_a_form(app, call):
    app.config["WTF_CSRF_ENABLED"] = True
    assert call("POST", "/users", json={"display_name": "Ina"}).status_code == 201


def test_another_site_cannot_call(call):
    answer = call("POST", "/users", json={"display_name": "Ina"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert (answer.status_code, answer.json["error"]["code"]) == (403, "forbidden")


def test_wrong_keys_are_bounded_right_ones_are_not(call):
    assert {call("GET", "/users?limit=1").status_code for _ in range(40)} == {200}
    paths = ("/users", "/stores", "/deletions")  # all count together
    tries = [call("GET", paths[n % 3], key="carnet_" + "x" * 22) for n in range(31)]
    assert [answer.status_code for answer in tries] == [401] * 30 + [429]
    assert tries[-1].json["error"]["code"] == "too_many"
    assert "wrong keys" in tries[-1].json["error"]["message"]
    assert 1 <= int(tries[-1].headers["Retry-After"]) <= 300
    assert call("GET", "/users").status_code == 200
    assert call("GET", "/users", key=None).status_code == 429
    assert tries[-1].headers["X-Request-Id"]


def test_every_call_is_noted_by_its_route_and_ids_alone(call, robin, world):
    call("GET", f"/stores/{world.gare.id}?include_deleted=true", headers={"X-Request-Id": "abcdefgh12"})
    call("GET", "/users?q=olga%40example.com")
    call("POST", "/users", json={"display_name": "Ina Secret", "email": "ina@example.com"})
    call("GET", "/users/999")
    first, second, third, last = entries()
    assert (first.actor_id, first.actor_role, first.channel) == (robin.id, "admin", "api")
    assert (first.merchant_id, first.subject_kind, first.request_id) == (PLATFORM, "api_keys", "abcdefgh12")
    rule = "/api/admin/stores/<int:store_id>"
    assert first.details == {"method": "GET", "rule": rule, "status": 200, "ids": {"store_id": world.gare.id}}
    assert second.details == {"method": "GET", "rule": "/api/admin/users", "status": 200, "ids": {}}
    assert (third.details["method"], third.details["status"]) == ("POST", 201)
    assert last.details["status"] == 404
    (made,) = entries("users.create")
    assert (made.channel, made.request_id) == ("api", third.request_id)
    assert not [e for e in entries() if "example.com" in str(e.details) or "Secret" in str(e.details)]


def test_a_call_of_somebody_who_is_no_admin_any_more_is_noted_too(call, robin, key):
    make_admin("Ada")
    with across_merchants(db.session, "a test"):
        db.session.get(User, robin.id).is_platform_admin = False
        db.session.commit()
    assert call("GET", "/users").status_code == 403
    (entry,) = entries()
    assert (entry.actor_id, entry.actor_role, entry.details["status"]) == (robin.id, "staff", 403)


def test_a_call_without_a_key_writes_nothing(call):
    call("GET", "/users", key=None)
    assert entries() == []


def test_last_use_is_written_at_most_once_in_ten_minutes(call, key):
    start = datetime.now(UTC)
    seen = []
    for minutes in (0, 5, 11):
        with time_machine.travel(start + timedelta(minutes=minutes), tick=False):
            call("GET", "/users")
        seen.append(only_key().last_used_at)
    assert seen[0] == seen[1] == start
    assert seen[2] == start + timedelta(minutes=11)


def busy(*_, **__):
    raise OperationalError("x", {}, Exception("database is locked"))


def test_what_could_not_be_noted_is_not_told(call, key, monkeypatch):
    monkeypatch.setattr(api_keys, "note_call", busy)
    answer = call("GET", "/users")
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "busy")
    assert answer.headers["Retry-After"] == "5"


def test_what_was_done_is_told_though_the_call_could_not_be_noted(call, key, monkeypatch):
    monkeypatch.setattr(api_keys, "note_call", busy)
    answer = call("POST", "/users", json={"display_name": "Ina"})
    assert answer.status_code == 201
    assert len(entries("users.create")) == 1


def test_a_passing_trouble_is_tried_again(call, key, monkeypatch):
    answers = iter([busy, busy, accounts.create_user])

    def at_last(**given):
        return next(answers)(**given)

    monkeypatch.setattr(accounts, "create_user", at_last)
    assert call("POST", "/users", json={"display_name": "Ina"}).status_code == 201


def test_a_busy_database_asks_to_come_back(call, key, monkeypatch):
    monkeypatch.setattr(accounts, "create_user", busy)
    answer = call("POST", "/users", json={"display_name": "Ina"})
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "busy")
    assert answer.headers["Retry-After"] == "5"


def test_a_bug_is_told_in_the_same_shape(app, call, key, monkeypatch):
    app.config["PROPAGATE_EXCEPTIONS"] = False

    def broken(**_):
        raise ZeroDivisionError

    monkeypatch.setattr(accounts, "create_user", broken)
    answer = call("POST", "/users", json={"display_name": "Ina"})
    assert (answer.status_code, answer.json["error"]["code"]) == (500, "broken")
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_value_the_database_cannot_hold_is_no_bug(call, key, monkeypatch):
    from sqlalchemy.exc import DataError

    def nonsense(**_):
        raise DataError("x", {}, Exception("NUL"))

    monkeypatch.setattr(accounts, "create_user", nonsense)
    answer = call("POST", "/users", json={"display_name": "Ina"})
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "bad_value")


def test_another_fault_of_the_database_is_a_bug(app, call, key, monkeypatch):
    from sqlalchemy.exc import ProgrammingError

    def wrong(**_):
        raise ProgrammingError("x", {}, Exception("no such column"))

    monkeypatch.setattr(accounts, "create_user", wrong)
    assert call("POST", "/users", json={"display_name": "Ina"}).status_code == 500


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/nothing", "/api/admin/cats", "/api/admin/users/x"])
def test_an_unknown_address_answers_json(app, path):
    answer = app.test_client().get(path)
    assert (answer.status_code, answer.json["error"]["code"]) == (404, "not_found")
    assert answer.headers["Cache-Control"] == "no-store"


def test_pages_stay_pages(app):
    answer = app.test_client().get("/apices")
    assert answer.status_code == 404
    assert answer.mimetype == "text/html"


def test_a_wrong_method_names_the_right_ones(call):
    answer = call("PUT", "/users")
    assert (answer.status_code, answer.json["error"]["code"]) == (405, "bad_method")
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS, POST"


def test_an_id_beyond_every_database_is_not_found(call):
    for address in (f"/users/{2**63}", "/stores/" + "9" * 400, "/merchants/0", "/users/-1"):
        assert call("GET", address).status_code == 404, address


def test_only_an_admin_gets_a_key(app):
    from portal.errors import Refused

    with pytest.raises(Refused, match="no platform admin"), within(PLATFORM):
        api_keys.create_key(make_user("Nora"), name="x", by=OPERATOR, now=datetime.now(UTC))


def test_a_key_goes_with_the_purged_person(call, robin, key):
    other = make_key(make_admin("Ada"))
    act_id = call("DELETE", f"/users/{robin.id}", key=other).json["id"]
    db.session.remove()
    with across_merchants(db.session, "a test"):
        from portal.models import Deletion

        act = db.session.scalars(select(Deletion).where(Deletion.id == act_id)).one()
        trash.purge(act, by=OPERATOR, now=datetime.now(UTC))
        db.session.commit()
    assert call("GET", f"/users/{robin.id}?include_deleted=true", key=other).status_code == 410


@pytest.mark.parametrize(("ends", "seconds"), [(-5, 1), (0.2, 1), (59.5, 60), (60.9, 60)])
def test_nobody_waits_longer_than_the_window(ends, seconds):
    with time_machine.travel(datetime(2026, 3, 14, tzinfo=UTC), tick=False):
        assert seconds_until(time.time() + ends, 60) == seconds
