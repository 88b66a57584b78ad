"""Taking back points that were given, but not what expired since (specification of loyalty, section 6)."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import aliased

from portal.extensions import db
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.services.ledger.accounts import Account

LOST = ("expire", "forfeit")
REVERSALS = ("refund_reversal", "void", "adjust")  # a merge adjusts a second welcome bonus
MOVES = ("merge_out", "merge_in")


def take_back(
    account: Account, given: LoyaltyTransaction, kind: str, owed: int, *, stamps: int = 0, **details: Any
) -> LoyaltyTransaction:
    """Post the reversal of points given: less what expired since, and what the policy forgives.

    The row keeps `owed`, what was `set_off` against which row, and what was `forgiven`, so that the
    statement can say why fewer points went than came.
    """
    points, snapshot = reckon(account, given, owed)
    return account.post(
        kind, points=points, stamps=stamps, order_id=given.order_id, rule_snapshot=snapshot, **details
    )


def reckon(account: Account, given: LoyaltyTransaction, owed: int) -> tuple[int, dict[str, Any]]:
    """Count what taking back so many points moves, and why it is fewer; writes nothing."""
    set_off = _set_off(account, given, owed) if owed > 0 else []
    left = owed - sum(part["points"] for part in set_off)
    forgiven = _forgiven(account, given, left)
    return -(left - forgiven), {"owed": owed, "set_off": set_off, "forgiven": forgiven}


def _forgiven(account: Account, given: LoyaltyTransaction, left: int) -> int:
    """Count the shortfall the merchant forgives, by the policy of the day of the purchase."""
    policy = given.rule_snapshot.get("clawback_policy", account.program.clawback_policy)
    if policy != "clamp_to_zero":
        return 0
    return max(0, left - max(0, account.card.points_balance))


def _set_off(account: Account, given: LoyaltyTransaction, owed: int) -> list[dict[str, int]]:
    """Find what later expiries took and nobody set off yet, the oldest first."""
    row = LoyaltyTransaction
    query = select(row).where(
        row.merchant_id == given.merchant_id,
        row.card_id.in_(account.cards()),
        row.type.in_((*LOST, *REVERSALS, *MOVES)),
        row.id > given.id,
    )
    dead_too = {"include_deleted": True}
    later = list(db.session.scalars(query.order_by(row.id), execution_options=dead_too))
    losses = _lost_where_it_was(given, later)
    used = _used(later + _posted_elsewhere(account, given)) if losses else {}
    parts = []
    for lost in losses:
        points = min(owed, -lost.points_delta - used.get(lost.id, 0))
        if points > 0:
            parts.append({"row": lost.id, "points": points})
            owed -= points
    return parts


def _lost_where_it_was(
    given: LoyaltyTransaction, later: list[LoyaltyTransaction]
) -> list[LoyaltyTransaction]:
    """Follow what was given from card to card, and find what was lost on the card it was on.

    What the survivor of a merge had lost before is no loss of the points that came with it.
    """
    path: list[tuple[int, int | None]] = [(given.card_id, None)]
    by_id, lost = {row.id: row for row in later}, []
    for row in later:
        card_id, came_by = path[-1]
        left = by_id.get(row.linked_id or 0) if row.type == "merge_in" else None
        if left is not None and left.card_id == card_id:
            if left.linked_id is None:
                path.append((row.card_id, row.id))
            elif left.linked_id == came_by:
                path.pop()  # the merge was taken back
        elif row.type in LOST and row.card_id == card_id:
            lost.append(row)
    return lost


def _posted_elsewhere(account: Account, given: LoyaltyTransaction) -> list[LoyaltyTransaction]:
    """Find reversals of these cards' rows on the card of a survivor, from before a merge was taken back."""
    row, theirs, back = LoyaltyTransaction, aliased(LoyaltyTransaction), aliased(LoyaltyTransaction)
    own = select(theirs.id).where(
        theirs.merchant_id == given.merchant_id, theirs.card_id.in_(account.cards())
    )
    abroad = (row.merchant_id == given.merchant_id, row.card_id.not_in(account.cards()), row.id > given.id)
    reversals = select(row).where(*abroad, row.type.in_(REVERSALS), row.linked_id.in_(own))
    dead_too = {"include_deleted": True}
    found = list(db.session.scalars(reversals, execution_options=dead_too))
    voids = select(back).where(
        back.merchant_id == given.merchant_id,
        back.type == "void",
        back.reverses_id.in_([each.id for each in found]),
    )
    return found + list(db.session.scalars(voids))


def _used(rows: list[LoyaltyTransaction]) -> dict[int, int]:
    """Sum up what standing reversals have set off already, by the row that took it."""
    voided = {row.reverses_id for row in rows if row.type == "void"}
    used: dict[int, int] = {}
    for row in {row.id: row for row in rows}.values():
        if row.id not in voided:
            for part in row.rule_snapshot.get("set_off", ()):
                used[part["row"]] = used.get(part["row"], 0) + part["points"]
    return used
