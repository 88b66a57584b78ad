"""Writing a row whose values must be unique among the living."""

from typing import Any

from sqlalchemy import Index, inspect, select
from sqlalchemy.exc import IntegrityError

from portal.errors import Conflict
from portal.extensions import db
from portal.models.actor import Actor, Role
from portal.models.field_words import field_word
from portal.models.soft_delete import LIVE
from portal.words import _


def save(row: Any, *, by: Actor, **changes: Any) -> Any:
    """Write the row now, so that a value another living row holds is refused with its holder's name.

    Give changes here rather than set them before: what is dirty already is written before the
    savepoint, and a refusal would then undo the whole transaction.
    Raises Conflict("taken"); a stranger's holder is not named.
    """
    wanted: dict[str, Any] = {}
    try:
        with db.session.begin_nested():
            for field, value in changes.items():
                setattr(row, field, value)
            columns = inspect(type(row)).column_attrs
            wanted.update({c.key: getattr(row, c.key) for c in columns if c.key in row.__dict__})
            db.session.add(row)
    except IntegrityError as fault:
        taken = _conflict(type(row), wanted, by)
        if taken is None:
            raise
        raise taken from fault
    return row


def holder_of(model: Any, wanted: dict[str, Any], fields: list[str]) -> Any:
    """Find the living row that holds these values; None when it is free, or a value is missing."""
    if any(wanted.get(field) is None for field in fields):
        return None
    same = [getattr(model, field) == wanted[field] for field in fields]
    others = select(model).where(*same)
    if wanted.get("id") is not None:
        others = others.where(model.id != wanted["id"])
    return db.session.scalars(others).first()


def _conflict(model: Any, wanted: dict[str, Any], by: Actor) -> Conflict | None:
    for index in live_uniques(model):
        fields = [column.name for column in index.columns]
        holder = holder_of(model, wanted, fields)
        if holder is not None or _is_a_strangers(fields, wanted):
            return _taken(model, fields[-1], wanted, holder, by)
    return None


def live_uniques(model: Any) -> list[Index]:
    """List the indexes that keep values unique among the living, the most telling first."""
    found = [i for i in model.__table__.indexes if i.unique and LIVE in str(i.dialect_kwargs["sqlite_where"])]
    return sorted(found, key=lambda index: str(index.name))


def _is_a_strangers(fields: list[str], wanted: dict[str, Any]) -> bool:
    """Whether the value may be held where we cannot look: subdomains are global."""
    return fields == ["subdomain"] and wanted.get("subdomain") is not None


def _taken(model: Any, field: str, wanted: dict[str, Any], holder: Any, by: Actor) -> Conflict:
    words, value = field_word(field), wanted.get(field)
    name = getattr(holder, holder.label_column, "") if holder is not None and holder.label_column else ""
    known = by.role is Role.ADMIN or model.__tablename__ not in ("users", "merchants")
    if not known or not name:
        message = _("The %(field)s “%(value)s” is taken. Choose another.", field=words, value=value)
        return Conflict("taken", message, field=field, value=value)
    message = _(
        "The %(field)s “%(value)s” is taken by %(holder)s. Choose another.",
        field=words,
        value=value,
        holder=name,
    )
    return Conflict("taken", message, name, field=field, value=value, holder_id=holder.id)
