"""How fast receipts become orders and a ledger, and how much memory that takes.

The command runs in a process of its own, as an operator types it; its start alone is taken off. Counted are
the seconds its processor worked, for a busy machine makes everything wait; the clock is told beside it.
"""

import csv
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import select

from benchmarks.measuring import Figure
from benchmarks.worlds import fill, found_merchant, tidy, world
from config import ROOT
from portal.extensions import db
from portal.models import LoyaltyProgram, Merchant
from portal.models.tenancy import scoped

SHORT, LONG = 19_000, 1_000_000  # baskets
MEMBERS = 5_000
STORES, PRODUCTS = 3, 264
FASTEST, MOST_MEMORY = 2_000, 150  # baskets a second on SQLite, MB
HEADER = ("receipt", "date", "time", "store", "customer_id", "sku", "quantity", "unit_price", "line_amount")
ASKED = ("--map", "number=receipt", "--group-by", "receipt,date,store", "--earn")


def figures(engine: str) -> Iterator[Figure]:
    """Measure 19,000 baskets, as many as a chain of three shops has in two weeks."""
    yield from _measured(engine, SHORT)


def long_figures(engine: str) -> Iterator[Figure]:
    """Measure a million baskets; takes a quarter of an hour."""
    yield from _measured(engine, LONG)


def _measured(engine: str, baskets: int) -> Iterator[Figure]:
    with world(engine), tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _furnish(found_merchant("bench"))
        _members(folder / "members.csv")
        lines = _receipts(folder / "receipts.csv", baskets)
        _run("import", "customers", folder / "members.csv", "--merchant", "bench")
        tidy()
        start = _run("import", "list", "--merchant", "bench")
        spent = _run("import", "orders", folder / "receipts.csv", "--merchant", "bench", *ASKED)
    per_second = baskets / (spent.worked - start.worked)
    by_the_clock = f"{baskets / (spent.seconds - start.seconds):,.0f}/s by the clock"
    what = f"{baskets:,} baskets of {lines:,} lines to orders and ledger ({by_the_clock})"
    memory = spent.memory
    is_fast = per_second >= FASTEST or engine != "sqlite"
    goal = f"≥ {FASTEST:,}/s" if engine == "sqlite" else "told only"
    yield Figure("imports", engine, what, f"{per_second:,.0f} baskets/s", goal, is_fast)
    limit = f"≤ {MOST_MEMORY} MB"
    peak = f"peak memory of {baskets:,} baskets"
    yield Figure("imports", engine, peak, f"{memory:,.0f} MB", limit, memory <= MOST_MEMORY)


class Spent(NamedTuple):
    """What a command took: seconds by the clock and of the processor, and its peak memory in MB."""

    seconds: float
    worked: float
    memory: float


def _run(*words: Any) -> Spent:
    """Type a command, and say what it took."""
    url = db.engine.url.render_as_string(hide_password=False)
    told = {"CARNET_ENV": "testing", "LOG_LEVEL": "error", "FLASK_APP": "wsgi.py", "DATABASE_URL": url}
    command = [sys.executable, "-m", "flask", *map(str, words)]
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as instance:
        environment = {**os.environ, **told, "INSTANCE_PATH": instance}
        child = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
        _pid, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"flask {' '.join(map(str, words))} failed")
    return Spent(time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def _furnish(merchant_id: int) -> None:
    fill(merchant_id, in_stores=STORES, products=PRODUCTS)
    with scoped(db.session, merchant_id):
        merchant = db.session.scalars(select(Merchant).where(Merchant.id == merchant_id)).one()
        db.session.add(LoyaltyProgram(merchant_id=merchant.id, loyalty_type="points", points_per_euro=10))
        db.session.commit()


def _members(path: Path) -> None:
    _write(path, ("id", "name"), ((number, f"Member {number}") for number in range(1, MEMBERS + 1)))


def _receipts(path: Path, baskets: int) -> int:
    """Write receipts as a till would: five quarters of a line each, three of four by a member."""
    dice = random.Random(7)  # noqa: S311 - no secret, and every run has the same
    return _write(path, HEADER, (line for number in range(baskets) for line in _basket(number, dice)))


def _basket(number: int, dice: random.Random) -> Iterator[tuple[Any, ...]]:
    day = date(2025, 1, 1) + timedelta(days=number * 360 // LONG if number > SHORT else number // 1_400)
    store, member = f"s{number % STORES}", dice.randint(1, MEMBERS) if dice.random() < 0.72 else 0
    clock = f"{7 + number % 12:02}:{number % 60:02}:{number % 59:02}"
    for _line in range(1 + (dice.random() < 0.24) + (dice.random() < 0.02)):
        sku, quantity = dice.randrange(number % STORES, PRODUCTS, STORES), dice.choice((1, 1, 1, 2))
        cents = 100 + sku % 900
        price, amount = f"{cents // 100}.{cents % 100:02}", cents * quantity
        told = (f"K{sku:07}", quantity, price, f"{amount // 100}.{amount % 100:02}")
        yield (number, day, clock, store, member, *told)


def _write(path: Path, header: Sequence[str], rows: Iterator[tuple[Any, ...]]) -> int:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        count = 0
        for row in rows:
            writer.writerow(row)
            count += 1
    return count
