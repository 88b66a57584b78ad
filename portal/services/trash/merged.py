"""Records that were merged into another: they lie in the trash, and no restore brings them back."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from portal.errors import Refused
from portal.models.deletion import Deletion
from portal.models.ownership import table_of
from portal.services.trash import rows
from portal.words import _


def survivors_of(acts: Sequence[Deletion]) -> dict[int, int]:
    """Find of which of these acts the customer was merged, and into whom: the act's number and theirs."""
    people = {(act.merchant_id, act.root_id): act.id for act in acts if _may_be_merged(act)}
    if not people:
        return {}
    customers: Any = table_of("customers").c
    merged = select(customers.merchant_id, customers.id, customers.merged_into_id).where(
        customers.merchant_id.in_({merchant_id for merchant_id, _customer_id in people}),
        customers.id.in_([customer_id for _merchant_id, customer_id in people]),
        customers.merged_into_id.is_not(None),
    )
    found = ((people.get((each.merchant_id, each.id)), each.merged_into_id) for each in rows.read(merged))
    return {act_id: survivor_id for act_id, survivor_id in found if act_id is not None}


def refused_as_merged(act: Deletion, survivor_id: int) -> Refused:
    """The refusal of a record that is part of another, which it names for programs."""
    message = _(
        "%(name)s was merged into another customer and cannot be restored from the trash.",
        name=act.root_label or f"#{act.root_id}",
    )
    return Refused("merged", message, survivor_id=survivor_id)


def _may_be_merged(act: Deletion) -> bool:
    return act.root_kind == "customers" and act.status == "done"
