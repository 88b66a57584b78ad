"""What people do with stores: open, change, delete."""

from datetime import datetime
from typing import Any

from portal.models.actor import Actor
from portal.models.deletion import Deletion
from portal.models.merchant import Merchant
from portal.models.store import Store
from portal.services import audit, tokens, trash
from portal.services.changing import apply, refuse_unknown
from portal.services.saving import save

FIELDS = frozenset(
    [
        "name",
        "store_code",
        "subdomain",
        "address",
        "city",
        "postal_code",
        "country",
        "phone",
        "timezone",
        "external_ref",
    ]
)


def open_store(merchant: Merchant, *, name: str, store_code: str, by: Actor, **details: Any) -> Store:
    """Open a store; `details` may give the other FIELDS.

    Raises Conflict("taken") for a code, subdomain or reference in use, Refused for values out of shape.
    """
    store = Store(
        merchant_id=merchant.id,
        name=name,
        store_code=store_code,
        join_code=f"{merchant.public_ref}-{tokens.new_ref(6)}",
        **refuse_unknown(details, FIELDS),
    )
    save(store, by=by)
    audit.record("create", store, by=by)
    return store


def change_store(store: Store, *, by: Actor, **changes: Any) -> list[str]:
    """Change the FIELDS given and name those that differ; raises as open_store does."""
    return apply(store, changes, known=FIELDS, by=by)


def delete_store(store: Store, *, by: Actor, now: datetime, reason: str | None = None) -> Deletion:
    """Put the store, its team and its products in the trash; its orders stay."""
    return trash.soft_delete_cascade(store, by=by, now=now, reason=reason)
