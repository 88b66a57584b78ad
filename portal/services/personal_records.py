"""All that is kept about one person, to hand over to them (GDPR, articles 15 and 20)."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select

from portal.extensions import db
from portal.models.customer import Customer
from portal.models.import_batch import ImportBatch, ImportRow
from portal.models.loyalty_card import CardToken, LoyaltyCard
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.models.order import Order, OrderLine
from portal.models.order_refund import OrderRefund
from portal.models.review_item import ReviewItem
from portal.models.reward_issue import RewardIssue
from portal.models.standing import ConsentEvent, TierChange
from portal.models.transaction_note import TransactionNote
from portal.services.exports import Row
from portal.services.same_person import same_person
from portal.services.traces import contacts_of, named
from portal.services.trash.rows import LONG, allow_long_statements

Records = dict[str, list[dict[str, Any]]]
DEAD_TOO = {"include_deleted": True}
PERSON = (
    "id",
    "name",
    "phone",
    "email",
    "birthday",
    "notes",
    "external_ref",
    "home_store_id",
    "created_at",
    "deleted_at",
)
CARD = (
    "id",
    "program_id",
    "points_balance",
    "stamps_balance",
    "tier_key",
    "status",
    "last_activity_at",
    "created_at",
    "deleted_at",
)
TOKEN = ("card_id", "kind", "value", "created_at", "revoked_at")
MOVEMENT = (
    "id",
    "card_id",
    "type",
    "points_delta",
    "stamps_delta",
    "points_after",
    "stamps_after",
    "amount_cents",
    "eligible_cents",
    "order_id",
    "store_id",
    "source",
    "reason_code",
    "occurred_at",
    "created_at",
)
NOTE = ("transaction_id", "text", "created_at")
REWARD = (
    "id",
    "card_id",
    "reward_id",
    "status",
    "points_price",
    "stamps_target",
    "issued_at",
    "redeemed_at",
    "cancelled_at",
    "expires_at",
)
ORDER = ("id", "number", "store_id", "total_cents", "occurred_at", "external_ref")
LINE = ("order_id", "position", "name", "quantity", "unit_price_cents", "amount_cents")
CONSENT = ("purpose", "is_given", "source", "occurred_at")
REFUND = ("order_id", "amount_cents", "eligible_cents", "external_ref", "occurred_at")
REVIEW = ("card_id", "kind", "reason_code", "details", "status", "created_at", "resolved_at")
IMPORTED = ("batch_id", "line", "row_key", "fate", "made_kind", "made_id", "code", "message", "before")
FILE = ("id", "kind", "file_name", "started_at")
TIER = ("card_id", "from_key", "to_key", "qualifying_points", "changed_at")


def records_of(customer: Customer) -> Records:
    """Gather what is kept about the person, records merged into this one and what lies in the trash too.

    Money in cents, times UTC. The code of a card is kept as a hash only and is no part of it. Of an import,
    what is kept of the rows that made or changed the person and their orders, and of refused ones that name
    their phone or e-mail.
    """
    allow_long_statements(LONG + 1)  # rows of imports are read one by one
    people = same_person(customer)
    cards = _ids(LoyaltyCard, LoyaltyCard.customer_id.in_(people))
    moves = _ids(LoyaltyTransaction, LoyaltyTransaction.card_id.in_(cards))
    sold = _ids(Order, Order.customer_id.in_(people))
    rows = _imported(people, sold)
    found = {
        "person": (Customer, PERSON, Customer.id.in_(people)),
        "cards": (LoyaltyCard, CARD, LoyaltyCard.id.in_(cards)),
        "card_numbers": (CardToken, TOKEN, CardToken.card_id.in_(cards) & (CardToken.kind != "qr")),
        "movements": (LoyaltyTransaction, MOVEMENT, LoyaltyTransaction.card_id.in_(cards)),
        "notes": (TransactionNote, NOTE, TransactionNote.transaction_id.in_(moves)),
        "rewards": (RewardIssue, REWARD, RewardIssue.card_id.in_(cards)),
        "tiers": (TierChange, TIER, TierChange.card_id.in_(cards)),
        "orders": (Order, ORDER, Order.customer_id.in_(people)),
        "order_lines": (OrderLine, LINE, OrderLine.order_id.in_(sold)),
        "refunds": (OrderRefund, REFUND, OrderRefund.order_id.in_(sold)),
        "reviews": (ReviewItem, REVIEW, ReviewItem.card_id.in_(cards)),
        "import_rows": (ImportRow, IMPORTED, rows),
        "import_files": (ImportBatch, FILE, ImportBatch.id.in_(select(ImportRow.batch_id).where(rows))),
        "consent": (ConsentEvent, CONSENT, ConsentEvent.customer_id.in_(people)),
    }
    return {part: _read(*asked) for part, asked in found.items()}


def as_json(records: Records) -> str:
    """Write them for programs."""
    return json.dumps(records, ensure_ascii=False, indent=2) + "\n"


def as_rows(records: Records) -> Iterator[Row]:
    """Write them as a table for people: which part, which record of it, which field, its value."""
    yield ["part", "record", "field", "value"]
    for part, found in records.items():
        for number, record in enumerate(found, 1):
            for field, value in record.items():
                if value is not None:
                    yield [part, number, field, _in_cell(value)]


def _imported(people: Select[int], sold: Select[Any]) -> ColumnElement[bool]:
    """Say which rows of imports are the person's; one of somebody else that names them is not."""
    records = db.session.scalars(
        select(Customer).where(Customer.id.in_(people)), execution_options=DEAD_TOO
    ).all()
    told = {form for record in records for form in contacts_of(record)}
    kept = (ImportRow.row_key, ImportRow.message, ImportRow.before)
    return or_(
        and_(ImportRow.made_kind == "customers", ImportRow.made_id.in_(people)),
        and_(ImportRow.made_kind == "orders", ImportRow.made_id.in_(sold)),
        and_(ImportRow.made_id.is_(None), or_(*(named(told, column) for column in kept))),
    )


def _in_cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value


def _ids(model: Any, fits: Any) -> Select[Any]:
    """Select ids of rows of the same merchant; the rows of one merchant are read alone anyway."""
    return select(model.id).where(fits)


def _read(model: Any, fields: Sequence[str], fits: Any) -> list[dict[str, Any]]:
    query = select(*(getattr(model, field) for field in fields)).where(fits).order_by(model.id)
    rows: Iterable[Any] = db.session.execute(query, execution_options=DEAD_TOO)
    return [{field: _plain(value) for field, value in zip(fields, row, strict=True)} for row in rows]


def _plain(value: Any) -> Any:
    """Write a value as JSON knows it."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value
