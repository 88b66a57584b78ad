"""What people do with orders."""

from datetime import datetime

from portal.models.actor import Actor
from portal.models.deletion import Deletion
from portal.models.order import Order
from portal.services import trash


def delete_order(order: Order, *, by: Actor, now: datetime, reason: str | None = None) -> Deletion:
    """Put the order in the trash; its lines are read through it and go with it."""
    return trash.soft_delete_cascade(order, by=by, now=now, reason=reason)
