"""What the pages of one customer show."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from babel.dates import format_date
from flask import abort, url_for
from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import aliased

from portal.extensions import db
from portal.models.customer import Customer
from portal.models.customer_merge import CustomerMerge
from portal.models.loyalty_card import CardToken, LoyaltyCard
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.order import Order
from portal.models.standing import ConsentEvent
from portal.models.store import Store
from portal.models.user import User
from portal.services.customers import twins_of
from portal.services.ledger.statement import Outlook, outlook, statement_of
from portal.services.ledger.unmerging import WITHIN
from portal.services.phones import spaced
from portal.services.same_person import same_person
from portal.web.customers.words import same_words, source_words
from portal.web.drawing import in_halves
from portal.web.happenings import link_to
from portal.web.language import language
from portal.web.listing import Listing, Sorting, list_of
from portal.web.removal import find_living
from portal.web.scope import current_merchant, now
from portal.words import _, counted, number

MOVEMENTS = 10  # of the statement, on the page of the customer; the card's own page has all
_merged = aliased(Customer, name="merged")


@dataclass(frozen=True)
class Page:
    """All that the top of a customer's page says."""

    row: Any
    asked_at: datetime

    @property
    def customer(self) -> Customer:
        """Whose page it is."""
        person: Customer = self.row.Customer
        return person

    @property
    def card(self) -> LoyaltyCard | None:
        """Their card in the program."""
        card: LoyaltyCard | None = self.row.LoyaltyCard
        return card

    @property
    def program(self) -> LoyaltyProgram:
        """The program of the card."""
        program: LoyaltyProgram = self.row.LoyaltyProgram
        return program

    @cached_property
    def outlook(self) -> Outlook | None:
        """How the card stands, and what will expire."""
        return outlook(self.card, self.program, current_merchant(), self.asked_at) if self.card else None

    @property
    def tier(self) -> str:
        """The name of the tier."""
        tiers = self.program.tier_config if self.card else []
        return next((str(tier["name"]) for tier in tiers if tier["key"] == self.row.LoyaltyCard.tier_key), "")

    @property
    def number(self) -> str:
        """The number on the card, in two halves."""
        return in_halves(self.row.number or "")

    @property
    def phone(self) -> str:
        """Their phone, as people write it."""
        return spaced(self.customer.phone)

    @property
    def birthday(self) -> str:
        """Their birthday, in words."""
        return str(format_date(self.customer.birthday, "d MMMM y", locale=language()))

    @property
    def has_points(self) -> bool:
        """Whether points are shown: they are counted, or there are some."""
        return self.program.is_points_enabled or bool(self.outlook and self.outlook.points)

    @property
    def has_stamps(self) -> bool:
        """Whether stamps are shown: they are counted, or there are some."""
        return self.program.is_stamps_enabled or bool(self.outlook and self.outlook.stamps)

    @property
    def question(self) -> str:
        """What the statement answers, such as: why is it 140."""
        assert self.outlook is not None  # noqa: S101 - asked only where there is a card
        held = self.outlook.points if self.has_points else self.outlook.stamps
        return _("Why is it %(balance)s?", balance=number(held))

    @property
    def card_href(self) -> str:
        """Where the card is to be seen."""
        return link_to("cards.show", card_id=self.card.id) if self.card else ""

    @property
    def tabs(self) -> list[tuple[str, str, str]]:
        """The pages of one customer: name, address, endpoint."""
        names = {
            "customers.show": _("Overview"),
            "customers.orders": _("Orders"),
            "customers.consents": _("Consent"),
        }
        return [
            (label, url_for(endpoint, customer_id=self.customer.id), endpoint)
            for endpoint, label in names.items()
        ]


def opened(customer_id: int) -> Page:
    """Read a living customer with card, program, store and consent in one statement; else answer 404."""
    row = db.session.execute(_told(customer_id)).first()
    if row is None:
        find_living(Customer, customer_id)  # says where it lies
        abort(404)
    return Page(row, now())


def overview(customer_id: int) -> dict[str, Any]:
    """Gather what the first page of a customer shows."""
    page = opened(customer_id)
    lines = None
    if page.card:
        lines = statement_of(page.card, page.program, current_merchant(), size=MOVEMENTS)
    alike = [(twin.customer, same_words(twin)) for twin in twins_of(page.customer)]
    return {"page": page, "lines": lines, "alike": alike}


def orders(customer_id: int) -> dict[str, Any]:
    """Read one page of the customer's orders, newest first; with those of people merged into them."""
    page = opened(customer_id)
    theirs = Order.customer_id.in_(same_person(page.customer))
    query = Order.of(current_merchant()).where(theirs).outerjoin(Order.store)
    columns: list[Any] = [
        Order.id,
        Order.number,
        Order.occurred_at,
        Order.total_cents,
        Order.store_id,
        Store.name.label("store_name"),
    ]
    dead_too = {"include_deleted": {Customer, Store}}
    listing = list_of(
        query.with_only_columns(*columns).execution_options(**dead_too),
        Sorting({"when": Order.occurred_at}, Order.id, "when", starts_descending=True),
        nouns=counted("order", "orders"),
        base_href=url_for("customers.orders", customer_id=customer_id),
    )
    return {"page": page, "listing": _linked(listing)}


def consents(customer_id: int) -> dict[str, Any]:
    """Read what the customer agreed to and withdrew, the newest first, with who wrote it down."""
    page = opened(customer_id)
    columns: list[Any] = [ConsentEvent, User.display_name]
    told = (
        select(*columns)
        .outerjoin(User, User.id == ConsentEvent.noted_by_id)
        .where(
            ConsentEvent.merchant_id == current_merchant().id,
            ConsentEvent.customer_id.in_(same_person(page.customer)),
        )
    )
    newest = told.order_by(ConsentEvent.occurred_at.desc(), ConsentEvent.id.desc()).limit(100)
    found = db.session.execute(newest, execution_options={"include_deleted": {Customer, User}}).all()
    events = [(event, source_words(event.source, person)) for event, person in found]
    return {"page": page, "events": events, "is_given": bool(events) and events[0][0].is_given}


def _linked(listing: Listing) -> Listing:
    """Say where each order is to be seen, if there is such a page."""
    some_href = link_to("orders.show", order_id=0)
    listing.extra["orders_href"] = some_href[:-1] if some_href else ""
    return listing


def _told(customer_id: int) -> Select[Any]:
    columns: list[Any] = [Customer, LoyaltyCard, LoyaltyProgram, Store.name.label("store_name")]
    query = select(*columns, _number(), *_consent(), _merge())
    return (
        query.outerjoin(LoyaltyCard, _is(LoyaltyCard, LoyaltyCard.customer_id == Customer.id))
        .outerjoin(LoyaltyProgram, _is(LoyaltyProgram, LoyaltyProgram.id == LoyaltyCard.program_id))
        .outerjoin(Store, _is(Store, Store.id == Customer.home_store_id))
        .where(Customer.merchant_id == current_merchant().id, Customer.id == customer_id)
        .where(Customer.deleted_at.is_(None))
        # Records merged into this one lie in the trash.
        .execution_options(include_deleted={Customer})
    )


def _is(model: Any, fits: ColumnElement[bool]) -> ColumnElement[bool]:
    return and_(model.merchant_id == Customer.merchant_id, fits)


def _number() -> Any:
    """The newest number that is in force; one of ours before an old one."""
    mine = select(CardToken.value).where(
        CardToken.merchant_id == LoyaltyCard.merchant_id,
        CardToken.card_id == LoyaltyCard.id,
        CardToken.kind != "qr",
        CardToken.revoked_at.is_(None),
    )
    newest = mine.order_by(CardToken.kind.desc(), CardToken.id.desc()).limit(1)
    return newest.correlate(LoyaltyCard).scalar_subquery().label("number")


def _consent() -> tuple[Any, Any]:
    """The newest word of the customer, also one given under a record merged into this one."""
    is_theirs = (_merged.id == Customer.id) | (_merged.merged_into_id == Customer.id)
    theirs = select(_merged.id).where(_merged.merchant_id == Customer.merchant_id, is_theirs)
    theirs = theirs.correlate(Customer)
    told = []
    for column, name in ((ConsentEvent.is_given, "agreed"), (ConsentEvent.occurred_at, "agreed_at")):
        mine = select(column).where(
            ConsentEvent.merchant_id == Customer.merchant_id, ConsentEvent.customer_id.in_(theirs)
        )
        newest = mine.order_by(ConsentEvent.occurred_at.desc(), ConsentEvent.id.desc()).limit(1)
        newest = newest.correlate(Customer)
        told.append(newest.scalar_subquery().label(name))
    return told[0], told[1]


def _merge() -> Any:
    """The newest merge into this customer that can still be taken back."""
    mine = select(func.max(CustomerMerge.id)).where(
        CustomerMerge.merchant_id == Customer.merchant_id,
        CustomerMerge.survivor_id == Customer.id,
        CustomerMerge.unmerged_at.is_(None),
        CustomerMerge.merged_at > now() - WITHIN,
    )
    return mine.correlate(Customer).scalar_subquery().label("merge_id")
