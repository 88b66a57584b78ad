"""Writers of SQLite take turns: nobody starves, and nobody waits for somebody who is gone."""

import os
import signal
import sqlite3
import time
from multiprocessing import get_context
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from portal import sqlite

pytestmark = pytest.mark.sqlite
WRITERS, SECONDS = 6, 3.0
PROCESSES = get_context("forkserver")


@pytest.fixture
def address(tmp_path):
    address = f"sqlite:///{tmp_path}/turns.db"
    engine = create_engine(address)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE written (by INTEGER)"))
    engine.dispose()
    return address


def write_on(address: str, writer: int, seconds: float, ready: Any, written: Any) -> None:
    """When all are ready write again and again, a little work in each transaction, for so long."""
    engine = create_engine(address)
    count = 0
    ready.wait(60)
    until = time.time() + seconds
    while time.time() < until:
        with engine.begin() as connection:
            connection.execute(text("INSERT INTO written VALUES (:by)"), {"by": writer})
            time.sleep(0.002)
        count += 1
    written.put(count)


def stand_still(address: str, is_writing: Any) -> None:
    """Begin to write, and never end."""
    engine = create_engine(address)
    with engine.begin():
        is_writing.set()
        time.sleep(60)


def test_nobody_who_writes_starves(address):
    ready, written = PROCESSES.Barrier(WRITERS), PROCESSES.Queue()
    asked = [(address, writer, SECONDS, ready, written) for writer in range(WRITERS)]
    writers = [PROCESSES.Process(target=write_on, args=each) for each in asked]
    for writer in writers:
        writer.start()
    counts = [written.get(timeout=60) for _ in writers]
    for writer in writers:
        writer.join(60)
    assert min(counts) >= max(counts) / 4


def test_who_is_killed_while_writing_keeps_nobody_waiting(address):
    is_writing = PROCESSES.Event()
    other = PROCESSES.Process(target=stand_still, args=(address, is_writing))
    other.start()
    assert is_writing.wait(60)
    os.kill(other.pid, signal.SIGKILL)
    other.join(60)
    with create_engine(address).begin() as connection:
        connection.execute(text("INSERT INTO written VALUES (1)"))


def test_patience_ends(address, monkeypatch):
    """The first in line gives up after a while, and those behind learn it as soon as they are first."""
    monkeypatch.setattr(sqlite, "PATIENCE_SECONDS", 0.2)
    with create_engine(address).begin(), pytest.raises(OperationalError, match="locked"):
        create_engine(address).connect().begin()


def test_other_trouble_is_told_at_once(address, monkeypatch):
    def broken(*_):
        raise sqlite3.OperationalError("disk I/O error")

    engine = create_engine(address)
    with engine.connect() as connection:
        monkeypatch.setattr(connection.dialect, "do_execute_no_params", broken)
        monkeypatch.setattr(connection.dialect, "do_execute", broken)
        with pytest.raises(OperationalError, match="disk I/O error"):
            connection.begin()


def test_a_database_in_memory_has_no_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with create_engine("sqlite://").begin():
        assert list(tmp_path.iterdir()) == []
