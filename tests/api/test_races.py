"""Two programs at once: one wins, the other hears why."""

import json
import threading
from functools import partial
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from portal.extensions import db
from portal.models.user import User
from tests.api.conftest import make_admin, make_key

ROUNDS = 10


class Line:
    """A connection of its own to the live app."""

    def __init__(self, live, key):
        self.connection = HTTPConnection(urlsplit(live).netloc, timeout=30)
        self.headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def __call__(self, method, address, body=None, **headers):
        text = json.dumps(body) if body is not None else None
        self.connection.request(method, f"/api/admin{address}", text, self.headers | headers)
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read()), dict(answer.headers)


@pytest.fixture
def line(live, key):
    return lambda: Line(live, key)


def at_once(*works):
    """Do all at the same moment, in threads: what each answered."""
    gate, answers = threading.Barrier(len(works)), [None] * len(works)

    def run(n):
        gate.wait(10)
        answers[n] = works[n]()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers


@pytest.mark.parametrize("kind", ["users", "merchants", "stores"])
def test_restoring_against_making_the_same_value(line, world, kind):
    one, other = line(), line()
    for n in range(ROUNDS):
        body = {
            "users": {"display_name": "A", "email": f"a{n}@example.com"},
            "merchants": {"name": "A", "subdomain": f"a{n}", "owner": world.olga.id},
            "stores": {"name": "A", "store_code": f"a{n}", "merchant_id": world.cafe.id},
        }[kind]
        made = one("POST", f"/{kind}", body)[1]["id"]
        one("DELETE", f"/{kind}/{made}")
        answers = at_once(
            lambda made=made: one("PUT", f"/{kind}/{made}/restore", {}),
            lambda body=body: other("POST", f"/{kind}", body),
        )
        statuses = [status for status, *_ in answers]
        assert statuses in ([200, 409], [409, 201]), answers
        refused = next(body for status, body, _ in answers if status == 409)
        assert refused["error"]["code"] in ("taken", "value_taken")
        assert refused["error"]["details"]["conflicts"][0]["value"] in body.values()


def test_the_same_call_sent_twice_at_once_makes_one(line, world):
    lines = [line() for _ in range(4)]
    for n in range(ROUNDS):
        key = {"Idempotency-Key": f"round-{n}"}
        body = {"display_name": f"R{n}"}
        answers = at_once(*(partial(go, "POST", "/users", body, **key) for go in lines))
        assert {status for status, *_ in answers} == {201}, answers
        assert len({body["id"] for _, body, _ in answers}) == 1
        assert sum("Idempotent-Replayed" not in headers for *_, headers in answers) == 1


@pytest.mark.parametrize(("method", "body"), [("PATCH", {"is_platform_admin": False}), ("DELETE", None)])
def test_two_admins_cannot_dismiss_each_other(live, key, robin, method, body):
    """One of them at most: the other is no admin any more, or would be the last that goes."""
    for _ in range(ROUNDS // 2):
        ada = make_admin("Ada")
        lines = [Line(live, key), Line(live, make_key(ada))]
        answers = at_once(
            *(
                partial(go, method, f"/users/{other.id}", body)
                for go, other in zip(lines, (ada, robin), strict=True)
            )
        )
        assert 200 in {status for status, *_ in answers}, answers
        assert {status for status, *_ in answers} <= {200, 401, 403, 422}, answers
        left = people()
        assert [user.is_platform_admin for user in left].count(True) == 1, answers
        robin = next(user for user in left if user.is_platform_admin)
        key = make_key(robin)


def people():
    db.session.remove()
    found = list(db.session.scalars(select(User)))
    db.session.expunge_all()
    db.session.remove()
    return found


def test_deleting_against_deleting_makes_one_deletion(line):
    one, other = line(), line()
    for _ in range(ROUNDS):
        row_id = one("POST", "/users", {"display_name": "A"})[1]["id"]
        works = [lambda go=go, row_id=row_id: go("DELETE", f"/users/{row_id}") for go in (one, other)]
        first, second = at_once(*works)
        assert (first[0], second[0]) == (200, 200)
        assert first[1]["id"] == second[1]["id"]
