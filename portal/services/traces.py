"""What is written about a person beside their own record, and wiping it away.

Notes, messages of imports, mails still to be sent and reasons of deletions are free text: what names the
person by phone, e-mail, full name, reference or card number is emptied. Specification of loyalty, section 11.
"""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, String, cast, false, func, literal, or_, select, update

from portal.extensions import db
from portal.models.customer import Customer
from portal.models.deletion import Deletion
from portal.models.import_batch import ImportRow
from portal.models.loyalty_card import CardToken
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.models.order import Order
from portal.models.order_refund import OrderRefund
from portal.models.records import OutboxMessage
from portal.models.review_item import ReviewItem
from portal.models.transaction_note import TransactionNote
from portal.services.phones import written_forms
from portal.services.trash.rows import LONG, allow_long_statements

SHORTEST = 6  # signs of a reference or number; a shorter one is found inside others
QUIETLY = {"include_deleted": True, "synchronize_session": False}


@dataclass(frozen=True)
class Person:
    """Everything by which texts may name somebody: records, cards, contacts, and other words.

    A first name alone is no such word: a shop has many a Lea, and nobody else's texts are to go.
    """

    merchant_id: int
    ids: tuple[int, ...]
    card_ids: tuple[int, ...]
    contacts: frozenset[str]
    words: frozenset[str]


def person_of(people: Collection[Customer], card_ids: Iterable[int]) -> Person:
    """Gather how texts may name them, before their records are emptied."""
    cards = tuple(card_ids)
    merchant_id = next(iter(people)).merchant_id
    contacts = {each for customer in people for each in contacts_of(customer)}
    names = {customer.name for customer in people if " " in customer.name}
    tokens = select(CardToken.value).where(
        CardToken.merchant_id == merchant_id, CardToken.card_id.in_(cards), CardToken.kind != "qr"
    )
    numbers = set(db.session.scalars(tokens, execution_options={"include_deleted": True}))
    numbers |= {customer.external_ref for customer in people if customer.external_ref}
    told = contacts | names | {each for each in numbers if len(each) >= SHORTEST}
    ids = tuple(customer.id for customer in people)
    return Person(merchant_id, ids, cards, frozenset(contacts), frozenset(told))


def wipe(person: Person, *, now: datetime) -> None:
    """Empty every text about the person; what was still to be sent to them is not."""
    allow_long_statements(LONG + 1)  # texts are read one by one
    _wipe_notes(person)
    _wipe_imports(person)
    _wipe_outbox(person, now)
    _wipe_orders(person)
    _empty(Deletion, person, named(person.words, Deletion.reason), reason=None)
    _empty(Deletion, person, named(person.words, Deletion.root_label), root_label=None, label_key=None)
    items = (ReviewItem.card_id.in_(person.card_ids), named(person.words, ReviewItem.details))
    _empty(ReviewItem, person, *items, details={})


def named(words: Collection[str], column: Any) -> ColumnElement[bool]:
    """Tell whether a column of text or JSON holds one of the words, in capitals or not."""
    text = func.lower(cast(column, String))
    told = {form.lower() for word in words for form in (word, _in_json(word))}
    return or_(false(), *(text.contains(each, autoescape=True) for each in sorted(told)))


def contacts_of(customer: Customer) -> set[str]:
    """Gather how texts may write the person's phone and e-mail."""
    told = {form for form in written_forms(customer.phone) if len(form) >= SHORTEST}
    return told | ({customer.email} if customer.email else set())


def _in_json(word: str) -> str:
    """Write a word as SQLite keeps it inside JSON, where an é is written with its number."""
    return json.dumps(word)[1:-1]


def _empty(model: Any, person: Person, *which: ColumnElement[bool], **values: Any) -> None:
    mine = update(model).where(model.merchant_id == person.merchant_id, *which)
    db.session.execute(mine.values(values), execution_options=QUIETLY)


def _wipe_notes(person: Person) -> None:
    """Empty the notes on the person's own movements, and others that name them."""
    moves = select(LoyaltyTransaction.id).where(
        LoyaltyTransaction.merchant_id == person.merchant_id,
        LoyaltyTransaction.card_id.in_(person.card_ids),
    )
    own = TransactionNote.transaction_id.in_(moves)
    _empty(TransactionNote, person, or_(own, named(person.words, TransactionNote.text)), text=None)


def _wipe_imports(person: Person) -> None:
    """Empty the rows that made or changed the person, and what others say of them."""
    anonymous = literal("erased-") + cast(ImportRow.id, String)
    own = (ImportRow.made_kind == "customers", ImportRow.made_id.in_(person.ids))
    _empty(ImportRow, person, *own, row_key=anonymous, message=None, before=None)
    _empty(ImportRow, person, named(person.words, ImportRow.row_key), row_key=anonymous)
    _empty(ImportRow, person, named(person.words, ImportRow.message), message=None)
    _empty(ImportRow, person, named(person.words, ImportRow.before), before=None)


def _wipe_outbox(person: Person, now: datetime) -> None:
    about = or_(
        cast(OutboxMessage.payload["customer_id"].as_string(), String).in_(map(str, person.ids)),
        named(person.contacts, OutboxMessage.payload),
        named(person.contacts, OutboxMessage.last_error),
    )
    sent = func.coalesce(OutboxMessage.sent_at, now)
    _empty(OutboxMessage, person, about, payload={}, last_error=None, sent_at=sent)


def _wipe_orders(person: Person) -> None:
    """Take references that name the person from their orders, which stay in the reports."""
    theirs = Order.customer_id.in_(person.ids)
    _empty(Order, person, theirs, named(person.words, Order.external_ref), external_ref=None)
    number = literal("#") + cast(Order.id, String)
    _empty(Order, person, theirs, named(person.words, Order.number), number=number)
    orders = select(Order.id).where(Order.merchant_id == person.merchant_id, theirs)
    refunds = (OrderRefund.order_id.in_(orders), named(person.words, OrderRefund.external_ref))
    _empty(OrderRefund, person, *refunds, external_ref=None)
