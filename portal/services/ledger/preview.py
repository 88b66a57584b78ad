"""What the last 90 days would have been by other rules (specification of loyalty, section 10)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import func, select

from portal.extensions import db
from portal.models.loyalty_card import LoyaltyCard
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.models.merchant import Merchant
from portal.models.reward_issue import RewardIssue
from portal.services.ledger.preview_points import Person, people_by, standing
from portal.services.ledger.preview_stamps import STAMP_RULES, Stamped, stamped_by
from portal.services.ledger.tiers import tier_for
from portal.services.programs import FIELDS

DAYS = 90


class Change(NamedTuple):
    """A figure by today's rules and by the new ones."""

    before: int
    after: int

    @property
    def difference(self) -> int:
        """How much more, or less."""
        return self.after - self.before


@dataclass(frozen=True)
class Preview:
    """What the last days would have been: purchases counted again, refunds left out.

    `up` and `down` are members who would stand in another tier; `kept` are open rewards, which no rule
    touches. The stamps are None where no rule of stamps differs.
    """

    since: datetime
    purchases: int
    points: Change
    joined: int
    bonus: Change
    up: int
    down: int
    kept: int
    stamps: Change | None = None
    full_cards: Change | None = None

    @property
    def issued(self) -> Change:
        """All points given: for purchases and for joining."""
        return Change(self.points.before + self.bonus.before, self.points.after + self.bonus.after)


def preview_rules(program: LoyaltyProgram, changes: dict[str, Any], *, now: datetime) -> Preview:
    """Count the last 90 days again by the rules as changed, beside today's; writes nothing.

    Each purchase is counted from its eligible amount, by the tier it was made in. Raises Refused for a
    value that no program may have, as saving it would.
    """
    wanted = proposed(program, changes)
    since = now - timedelta(days=DAYS)
    people = people_by(program, wanted, since, now)
    up, down = _moves(program, wanted, people)
    others = _others(program, since)
    stamps, full_cards = _stamps(program, wanted, since)
    joined = others.bonuses or others.enrolled
    return Preview(
        since=since,
        purchases=sum(person.purchases for person in people),
        points=Change(sum(p.before for p in people), sum(p.after for p in people)),
        joined=joined,
        bonus=Change(joined * _bonus_of(program), joined * _bonus_of(wanted)),
        up=up,
        down=down,
        kept=others.kept,
        stamps=stamps,
        full_cards=full_cards,
    )


def proposed(program: LoyaltyProgram, changes: dict[str, Any]) -> LoyaltyProgram:
    """Make the program as it would be, for looking at alone; raises Refused for a bad value."""
    rules = {field: getattr(program, field) for field in FIELDS} | changes
    return LoyaltyProgram(merchant_id=program.merchant_id, **rules)


def _bonus_of(rules: LoyaltyProgram) -> int:
    """Say what joining gives: nothing where points are not collected."""
    return rules.welcome_bonus_points if rules.is_points_enabled else 0


class _Others(NamedTuple):
    bonuses: int
    enrolled: int
    kept: int


def _moves(program: LoyaltyProgram, wanted: LoyaltyProgram, people: list[Person]) -> tuple[int, int]:
    """Count who would stand higher and who lower."""
    moves = [_move(program, wanted, person) for person in people if person.is_member]
    return sum(move > 0 for move in moves), sum(move < 0 for move in moves)


def _move(program: LoyaltyProgram, wanted: LoyaltyProgram, person: Person) -> int:
    """Say whether the member would move up (1), down (-1) or not (0)."""
    here, there = tier_for(program, person.qualified), tier_for(wanted, person.qualifying)
    if there is None or (here and here["key"] == there["key"]):
        return 0
    rank = {tier["key"]: int(tier["threshold"]) for tier in wanted.tier_config}
    begins = rank.get(here["key"], int(here["threshold"])) if here else 0
    reached = rank[there["key"]]
    return (reached > begins) - (reached < begins)


def _others(program: LoyaltyProgram, since: datetime) -> _Others:
    """Count who joined, and the rewards still to be taken, in one statement."""
    row, mine = LoyaltyTransaction, RewardIssue.merchant_id == program.merchant_id
    joined = (row.merchant_id == program.merchant_id, row.program_id == program.id, row.occurred_at >= since)
    bonuses = select(func.count()).where(*joined, row.type == "welcome_bonus").scalar_subquery()
    enrolled = select(func.count()).where(*joined, row.type == "enrol").scalar_subquery()
    cards = select(LoyaltyCard.id).where(
        LoyaltyCard.merchant_id == program.merchant_id, LoyaltyCard.program_id == program.id
    )
    issued = select(func.count()).where(mine, RewardIssue.status == "issued", RewardIssue.card_id.in_(cards))
    found = db.session.execute(select(bonuses, enrolled, issued.scalar_subquery())).one()
    return _Others(*found)


def _stamps(
    program: LoyaltyProgram, wanted: LoyaltyProgram, since: datetime
) -> tuple[Change | None, Change | None]:
    """Put the stamps on again by both rules, where a rule of stamps differs."""
    if all(getattr(program, rule) == getattr(wanted, rule) for rule in STAMP_RULES):
        return None, None
    merchant = db.session.get_one(Merchant, program.merchant_id)
    lately = (*standing(program, "stamp"), LoyaltyTransaction.occurred_at >= since)
    before, after = stamped_by((program, wanted), lately, merchant.zone)
    return _change(before, after, "stamps"), _change(before, after, "full_cards")


def _change(before: Stamped, after: Stamped, figure: str) -> Change:
    return Change(getattr(before, figure), getattr(after, figure))
