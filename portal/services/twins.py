"""The dead twin of a row: something in the trash that had a value the row has now."""

from typing import Any

from sqlalchemy import and_, literal, or_, select, true

from portal.extensions import db
from portal.models.actor import Actor
from portal.models.deletion import Deletion
from portal.models.tenancy import PLATFORM
from portal.services.saving import live_uniques

RESTORABLE = ("running", "done", "restoring")


def deleted_twin(row: Any, by: Actor) -> Deletion | None:
    """Find the newest deletion that took a row with a code, SKU or reference of this one.

    None when there is none, or when it is not for this actor to see. Ask after the row is written.
    """
    model = type(row)
    same = [_has_the_same(row, [c.name for c in index.columns]) for index in live_uniques(model)]
    same = [condition for condition in same if condition is not None]
    if not same:
        return None
    fell = and_(_home(model) == Deletion.merchant_id, model.deletion_id == Deletion.id)
    dead = (*_beside(row), model.id != row.id, model.deletion_id.is_not(None), or_(*same), _whole(model))
    acts = select(Deletion).join(model, fell).where(*dead)
    seen = acts.where(Deletion.status.in_(RESTORABLE), Deletion.seen_by(by))
    newest = seen.order_by(Deletion.id.desc()).limit(1)
    return db.session.scalar(newest, execution_options={"include_deleted": True})


def _whole(model: Any) -> Any:
    """Leave out records that were merged into another: no restore brings those back."""
    return model.merged_into_id.is_(None) if hasattr(model, "merged_into_id") else true()


def _home(model: Any) -> Any:
    """In which merchant the act lies that takes such a row."""
    if model.__tablename__ == "merchants":
        return model.id
    return getattr(model, "merchant_id", literal(PLATFORM))


def _beside(row: Any) -> tuple[Any, ...]:
    """A merchant's own things are compared with its own."""
    if not hasattr(row, "merchant_id"):
        return ()
    return (type(row).merchant_id == row.merchant_id, Deletion.merchant_id == row.merchant_id)


def _has_the_same(row: Any, fields: list[str]) -> Any:
    values = {field: getattr(row, field) for field in fields}
    if None in values.values():
        return None
    return and_(*(getattr(type(row), field) == value for field, value in values.items()))
