"""What must hold of cards and who holds them: merges, erasures, expiry, and what a reversal forgave."""

from datetime import timedelta
from typing import Any

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from portal.models.customer import Customer
from portal.models.customer_merge import CustomerMerge
from portal.models.loyalty_card import LoyaltyCard
from portal.models.loyalty_transaction import ACTIVITY, LoyaltyTransaction
from portal.models.reward_issue import RewardIssue
from portal.services.ledger.invariant import Query, Rule, is_row
from portal.words import later

Row, Card, Issue = LoyaltyTransaction, LoyaltyCard, RewardIssue
SUMMER_TIME = timedelta(hours=2)  # days of 23 hours, and then some


def _was_merged(card: Any) -> Any:
    """Whether the holder of a card was ever one of two records made one, taken back since or not."""
    either = or_(CustomerMerge.survivor_id == card.customer_id, CustomerMerge.loser_id == card.customer_id)
    return exists().where(CustomerMerge.merchant_id == card.merchant_id, either)


def _void_elsewhere(merchant_id: int) -> Query:
    void, given = aliased(Row), aliased(Row)
    found = select(void.card_id.label("card"), void.id.label("row"), given.id.label("given"))
    return (
        found.join(given, is_row(given, void.reverses_id, void))
        .join(Card, is_row(Card, given.card_id, given))
        .where(void.merchant_id == merchant_id, void.type == "void", void.card_id != given.card_id)
        .where(~_was_merged(Card))
    )


def _reward_elsewhere(merchant_id: int) -> Query:
    found = select(Issue.card_id.label("card"), Issue.id.label("issue"), Row.id.label("row"))
    return (
        found.join(Row, and_(Row.merchant_id == Issue.merchant_id, Row.reward_issue_id == Issue.id))
        .join(Card, is_row(Card, Row.card_id, Row))
        .where(Issue.merchant_id == merchant_id, Row.card_id != Issue.card_id, ~_was_merged(Card))
    )


def _stranger(merchant_id: int) -> Query:
    """Arrivals on a card whose holder was never made one with whom they left."""
    came, left, to, out = aliased(Row), aliased(Row), aliased(Card), aliased(Card)
    merge = CustomerMerge
    is_pair = or_(
        and_(merge.survivor_id == to.customer_id, merge.loser_id == out.customer_id),
        and_(merge.survivor_id == out.customer_id, merge.loser_id == to.customer_id),
    )
    found = select(came.card_id.label("card"), came.id.label("row"))
    return (
        found.join(left, is_row(left, came.linked_id, came))
        .join(to, is_row(to, came.card_id, came))
        .join(out, is_row(out, left.card_id, left))
        .where(came.merchant_id == merchant_id, came.type == "merge_in")
        .where(~exists().where(merge.merchant_id == came.merchant_id, is_pair))
    )


def _forfeited(merchant_id: int) -> Query:
    found = select(Row.card_id.label("card"), Row.id.label("row"))
    return (
        found.join(Card, is_row(Card, Row.card_id, Row))
        .join(Customer, is_row(Customer, Card.customer_id, Card))
        .where(Row.merchant_id == merchant_id, Row.type == "forfeit", Customer.erased_at.is_(None))
    )


def _expired(merchant_id: int) -> Query:
    """Every expiry, with the last activity of its card before it."""
    before = aliased(Row)
    last = select(func.max(before.occurred_at)).where(
        before.merchant_id == merchant_id,
        before.card_id == Row.card_id,
        before.id < Row.id,
        before.type.in_(ACTIVITY),
    )
    columns = (Row.card_id.label("card"), Row.id.label("row"), Row.occurred_at, Row.created_at)
    found = select(
        *columns, Row.rule_snapshot.label("rules"), last.correlate(Row).scalar_subquery().label("last")
    )
    return found.where(Row.merchant_id == merchant_id, Row.type == "expire")


def _is_early(found: Any) -> bool:
    """Whether it was posted before it was due, or due within the days that its own rules leave."""
    days = found.rules.get("points_expiration_days")
    is_short = days is not None and found.last is not None
    left = found.last + timedelta(days=days) - SUMMER_TIME if is_short else found.occurred_at
    return bool(found.occurred_at > found.created_at or found.occurred_at < left)


def _forgiving(merchant_id: int) -> Query:
    """Every reversal of a purchase, with the rules of its day."""
    back, given = aliased(Row), aliased(Row)
    columns = (back.rule_snapshot.label("said"), given.rule_snapshot.label("rules"))
    found = select(back.card_id.label("card"), back.id.label("row"), *columns)
    return found.join(given, is_row(given, back.linked_id, back)).where(
        back.merchant_id == merchant_id,
        back.type.in_(("refund_reversal", "void")),
        given.type == "earn",
    )


def _is_made_up(found: Any) -> bool:
    """Whether something was forgiven although the purchase was made under rules that forgive nothing."""
    return bool(found.said.get("forgiven", 0) > 0 and found.rules.get("clawback_policy") == "allow_negative")


HOLDERS = (
    Rule(
        "voided_elsewhere",
        _void_elsewhere,
        later("movement %(row)s voids %(given)s, which is on a card of somebody else"),
    ),
    Rule(
        "reward_elsewhere",
        _reward_elsewhere,
        later("reward %(issue)s was paid on a card of somebody else, by movement %(row)s"),
    ),
    Rule("merged_with_a_stranger", _stranger, later("movement %(row)s came from a card of somebody else")),
    Rule("forfeited", _forfeited, later("movement %(row)s forfeited what somebody has who was not erased")),
    Rule("expired_early", _expired, later("movement %(row)s expired points before their time"), _is_early),
    Rule("forgiven", _forgiving, later("movement %(row)s forgave what its rules do not"), _is_made_up),
)
