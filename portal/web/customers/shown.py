"""What the screens of customers show."""

from collections.abc import Sequence
from typing import Any

from flask import url_for
from sqlalchemy import select

from portal.extensions import db
from portal.models.actor import Role
from portal.models.customer import Customer
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.merchant import Merchant
from portal.models.store import Store
from portal.web.customers import found
from portal.web.happenings import link_to
from portal.web.scope import actor, current_merchant, in_own_stores
from portal.words import _

Choices = list[tuple[str, str]]


def listed() -> dict[str, Any]:
    """Read one page of the customers and what its filters offer."""
    program, stores = program_and_stores()
    may = allowed()
    export_href = url_for("customers.export") if may["export"] else ""
    listing = found.listed(program, export_href=export_href)
    return {
        "status": 422 if listing.extra["wrong_days"] else 200,
        "listing": listing,
        "program": program,
        "offered": offered(program, stores),
        "may": may,
    }


def allowed() -> dict[str, bool]:
    """Say what this person may do: to merge, export and erase is the owner's."""
    is_owner = actor().role >= Role.OWNER
    return {
        "export": is_owner,
        "merge": is_owner,
        "erase": is_owner,
    }


def program_and_stores() -> tuple[LoyaltyProgram | None, Choices]:
    """Read the program, if there is one, and name the stores, in one statement."""
    of_store, of_program = Store.merchant_id == Merchant.id, LoyaltyProgram.merchant_id == Merchant.id
    named = select(Store.id, Store.name, LoyaltyProgram).select_from(Merchant)
    both = named.outerjoin(Store, of_store).outerjoin(LoyaltyProgram, of_program)
    mine = both.where(Merchant.id == current_merchant().id).order_by(Store.name_key, Store.id)
    rows = db.session.execute(mine).all()
    return rows[0].LoyaltyProgram, [(str(row.id), row.name) for row in rows if row.id]


def joining() -> dict[str, Any]:
    """Say what keeps anybody from joining, before they type; nothing where the program runs."""
    program = LoyaltyProgram.of(current_merchant()).with_only_columns(LoyaltyProgram.is_active)
    is_active = db.session.scalar(program)
    if is_active:
        return {"no_joining": ""}
    said = (
        _("There is no program to join. An owner can start one.")
        if is_active is None
        else _("The program is paused: nobody new can join. An owner can start it again.")
    )
    return {"program_href": link_to("program.index"), "no_joining": said}


def all_stores() -> Choices:
    """Name the stores; whoever sees a customer may say which is theirs."""
    named = Store.of(current_merchant()).with_only_columns(Store.id, Store.name)
    found = db.session.execute(named.order_by(Store.name_key, Store.id))
    return [(str(store_id), name) for store_id, name in found]


def own_stores() -> Choices:
    """Name the stores where this person may enrol somebody."""
    mine: Any = in_own_stores(Store.of(current_merchant()), Store.id)
    named = mine.with_only_columns(Store.id, Store.name).order_by(Store.name_key, Store.id)
    return [(str(store_id), name) for store_id, name in db.session.execute(named)]


def offered(program: LoyaltyProgram | None, stores: Choices) -> dict[str, Choices]:
    """Name what the filters offer; nothing where there is no choice."""
    tiers = [(tier["key"], tier["name"]) for tier in program.tier_config] if program else []
    return {
        "stores": [("", _("All stores")), *stores] if len(stores) > 1 else [],
        "tiers": [("", _("All tiers")), *tiers] if tiers else [],
        "consent": [("", _("Any consent")), ("yes", _("Agreed to news")), ("no", _("Did not agree"))],
        "card": [
            ("", _("With or without card")),
            ("with", _("With a card")),
            ("without", _("Without a card")),
        ],
    }


def names_of(ids: Sequence[int]) -> list[str]:
    """Name the first few of many."""
    some = Customer.of(current_merchant()).where(Customer.id.in_(ids[:3])).order_by(Customer.id)
    return [customer.name for customer in db.session.scalars(some)]
