"""The list of customers: what it is narrowed to, by what it is sorted, what its rows say."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from flask import url_for
from sqlalchemy import CTE, ColumnElement, Select, and_, select

from portal.models.customer import Customer
from portal.models.loyalty_card import LoyaltyCard
from portal.models.loyalty_program import LoyaltyProgram
from portal.services import customer_search
from portal.services.consents import agreed
from portal.services.ledger import expiring
from portal.services.phones import spaced
from portal.web.days import between, refuse_wrong_days, wrong_days
from portal.web.listing import Listing, Sorting, asked, list_of, number_in
from portal.web.scope import current_merchant, now
from portal.words import counted

NOUNS = counted("customer", "customers")
FILTERS = ("store", "tier", "consent", "card", "since")
COLUMNS: list[Any] = [
    Customer.id,
    Customer.name,
    Customer.phone,
    Customer.email,
    Customer.created_at,
    LoyaltyCard.id.label("card_id"),
    LoyaltyCard.points_balance,
    LoyaltyCard.stamps_balance,
    LoyaltyCard.tier_key,
    LoyaltyCard.status,
    LoyaltyCard.last_activity_at,
    LoyaltyCard.expiry_floor_at,
]


@dataclass(frozen=True)
class Person:
    """One customer of the list, as its row shows them."""

    row: Any
    program: LoyaltyProgram | None
    asked_at: datetime

    @property
    def id(self) -> int:
        """Their number."""
        return int(self.row.id)

    @property
    def phone(self) -> str:
        """Their phone, as people write it."""
        return spaced(self.row.phone)

    @property
    def has_card(self) -> bool:
        """Whether they have a card in the program."""
        return self.row.card_id is not None and self.program is not None

    @property
    def points(self) -> int:
        """Their points, net of what is due to expire."""
        assert self.program is not None  # noqa: S101 - asked only of those with a card
        return expiring.balance_at(self.row, self.program, current_merchant().zone, self.asked_at)

    @property
    def tier(self) -> str:
        """The name of their tier."""
        tiers = self.program.tier_config if self.program else []
        return next((str(tier["name"]) for tier in tiers if tier["key"] == self.row.tier_key), "")


class Asked:
    """What the address, or a bulk form, asks for."""

    def __init__(self) -> None:
        """Read it."""
        self.q = asked("q")["q"]
        self.filters = asked(*FILTERS)

    @cached_property
    def hits(self) -> CTE | None:
        """Whom the search finds; None without one."""
        return customer_search.found(self.q, current_merchant().country) if self.q else None

    def chosen(self) -> Select[Any]:
        """Select the customers that the search and the filters leave; of a search, the first thousand."""
        query = Customer.of(current_merchant()).where(*self.narrowed())
        if self.hits is None:
            return query
        return query.join(self.hits, self.hits.c.id == Customer.id)

    def conditions(self) -> list[ColumnElement[bool]]:
        """Say the same in conditions without an end, for a file; refuses a day that is none."""
        refuse_wrong_days(self.filters, "since")
        found = [customer_search.matching(self.q, current_merchant().country)] if self.q else []
        return found + self.narrowed()

    def narrowed(self) -> list[ColumnElement[bool]]:
        """Say what the filters ask for."""
        ways = {
            "store": lambda store: Customer.home_store_id == (number_in(store) or 0),
            "tier": lambda tier: _has_card(LoyaltyCard.tier_key == tier),
            "consent": lambda consent: agreed() if consent == "yes" else ~agreed(),
            "card": lambda card: _has_card() if card == "with" else ~_has_card(),
            "since": _since,
        }
        return [ways[name](value) for name, value in self.filters.items() if value]

    @property
    def sorting(self) -> Sorting:
        """By name or by when they joined: what an index has in order, or the few that were found."""
        of = Customer if self.hits is None else self.hits.c
        return Sorting({"name": of.name_key, "joined": of.created_at}, of.id, "name")


def listed(program: LoyaltyProgram | None, *, export_href: str) -> Listing:
    """Read one page of the customers, as the address asks for it."""
    wanted = Asked()
    query = wanted.chosen()
    listing = list_of(
        query.outerjoin(LoyaltyCard, _of_theirs()).with_only_columns(*COLUMNS),
        wanted.sorting,
        nouns=NOUNS,
        base_href=url_for("customers.index"),
        filters=wanted.filters,
        export_href=export_href,
        counting=query,
    )
    listing.extra["wrong_days"] = wrong_days(wanted.filters, "since")
    listing.rows = [Person(row, program, now()) for row in listing.rows]
    return listing


def _of_theirs() -> ColumnElement[bool]:
    return (LoyaltyCard.merchant_id == Customer.merchant_id) & (LoyaltyCard.customer_id == Customer.id)


def _has_card(*fits: ColumnElement[bool]) -> ColumnElement[bool]:
    return select(LoyaltyCard.id).where(_of_theirs(), *fits).correlate(Customer).exists()


def _since(day: str) -> ColumnElement[bool]:
    return and_(*between(Customer.created_at, day, ""))
