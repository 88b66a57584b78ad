"""What must hold of every card, asked of the database: rewards, tiers, merges, rows after a death."""

from datetime import timedelta
from typing import Any

from sqlalchemy import and_, case, exists, func, or_, select
from sqlalchemy.orm import aliased

from portal.models.customer import Customer
from portal.models.deletion import Deletion
from portal.models.loyalty_card import LoyaltyCard
from portal.models.loyalty_program import LoyaltyProgram, ProgramVersion
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.models.records import IdempotencyKey
from portal.models.reward_issue import RewardIssue
from portal.models.standing import TierChange
from portal.services.ledger.invariant import Query, Rule, is_row
from portal.words import later

Row, Card, Issue = LoyaltyTransaction, LoyaltyCard, RewardIssue
AFTER_DEATH = ("refund_reversal", "refund_return", "redeem_cancel", "void", "forfeit")
CATCHING_UP = ("merge_out", "merge_in", "adjust")
# Who waited for a lock that a deletion held took the time before it; nobody waits longer than seconds.
CLOCKS = timedelta(minutes=2)


def _rewards(merchant_id: int) -> Query:
    """Rewards whose rows do not add up to what their status says they cost."""
    rows = (
        select(
            Row.reward_issue_id.label("issue"),
            func.sum(Row.points_delta).label("points"),
            func.sum(Row.stamps_delta).label("stamps"),
        )
        .where(Row.merchant_id == merchant_id, Row.reward_issue_id.is_not(None))
        .group_by(Row.reward_issue_id)
        .subquery()
    )
    is_back = Issue.status.in_(("cancelled", "expired"))
    points = case((is_back, 0), else_=-Issue.points_price)
    stamps = case((Issue.status == "cancelled", 0), else_=-Issue.stamps_target)
    is_wrong = or_(func.coalesce(rows.c.points, 0) != points, func.coalesce(rows.c.stamps, 0) != stamps)
    found = select(Issue.card_id.label("card"), Issue.id.label("issue"), Issue.status.label("status"))
    return found.outerjoin(rows, rows.c.issue == Issue.id).where(
        Issue.merchant_id == merchant_id, or_(rows.c.issue.is_(None), is_wrong)
    )


def _no_reward(merchant_id: int) -> Query:
    mine = (Row.merchant_id == merchant_id, Row.type.in_(("redeem", "stamp_complete")))
    found = select(Row.card_id.label("card"), Row.id.label("row"))
    return found.where(*mine, Row.reward_issue_id.is_(None))


def _after_death(merchant_id: int) -> Query:
    card = and_(Card.merchant_id == Row.merchant_id, Card.id == Row.card_id)
    late = (Card.deleted_at.is_not(None), Row.created_at > Card.deleted_at, Row.type.not_in(AFTER_DEATH))
    # What was merged while its program lay in the trash moves when that comes back.
    is_moving = and_(Row.type.in_(CATCHING_UP), func.coalesce(Row.reason_code, "") == "merge")
    found = select(Row.card_id.label("card"), Row.id.label("row"), Row.type.label("type"), Row.created_at)
    return (
        found.add_columns(Card.deleted_at)
        .join(Card, card)
        .where(Row.merchant_id == merchant_id, *late, ~is_moving)
    )


def _keys(merchant_id: int) -> Query:
    key = and_(IdempotencyKey.merchant_id == Row.merchant_id, IdempotencyKey.id == Row.key_id)
    found = select(Row.card_id.label("card"), Row.id.label("row")).join(IdempotencyKey, key)
    return found.where(Row.merchant_id == merchant_id, IdempotencyKey.result_id.is_(None))


def _tiers(merchant_id: int) -> Query:
    """Cards whose tier is not where their last step led; what was purged has forgotten it."""
    last = (
        select(TierChange.card_id, func.max(TierChange.id).label("id"))
        .where(TierChange.merchant_id == merchant_id)
        .group_by(TierChange.card_id)
        .subquery()
    )
    step = and_(TierChange.merchant_id == merchant_id, TierChange.id == last.c.id)
    found = select(Card.id.label("card"), func.coalesce(Card.tier_key, "").label("tier"))
    is_there = func.coalesce(Card.tier_key, "") == func.coalesce(TierChange.to_key, "")
    return (
        found.outerjoin(last, last.c.card_id == Card.id)
        .outerjoin(TierChange, step)
        .where(Card.merchant_id == merchant_id, Card.purged_at.is_(None), ~is_there)
    )


def _steps(merchant_id: int) -> Query:
    before = func.lag(TierChange.to_key).over(partition_by=TierChange.card_id, order_by=TierChange.id)
    place = func.row_number().over(partition_by=TierChange.card_id, order_by=TierChange.id)
    each = (
        select(
            TierChange.card_id.label("card"),
            TierChange.id.label("row"),
            TierChange.from_key,
            before.label("before"),
            place.label("place"),
        )
        .where(TierChange.merchant_id == merchant_id)
        .subquery()
    )
    is_next = func.coalesce(each.c.from_key, "") == func.coalesce(each.c.before, "")
    return select(each.c.card, each.c.row).where(~is_next)


def _merged(merchant_id: int) -> Query:
    """Arrivals that do not mirror a departure."""
    came, left = aliased(Row), aliased(Row)
    pair = and_(
        is_row(left, came.linked_id, came),
        left.type == "merge_out",
        left.points_delta == -came.points_delta,
        left.stamps_delta == -came.stamps_delta,
    )
    found = select(came.card_id.label("card"), came.id.label("row")).outerjoin(left, pair)
    return found.where(came.merchant_id == merchant_id, came.type == "merge_in", left.id.is_(None))


def _left(merchant_id: int) -> Query:
    return _without_partner(merchant_id, "merge_out", "merge_in", Row.id.is_not(None))


def _left_behind(merchant_id: int) -> Query:
    """Cards of merged people of a program that lives and is back whole, with something on them still.

    One that was in the trash on its own before is left there.
    """
    survivor, coming = aliased(Customer), aliased(Deletion)
    program = and_(LoyaltyProgram.merchant_id == Card.merchant_id, LoyaltyProgram.id == Card.program_id)
    holder = and_(Customer.merchant_id == Card.merchant_id, Customer.id == Card.customer_id)
    one = and_(survivor.merchant_id == Card.merchant_id, survivor.id == Customer.merged_into_id)
    is_coming = exists().where(
        coming.merchant_id == Card.merchant_id,
        coming.root_kind == "loyalty_programs",
        coming.root_id == Card.program_id,
        coming.status == "restoring",
    )
    found = select(
        Card.id.label("card"), Card.points_balance.label("has"), Card.stamps_balance.label("stamps")
    )
    return (
        found.join(LoyaltyProgram, program)
        .join(Customer, holder)
        .join(survivor, one)
        .where(
            Card.merchant_id == merchant_id,
            or_(Card.points_balance != 0, Card.stamps_balance != 0),
            Card.purged_at.is_(None),
            Card.deletion_id == Customer.deletion_id,
            survivor.purged_at.is_(None),
            LoyaltyProgram.deleted_at.is_(None),
            ~is_coming,
        )
    )


def _converted(merchant_id: int) -> Query:
    return _without_partner(merchant_id, "convert", "convert", Row.linked_id.is_(None))


def _without_partner(merchant_id: int, first: str, second: str, narrowed: Any) -> Query:
    """First rows of a pair that not exactly one second row names."""
    other = aliased(Row)
    partners = (
        select(func.count())
        .where(other.merchant_id == merchant_id, other.type == second, other.linked_id == Row.id)
        .correlate(Row)
        .scalar_subquery()
    )
    found = select(Row.card_id.label("card"), Row.id.label("row"))
    return found.where(Row.merchant_id == merchant_id, Row.type == first, narrowed, partners != 1)


def _not_emptied(merchant_id: int) -> Query:
    expired = and_(Row.type == "expire", Row.points_after != 0)
    forfeited = and_(Row.type == "forfeit", or_(Row.points_after > 0, Row.stamps_after > 0))
    found = select(Row.card_id.label("card"), Row.id.label("row"), Row.type.label("type"))
    return found.where(Row.merchant_id == merchant_id, or_(expired, forfeited))


def _frozen(merchant_id: int) -> Query:
    """Points that expired under rules that count stamps only: what is frozen does not expire."""
    kept = and_(
        ProgramVersion.merchant_id == Row.merchant_id,
        ProgramVersion.program_id == Row.program_id,
        ProgramVersion.version == Row.program_version,
        ProgramVersion.rules["loyalty_type"].as_string() == "stamps",
    )
    found = select(Row.card_id.label("card"), Row.id.label("row")).join(ProgramVersion, kept)
    return found.where(Row.merchant_id == merchant_id, Row.type == "expire")


def _versions(merchant_id: int) -> Query:
    program = and_(LoyaltyProgram.merchant_id == Row.merchant_id, LoyaltyProgram.id == Row.program_id)
    card = and_(Card.merchant_id == Row.merchant_id, Card.id == Row.card_id)
    is_wrong = or_(Row.program_version > LoyaltyProgram.version, Card.program_id != Row.program_id)
    found = select(Row.card_id.label("card"), Row.id.label("row")).join(LoyaltyProgram, program)
    return found.join(Card, card).where(Row.merchant_id == merchant_id, is_wrong)


def _is_late(found: Any) -> bool:
    return bool(found.created_at > found.deleted_at + CLOCKS)


CARDS = (
    Rule("reward", _rewards, later("reward %(issue)s is %(status)s, and its movements say otherwise")),
    Rule("no_reward", _no_reward, later("movement %(row)s handed out no reward")),
    Rule(
        "after_death",
        _after_death,
        later("movement %(row)s (%(type)s) came after its card was deleted"),
        _is_late,
    ),
    Rule("key", _keys, later("the key of movement %(row)s knows no result")),
    Rule("tier", _tiers, later("is in the tier “%(tier)s”, where no step led")),
    Rule(
        "tier_steps", _steps, later("step %(row)s from tier to tier does not begin where the last one ended")
    ),
    Rule("merged", _merged, later("movement %(row)s came from no merged card")),
    Rule("merged_away", _left, later("movement %(row)s left for a merged card and did not arrive once")),
    Rule(
        "left_behind",
        _left_behind,
        later("was merged into another and still has %(has)s points and %(stamps)s stamps"),
    ),
    Rule("converted", _converted, later("movement %(row)s was converted, and its other half is missing")),
    Rule("not_emptied", _not_emptied, later("movement %(row)s (%(type)s) left something behind")),
    Rule("expired_frozen", _frozen, later("movement %(row)s expired points that were frozen")),
    Rule("version", _versions, later("movement %(row)s names rules its program has not had")),
)
