"""Finding a customer, and the list of them, among 10,000 and among 1,000,000."""

import os
import statistics
from collections.abc import Iterator

from sqlalchemy import text

from benchmarks.measuring import Figure, wall
from benchmarks.trash_page import POSTGRESQL, SQLITE, get, sign_in
from benchmarks.worlds import everybody, found_merchant, tidy, world
from portal.extensions import db

SMALL = 10_000
LARGE = int(os.environ.get("BENCH_CUSTOMERS", "1000000"))  # fewer for a quick look
GOAL, TIMES, AT_ONCE = 1.2, 30, 100_000
# A name for each thirteenth, so that a common one has many; every number its own phone.
FILL = """
    INSERT INTO customers (merchant_id, name, name_key, phone, phone_reversed, email, created_at, updated_at)
    SELECT :merchant, name, lower(name), phone, {reversed}, 'm' || n || '@example.com', {moment}, {moment}
    FROM (
        SELECT n, '+3526' || (10000000 + n) AS phone,
            CASE n % 13 WHEN 0 THEN 'Anna' WHEN 1 THEN 'Bela' ELSE 'Person' || n % 997 END
            || ' Muster' || n % 9973 AS name
        FROM {numbers}
    ) AS made
"""
REVERSED = {
    # SQLite cannot turn a text round: the last digits first, as many as are looked for.
    "sqlite": "substr(phone,-1,1)||substr(phone,-2,1)||substr(phone,-3,1)||substr(phone,-4,1)||phone",
    "postgresql": "reverse(phone)",
}
NUMBERS = {
    "sqlite": """(
        WITH RECURSIVE c(n) AS (SELECT :first UNION ALL SELECT n + 1 FROM c WHERE n < :last) SELECT n FROM c
    )""",
    "postgresql": "generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS n",
}
LOOKS = {
    "first page of the list": "",
    "list by name": "?sort=name",
    "search of a common first name": "?q=anna",
    "search of one person": "?q=person13+muster4001",
    "search of the last six digits of a phone": "?q=004321",
    "search of nobody": "?q=zebulon",
}


def figures(engine: str) -> Iterator[Figure]:
    """Measure the list as the browser gets it, in turns, through the whole application."""
    with world(engine) as app:
        sizes = {"small": SMALL, "large": LARGE}
        for name, rows in sizes.items():
            _invite(found_merchant(name), rows, engine)
        tidy()
        db.session.remove()
        clients = {name: sign_in(app.test_client(), name) for name in sizes}
        for what, query in LOOKS.items():
            took: dict[str, list[float]] = {name: [] for name in sizes}
            for _ in range(TIMES):
                for name, client in clients.items():
                    address = f"/m/{name}/customers/{query}"
                    took[name].append(wall(lambda c=client, a=address: get(c, a)))
            got = statistics.median(took["large"]) / statistics.median(took["small"])
            base = statistics.median(took["small"]) * 1000
            line = f"{what}, {LARGE:,} customers against {SMALL:,} ({base:.1f} ms)"
            yield Figure("customers", engine, line, f"{got:.2f}×", f"≤ {GOAL}×", got <= GOAL)


def _invite(merchant_id: int, rows: int, engine: str) -> None:
    """Make customers with plain SQL, a part at a time."""
    words = SQLITE if engine == "sqlite" else POSTGRESQL
    fill = FILL.format(reversed=REVERSED[engine], moment=words["moment"], numbers=NUMBERS[engine])
    with everybody():
        for first in range(1, rows + 1, AT_ONCE):
            last = min(rows, first + AT_ONCE - 1)
            if engine == "postgresql":
                db.session.execute(text("SET LOCAL statement_timeout = 0"))
            db.session.execute(text(fill), {"merchant": merchant_id, "first": first, "last": last})
            db.session.commit()
