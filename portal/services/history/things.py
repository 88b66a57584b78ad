"""The things an audit entry may be about: what they are called now, and whether they live.

An entry holds the number of the thing only, so a purged thing or an erased person has no name here.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Label, Select, case, false, func, literal, or_, select

from portal.models.base import Key
from portal.models.customer import Customer
from portal.models.invitation import Invitation
from portal.models.loyalty_card import LoyaltyCard
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.loyalty_reward import LoyaltyReward
from portal.models.merchant import Merchant, MerchantOwner
from portal.models.order import Order
from portal.models.product import Product
from portal.models.records import AuditEntry
from portal.models.store import Store
from portal.models.store_user import StoreUser
from portal.models.till_device import TillDevice
from portal.models.user import User
from portal.words import later

LIVES, PURGED = 0, -1
Matching = Callable[[Any], ColumnElement[bool]]


class Thing(NamedTuple):
    """One kind: its rows, the column with their name, and another noun where the name is that one's."""

    model: Any
    name: Any
    bearer: Any = None

    def rows(self, *columns: Any) -> Select[Any]:
        """Select the rows, beside whoever bears their name."""
        query = select(*columns).select_from(self.model)
        if self.bearer is User:
            return query.join(User, User.id == self.model.user_id)
        if self.bearer is Customer:
            same = Customer.merchant_id == self.model.merchant_id
            return query.join(Customer, same & (Customer.id == self.model.customer_id))
        return query

    @property
    def key(self) -> Any:
        """The column to search the name in: folded where there is such a one."""
        return getattr(self.name.class_, "name_key", self.name)

    @property
    def merchant_id(self) -> Any:
        """The column that says whose row it is; None for people, who are nobody's."""
        return self.model.id if self.model is Merchant else getattr(self.model, "merchant_id", None)

    @property
    def state(self) -> Any:
        """0 of the living, the number of the deletion of the dead, -1 of what was purged or erased."""
        purged = [noun.purged_at for noun in (self.model, self.bearer) if hasattr(noun, "purged_at")]
        if not purged:
            return literal(LIVES)
        gone = or_(*(column.is_not(None) for column in purged))
        dead = getattr(self.model, "deletion_id", literal(None))
        return case((gone, PURGED), else_=func.coalesce(dead, LIVES))


THINGS = {
    "merchants": Thing(Merchant, Merchant.name),
    "merchant_owners": Thing(MerchantOwner, User.display_name, User),
    "stores": Thing(Store, Store.name),
    "store_users": Thing(StoreUser, User.display_name, User),
    "invitations": Thing(Invitation, Invitation.display_name),
    "users": Thing(User, User.display_name),
    "products": Thing(Product, Product.name),
    "customers": Thing(Customer, Customer.name),
    "orders": Thing(Order, Order.number),
    "loyalty_programs": Thing(LoyaltyProgram, LoyaltyProgram.card_name),
    "loyalty_rewards": Thing(LoyaltyReward, LoyaltyReward.name),
    "loyalty_cards": Thing(LoyaltyCard, Customer.name, Customer),
    "till_devices": Thing(TillDevice, TillDevice.name),
}
# What people filter by: several kinds belong together.
GROUPS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "stores": (later("Stores"), ("stores",)),
    "team": (later("Team"), ("store_users", "merchant_owners", "invitations", "users", "team")),
    "products": (later("Products"), ("products",)),
    "customers": (later("Customers and cards"), ("customers", "loyalty_cards", "card_tokens")),
    "orders": (later("Orders"), ("orders",)),
    "program": (later("Program"), ("loyalty_programs", "loyalty_rewards", "program_versions", "media")),
    "tills": (later("Tills"), ("till_devices", "staff_pins")),
    "settings": (later("Settings"), ("merchants",)),
}


def name_of_subject() -> Label[Any]:
    """What the thing of an entry is called now; None when nothing is left of it."""
    named: Label[Any] = _by_kind(lambda thing: thing.name, literal(None, Key)).label("subject_name")
    return named


def state_of_subject() -> Label[Any]:
    """Whether the thing of an entry lives; None when nothing is left of it."""
    state: Label[Any] = _by_kind(lambda thing: thing.state, literal(LIVES)).label("subject_state")
    return state


def ids_named(merchant: Merchant, matching: Matching) -> ColumnElement[bool]:
    """Find entries about things with such a name, dead ones too; `matching` judges the column of names."""
    found: list[ColumnElement[bool]] = [false()]
    for kind, thing in THINGS.items():
        if thing.merchant_id is None:
            continue  # people are found as members, for a merchant knows no others
        named = thing.rows(thing.model.id).where(thing.merchant_id == merchant.id, matching(thing.key))
        found.append((AuditEntry.subject_kind == kind) & AuditEntry.subject_id.in_(named))
    return or_(*found)


def _by_kind(column_of: Callable[[Thing], Any], otherwise: Any) -> Any:
    """Look a row of the right kind up, one by one: an entry is about one thing only."""
    arms = [
        (AuditEntry.subject_kind == kind, _of_subject(thing, column_of(thing)))
        for kind, thing in THINGS.items()
    ]
    return case(*arms, else_=otherwise)


def _of_subject(thing: Thing, column: Any) -> Any:
    query = thing.rows(column).where(thing.model.id == AuditEntry.subject_id)
    if thing.merchant_id is not None:
        query = query.where(thing.merchant_id == AuditEntry.merchant_id)
    return query.correlate(AuditEntry).scalar_subquery()
