"""The SQL guard: every statement the tests send says that it knows about death, and whose rows it is.

Each mention of a table whose rows can die carries `deleted_at` or `deletion_id` in its own scope,
unless the statement says include_deleted, reads history (a to-one relationship) or refreshes a row
already loaded. Each mention of a merchant's table is bound to one merchant, unless the session
works across merchants, or for one person, whose memberships are then bound to that person.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import pytest
import sqlglot
from sqlalchemy import Engine, event
from sqlalchemy.orm import ORMExecuteState
from sqlalchemy.orm.interfaces import MANYTOONE
from sqlglot import exp

from portal.models.base import Model
from portal.models.session import PortalSession
from portal.models.tenancy import ACROSS, Person

TABLES = Model.metadata.tables
MORTAL = frozenset(name for name, t in TABLES.items() if "deletion_id" in t.c)
TENANT = frozenset(name for name, t in TABLES.items() if "merchant_id" in t.c)
MEMBERSHIPS = frozenset({"store_users", "merchant_owners"})
SPOKEN = "what_the_session_said"
DIALECTS = {"postgresql": "postgres", "sqlite": "sqlite"}
# Lists of values differ in length only: one reading serves all.
LIST = re.compile(r"\bIN \((?!SELECT)[^()]*\)")


class Said(NamedTuple):
    """What the session says of a statement: whose dead it may see, and of whom."""

    dead: frozenset[str] = frozenset()
    is_refresh: bool = False
    scope: str = "one"


class Finding(NamedTuple):
    """One statement that forgets something."""

    forgets: tuple[str, ...]
    statement: str


NOTHING = Said()
_found: list[Finding] = []


def said_of(state: ORMExecuteState) -> Said:
    """Read what a statement's session and options say."""
    info = state.session.info
    dead = state.execution_options.get("include_deleted", info.get("include_deleted", False))
    path = state.loader_strategy_path
    if state.is_relationship_load and path is not None and path.prop.direction is MANYTOONE:
        dead = True
    scope = info.get("scope")
    return Said(
        dead=_tables(dead),
        is_refresh=bool(state.is_column_load),
        scope="all" if scope == ACROSS else "own" if isinstance(scope, Person) else "one",
    )


def _tables(dead: Any) -> frozenset[str]:
    if isinstance(dead, bool):
        return MORTAL if dead else frozenset()
    return frozenset(cls.__tablename__ for cls in dead)


@event.listens_for(PortalSession, "do_orm_execute")
def _write_down(state: ORMExecuteState) -> None:
    state.update_execution_options(**{SPOKEN: said_of(state)})


@event.listens_for(Engine, "before_cursor_execute")
def _look(connection: Any, _: Any, statement: str, *rest: Any) -> None:
    context = rest[1]
    options = context.execution_options if context else {}
    said = options.get(SPOKEN) or Said(dead=_tables(options.get("include_deleted", False)))
    forgotten = leaks(statement, connection.dialect.name, said)
    if forgotten:
        _found.append(Finding(forgotten, statement))


@pytest.fixture(autouse=True)
def guard(request) -> Iterator[list[Finding]]:
    """Hold every statement of the test to the rules; the list is what was found so far."""
    _found.clear()
    yield _found
    found = list(_found)
    _found.clear()
    if found and not request.node.get_closest_marker("unguarded"):
        pytest.fail(
            "\n".join(f"forgets {', '.join(f.forgets)}: {f.statement}" for f in found[:5]),
            pytrace=False,
        )


def leaks(statement: str, dialect: str, said: Said = NOTHING) -> tuple[str, ...]:
    """Name what the statement forgets; nothing when it is well."""
    return _leaks(LIST.sub("IN (0)", statement), dialect, said)


@lru_cache(maxsize=20_000)
def _leaks(statement: str, dialect: str, said: Said) -> tuple[str, ...]:
    if not re.match(r"\s*\(?\s*(SELECT|UPDATE|DELETE|INSERT|WITH)\b", statement, re.IGNORECASE):
        return ()  # transactions, settings, and the words that make tables
    found: list[str] = []
    for tree in sqlglot.parse(statement, dialect=DIALECTS[dialect]):
        mentions = list(_mentions(tree)) if tree else []
        bound = _bound(mentions)
        found += [f"the dead of {m.table}" for m in mentions if _sees_the_dead(m, said)]
        found += [f"whose {m.table}" for m in mentions if _sees_others(m, said, bound)]
    return tuple(found)


class Mention(NamedTuple):
    """One place where a statement names a table."""

    table: str
    alias: str
    scope: exp.Expression

    @property
    def key(self) -> tuple[int, str]:
        return id(self.scope), self.alias


SCOPES = (exp.Select, exp.Update, exp.Delete, exp.Insert)


def _mentions(tree: exp.Expression) -> Iterator[Mention]:
    for table in tree.find_all(exp.Table):
        scope = table.find_ancestor(*SCOPES)
        if scope is not None and not isinstance(scope, exp.Insert) and table.name in TABLES:
            yield Mention(table.name, table.alias_or_name, scope)


def _conditions(mention: Mention) -> Iterator[exp.Column]:
    """The mention's columns in the WHERE and ON of its own scope."""
    for column in mention.scope.find_all(exp.Column):
        own = column.find_ancestor(*SCOPES) is mention.scope
        if own and column.table in (mention.alias, "") and column.find_ancestor(exp.Where, exp.Join):
            yield column


def _sees_the_dead(mention: Mention, said: Said) -> bool:
    if mention.table not in MORTAL - said.dead:
        return False
    if said.is_refresh or not isinstance(mention.scope, exp.Select):
        by_id = any(c.name == "id" and _is_with_value(c) for c in _conditions(mention))
        if by_id:
            return False
    return not any(c.name in ("deleted_at", "deletion_id") for c in _conditions(mention))


def _sees_others(mention: Mention, said: Said, bound: set[tuple[int, str]]) -> bool:
    if mention.table not in TENANT or said.scope == "all":
        return False
    if said.scope == "own" and mention.table in MEMBERSHIPS:
        return not any(c.name == "user_id" and _is_with_value(c) for c in _conditions(mention))
    return mention.key not in bound


def _is_with_value(column: exp.Column) -> bool:
    """Whether the column is compared with a value, or a list of them."""
    test = column.find_ancestor(exp.EQ, exp.In)
    if test is None:
        return False
    others = [c for c in test.find_all(exp.Column) if c is not column]
    return not others and test.find(exp.Select) is None


def _bound(mentions: list[Mention]) -> set[tuple[int, str]]:
    """The mentions held to one merchant: by a value, or by joining one that is."""
    bound: set[tuple[int, str]] = set()
    ties: list[tuple[tuple[int, str], tuple[int, str]]] = []
    for mention in mentions:
        for column in _conditions(mention):
            if not _names_merchant(column, mention):
                continue
            if _is_with_value(column):
                bound.add(mention.key)
            ties += [(mention.key, key) for key in _partners(column, mentions)]
    return _spread(bound, ties)


def _names_merchant(column: exp.Column, mention: Mention) -> bool:
    return column.name == ("id" if mention.table == "merchants" else "merchant_id")


def _partners(column: exp.Column, mentions: list[Mention]) -> Iterator[tuple[int, str]]:
    """The mentions whose merchant the column is compared with."""
    test = column.find_ancestor(exp.EQ)
    for other in test.find_all(exp.Column) if test else ():
        owner = _owner_of(other, mentions)
        if other is not column and owner and _names_merchant(other, owner):
            yield owner.key


def _spread(bound: set[Any], ties: list[tuple[Any, Any]]) -> set[Any]:
    """Follow the joins until nothing more is bound."""
    while True:
        more = {b for a, b in ties if a in bound} | {a for a, b in ties if b in bound}
        if more <= bound:
            return bound
        bound |= more


def _owner_of(column: exp.Column, mentions: list[Mention]) -> Mention | None:
    """The mention a column belongs to: the nearest scope that knows its alias."""
    scope = column.find_ancestor(*SCOPES)
    while scope is not None:
        for mention in mentions:
            if mention.scope is scope and mention.alias == column.table:
                return mention
        scope = scope.find_ancestor(*SCOPES)
    return None
