"""Earning at the till: the verb against pgbench sending the very statements it sends."""

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any
from uuid import uuid4

import psycopg
from sqlalchemy import event, insert

from benchmarks.measuring import Figure
from benchmarks.worlds import found_merchant, tidy, world
from config import from_environment
from portal import create_app
from portal.extensions import db
from portal.models import Customer, LoyaltyCard, LoyaltyProgram
from portal.models.actor import OPERATOR
from portal.models.tenancy import scoped
from portal.services.ledger.earning import earn
from portal.services.ledger.visits import Visit
from tests import engines

CARDS, CLIENTS = 1_000, 8
SECONDS = int(os.environ.get("BENCH_SECONDS", "5"))
ROUNDS = 3
STARTING = 30  # seconds until every process has loaded the application
GOAL, SQLITE_GOAL = 0.15, 300
FIRST_CARD, FIRST_KEY = 7_100_000, 53_535_353  # numbers that occur nowhere else in the statements
KEY = "00000000-0000-4000-8000-000000000000"


def figures(engine: str) -> Iterator[Figure]:
    """Measure in one rotation, each in turn."""
    with world(engine):
        merchant_id = found_merchant("earners")
        _issue_cards(merchant_id)
        tidy()
        environment = _environment()
        with ProcessPoolExecutor(CLIENTS, mp_context=get_context("spawn")) as tills:
            _earned(tills, CLIENTS, merchant_id, environment, notice=STARTING)
            if engine == "postgresql":
                yield from _against_pgbench(merchant_id, environment, tills)
            else:
                for clients in (1, CLIENTS):
                    rate = _earned(tills, clients, merchant_id, environment)
                    what = f"earns a second, processes: {clients}"
                    yield Figure("earn", engine, what, f"{rate:.0f}", f"≥ {SQLITE_GOAL}", rate >= SQLITE_GOAL)


def _against_pgbench(
    merchant_id: int, environment: dict[str, str], tills: ProcessPoolExecutor
) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "earn.sql"
        script.write_text(_script(merchant_id), encoding="utf-8")
        ratios, limits = [], []
        for _ in range(ROUNDS):
            limit = _pgbench(script)
            ratios.append(_earned(tills, CLIENTS, merchant_id, environment) / limit)
            limits.append(limit)
    got = median(ratios)
    what = f"the verb of {CLIENTS} processes against pgbench -c{CLIENTS} ({median(limits):.0f} a second)"
    yield Figure("earn", "postgresql", what, f"{got:.2f}", f"≥ {GOAL}", got >= GOAL)


def earn_for(
    seconds: float, starts_at: float, till: int, merchant_id: int, environment: dict[str, str]
) -> int:
    """Earn at one till, on random cards, until the time is over; runs in a process of its own."""
    app = _app(environment)
    done, card = 0, till
    with app.app_context():
        db.session.connection()
        db.session.rollback()
        time.sleep(max(0, starts_at - time.time()))
        while time.time() < starts_at + seconds:
            card = (card * 48_271 + 11) % CARDS
            with scoped(db.session, merchant_id):
                visit = Visit(by=OPERATOR, now=datetime.now(UTC), key=str(uuid4()), source="till")
                earn(FIRST_CARD + card, spent_cents=1_990, visit=visit)
                db.session.commit()
            done += 1
        db.session.remove()
    return done


_apps: dict[str, Any] = {}


def _app(environment: dict[str, str]) -> Any:
    address = environment["DATABASE_URL"]
    if address not in _apps:
        _apps[address] = create_app(from_environment(environment))
    return _apps[address]


def _earned(
    tills: ProcessPoolExecutor,
    clients: int,
    merchant_id: int,
    environment: dict[str, str],
    *,
    notice: float = 1,
) -> float:
    """Let so many tills earn at once, all from the same moment; returns earns a second, all together."""
    asked = (SECONDS, time.time() + notice)
    work = [tills.submit(earn_for, *asked, till, merchant_id, environment) for till in range(clients)]
    return sum(each.result() for each in work) / SECONDS


def _issue_cards(merchant_id: int) -> None:
    keys = {"merchant_id": merchant_id}
    with scoped(db.session, merchant_id):
        program = LoyaltyProgram(loyalty_type="points", points_per_euro=10, is_active=True, **keys)
        db.session.add(program)
        db.session.flush()  # the cards need its id
        numbers = range(FIRST_CARD, FIRST_CARD + CARDS)
        people = [{"id": n, "name": f"Member {n}", "name_key": f"member {n}", **keys} for n in numbers]
        db.session.execute(insert(Customer), people)
        cards = [{"id": n, "customer_id": n, "program_id": program.id, **keys} for n in numbers]
        db.session.execute(insert(LoyaltyCard), cards)
        db.session.commit()


def _environment() -> dict[str, str]:
    """Say to other processes where the measured database is."""
    address = db.engine.url.render_as_string(hide_password=False)
    folder = tempfile.gettempdir()
    return {"CARNET_ENV": "testing", "DATABASE_URL": address, "INSTANCE_PATH": folder, "LOG_LEVEL": "error"}


def _script(merchant_id: int) -> str:
    """Write down what one earn sends, SET LOCAL included, with the card and the key left open."""
    server = engines.postgres()
    with psycopg.connect(_plain(server.admin_url(db.engine.url.database)), autocommit=True) as admin:
        admin.execute(f"ALTER SEQUENCE idempotency_keys_id_seq RESTART {FIRST_KEY}")
    sent: list[str] = []

    def note(_c: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        literal = psycopg.ClientCursor(cursor.connection).mogrify(statement, parameters or None)
        sent.append(" ".join(literal.split()))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        with scoped(db.session, merchant_id):
            visit = Visit(by=OPERATOR, now=datetime.now(UTC), key=KEY, source="till")
            earn(FIRST_CARD, spent_cents=1_990, visit=visit)
            db.session.commit()
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    card, key = f"random({FIRST_CARD}, {FIRST_CARD + CARDS - 1})", "random(1, 1000000000000000)"
    chosen = (f"\\set card {card}", f"\\set key {key}")
    return "\n".join([*chosen, "BEGIN;", *(_opened(words) for words in sent), "COMMIT;", ""])


def _opened(words: str) -> str:
    """Leave the card, the key and the key's row open; what an INSERT of a key answers is kept."""
    is_key = words.startswith("INSERT INTO idempotency_keys")
    words = words.replace(KEY, "bench-:key").replace(str(FIRST_CARD), ":card")
    words = re.sub(rf"\b{FIRST_KEY}\b", ":made_id", words)
    return f"{words} \\gset made_" if is_key else f"{words};"


def _pgbench(script: Path) -> float:
    """Run the script with as many clients as there are tills; returns transactions a second."""
    command = ["pgbench", "-n", "-f", str(script), "-c", str(CLIENTS), "-j", "2", "-T", str(SECONDS)]
    address = _plain(db.engine.url.render_as_string(hide_password=False))
    done = subprocess.run([*command, address], check=True, capture_output=True, text=True)
    failed = re.search(r"number of failed transactions: (\d+)", done.stdout)
    if failed and int(failed[1]):
        raise RuntimeError(done.stdout + done.stderr)
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if found is None:
        raise RuntimeError(done.stdout + done.stderr)
    return float(found[1])


def _plain(address: str) -> str:
    return address.replace("postgresql+psycopg", "postgresql", 1)
