"""One key, one effect: a request sent twice is carried out once. Specification of loyalty, section 3."""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, select
from sqlalchemy.dialects import postgresql, sqlite

from portal.errors import Conflict
from portal.extensions import db
from portal.models.actor import Actor
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.models.order_refund import OrderRefund
from portal.models.records import IdempotencyKey
from portal.models.tenancy import PLATFORM, across_merchants
from portal.words import _

KEPT = timedelta(days=30)
INSERTS: dict[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}


def claim(key: str, *, request_hash: str, by: Actor, merchant_id: int = PLATFORM) -> IdempotencyKey:
    """Take the key for this request; its `result_id` is set when the effect was had before.

    Whoever claims writes the result into it in the same transaction: a refused request does not use
    its key up. Whoever claims it at the same moment waits for us.
    Raises Conflict("key_reused") when the key was sent with another request.
    """
    wanted = {"merchant_id": merchant_id, "key": key, "actor_id": by.user_id, "request_hash": request_hash}
    insert = INSERTS[db.session.get_bind().dialect.name](IdempotencyKey).on_conflict_do_nothing()
    fresh = db.session.scalars(insert.returning(IdempotencyKey), [wanted]).one_or_none()
    return fresh or _earlier(key, merchant_id, request_hash)


def digest_of(verb: str, request: dict[str, Any]) -> str:
    """Hash what was asked for, so that the same key for something else is noticed."""
    return hashlib.sha256(json.dumps([verb, request], sort_keys=True, default=str).encode()).hexdigest()


def _earlier(key: str, merchant_id: int, request_hash: str) -> IdempotencyKey:
    same = (IdempotencyKey.merchant_id == merchant_id, IdempotencyKey.key == key)
    earlier = db.session.scalars(select(IdempotencyKey).where(*same)).one()
    if earlier.request_hash != request_hash:
        raise Conflict("key_reused", _("This Idempotency-Key was sent with another request. Take a new one."))
    return earlier


def forget_old_keys(now: datetime) -> int:
    """Drop keys after 30 days, of every merchant; those that wrote into a ledger live for ever."""
    old = (IdempotencyKey.created_at < now - KEPT, ~_wrote(LoyaltyTransaction), ~_wrote(OrderRefund))
    with across_merchants(db.session, "every merchant's keys grow old"):
        done: Any = db.session.execute(
            delete(IdempotencyKey).where(*old), execution_options={"synchronize_session": False}
        )
        return int(done.rowcount)


def _wrote(row: type[LoyaltyTransaction | OrderRefund]) -> ColumnElement[bool]:
    """Whether such a row points to the key."""
    return exists().where(row.merchant_id == IdempotencyKey.merchant_id, row.key_id == IdempotencyKey.id)
