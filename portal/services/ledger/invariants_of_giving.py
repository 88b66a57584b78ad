"""What must hold of everything given for points and stamps, asked of the database: rewards, conversions."""

from decimal import ROUND_FLOOR, Decimal, InvalidOperation
from typing import Any

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import aliased

from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.models.reward_issue import RewardIssue
from portal.services.ledger.invariant import Query, Rule, is_row, undone
from portal.words import later

Row, Issue = LoyaltyTransaction, RewardIssue
RETURNS = ("redeem_cancel", "refund_return")


def _overdrawn(merchant_id: int) -> Query:
    """Rewards that cost more points than there were: a card below zero redeems nothing."""
    found = select(Row.card_id.label("card"), Row.id.label("row"))
    mine = (Row.merchant_id == merchant_id, Row.type == "redeem")
    return found.where(*mine, Row.points_delta < 0, Row.points_after < 0)


def _returned_nothing(merchant_id: int) -> Query:
    found = select(Row.card_id.label("card"), Row.id.label("row"))
    return found.where(Row.merchant_id == merchant_id, Row.type.in_(RETURNS), Row.reward_issue_id.is_(None))


def _handed_over(merchant_id: int) -> Query:
    """Rewards redeemed at a moment that no standing row tells of, or open although one does."""
    row = aliased(Row)
    over = (row.merchant_id == merchant_id, row.reward_issue_id == Issue.id, row.type == "redeem")
    at_that_moment = exists().where(*over, row.created_at == Issue.redeemed_at, ~undone(row))
    by_a_row = exists().where(*over, row.points_delta == 0, ~undone(row))
    is_wrong = or_(
        and_(Issue.status == "redeemed", ~at_that_moment), and_(Issue.status == "issued", by_a_row)
    )
    found = select(Issue.card_id.label("card"), Issue.id.label("issue"), Issue.status.label("status"))
    return found.where(Issue.merchant_id == merchant_id, is_wrong)


def _conversions(merchant_id: int) -> Query:
    """Both halves of every conversion."""
    given, taken = aliased(Row), aliased(Row)
    columns = (given.card_id.label("card"), given.id.label("row"), taken.rule_snapshot.label("rules"))
    deltas = (taken.points_delta, taken.stamps_delta, taken.points_after, taken.stamps_after)
    got = (given.points_delta + given.stamps_delta).label("given")
    found = select(*columns, *deltas, got).join(taken, is_row(taken, given.linked_id, given))
    return found.where(given.merchant_id == merchant_id, given.type == "convert", taken.type == "convert")


def _is_miscounted(found: Any) -> bool:
    """Whether not all was taken, or something else given than the rate says, rounded down once."""
    left = found.points_after if found.points_delta else found.stamps_after
    try:
        exact = -(found.points_delta + found.stamps_delta) * Decimal(found.rules["rate"])
    except (KeyError, InvalidOperation):
        return True
    return bool(left != 0 or found.given != int(exact.to_integral_value(ROUND_FLOOR)))


GIVING = (
    Rule("overdrawn", _overdrawn, later("movement %(row)s took more points than there were")),
    Rule("returned_nothing", _returned_nothing, later("movement %(row)s gave back no reward")),
    Rule(
        "handed_over",
        _handed_over,
        later("reward %(issue)s is %(status)s, and no movement of that moment says so"),
    ),
    Rule(
        "converted_wrongly",
        _conversions,
        later("movement %(row)s gave not what its rate says, or left something behind"),
        _is_miscounted,
    ),
)
