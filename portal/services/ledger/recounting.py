"""Counting again what rows say: purchases by the rules they took down, refunds by what was kept.

Rows come as a stream, in the order they are needed, so a ledger of any length takes the same memory.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import and_, select
from sqlalchemy.orm import aliased

from portal.extensions import db
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.services.ledger.earning import points_by
from portal.services.ledger.taking_back import LOST
from portal.words import _

PIECE = 2_000
STREAM = {"include_deleted": True, "yield_per": PIECE}
COUNTED_BY = frozenset(["points_per_euro", "multiplier_bp", "minimum_purchase_cents"])
Row = LoyaltyTransaction


class Miscount(NamedTuple):
    """One row that counts otherwise: which rule, of which card, and a sentence."""

    rule: str
    card_id: int
    sentence: str


def recount(merchant_id: int) -> Iterator[Miscount]:
    """Find every purchase, refund and void that does not give what its own rules say."""
    yield from _purchases(merchant_id)
    yield from _refunds(merchant_id)
    yield from _taken_back(merchant_id)


def _purchases(merchant_id: int) -> Iterator[Miscount]:
    columns = (Row.id, Row.card_id, Row.points_delta, Row.eligible_cents, Row.amount_cents, Row.rule_snapshot)
    earns = select(*columns).where(Row.merchant_id == merchant_id, Row.type == "earn")
    for row in db.session.execute(earns, execution_options=STREAM):
        if not row.rule_snapshot.keys() >= COUNTED_BY or row.eligible_cents is None:
            said = _("movement %(row)s took down no rules to count it by", row=row.id)
            yield Miscount("rules_taken_down", row.card_id, said)
            continue
        points = points_by(row.rule_snapshot, row.eligible_cents)
        if points != row.points_delta or row.eligible_cents > (row.amount_cents or 0):
            said = _("movement %(row)s gave %(given)s points; by its rules it is %(points)s")
            told = {"row": row.id, "given": row.points_delta, "points": points}
            yield Miscount("purchase", row.card_id, said % told)


def _refunds(merchant_id: int) -> Iterator[Miscount]:
    """Play the refunds of each purchase again: what each took is what was kept before, less what is after."""
    back, earn, void = aliased(Row), aliased(Row), aliased(Row)
    query = (
        select(
            back.id,
            back.card_id,
            back.eligible_cents,
            back.rule_snapshot,
            void.id.label("void_id"),
            earn.id.label("earn_id"),
            earn.points_delta.label("earned"),
            earn.eligible_cents.label("eligible"),
        )
        .join(earn, and_(earn.merchant_id == back.merchant_id, earn.id == back.linked_id))
        .outerjoin(
            void,
            and_(void.merchant_id == back.merchant_id, void.type == "void", void.reverses_id == back.id),
        )
        .where(back.merchant_id == merchant_id, back.type == "refund_reversal", earn.type == "earn")
        .order_by(earn.id, back.id)
    )
    found = db.session.execute(query, execution_options=STREAM)
    for _earn_id, refunds in groupby(found, key=lambda refund: refund.earn_id):
        yield from _played(list(refunds))


def _played(refunds: list[Any]) -> Iterator[Miscount]:
    for number, refund in enumerate(refunds):
        live = (r for r in refunds[:number] if r.void_id is None or r.void_id > refund.id)
        before = sum(r.eligible_cents or 0 for r in live)
        given = Row(points_delta=refund.earned, eligible_cents=refund.eligible)
        after = before + (refund.eligible_cents or 0)
        owed = given.kept_after_refunds(before) - given.kept_after_refunds(after)
        if refund.rule_snapshot.get("owed") != owed:
            said = _("refund %(row)s should take back %(owed)s points", row=refund.id, owed=owed)
            yield Miscount("refund", refund.card_id, said)


def _taken_back(merchant_id: int) -> Iterator[Miscount]:
    """Refunds and voids: what was owed, less what had expired or was forgiven; no loss set off twice."""
    back, given, void = aliased(Row), aliased(Row), aliased(Row)
    query = (
        select(
            back.id,
            back.type,
            back.card_id,
            back.points_delta,
            back.rule_snapshot,
            given.points_delta.label("given"),
            void.id.label("void_id"),
        )
        .outerjoin(given, and_(given.merchant_id == back.merchant_id, given.id == back.reverses_id))
        .outerjoin(
            void,
            and_(void.merchant_id == back.merchant_id, void.type == "void", void.reverses_id == back.id),
        )
        .where(back.merchant_id == merchant_id, back.type.in_(("refund_reversal", "void", "adjust")))
        .order_by(back.id)
    )
    used: dict[int, int] = {}
    for row in db.session.execute(query, execution_options=STREAM):
        parts = row.rule_snapshot.get("set_off", ())
        if not _adds_up(row, sum(part["points"] for part in parts)):
            yield Miscount("taken_back", row.card_id, _("movement %(row)s took not what it owed", row=row.id))
        for part in parts if row.void_id is None else ():
            used[part["row"]] = used.get(part["row"], 0) + part["points"]
    yield from _set_off_twice(merchant_id, used)


def _adds_up(row: Any, set_off: int) -> bool:
    rules = row.rule_snapshot
    if row.type == "adjust" and "owed" not in rules:
        return True  # by hand, no reversal
    owed = rules.get("owed", 0)
    is_whole = row.type != "void" or owed == row.given
    return bool(is_whole and row.points_delta == -(owed - set_off - rules.get("forgiven", 0)))


def _set_off_twice(merchant_id: int, used: dict[int, int]) -> Iterator[Miscount]:
    ids = sorted(used)
    for start in range(0, len(ids), PIECE):
        mine = (Row.merchant_id == merchant_id, Row.id.in_(ids[start : start + PIECE]))
        for row in db.session.execute(select(Row.id, Row.card_id, Row.type, Row.points_delta).where(*mine)):
            if row.type not in LOST or used[row.id] > -row.points_delta:
                said = _("more was set off against movement %(row)s than it took", row=row.id)
                yield Miscount("set_off", row.card_id, said)
