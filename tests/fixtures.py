"""What the tests of Carnet itself start from: an app with a clean database, on both engines.

`app` runs a test once on each engine; mark a test `sqlite` or `postgresql` and it runs on that
one alone. The app's context is pushed, and `session` is the session of that context. On
PostgreSQL the app connects as the app role, behind the walls.

After every test each card's balances must be the sums of its ledger (tests/sums.py).
"""

import os
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import flask_migrate
import psycopg
import pytest
from flask import Flask
from psycopg import sql

from config import ROOT, from_environment
from portal import create_app
from portal.extensions import db, limiter
from portal.models.base import Model
from tests import engines, sums
from tests.guard import guard  # noqa: F401 - a fixture, on for every test

EMPTY = (  # append-only tables have triggers against it; the owner may put them to sleep
    "ALTER TABLE {} DISABLE TRIGGER USER",
    "DELETE FROM {}",
    "ALTER TABLE {} ENABLE TRIGGER USER",
)
# What was rolled back leaves no row, but has counted.
COUNTED = "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL"
MIGRATIONS = str(ROOT / "migrations")
MEMORY, ROOM = Path("/dev/shm"), 2**30  # where files need no disk, and how many bytes must be free there
NOW = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
NAMES = ("sqlite", "postgresql")


@dataclass(frozen=True)
class Database:
    """One migrated database of a test process, and how to empty it."""

    name: str
    environment: dict[str, str]
    clean: Callable[[], None]
    remove: Callable[[], None]
    ask: Callable[[str], list[tuple[Any, ...]]]

    @property
    def settings(self) -> dict[str, Any]:
        """Read the app's settings as the configuration does."""
        return from_environment(self.environment)


def pytest_configure(config: pytest.Config) -> None:
    """Name the ways out of the SQL guard and of the sums."""
    config.addinivalue_line("markers", "unguarded(reason): talks SQL that the guard must not judge")
    config.addinivalue_line("markers", "unbalanced(reason): leaves a ledger that does not add up on purpose")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what needs a database once on each engine, or on the one it is marked with."""
    if "engine_name" not in metafunc.fixturenames:
        return
    marked = [name for name in NAMES if metafunc.definition.get_closest_marker(name)]
    marks = {"postgresql": [pytest.mark.postgresql], "sqlite": []}
    params = [pytest.param(name, marks=marks[name]) for name in marked or NAMES]
    metafunc.parametrize("engine_name", params, indirect=True, scope="session")


@pytest.fixture(scope="session")
def engine_name(request) -> str:
    """The engine of this round: sqlite or postgresql."""
    return request.param


@pytest.fixture(scope="session")
def databases(tmp_path_factory) -> Iterator[dict[str, Database]]:
    """The databases this process has made so far, engine by engine."""
    made: dict[str, Database] = {}
    yield made
    for database in made.values():
        database.remove()


@pytest.fixture(scope="session")
def apps() -> Iterator[dict[str, Flask]]:
    """The apps this process has made so far: one per engine serves all its tests."""
    made: dict[str, Flask] = {}
    yield made
    for app in made.values():
        with app.app_context():
            db.engine.dispose()


@pytest.fixture
def database(request, engine_name, databases, tmp_path_factory) -> Iterator[Database]:
    """A migrated and empty database; what the test leaves in its ledger must add up."""
    if engine_name not in databases:
        make = {"sqlite": make_sqlite, "postgresql": make_postgresql}[engine_name]
        databases[engine_name] = make(tmp_path_factory.mktemp(engine_name))
    databases[engine_name].clean()
    yield databases[engine_name]
    if not request.node.get_closest_marker("unbalanced"):
        sums.check(databases[engine_name].ask)


@pytest.fixture
def app(database, apps) -> Iterator[Flask]:
    """The app over a clean database, with its context pushed."""
    if database.name not in apps:
        apps[database.name] = create_app(database.settings)
    app = apps[database.name]
    before = dict(app.config)
    with app.app_context():
        try:
            yield app
        finally:
            db.session.remove()
            if database.name == "sqlite":
                db.engine.dispose()  # the file is about to be replaced
    app.config.clear()
    app.config.update(before)
    if limiter.initialized:
        limiter.reset()


@pytest.fixture
def session(app):
    """The session of the pushed context; the same that portal.extensions.db.session is."""
    return db.session


@pytest.fixture
def client(app):
    """A browser without a past."""
    return app.test_client()


@pytest.fixture
def now() -> datetime:
    """The moment the test happens."""
    return NOW


@pytest.fixture
def elsewhere(app):
    """Run a function in a thread of its own, with its own context and session.

    `elsewhere(work)` starts it and answers a Thread with `.result()`, which waits and
    gives what the work gave, or raises what it raised.
    """
    started: list[Elsewhere] = []

    def start(work: Callable[..., Any], *args: Any) -> "Elsewhere":
        started.append(Elsewhere(app, work, args))
        started[-1].start()
        return started[-1]

    yield start
    for thread in started:
        thread.join(30)
        assert not thread.is_alive(), "a thread of the test never ended"


class Elsewhere(threading.Thread):
    """Somebody else's work at the same time."""

    def __init__(self, app: Flask, work: Callable[..., Any], args: tuple[Any, ...]) -> None:
        super().__init__(daemon=True)
        self.app, self.work, self.args = app, work, args
        self.answer: Any = None
        self.error: BaseException | None = None

    def run(self) -> None:
        with self.app.app_context():
            try:
                self.answer = self.work(*self.args)
            except BaseException as error:  # noqa: BLE001 - handed to whoever asks for the result
                self.error = error
                db.session.rollback()
            finally:
                db.session.remove()

    def result(self, timeout: float = 30) -> Any:
        """Wait for the work and give what it gave."""
        self.join(timeout)
        assert not self.is_alive(), "the other side never ended"
        if self.error:
            raise self.error
        return self.answer


def migrate_up(settings: dict[str, Any]) -> None:
    """Bring a database up to date as its owner."""
    app = create_app(settings)
    with app.app_context():
        flask_migrate.upgrade(directory=MIGRATIONS)
        db.engine.dispose()


def environment(url: str, folder: Path, **more: str) -> dict[str, str]:
    """Write down what a test's app reads instead of the process's environment."""
    words = {"CARNET_ENV": "testing", "INSTANCE_PATH": str(folder), "SECRET_KEY": "k" * 40}
    return {**words, "DATABASE_URL": url, **more}


def make_sqlite(folder: Path) -> Database:
    """Migrate a template once; a clean database is a copy of it, in memory where there is room."""
    has_room = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM
    folder = Path(tempfile.mkdtemp(prefix="carnet-", dir=MEMORY if has_room else folder))
    template, file = folder / "template.db", folder / "test.db"
    migrate_up(from_environment(environment(f"sqlite:///{template}", folder)))

    def clean() -> None:
        for left in folder.glob("test.db*"):
            left.unlink()
        shutil.copyfile(template, file)

    def ask(question: str) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(file)
        try:
            return connection.execute(question).fetchall()
        finally:
            connection.close()

    words = environment(f"sqlite:///{file}", folder)
    return Database("sqlite", words, clean, lambda: shutil.rmtree(folder), ask)


def make_postgresql(folder: Path) -> Database:
    """Migrate a database of this process's own; cleaning empties the tables that have rows."""
    server = engines.need_postgres()
    name = f"carnet_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
    server.create_database(name)
    words = environment(
        server.app_url(name),
        folder,
        MIGRATION_DATABASE_URL=server.owner_url(name),
        DATABASE_APP_ROLE=engines.APP,
    )
    migrate_up(from_environment(words))
    dsn = server.owner_url(name).replace("postgresql+psycopg", "postgresql", 1)
    owner = psycopg.connect(dsn, autocommit=True)
    owner.execute("SET app.across = 'on'; SET lock_timeout = '10s'")

    def remove() -> None:
        owner.close()
        server.drop_database(name)

    def ask(question: str) -> list[tuple[Any, ...]]:
        return owner.execute(question).fetchall()

    return Database("postgresql", words, lambda: empty(owner), remove, ask)


def empty(owner: psycopg.Connection) -> None:
    """Empty the tables that have rows, children first, and count from 1 again.

    Deleting the few rows of a test takes a tenth of the time TRUNCATE takes on every table.
    """
    tables = [t.name for t in reversed(Model.metadata.sorted_tables)]
    arm = sql.SQL("SELECT {1} WHERE EXISTS (SELECT 1 FROM {0})")
    arms = [arm.format(sql.Identifier(name), sql.Literal(name)) for name in tables]
    full = [name for (name,) in owner.execute(sql.SQL(" UNION ALL ").join(arms))]
    with owner.transaction():
        for name in sorted(full, key=tables.index):
            for words in EMPTY:
                owner.execute(sql.SQL(words).format(sql.Identifier(name)))
        for (name,) in owner.execute(COUNTED).fetchall():
            owner.execute("SELECT setval(%s::regclass, 1, false)", (name,))
