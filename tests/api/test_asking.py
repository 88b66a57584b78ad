"""Strict JSON and strict queries."""

import json
import socket
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from portal.api.shapes import IN_WORDS

JSON = "application/json"


def post(call, text, content_type=JSON):
    return call("POST", "/users", data=text, content_type=content_type)


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        ("", 400, "no JSON"),
        ("{", 400, "line 1, column 2"),
        ('{"display_name": "A", "display_name": "B"}', 400, "twice"),
        ('{"display_name": NaN}', 400, "NaN"),
        ('{"display_name": -Infinity}', 400, "Infinity"),
        ('{"display_name": 1e999}', 400, "too large"),
        ('{"display_name": ' + "1" * 5000 + "}", 400, "a number is too large"),
        ('{"x": ' + "[" * 21 + "]" * 21 + "}", 400, "deeper than 20"),
        ("[" * 5000, 400, "deeper than 20"),
        (b'{"display_name": "\xff"}', 400, "UTF-8"),
        ("null", 422, "one JSON object"),
        ("[]", 422, "one JSON object"),
        ('{"x": ' + "[" * 19 + "]" * 19 + "}", 422, "not as they must be"),
    ],
)
def test_only_sound_json_is_read(call, text, status, said):
    answer = post(call, text)
    assert answer.status_code == status
    assert said in answer.json["error"]["message"]


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", f"{JSON}; charset=latin-1", ""]
)
def test_only_json_is_taken(call, kind):
    assert post(call, '{"display_name": "A"}', kind).status_code == 415


@pytest.mark.sqlite
def test_utf8_may_be_said_aloud(call):
    assert post(call, '{"display_name": "A"}', f"{JSON}; charset=UTF-8").status_code == 201


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ({}, {"display_name"}),
        ({"display_name": ""}, {"display_name"}),
        ({"display_name": "  "}, {"display_name"}),
        ({"display_name": "x" * 121}, {"display_name"}),
        ({"display_name": 5}, {"display_name"}),
        ({"display_name": True}, {"display_name"}),
        ({"display_name": None}, {"display_name"}),
        ({"display_name": "A\x00B"}, {"display_name"}),
        ({"display_name": "A", "is_platform_admin": 1}, {"is_platform_admin"}),
        ({"display_name": "A", "is_platform_admin": "true"}, {"is_platform_admin"}),
        ({"display_name": "A", "email": 5, "colour": 1}, {"email", "colour"}),
        ({"display_name": "A", "username": "Ana"}, {"username"}),
    ],
)
def test_each_fault_names_its_field(call, body, faults):
    answer = call("POST", "/users", json=body)
    assert answer.status_code == 422
    assert {fault["field"] for fault in answer.json["error"]["details"]["fields"]} == faults
    assert all(fault["message"] for fault in answer.json["error"]["details"]["fields"])


@pytest.mark.sqlite
def test_a_lone_surrogate_is_no_text(call):
    answer = post(call, '{"display_name": "\\ud800", "\\udfff": 1}')
    assert answer.status_code == 422
    assert json.loads(answer.data)["error"]["details"]["fields"]


@pytest.mark.sqlite
@pytest.mark.parametrize("owner", [False, "1", 1.5, 0, -1, 2**63, None])
def test_an_id_is_a_whole_number_and_nothing_else(call, owner):
    body = {"name": "A", "subdomain": "a", "owner": owner}
    answer = call("POST", "/merchants", json=body)
    assert answer.status_code == 422
    assert [fault["field"] for fault in answer.json["error"]["details"]["fields"]] == ["owner"]


@pytest.mark.sqlite
def test_a_whole_number_may_be_written_with_a_point(call, world):
    changed = call("PATCH", f"/merchants/{world.cafe.id}", data='{"retention_days": 90.0}', content_type=JSON)
    assert changed.json["retention_days"] == 90


@pytest.mark.sqlite
def test_a_body_of_64_kb_is_read_and_a_larger_one_is_not(call):
    def body(size):
        return '{"display_name": "' + "x" * (size - 20) + '"}'

    assert post(call, body(64 * 1024)).status_code == 422
    assert post(call, body(64 * 1024 + 1)).status_code == 413


@pytest.mark.sqlite
@pytest.mark.parametrize(("size", "status"), [(64 * 1024, 422), (64 * 1024 + 1, 413), (200_000, 413)])
def test_a_body_that_comes_in_pieces_is_bounded_too(live, key, size, status):
    text = b'{"display_name": "' + b"x" * (size - 20) + b'"}'
    headers = {"Authorization": f"Bearer {key}", "Content-Type": JSON, "Transfer-Encoding": "chunked"}
    connection = HTTPConnection(urlsplit(live).netloc, timeout=30)
    pieces = (text[n : n + 8192] for n in range(0, len(text), 8192))
    connection.request("POST", "/api/admin/users", pieces, headers, encode_chunked=True)
    assert connection.getresponse().status == status


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "query",
    [
        "limit=+5",
        "limit=5.0",
        "limit=",
        "limit=%D9%A5",
        "include_deleted=True",
        "include_deleted=",
        "q=%00",
        "x=1",
        "q=%FF",
    ],
)
def test_a_query_has_one_spelling(call, query):
    answer = call("GET", f"/users?{query}")
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "bad_query")


@pytest.mark.sqlite
def test_many_faults_are_told_up_to_twenty(call):
    answer = call("POST", "/users", json={f"x{n}": n for n in range(50)})
    assert len(answer.json["error"]["details"]["fields"]) == 20


def sent_raw(live, key, *lines):
    """Send bytes no program would send, and read the answer's first line and body."""
    where = urlsplit(live)
    head = [
        "POST /api/admin/users HTTP/1.1",
        f"Host: {where.netloc}",
        f"Authorization: Bearer {key}",
        f"Content-Type: {JSON}",
        "Connection: close",
    ]
    with socket.create_connection((where.hostname, where.port), timeout=30) as line:
        line.sendall("\r\n".join([*head, *lines]).encode())
        line.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: line.recv(4096), b""))
    return answer.decode()


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "lines",
    [
        ("Transfer-Encoding: chunked", "", "zz", '{"display_name": "A"}', "0", "", ""),
        ("Transfer-Encoding: chunked", "", "ffff", '{"display_name": "A"}'),
        ("Transfer-Encoding: chunked", "", "15", '{"display_name": "A"}'),
        ("Content-Length: 99", "", '{"display_name": "A"}'),
    ],
)
def test_a_body_that_does_not_arrive_whole_is_refused(live, key, call, lines):
    answer = sent_raw(live, key, *lines)
    assert answer.startswith("HTTP/1.1 400 "), answer
    assert '"bad_json"' in answer
    assert [one["display_name"] for one in call("GET", "/users").json["items"]] == ["Robin"]


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"display_name": "A\x00"}, "can be read"),
        ({"display_name": ""}, "at least 1 character"),
        ({"display_name": "x" * 121}, "at most 120 characters"),
        ({"display_name": "A", "username": "Ana!"}, "small letters a to z"),
    ],
)
def test_a_fault_says_what_would_be_right_in_words(call, body, said):
    (fault,) = call("POST", "/users", json=body).json["error"]["details"]["fields"]
    assert said in fault["message"]
    assert "pattern" not in fault["message"]


def patterns_in(part):
    if isinstance(part, dict):
        yield from ([part["pattern"]] if isinstance(part.get("pattern"), str) else [])
        for inner in part.values():
            yield from patterns_in(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from patterns_in(inner)


@pytest.mark.sqlite
def test_every_pattern_is_said_in_words(call):
    assert set(patterns_in(call("GET", "/openapi.json").json)) <= set(IN_WORDS)
