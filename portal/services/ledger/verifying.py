"""Checking a ledger from its first row to its last (specification of loyalty, section 14).

Every card is summed up anew, and every rule that a ledger must keep is asked for by one question: each
sees the ledger as it was at one moment, so business may go on meanwhile. What the database itself
refuses (signs, two earns of one attempt, a second bonus of a card) needs no question.
"""

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import func, select, text

from portal.extensions import db
from portal.models.loyalty_card import LoyaltyCard
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.services.ledger.invariant import Rule
from portal.services.ledger.invariants import MOVEMENTS
from portal.services.ledger.invariants_of_cards import CARDS
from portal.services.ledger.invariants_of_giving import GIVING
from portal.services.ledger.invariants_of_holders import HOLDERS
from portal.services.ledger.recounting import STREAM, recount
from portal.services.trash.rows import LONG, allow_long_statements
from portal.words import _

APPEND_ONLY = ("loyalty_transactions", "tier_changes", "consent_events", "audit_log")
TRIGGERS = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'",
}


class Finding(NamedTuple):
    """One thing that is wrong: which rule, on which card if it is one's, and a sentence."""

    rule: str
    card_id: int | None
    sentence: str


def verify(merchant_id: int) -> Iterator[Finding]:
    """Find whatever is wrong with the ledger of the merchant in scope; nothing when all is well."""
    allow_long_statements(LONG + 1)
    for rule in (*MOVEMENTS, *CARDS, *GIVING, *HOLDERS):
        yield from _broken(rule, merchant_id)
    for row in recount(merchant_id):
        yield Finding(*row)


def unguarded() -> list[Finding]:
    """Find the append-only tables that the database would let somebody change: their triggers are gone."""
    words = TRIGGERS[db.session.get_bind().dialect.name]
    there = set(db.session.scalars(text(words)))
    wanted = (f"{table}_no_{verb}" for table in APPEND_ONLY for verb in ("update", "delete"))
    return [
        Finding("append_only", None, _("the trigger %(name)s is missing", name=name))
        for name in wanted
        if name not in there
    ]


def size_of(merchant_id: int) -> tuple[int, int]:
    """Count the cards, the dead too, and the movements of a merchant."""
    cards = select(func.count()).where(LoyaltyCard.merchant_id == merchant_id)
    rows = select(func.count()).where(LoyaltyTransaction.merchant_id == merchant_id)
    dead_too = {"include_deleted": True}
    counted = [db.session.scalar(query, execution_options=dead_too) or 0 for query in (cards, rows)]
    return counted[0], counted[1]


def _broken(rule: Rule, merchant_id: int) -> Iterator[Finding]:
    for row in db.session.execute(rule.ask(merchant_id), execution_options=STREAM):
        if rule.really(row):
            told = row._asdict()
            yield Finding(rule.name, told.get("card"), str(rule.sentence) % told)
