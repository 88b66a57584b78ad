"""Knowing again who had a welcome bonus, without knowing who they are (specification of loyalty, section 8).

A fingerprint is an HMAC of a phone or an e-mail under the application's secret key, another one for
every merchant. It outlives the customer, their deletion and the program; an erasure gives it five years.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, or_, update

from portal.extensions import db
from portal.models.customer import Customer
from portal.models.standing import EnrolmentFingerprint
from portal.models.tenancy import across_merchants
from portal.services.once import INSERTS
from portal.services.same_person import had_bonus

KEPT_AFTER_ERASURE = timedelta(days=5 * 365 + 1)
Contacts = dict[str, str]


def keyed(secret: str, purpose: str, text: str) -> str:
    """Hash a text under the secret key, so that nobody without it can try numbers one by one."""
    return hmac.new(secret.encode(), f"{purpose}:{text}".encode(), hashlib.sha256).hexdigest()


def claim(customer: Customer, *, secret: str, now: datetime) -> bool:
    """Note that this person has their welcome bonus; False when one of their contacts had it before.

    A person without phone and e-mail leaves no fingerprint; `welcoming` gives them no bonus.
    """
    contacts = _of(customer, secret)
    if not contacts:
        return True
    rows = [
        {"merchant_id": customer.merchant_id, "kind": kind, "fingerprint": value, "created_at": now}
        for kind, value in contacts.items()
    ]
    insert = INSERTS[db.session.get_bind().dialect.name](EnrolmentFingerprint).on_conflict_do_nothing()
    fresh = db.session.scalars(insert.returning(EnrolmentFingerprint.id), rows).all()
    if len(fresh) < len(rows):
        _set_end(customer, contacts, None)  # whoever is back after an erasure is a customer again
    return len(fresh) == len(rows)


def follow(
    customer: Customer, *, secret: str, now: datetime, before: Mapping[str, str | None] | None = None
) -> None:
    """Remember the contacts of somebody who had their bonus; those they had `before` end in five years."""
    if not had_bonus(customer):
        return
    claim(customer, secret=secret, now=now)
    old = {kind: value for kind, value in (before or {}).items() if value != getattr(customer, kind)}
    _set_end(customer, _hashed(customer.merchant_id, old, secret), now + KEPT_AFTER_ERASURE)


def forget_later(customer: Customer, *, secret: str, now: datetime) -> None:
    """Let the fingerprints of somebody who is erased end in five years."""
    follow(customer, secret=secret, now=now)
    _set_end(customer, _of(customer, secret), now + KEPT_AFTER_ERASURE)


def forget_old(now: datetime) -> int:
    """Drop the fingerprints whose five years are over, of every merchant, and count them."""
    over = EnrolmentFingerprint.forget_after <= now
    with across_merchants(db.session, "every merchant's fingerprints have an end"):
        done: Any = db.session.execute(delete(EnrolmentFingerprint).where(over))
        return int(done.rowcount)


def _of(customer: Customer, secret: str) -> Contacts:
    told = {"phone": customer.phone, "email": customer.email}
    return _hashed(customer.merchant_id, told, secret)


def _hashed(merchant_id: int, told: Mapping[str, str | None], secret: str) -> Contacts:
    purpose = f"welcome bonus of {merchant_id}"
    return {kind: keyed(secret, f"{purpose}:{kind}", value) for kind, value in told.items() if value}


def _set_end(customer: Customer, contacts: Contacts, end: datetime | None) -> None:
    if not contacts:
        return
    row = EnrolmentFingerprint
    same: list[ColumnElement[bool]] = [
        (row.kind == kind) & (row.fingerprint == value) for kind, value in contacts.items()
    ]
    theirs = update(row).where(row.merchant_id == customer.merchant_id, or_(*same))
    db.session.execute(theirs.values(forget_after=end), execution_options={"synchronize_session": False})
