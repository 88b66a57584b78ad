"""Ratios: two ways of doing the same, taken in turns."""

import gc
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, NamedTuple

from sqlalchemy import Engine, event


class Figure(NamedTuple):
    """One line of the table: what, where, the figure, the goal and whether it was met."""

    area: str
    engine: str
    what: str
    figure: str
    goal: str
    is_met: bool


def ratio(
    ours: Callable[[], Any],
    theirs: Callable[[], Any],
    *,
    rounds: int,
    times: int,
    theirs_in: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> tuple[float, float]:
    """Measure CPU time in turns; returns the median ratio and their median in microseconds."""
    ratios, base = [], []
    ours(), theirs()  # the first run fills caches
    gc.disable()
    for _ in range(rounds):
        mine = _cpu(ours, times)
        with theirs_in():
            other = _cpu(theirs, times)
        ratios.append(mine / other)
        base.append(other)
    gc.enable()
    return statistics.median(ratios), statistics.median(base)


def _cpu(work: Callable[[], Any], times: int) -> float:
    began = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - began) / times * 1e6


def wall(work: Callable[[], Any]) -> float:
    """Measure one run in seconds."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    """Collect the statements sent meanwhile."""
    sent: list[str] = []

    def note(_c: Any, _cursor: Any, sql: str, *_: Any) -> None:
        sent.append(sql)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)
