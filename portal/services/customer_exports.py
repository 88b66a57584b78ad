"""Customers as rows of a table, for CSV files; the import of customers takes them back unchanged."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select

from portal.extensions import db
from portal.models.customer import Customer
from portal.models.loyalty_card import CardToken, LoyaltyCard
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.merchant import Merchant
from portal.models.store import Store
from portal.models.tenancy import scoped
from portal.services.exports import PIECE, Row
from portal.services.ledger import expiring

CUSTOMERS = (
    "external_ref",
    "name",
    "phone",
    "email",
    "birthday",
    "home_store",
    "card_number",
    "points",
    "stamps",
    "notes",
)
DEAD_TOO = frozenset({Customer, LoyaltyCard, LoyaltyProgram, Store})


def customers(
    merchant: Merchant,
    *,
    now: datetime,
    where: Sequence[ColumnElement[bool]] = (),
    include_deleted: bool = False,
) -> Iterator[Row]:
    """List the merchant's customers with their balances, net of what is due to expire; `where` narrows.

    Who lies in the trash is told with the card that went with them. The scope of the merchant is open
    only while a piece is read.
    """
    yield [*CUSTOMERS, *(["deleted_at"] if include_deleted else [])]
    told = _told(merchant)
    if include_deleted:  # who was emptied says nothing any more
        told = told.where(Customer.purged_at.is_(None)).execution_options(include_deleted=DEAD_TOO)
    last: int | None = 0
    while last is not None:
        with scoped(db.session, merchant.id):
            query = told.where(*where, Customer.id > last).order_by(Customer.id).limit(PIECE)
            found = db.session.execute(query).all()
            rows = [_row(row, merchant, now, include_deleted=include_deleted) for row in found]
            last = found[-1].Customer.id if len(found) == PIECE else None
            db.session.expunge_all()  # a piece is enough to keep in memory
        yield from rows


def _told(merchant: Merchant) -> Select[Any]:
    number = (
        select(CardToken.value)
        .where(
            CardToken.merchant_id == LoyaltyCard.merchant_id,
            CardToken.card_id == LoyaltyCard.id,
            CardToken.kind != "qr",
            CardToken.revoked_at.is_(None),
        )
        .order_by(CardToken.kind.desc(), CardToken.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    columns: list[Any] = [Customer, LoyaltyCard, LoyaltyProgram, Store.store_code, number]
    went_along = or_(LoyaltyCard.deletion_id.is_(None), LoyaltyCard.deletion_id == Customer.deletion_id)
    return (
        select(*columns)
        .outerjoin(LoyaltyCard, and_(_is(LoyaltyCard.customer_id, Customer, LoyaltyCard), went_along))
        .outerjoin(LoyaltyProgram, _is(LoyaltyCard.program_id, LoyaltyProgram, LoyaltyCard))
        .outerjoin(Store, _is(Customer.home_store_id, Store, Customer))
        .where(Customer.merchant_id == merchant.id)
    )


def _is(key: Any, owner: Any, of: Any) -> ColumnElement[bool]:
    return and_(owner.merchant_id == of.merchant_id, owner.id == key)


def _row(found: Any, merchant: Merchant, now: datetime, *, include_deleted: bool) -> Row:
    customer, card, program, store_code, number = found
    birthday = customer.birthday.isoformat() if customer.birthday else None
    told: Row = [customer.external_ref, customer.name, customer.phone, customer.email, birthday, store_code]
    told += _on_the_card(card, program, number, merchant, now)
    told.append(customer.notes)
    if include_deleted:
        told.append(customer.deleted_at.isoformat(timespec="seconds") if customer.deleted_at else None)
    return told


def _on_the_card(card: Any, program: Any, number: str | None, merchant: Merchant, now: datetime) -> Row:
    if card is None:
        return [None, None, None]
    return [number, expiring.balance_at(card, program, merchant.zone, now), card.stamps_balance]
