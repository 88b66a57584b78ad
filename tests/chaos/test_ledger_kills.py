"""The ledger when somebody pulls the plug: nothing acknowledged is lost, and nothing is done twice.

A process that was killed is asked again by the key of the act in doubt, as a till does. `make chaos`
runs the long forms: KILLS says how often, OPERATIONS how many acts in all.
"""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from config import from_environment
from portal import create_app
from portal.extensions import db
from tests import cluster, engines, sums
from tests.chaos.ledger_deeds import GROUP
from tests.chaos.sides import Side
from tests.chaos.test_ledger_races import OPERATIONS, Shop, everything_once
from tests.fixtures import environment, migrate_up

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300 + OPERATIONS)]
KILLS = int(os.environ.get("KILLS", "2"))
IS_LONG = KILLS > 2
SERVING_AGAIN = 5 if IS_LONG else 20  # seconds; in the short form other tests run beside it
# What a merchant's own server does: what was acknowledged is on the disk.
SAFE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}


class Workers:
    """Some processes that earn and redeem, each with a list of what was acknowledged to it."""

    def __init__(self, settings, shop, folder: Path, many: int) -> None:
        self.settings, self.shop = settings, shop
        self.times = max(GROUP, OPERATIONS // many // GROUP * GROUP)
        self.cards = [shop.card().id for _ in range(2)]
        self.files = [folder / f"w{n}" for n in range(many)]
        for file in self.files:
            file.touch()
        self.sides = [self.begin(file) for file in self.files]

    def begin(self, file: Path) -> Side:
        """Start one, where its list ends."""
        how = {"merchant": self.shop.id, "cards": self.cards, "reward": self.shop.reward.id}
        return Side(self.settings).start("live_on", **how, times=self.times, acks=str(file))

    def acknowledged(self) -> list[int]:
        return [len(file.read_text().splitlines()) for file in self.files]

    def wait_for(self, more: int, patience: float = 60) -> float:
        """Wait until so many more acts were acknowledged, or all; how long that took."""
        begun, wanted = time.monotonic(), min(sum(self.acknowledged()) + more, self.times * len(self.files))
        while sum(self.acknowledged()) < wanted:
            assert time.monotonic() - begun < patience, "nothing is acknowledged any more"
            time.sleep(0.005)
        return time.monotonic() - begun

    def kill_one(self, n: int) -> None:
        """Kill a process in the middle of it, and start another in its place."""
        self.sides[n].process.kill()
        self.sides[n].process.join(20)
        self.sides[n].pipe.close()
        self.sides[n] = self.begin(self.files[n])

    def finish(self) -> None:
        """Let them come to their end, and look at all they did."""
        for side in self.sides:
            answer = side.answer(300 + OPERATIONS)
            assert isinstance(answer, list), answer
            side.close()
        everything_once(self.shop, self.files, self.times)


def test_a_killed_worker_loses_nothing_and_doubles_nothing(app, database, tmp_path):
    workers = Workers(database.settings, Shop(), tmp_path, many=2)
    step = max(1, OPERATIONS // (KILLS + 2))
    for n in range(KILLS):
        workers.wait_for(step)
        time.sleep(0.001 * (n * 7 % 13))  # anywhere within an act
        workers.kill_one(n % 2)
    workers.finish()


@pytest.fixture
def own_server(tmp_path) -> Iterator[cluster.Cluster]:
    """A PostgreSQL of this test's own that keeps what it acknowledged."""
    engines.need_postgres()
    server = cluster.Cluster(cluster.find(), SAFE)
    yield server
    server.close()


@pytest.fixture
def own_settings(own_server, tmp_path):
    """An app over that server, its context pushed."""
    server = engines.Postgres(own_server.url("postgres", "postgres"))
    engines.make_roles(server)
    server.create_database("carnet")
    owner = {"MIGRATION_DATABASE_URL": server.owner_url("carnet"), "DATABASE_APP_ROLE": engines.APP}
    settings = from_environment(environment(server.app_url("carnet"), tmp_path, **owner))
    migrate_up(settings)
    with create_app(settings).app_context():
        yield settings
        db.session.remove()
        db.engine.dispose()


def kill_the_postmaster(server: cluster.Cluster) -> None:
    """Kill the server itself; its other processes notice, and a new one recovers."""
    assert server.server
    server.stop(signal.SIGKILL)
    deadline = time.monotonic() + 20
    while True:
        try:
            server.start()
        except cluster.NoServerError:  # what the dead one left is still in use
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


def kill_a_backend(server: cluster.Cluster) -> None:
    """Kill one connection's process: the server throws all of them out and recovers."""
    admin = engines.Postgres(server.url("postgres", "postgres"))
    busy = "SELECT pid FROM pg_stat_activity WHERE usename = %s ORDER BY state_change DESC LIMIT 1"
    os.kill(admin.ask(busy, engines.APP)[0][0], signal.SIGKILL)


@pytest.mark.postgresql
@pytest.mark.parametrize("kill", [kill_the_postmaster, kill_a_backend][: 1 + IS_LONG])
def test_a_killed_server_loses_nothing_and_doubles_nothing(own_server, own_settings, tmp_path, kill):
    """The workers stay, ask again by their keys, and are served within seconds."""
    workers = Workers(own_settings, Shop(), tmp_path, many=3)
    step = max(1, OPERATIONS // (KILLS + 2))
    for _ in range(max(1, KILLS // 2)):
        workers.wait_for(step)
        kill(own_server)
        assert workers.wait_for(1) < SERVING_AGAIN
    db.engine.dispose()  # this process's own connections died too
    workers.finish()
    sums.check(lambda words: admin_rows(own_server, words))


def admin_rows(server: cluster.Cluster, words: str) -> list[tuple]:
    """Read over all merchants, as the superuser."""
    address = server.url("postgres", "carnet").replace("+psycopg", "")
    with psycopg.connect(address) as connection:
        return connection.execute(words).fetchall()
