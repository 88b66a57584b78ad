"""SQLite opened so that nothing is lost, and so that everybody who writes gets their turn.

SQLite has one writer at a time. Who finds the place taken sleeps and asks again, each time later: under
load a few processes write on and on while the others starve. So writers stand in line at a lock file
beside the database, and only the first in line asks SQLite. Specification of trust, engines.
"""

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError

PATIENCE_SECONDS = 30.0
PAUSE_SECONDS = 0.0005  # between two tries of the first in line
BUSY_TIMEOUT = f"busy_timeout={PATIENCE_SECONDS * 1000:.0f}"
PRAGMAS = (
    "journal_mode=WAL",
    BUSY_TIMEOUT,
    "foreign_keys=ON",
    "synchronous=FULL",
    "recursive_triggers=ON",  # else REPLACE removes a row of an append-only table, unseen by its trigger
)


def listen() -> None:
    """Open every SQLite database this way from now on."""
    event.listen(Engine, "connect", _open)
    event.listen(Engine, "begin", _begin)


def _open(connection: Any, _: object) -> None:
    """Take transactions out of the driver's hands and make SQLite safe."""
    if isinstance(connection, sqlite3.Connection):
        connection.isolation_level = None
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        # Its own lower() knows only ASCII; searching would differ from PostgreSQL.
        connection.create_function("lower", 1, _lower, deterministic=True)


def _lower(text: Any) -> Any:
    return text.lower() if isinstance(text, str) else text


def _begin(connection: Connection) -> None:
    """Take the write lock at once, unless this session only reads."""
    if connection.dialect.name != "sqlite":
        return
    if connection.get_execution_options().get("read_only"):
        connection.exec_driver_sql("BEGIN")
        return
    gives_up_at = time.monotonic() + PATIENCE_SECONDS
    with _first_in_line(connection.engine.url.database or ""), _without_sleeping(connection):
        while not _is_writing(connection, is_last_try=time.monotonic() >= gives_up_at):
            time.sleep(PAUSE_SECONDS)


def _is_writing(connection: Connection, *, is_last_try: bool) -> bool:
    """Try to become the writer; raises OperationalError when the last try fails, too."""
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    except OperationalError as trouble:
        if is_last_try or "locked" not in str(trouble.orig):
            raise
        return False
    return True


@contextmanager
def _first_in_line(database: str) -> Iterator[None]:
    """Stand in line until nobody is before us; a process that is killed leaves the line by itself."""
    if database in ("", ":memory:"):  # nobody else can see it
        yield
        return
    line = os.open(f"{database}-line", os.O_RDONLY | os.O_CREAT, 0o644)
    try:
        fcntl.flock(line, fcntl.LOCK_EX)
        yield
    finally:
        os.close(line)  # frees the lock, too


@contextmanager
def _without_sleeping(connection: Connection) -> Iterator[None]:
    """Let SQLite answer at once whether the place is taken, meanwhile."""
    driver: Any = connection.connection.driver_connection
    driver.execute("PRAGMA busy_timeout=0")
    try:
        yield
    finally:
        driver.execute(f"PRAGMA {BUSY_TIMEOUT}")
