"""The first page of the trash, and a deep one, with 1,000 and with 1,000,000 deletions."""

import base64
import json
import statistics
from collections.abc import Callable, Iterator
from contextvars import Context
from datetime import timedelta
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import text

from benchmarks.measuring import Figure, wall
from benchmarks.worlds import NOW, PASSWORD, everybody, found_merchant, tidy, world
from portal.extensions import db

SMALL, LARGE = 1_000, 1_000_000
GOAL = 1.2
TIMES = 40
FILL = """
    INSERT INTO deletions (merchant_id, root_kind, root_id, root_label, label_key, deleted_at,
        deleted_by_role, channel, counts, departed, received, status, hold)
    SELECT :merchant, 'products', n, 'Product ' || n, 'product ' || n, {moment},
        'owner', 'portal', '{{"products": 1}}', '{{}}', '{{}}', 'done', {no}
    FROM {numbers}
"""
SQLITE = {
    "numbers": """(
        WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < :rows) SELECT n FROM c
    )""",
    "moment": "datetime('2026-01-01', '+' || n || ' seconds') || '.000000'",
    "no": "0",
}
POSTGRESQL = {
    "numbers": "generate_series(1, :rows) AS n",
    "moment": "timestamptz '2026-01-01' + n * interval '1 second'",
    "no": "false",
}


def figures(engine: str) -> Iterator[Figure]:
    """Measure the page as the browser gets it, through the whole application."""
    with world(engine) as app:
        sizes = {"small": SMALL, "large": LARGE}
        for name, rows in sizes.items():
            _throw_away(found_merchant(name), rows, engine)
        tidy()
        db.session.remove()
        clients = {name: sign_in(app.test_client(), name) for name in sizes}
        deep = {"small": "Product 500", "large": "Product 500000"}
        yield _compare(engine, "first page", clients, dict.fromkeys(sizes, ""))
        yield _compare(
            engine, "a page in the middle", clients, {n: _middle(label) for n, label in deep.items()}
        )


def _compare(engine: str, what: str, clients: dict[str, FlaskClient], queries: dict[str, str]) -> Figure:
    took: dict[str, list[float]] = {name: [] for name in clients}
    for _ in range(TIMES):
        for name, client in clients.items():
            address = f"/m/{name}/trash/{queries[name]}"
            took[name].append(wall(lambda c=client, a=address: get(c, a)))
    got = statistics.median(took["large"]) / statistics.median(took["small"])
    base = statistics.median(took["small"]) * 1000
    line = f"{what}, 1,000,000 deletions against 1,000 ({base:.1f} ms)"
    return Figure("trash", engine, line, f"{got:.2f}×", f"≤ {GOAL}×", got <= GOAL)


def _throw_away(merchant_id: int, rows: int, engine: str) -> None:
    words = SQLITE if engine == "sqlite" else POSTGRESQL
    with everybody():
        if engine == "postgresql":
            db.session.execute(text("SET LOCAL statement_timeout = 0"))
        db.session.execute(text(FILL.format(**words)), {"merchant": merchant_id, "rows": rows})
        db.session.commit()


def _middle(label: str) -> str:
    """The address of a page half way down: the cursor a reader would have reached."""
    seconds = int(label.split()[1])
    began = NOW.replace(month=1, day=1, hour=0, minute=0)
    moment = (began + timedelta(seconds=seconds)).isoformat()
    cursor = (
        base64.urlsafe_b64encode(json.dumps(["deleted_at", moment, seconds]).encode()).decode().rstrip("=")
    )
    return f"?after={cursor}"


def _outside(work: Callable[[], Any]) -> Any:
    """Ask as a browser does: in an application context of the request's own."""
    return Context().run(work)


def sign_in(client: FlaskClient, name: str) -> FlaskClient:
    """Sign the owner of a measured merchant in."""
    page: Any = _outside(lambda: client.get("/login").text)
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    form = {"login": f"owner-{name}", "password": PASSWORD, "csrf_token": token}
    answer = _outside(lambda: client.post("/login", data=form))
    if answer.status_code != 303:
        raise RuntimeError(f"sign-in answered {answer.status_code}")
    return client


def get(client: FlaskClient, address: str) -> None:
    """Read the page; one that is asked for by a cursor must not be the first."""
    if _outside(lambda: client.get(address).status_code) != 200:
        raise RuntimeError(f"{address} did not answer")
