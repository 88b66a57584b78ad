"""Consent to marketing: each yes and each no is noted, and the newest counts (specification of loyalty, 11).

A merge writes no word down: two records of one person are one person, and of all they said the newest counts.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import aliased

from portal.extensions import db
from portal.models.actor import Actor
from portal.models.customer import Customer, records_under
from portal.models.records import IdempotencyKey
from portal.models.standing import ConsentEvent
from portal.services import audit
from portal.services.once import claim, digest_of
from portal.services.same_person import same_person

MARKETING = "marketing"
_later_word = aliased(ConsentEvent, name="later_word")
_record, _later_record = records_under("record"), records_under("later_record")


def note_consent(
    customer: Customer, *, is_given: bool, source: str, by: Actor, now: datetime, purpose: str = MARKETING
) -> ConsentEvent:
    """Note that the customer agreed to marketing, or that they do not; the newest word counts.

    `source` says where it was said: till, portal, join.
    """
    event = ConsentEvent(
        merchant_id=customer.merchant_id,
        customer_id=customer.id,
        purpose=purpose,
        is_given=is_given,
        source=source,
        noted_by_id=by.user_id,
        occurred_at=now,
    )
    db.session.add(event)
    audit.record("consent" if is_given else "withdraw", customer, by=by, purpose=purpose)
    return event


def change_consent(
    customer: Customer, *, is_given: bool, source: str, by: Actor, now: datetime, key: str | None = None
) -> ConsentEvent | None:
    """Note a yes or a no as `note_consent` does; None, and nothing written, where it counts already.

    A form that comes a second time by its `key` says nothing anew, whatever was said since; it hears
    what it heard the first time. Raises Conflict("key_reused").
    """
    mine = (Customer.merchant_id == customer.merchant_id, Customer.id == customer.id)
    db.session.scalar(select(Customer.id).where(*mine).with_for_update(key_share=True))  # one at a time
    digest = digest_of("consent", {"customer": customer.id, "is_given": is_given})
    claimed = claim(key, request_hash=digest, by=by, merchant_id=customer.merchant_id) if key else None
    if claimed is not None and claimed.result_id is not None:
        return _noted_before(claimed)
    last = consent_of(customer)
    is_new = last is None or last.is_given != is_given
    event = note_consent(customer, is_given=is_given, source=source, by=by, now=now) if is_new else None
    if claimed is not None:
        db.session.flush()  # the key names it
        claimed.result_kind, claimed.result_id = ("noted", event.id) if event else ("unchanged", customer.id)
    return event


def consent_of(customer: Customer, purpose: str = MARKETING) -> ConsentEvent | None:
    """Read the newest word of the customer, also one they gave under a record merged into this one."""
    return next(iter(_consents(customer, purpose, limit=1)), None)


def consents_of(customer: Customer, purpose: str = MARKETING, *, limit: int = 50) -> list[ConsentEvent]:
    """List what the customer agreed to and withdrew, the newest first."""
    return list(_consents(customer, purpose, limit=limit))


def agreed() -> ColumnElement[bool]:
    """Say whether the newest word of the person is a yes, be it given under a record merged into theirs."""
    since = select(_later_word.id).where(*_said(_later_word, _later_record), _is_newer(_later_word))
    said_yes = select(ConsentEvent.id).where(*_said(ConsentEvent, _record), ConsentEvent.is_given)
    newest = said_yes.where(~since.correlate(Customer, ConsentEvent).exists())
    return newest.correlate(Customer).exists()


def _noted_before(key: IdempotencyKey) -> ConsentEvent | None:
    is_noted = key.result_kind == "noted"
    return db.session.get(ConsentEvent, (key.merchant_id, key.result_id)) if is_noted else None


def _consents(customer: Customer, purpose: str, *, limit: int) -> Sequence[ConsentEvent]:
    theirs = select(ConsentEvent).where(
        ConsentEvent.merchant_id == customer.merchant_id,
        ConsentEvent.purpose == purpose,
        ConsentEvent.customer_id.in_(same_person(customer)),
    )
    newest = theirs.order_by(ConsentEvent.occurred_at.desc(), ConsentEvent.id.desc()).limit(limit)
    return db.session.scalars(newest, execution_options={"include_deleted": {Customer}}).all()


def _said(word: Any, record: Any) -> list[ColumnElement[bool]]:
    """Words of the customer and of the records merged into them, which lie in the trash."""
    is_merged = and_(record.c.merged_into_id == Customer.id, record.c.deleted_at.is_not(None))
    return [
        word.merchant_id == Customer.merchant_id,
        word.purpose == MARKETING,
        record.c.merchant_id == Customer.merchant_id,
        record.c.id == word.customer_id,
        or_(record.c.id == Customer.id, is_merged),
    ]


def _is_newer(word: Any) -> ColumnElement[bool]:
    same_moment = and_(word.occurred_at == ConsentEvent.occurred_at, word.id > ConsentEvent.id)
    return or_(word.occurred_at > ConsentEvent.occurred_at, same_moment)
