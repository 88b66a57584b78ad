"""What people do with customers."""

from datetime import datetime

from portal.models.actor import Actor
from portal.models.customer import Customer
from portal.models.deletion import Deletion
from portal.services import trash


def delete_customer(customer: Customer, *, by: Actor, now: datetime, reason: str | None = None) -> Deletion:
    """Put the customer and their cards in the trash; their orders stay."""
    return trash.soft_delete_cascade(customer, by=by, now=now, reason=reason)
