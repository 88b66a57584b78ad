"""What people do with customers: add, change, find the same person twice, delete."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models.actor import Actor
from portal.models.customer import Customer
from portal.models.deletion import Deletion
from portal.models.merchant import Merchant
from portal.models.store import Store
from portal.models.text import LONGEST_NAME, checked_email, checked_text, fold
from portal.services import audit, trash
from portal.services.changing import apply, refuse_unknown
from portal.services.phones import country_of, to_e164
from portal.services.saving import save
from portal.words import _

FIELDS = frozenset(["name", "phone", "email", "birthday", "notes", "home_store_id", "external_ref"])
OLDEST = date(1900, 1, 1)
SAME_DIGITS = 8  # the last ones: whoever forgot the country's prefix is still the same
AT_MOST = 5
LONGEST_NOTES = 2_000


@dataclass(frozen=True)
class Twin:
    """Somebody who may be the same person, and the fields that say so: name, phone, email."""

    customer: Customer
    same: tuple[str, ...]


def add_customer(
    merchant: Merchant, *, name: str, by: Actor, now: datetime, store: Store | None = None, **details: Any
) -> Customer:
    """Add a customer without a card; `details` may give the other FIELDS.

    A phone is read as people write it where the `store` is. Raises Conflict("taken") with its holder,
    Refused("bad_phone", "bad_email", "bad_birthday", "bad_text", "store_gone").
    """
    customer = write_down(merchant, name=name, by=by, now=now, store=store, **details)
    audit.record("create", customer, by=by)
    return customer


def write_down(
    merchant: Merchant, *, name: str, by: Actor, now: datetime, store: Store | None = None, **details: Any
) -> Customer:
    """Write a new customer as add_customer does, and leave the audit log to the act this is part of."""
    fields = refuse_unknown({"name": name, **details}, FIELDS)
    if store is not None:
        fields.setdefault("home_store_id", store.id)
    values = _checked(merchant, fields, store=store, now=now)
    customer: Customer = save(Customer(merchant_id=merchant.id, **values), by=by)
    return customer


def change_customer(
    customer: Customer,
    *,
    by: Actor,
    now: datetime,
    store: Store | None = None,
    **changes: Any,
) -> list[str]:
    """Change the FIELDS given and name those that differ; raises as add_customer does.

    Doors call `enrolling.change_member`, which sees to the welcome bonus as well. Raises
    Conflict("customer_gone") for one who was deleted or erased a moment ago.
    """
    hold(customer)
    refuse_unknown(changes, FIELDS)
    values = _checked(_merchant_of(customer), changes, store=store, now=now)
    return apply(customer, values, known=FIELDS, by=by)


def hold(customer: Customer) -> None:
    """Keep the customer as they are until we commit; raises Conflict("customer_gone") for a dead one."""
    # An erasure under way must not be written over by an edit that began before it.
    mine = (Customer.merchant_id == customer.merchant_id, Customer.id == customer.id)
    if db.session.scalar(select(Customer.id).where(*mine).with_for_update(key_share=True)) is None:
        raise Conflict("customer_gone", _("This customer is in the trash. Restore them first."))


def delete_customer(customer: Customer, *, by: Actor, now: datetime, reason: str | None = None) -> Deletion:
    """Put the customer and their cards in the trash; their orders stay."""
    return trash.soft_delete_cascade(customer, by=by, now=now, reason=reason)


def delete_customers(
    customers: Sequence[Customer], *, by: Actor, now: datetime, reason: str | None = None
) -> list[Deletion]:
    """Put several customers in the trash, each as an act of its own."""
    return trash.soft_delete_many(customers, by=by, now=now, reason=reason)


def find_twins(
    merchant: Merchant,
    *,
    name: str = "",
    phone: str | None = None,
    email: str | None = None,
    but: Customer | None = None,
) -> list[Twin]:
    """Find people who may be the same as this one: the name, the end of the phone, the address.

    For a merge, or before somebody is added twice; `phone` in E.164. At most five, the oldest first.
    """
    wanted = {"name": fold(name), "phone": (phone or "")[::-1][:SAME_DIGITS], "email": _plain(email)}
    same = [_like(field, value) for field, value in wanted.items() if value]
    if not same:
        return []
    query = Customer.of(merchant).where(or_(*same))
    if but is not None:
        query = query.where(Customer.id != but.id)
    found = db.session.scalars(query.order_by(Customer.created_at, Customer.id).limit(AT_MOST))
    return [Twin(each, _in_common(each, wanted)) for each in found]


def twins_of(customer: Customer) -> list[Twin]:
    """Find records that may be of the same person as this one."""
    told = {"phone": customer.phone, "email": customer.email}
    return find_twins(_merchant_of(customer), name=customer.name, but=customer, **told)


def _merchant_of(customer: Customer) -> Merchant:
    return db.session.get_one(Merchant, customer.merchant_id)


def _checked(
    merchant: Merchant, fields: dict[str, Any], *, store: Store | None, now: datetime
) -> dict[str, Any]:
    """Put the values into the shape they are kept in; raises Refused for what is out of shape."""
    values = {key: value if key == "name" else _or_none(value) for key, value in fields.items()}
    for field, checked in _shapes(merchant, store, now).items():
        if values.get(field) is not None:
            values[field] = checked(values[field])
    return values


def _or_none(value: Any) -> Any:
    return (value.strip() or None) if isinstance(value, str) else value


def _shapes(merchant: Merchant, store: Store | None, now: datetime) -> dict[str, Callable[[Any], Any]]:
    """What is done to each field that has a shape; the name's is the noun's own."""
    return {
        "phone": lambda text: to_e164(text, country_of(merchant, store)),
        "email": checked_email,
        "birthday": lambda day: _possible(day, now.astimezone(merchant.zone).date()),
        "notes": lambda text: checked_text(text, "notes", LONGEST_NOTES),
        "external_ref": lambda text: checked_text(text, "external_ref", LONGEST_NAME),
        "home_store_id": lambda store_id: _living_store(merchant, store_id),
    }


def _possible(birthday: date, today: date) -> date:
    if not OLDEST <= birthday <= today:
        message = _("A birthday lies between 1900 and today. Check the year.")
        raise Refused("bad_birthday", message, field="birthday")
    return birthday


def _living_store(merchant: Merchant, store_id: int) -> int:
    if db.session.scalar(Store.of(merchant).where(Store.id == store_id)) is None:
        message = _("This store is not there any more. Choose another.")
        raise Refused("store_gone", message, field="home_store_id")
    return store_id


def _plain(email: str | None) -> str:
    """Leave out what people put after a plus: lea+shop@example.com is lea@example.com."""
    name, at, host = (email or "").partition("@")
    return name.partition("+")[0] + at + host


def _like(field: str, value: str) -> ColumnElement[bool]:
    if field == "name":
        return Customer.name_key == value
    if field == "phone":
        return Customer.phone_reversed.like(f"{value}%")
    return Customer.email == value


def _in_common(other: Customer, wanted: dict[str, str]) -> tuple[str, ...]:
    theirs = {
        "name": other.name_key,
        "phone": (other.phone_reversed or "")[:SAME_DIGITS],
        "email": other.email or "",
    }
    return tuple(field for field, value in wanted.items() if value and value == theirs[field])
