"""What a query may see: the living rows of the merchant in scope.

Specification of soft delete, section 1: one prebuilt option for the deleted and the tenant together.
"""

from functools import cache
from typing import Any

from sqlalchemy import Column, Table, and_, true
from sqlalchemy.orm import ORMExecuteState, with_loader_criteria
from sqlalchemy.orm.interfaces import MANYTOONE
from sqlalchemy.sql.visitors import iterate

from portal.models.base import Model
from portal.models.soft_delete import SoftDeleteMixin
from portal.models.tenancy import ACROSS, MERCHANT, PERSON, Person, running


# One function per mode: SQLAlchemy caches by the function's code, so never a closure or a partial.
# `cls` may be an alias or, once, the bare Model: ask for attributes, not with issubclass.
def _live_and_mine(cls: Any) -> Any:
    return and_(_live(cls), _mine(cls))


def _live_and_own(cls: Any) -> Any:
    return and_(_live(cls), _own(cls))


def _live(cls: Any) -> Any:
    return cls.deleted_at.is_(None) if hasattr(cls, "deletion_id") else true()


def _mine(cls: Any) -> Any:
    return cls.merchant_id == MERCHANT if hasattr(cls, "merchant_id") else true()


def _own(cls: Any) -> Any:
    if getattr(cls, "is_membership", False):
        return cls.user_id == PERSON
    return _mine(cls)  # no merchant in scope: raises


def _option(criteria: Any) -> Any:
    # On Model, not on a common base of the mixins: a diamond is walked twice and filtered twice.
    return with_loader_criteria(Model, criteria, include_aliases=True, track_closure_variables=False)


# (dead too, kind of scope) -> what to add
OPTIONS: dict[tuple[bool, str], tuple[Any, ...]] = {
    (False, "one"): (_option(_live_and_mine),),
    (False, "all"): (_option(_live),),
    (False, "own"): (_option(_live_and_own),),
    (True, "one"): (_option(_mine),),
    (True, "all"): (),
    (True, "own"): (_option(_own),),
}
_ours = {option for options in OPTIONS.values() for option in options}


@cache
def _except(dead: frozenset[type], kind: str) -> tuple[Any, ...]:
    """Options for include_deleted={Product}: one per class, slower, for trash pages and reports only."""
    mappers = [m.class_ for m in Model.registry.mappers]
    live = [c for c in mappers if issubclass(c, SoftDeleteMixin) and c not in dead]
    made = tuple(with_loader_criteria(c, c.deleted_at.is_(None), include_aliases=True) for c in live)
    _ours.update(made)
    return made + OPTIONS[True, kind]


def _wanted(state: ORMExecuteState) -> tuple[Any, ...]:
    info = state.session.info
    dead = state.execution_options.get("include_deleted", info.get("include_deleted", False))
    if state.is_relationship_load and _is_to_one(state):
        dead = True  # an owner of the living lives; history stays readable
    scope = info.get("scope")
    kind = "all" if scope == ACROSS else "own" if isinstance(scope, Person) else "one"
    return OPTIONS[dead, kind] if isinstance(dead, bool) else _except(frozenset(dead or ()), kind)


def _is_to_one(state: ORMExecuteState) -> bool:
    path: Any = state.loader_strategy_path
    return path is not None and path.prop.direction is MANYTOONE


def see_the_visible(state: ORMExecuteState) -> Any:
    """Add the one prebuilt option to every select, update and delete of the ORM."""
    running.set(state.session.info.get("scope"))
    if state.is_insert or state.is_update or state.is_delete:
        state.session.check_writing(state)  # type: ignore[attr-defined]  # PortalSession
    if not state.is_orm_statement:
        return _uncover(state) if state.is_select else None
    if not state.is_insert and not state.is_column_load:
        _add_option(state)
    return None


def _uncover(state: ORMExecuteState) -> Any:
    """Run a select of the ORM that does not know it is one, and would not be filtered.

    exists(), FILTER, OVER and EXTRACT do not tell a select what they read.
    """
    statement: Any = state.statement
    if any(isinstance(column, Column | Table) for column in getattr(statement, "_raw_columns", ())):
        return None  # of tables, not of classes: the trash's own
    for part in iterate(statement):
        attributes = getattr(part, "_propagate_attrs", None)
        if attributes:
            told = statement._generate()  # noqa: SLF001 - no public way to name the entity
            told._propagate_attrs = attributes  # noqa: SLF001 - no public way
            return state.invoke_statement(told.options(*_wanted(state)))
    return None


def _add_option(state: ORMExecuteState) -> None:
    statement: Any = state.statement
    given, wanted = statement._with_options, _wanted(state)  # noqa: SLF001 - no public reader
    kept = tuple(o for o in given if o not in _ours) if given else ()
    if kept + wanted == given:
        return  # a hot constant made by visible(), or a lazy load with what its parent carried
    # What options() does, without checking again what is prebuilt: this runs for every query.
    state.statement = copy = statement._generate()  # noqa: SLF001 - no public way to drop an option
    copy._with_options = kept + wanted  # noqa: SLF001 - no public way


def visible(statement: Any) -> Any:
    """Prepare a module constant: its cache key is then computed once, not per call."""
    return statement.options(*OPTIONS[False, "one"])
