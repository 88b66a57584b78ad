"""Whose row it is, and whose rows a session may see."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar, Literal, NamedTuple, Self

from sqlalchemy import ForeignKeyConstraint, Select, UniqueConstraint, bindparam, select
from sqlalchemy.orm import Mapped, Session, declared_attr, mapped_column, scoped_session

from portal.errors import NoMerchant
from portal.models.base import Number
from portal.models.ownership import Rule

ACROSS: Literal["*"] = "*"
PLATFORM = 0  # the merchant_id of acts above merchants


class Person(NamedTuple):
    """The scope of the chooser: one person's own memberships, of all merchants.

    At the door of a merchant it names that one too, whose newest act is read in the same question.
    """

    user_id: int
    merchant_id: int | None = None


Scope = int | str | Person | None
running: ContextVar[Scope] = ContextVar("scope_of_the_running_session", default=None)


def _merchant_in_scope() -> int:
    """Read when the statement runs, so only one that mentions a tenant table can raise."""
    scope = running.get()
    merchant_id = scope.merchant_id if isinstance(scope, Person) else scope
    if not isinstance(merchant_id, int):
        raise NoMerchant("no merchant in scope")
    return merchant_id


def _person_in_scope() -> int:
    scope = running.get()
    if not isinstance(scope, Person):
        raise NoMerchant("no person in scope")
    return scope.user_id


MERCHANT = bindparam("scope_merchant_id", callable_=_merchant_in_scope, type_=Number)
PERSON = bindparam("scope_user_id", callable_=_person_in_scope, type_=Number)


class Tenant:
    """A row of one merchant; known to the session by (merchant_id, id), so every statement carries both.

    `merchant_rule` classifies the key to the merchant; None makes no key, for tables that
    also hold acts above merchants (merchant_id 0).
    """

    merchant_rule: ClassVar[Rule | None] = Rule.OWNS
    # Written out, not a declared_attr: the criteria functions read it from the unmapped mixin.
    merchant_id: Mapped[int] = mapped_column(default=_merchant_in_scope, sort_order=-1)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805 - a class, by declared_attr
        table = cls.__table__  # type: ignore[attr-defined]  # made by the declarative base
        return {"primary_key": [table.c.merchant_id, table.c.id]}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        table = cls.__table__  # type: ignore[attr-defined]  # made by the declarative base
        table.append_constraint(UniqueConstraint("merchant_id", "id"))
        if cls.merchant_rule:
            info = {"rule": cls.merchant_rule}
            key = ForeignKeyConstraint(["merchant_id"], ["merchants.id"], info=info, ondelete="RESTRICT")
            table.append_constraint(key)

    @classmethod
    def of(cls, merchant: Any) -> Select[Self]:
        """Select the rows of this merchant."""
        return select(cls).where(cls.merchant_id == merchant.id)


def merchant_of(session: Session | scoped_session[Any]) -> int | None:
    """Name the merchant in scope, if it is just one."""
    scope = session.info.get("scope")
    return scope if isinstance(scope, int) else None


@contextmanager
def during(session: Any, key: str, value: object) -> Iterator[None]:
    """Set a mark on the session for a while."""
    missing = object()
    before = session.info.get(key, missing)
    session.info[key] = value
    try:
        yield
    finally:
        if before is missing:
            session.info.pop(key, None)
        else:
            session.info[key] = before


@contextmanager
def scoped(session: Any, scope: Scope) -> Iterator[None]:
    """Work for one merchant; flushes at the edges, for writes belong to the scope they were made in."""
    real = session.registry() if isinstance(session, scoped_session) else session
    real.flush()
    is_another = real.info.get("scope") != scope
    with during(real, "scope", scope):
        if is_another:
            real.tell_database()
        yield
        real.flush()
    if is_another:
        real.tell_database()


def across_merchants(session: Any, reason: str) -> AbstractContextManager[None]:
    """Work over all merchants: for the CLI, jobs and the admin API, which say why."""
    if not reason:
        raise ValueError("say why")
    return scoped(session, ACROSS)
