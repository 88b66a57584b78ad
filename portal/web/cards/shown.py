"""What the list of cards shows."""

from typing import Any

from flask import url_for
from sqlalchemy import ColumnElement, Select, func, select

from portal.extensions import db
from portal.models.actor import Role
from portal.models.customer import Customer
from portal.models.loyalty_card import CardToken, LoyaltyCard
from portal.models.loyalty_program import LoyaltyProgram
from portal.services import customer_search
from portal.services.ledger import expiring
from portal.services.ledger.nightly import is_soon
from portal.web.drawing import in_halves
from portal.web.listing import Sorting, asked, list_of
from portal.web.scope import actor, current_merchant, now
from portal.words import _, counted, later

NOUNS = counted("card", "cards")
NAMES = ("tier", "status", "balance")
STATUSES = (
    ("", later("Active and suspended")),
    ("active", later("Active")),
    ("suspended", later("Suspended")),
)
BALANCES = (
    ("", later("Any balance")),
    ("some", later("With points or stamps")),
    ("none", later("With none")),
    ("negative", later("Below zero")),
    ("expiring", later("Points expire in 30 days")),
)
SORTING = Sorting(
    {
        "customer": Customer.name_key,
        "points": LoyaltyCard.points_balance,
        "stamps": LoyaltyCard.stamps_balance,
        "visit": func.coalesce(LoyaltyCard.last_activity_at, LoyaltyCard.created_at),
    },
    LoyaltyCard.id,
    "visit",
    starts_descending=True,
)


def listed() -> dict[str, Any]:
    """Read one page of the cards and what its filters offer; the program first, whose rules they follow."""
    program = db.session.scalar(LoyaltyProgram.of(current_merchant()))
    listing = list_of(
        told(chosen(program)),
        SORTING,
        nouns=NOUNS,
        base_href=url_for("cards.index"),
        filters=filters(),
        export_href=url_for("cards.export") if actor().role >= Role.OWNER else "",
    )
    listing.rows = [_row(row, program) for row in listing.rows]
    tiers = [(str(tier["key"]), str(tier["name"])) for tier in program.tier_config] if program else []
    return {
        "listing": listing,
        "program": program,
        "offered_tiers": [("", _("All tiers")), *tiers] if tiers else [],
        "offered_statuses": STATUSES,
        "offered_balances": BALANCES,
    }


def filters() -> dict[str, str]:
    """Read the filters; one that says nothing we know filters nothing."""
    given = asked(*NAMES)
    known = {"status": dict(STATUSES), "balance": dict(BALANCES)}
    return {name: value if value in known.get(name, {value}) else "" for name, value in given.items()}


def chosen(program: LoyaltyProgram | None) -> Select[Any]:
    """Select the cards that the search and the filters leave."""
    chosen_by, q = filters(), asked("q")["q"]
    query = LoyaltyCard.of(current_merchant())
    if q:
        found = customer_search.found(q, current_merchant().country)
        query = query.where(LoyaltyCard.customer_id.in_(select(found.c.id)))
    if chosen_by["tier"]:
        query = query.where(LoyaltyCard.tier_key == chosen_by["tier"])
    if chosen_by["status"]:
        query = query.where(LoyaltyCard.status == chosen_by["status"])
    if chosen_by["balance"]:
        query = query.where(_of_balance(chosen_by["balance"], program))
    return query


def told(query: Select[Any]) -> Select[Any]:
    """Select what a row of the list says."""
    columns: list[Any] = [LoyaltyCard, Customer.name.label("customer_name"), number_of().label("number")]
    return query.join(LoyaltyCard.customer).with_only_columns(*columns)


def number_of() -> Any:
    """The newest number in force of a card; one of ours before an old one."""
    mine = select(CardToken.value).where(
        CardToken.merchant_id == LoyaltyCard.merchant_id,
        CardToken.card_id == LoyaltyCard.id,
        CardToken.kind != "qr",
        CardToken.revoked_at.is_(None),
    )
    newest = mine.order_by(CardToken.kind.desc(), CardToken.id.desc()).limit(1)
    return newest.correlate(LoyaltyCard).scalar_subquery()


def _row(row: Any, program: LoyaltyProgram | None) -> dict[str, Any]:
    card: LoyaltyCard = row.LoyaltyCard
    tiers = program.tier_config if program else []
    points = card.points_balance
    if program:
        points = expiring.balance_at(card, program, current_merchant().zone, now())
    return {
        "card": card,
        "name": row.customer_name,
        "number": in_halves(row.number or ""),
        "points": points,
        "tier": next((tier["name"] for tier in tiers if tier["key"] == card.tier_key), ""),
        "key_": row.key_,
        "id_": row.id_,
    }


def _of_balance(kind: str, program: LoyaltyProgram | None) -> ColumnElement[bool]:
    points, stamps = LoyaltyCard.points_balance, LoyaltyCard.stamps_balance
    if kind == "expiring":
        return is_soon(program, current_merchant(), now()) if program else LoyaltyCard.id < 0
    by_kind = {
        "some": (points > 0) | (stamps > 0),
        "none": (points == 0) & (stamps == 0),
        "negative": (points < 0) | (stamps < 0),
    }
    return by_kind[kind]
