"""Change the ownership map for a while, to see what each rule does."""

from collections.abc import Iterator
from contextlib import contextmanager

from portal.models import ownership
from portal.models.base import Model
from portal.models.ownership import Rule

CACHES = ("edges", "owners_of", "needs_of", "edges_to", "outermost_first", "below")


@contextmanager
def classified(table: str, column: str, rule: Rule | None) -> Iterator[None]:
    """Give one key another rule, or none."""
    keys = Model.metadata.tables[table].foreign_key_constraints
    (key,) = (k for k in keys if k.column_keys[-1] == column)
    info = key.info if "rule" in key.info else key.elements[0].info
    before = info["rule"]
    info["rule"] = rule
    forget()
    try:
        yield
    finally:
        info["rule"] = before
        forget()


def forget() -> None:
    """Let the map be read anew."""
    for name in CACHES:
        getattr(ownership, name).cache_clear()
