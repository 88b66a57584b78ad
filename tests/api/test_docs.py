"""docs/run/admin-api.md: every command is run, in its order, and the answers there are what they got.

After a change of the API, write them anew: `WRITE_ANSWERS=1 pytest tests/api/test_docs.py`.
"""

import json
import os
import re
import shlex
from datetime import UTC, datetime
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
import time_machine

from config import ROOT
from tests.api.conftest import make_key
from tests.factories import make_user

PAGE = ROOT / "docs" / "run" / "admin-api.md"
START = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
BLOCK = re.compile(
    r"```sh\n(?P<command>.*?)```(?:\n→ (?P<status>\d+)\n```json\n(?P<answer>.*?)```)?", re.DOTALL
)
WIDTH = 100


def asked_in(command, shown):
    """Read a curl command as curl does: method, address, headers, body."""
    words = iter(shlex.split(command.replace('"$KEY"', "$KEY").replace("$KEY", f"'{shown}'"), comments=True))
    method, headers, body, address = None, {}, None, None
    for word in words:
        if word == "-X":
            method = next(words)
        elif word == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        elif word == "--json":
            body = next(words)
            headers |= {"Content-Type": "application/json", "Accept": "application/json"}
        elif word != "curl":
            assert not word.startswith("-"), word
            address = word
    return method or ("POST" if body else "GET"), address, headers, body


def carried_out(live, command, shown):
    """Send what the last line of a block says: (method, path, status, answer)."""
    line = command.strip().splitlines()[-1].replace("$CARNET", f"{live}/api/admin")
    method, address, headers, body = asked_in(line, shown)
    where = urlsplit(address)
    connection = HTTPConnection(where.netloc, timeout=30)
    target = f"{where.path}?{where.query}" if where.query else where.path
    connection.request(method, target, body.encode() if body else None, headers)
    answer = connection.getresponse()
    return method, where.path, answer.status, json.loads(answer.read())


def written(value, indent=""):
    """Write JSON for people: on one line what fits there."""
    line = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(line) <= WIDTH or not isinstance(value, dict | list):
        return line
    inner = indent + "  "
    if isinstance(value, list):
        return "[\n" + ",\n".join(f"{inner}{written(one, inner)}" for one in value) + f"\n{indent}]"
    lines = (f"{inner}{json.dumps(name)}: {written(one, inner)}" for name, one in value.items())
    return "{\n" + ",\n".join(lines) + f"\n{indent}}}"


@pytest.mark.sqlite
def test_every_command_of_the_page_answers_what_stands_there(live, app):
    page, called = PAGE.read_text(encoding="utf-8"), []
    with time_machine.travel(START, tick=False):
        key = make_key(make_user("Robin", email="robin@example.com", is_platform_admin=True))

        def answered(block):
            told = carried_out(live, block["command"], f"Authorization: Bearer {key}")
            called.append(told)
            if block["status"] is None:
                assert told[2] == 200
                return block[0]
            assert told[2] == int(block["status"]), (block["command"], told)
            return f"```sh\n{block['command']}```\n→ {told[2]}\n```json\n{written(told[3])}\n```"

        now = BLOCK.sub(answered, page)
    if os.environ.get("WRITE_ANSWERS"):
        PAGE.write_text(now, encoding="utf-8")
    assert now == page
    assert uncalled(app, called) == []


def uncalled(app, called):
    """The operations of which the page shows no call."""
    ours = [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("admin.")]
    known = [(method, rule.rule) for rule in ours for method in rule.methods - {"HEAD", "OPTIONS"}]
    return [(method, rule) for method, rule in known if not was_called(called, method, rule)]


def was_called(called, method, rule):
    path = re.compile(re.sub(r"<int:\w+>", r"\\d+", rule))
    return any(sent == method and path.fullmatch(address) for sent, address, *_ in called)
