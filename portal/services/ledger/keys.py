"""One key, one effect (specification of loyalty, section 3)."""

import hashlib
import json
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from portal.errors import Conflict
from portal.extensions import db
from portal.models.records import IdempotencyKey
from portal.words import _


def digest_of(verb: str, request: dict[str, Any]) -> str:
    """Hash what was asked for, so that the same key for something else is noticed."""
    return hashlib.sha256(json.dumps([verb, request], sort_keys=True, default=str).encode()).hexdigest()


def find_key(merchant_id: int, key: str, digest: str) -> IdempotencyKey | None:
    """Find the key if it was used for this very request; raises Conflict("key_reused") for another."""
    mine = (IdempotencyKey.merchant_id == merchant_id, IdempotencyKey.key == key)
    found = db.session.scalar(select(IdempotencyKey).where(*mine))
    if found is not None and found.request_hash != digest:
        raise Conflict("key_reused", _("This key was used for something else. Reload the page and try again."))
    return found


def use_key(merchant_id: int, key: str, digest: str, *, actor_id: int | None) -> IdempotencyKey | None:
    """Take the key in the transaction of the effect; None if somebody else just did."""
    taken = IdempotencyKey(merchant_id=merchant_id, key=key, request_hash=digest, actor_id=actor_id)
    try:
        with db.session.begin_nested():
            db.session.add(taken)
    except IntegrityError:
        return None
    return taken
