"""Tiers by night: up where a purchase missed it, down after the grace (specification of loyalty, 9)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Row, or_, select
from sqlalchemy.orm import aliased

from portal.extensions import db
from portal.models.actor import JOBS
from portal.models.customer import Customer
from portal.models.loyalty_card import LoyaltyCard
from portal.models.loyalty_program import LoyaltyProgram, ProgramVersion
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.models.merchant import Merchant
from portal.services.ledger import tiers
from portal.services.ledger.accounts import open_account
from portal.services.ledger.grace import Event, Rules, due_tier
from portal.services.ledger.visits import Visit
from portal.services.programs import find_program

CHUNK = 200
DEAD_TOO = {"include_deleted": True}
# Made once: making an alias takes longer than the query.
_row, _mine, _theirs = aliased(LoyaltyTransaction), aliased(LoyaltyCard), aliased(LoyaltyCard)


class Graded(NamedTuple):
    """What one chunk did; `after` is where the next begins, None when there is none."""

    up: int
    down: int
    after: int | None


def run_tiers_some(merchant: Merchant, *, now: datetime, after: int = 0, limit: int = CHUNK) -> Graded:
    """Put the next cards into the tier they are due; the door commits and goes on `after` them.

    Up at once, by what qualifies now. Down to the highest tier that held at any moment of the last
    `tier_grace_days`, each moment by the rules of that moment: so a threshold that was raised starts
    the grace with the version that raised it. Every change is a row.
    """
    program = find_program(merchant)
    if program is None:
        return Graded(0, 0, None)
    cards = _cards(program, after, limit)
    rules = _rules_within_grace(program, now)
    events = _events([card for card, *_ in cards], program)
    wrong = [card for card, key in cards if due_tier(rules, events[card], key, now)[0] != key]
    moved = [step for card in wrong if (step := _move(card, program, rules, now))]
    return Graded(moved.count(1), moved.count(-1), cards[-1][0] if len(cards) == limit else None)


def _rules_within_grace(program: LoyaltyProgram, now: datetime) -> list[Rules]:
    """Read the rules that held during the grace, from its beginning on, the present ones last."""
    begin = now - timedelta(days=program.tier_grace_days)
    versions = select(ProgramVersion.saved_at, ProgramVersion.rules).where(
        ProgramVersion.merchant_id == program.merchant_id,
        ProgramVersion.program_id == program.id,
        ProgramVersion.saved_at <= now,
    )
    kept = [_rules(at, rules) for at, rules in db.session.execute(versions.order_by(ProgramVersion.version))]
    begun = [rules for rules in kept if rules.since > begin]
    present = Rules(begin, program.tier_config, _window(program.tier_window_days))
    if not begun:
        return [present]
    earlier = [rules._replace(since=begin) for rules in kept if rules.since <= begin][-1:]
    return [*earlier, *begun[:-1], present._replace(since=begun[-1].since)]


def _rules(since: datetime, rules: dict[str, Any]) -> Rules:
    return Rules(since, rules.get("tier_config", ()), _window(rules.get("tier_window_days")))


def _window(days: int | None) -> timedelta | None:
    return None if days is None else timedelta(days=days)


def _cards(program: LoyaltyProgram, after: int, limit: int) -> list[tuple[int, str | None]]:
    """List the next living cards with their tiers; without tiers, those still in one."""
    cards = select(LoyaltyCard.id, LoyaltyCard.tier_key).where(
        LoyaltyCard.merchant_id == program.merchant_id,
        LoyaltyCard.program_id == program.id,
        LoyaltyCard.id > after,
    )
    if not program.tier_config:
        cards = cards.where(LoyaltyCard.tier_key.is_not(None))
    found = db.session.execute(cards.order_by(LoyaltyCard.id).limit(limit))
    return [(card_id, key) for card_id, key in found]


def _events(card_ids: Sequence[int], program: LoyaltyProgram) -> dict[int, list[Event]]:
    """Gather what counts for each card: of the purchases of its holder, and of people merged into them."""
    holder = _holders(card_ids, program)
    row = _row
    earned = select(row.id).where(
        row.merchant_id == program.merchant_id, row.card_id.in_(holder), row.type == "earn"
    )
    columns = (row.card_id, row.points_delta, row.occurred_at, row.created_at)
    earns = {earn.id: earn for earn in db.session.execute(earned.add_columns(*columns))}
    back = tiers.reversals_of(earned, program.merchant_id)
    events: dict[int, list[Event]] = defaultdict(list)
    for earn in earns.values():
        events[holder[earn.card_id]].append(Event(earn.created_at, earn.occurred_at, earn.points_delta))
    for earn_id, known_at, points in _taken_back(db.session.execute(back.order_by("id")), earns):
        earn = earns[earn_id]
        events[holder[earn.card_id]].append(Event(known_at, earn.occurred_at, points))
    return events


def _taken_back(rows: Iterable[Row[Any]], earns: dict[int, Any]) -> Iterator[tuple[int, datetime, int]]:
    """Say what refunds and voids took from which purchase, and what voided refunds gave back."""
    refunds: dict[int, tuple[int, int]] = {}
    for row in rows:
        if row.type == "refund_reversal":
            refunds[row.id] = (row.linked_id, row.rule_snapshot["owed"])
            yield row.linked_id, row.created_at, -row.rule_snapshot["owed"]
        elif row.reverses_id in earns:
            yield row.reverses_id, row.created_at, -earns[row.reverses_id].points_delta
        else:  # the void of such a refund
            earn_id, owed = refunds[row.reverses_id]
            yield earn_id, row.created_at, owed


def _holders(card_ids: Sequence[int], program: LoyaltyProgram) -> dict[int, int]:
    """Map each card that counts, the dead of merged people too, to the living card it counts for."""
    mine, theirs = _mine, _theirs
    people = select(theirs.id, mine.id).where(
        mine.merchant_id == program.merchant_id,
        mine.id.in_(card_ids),
        theirs.merchant_id == program.merchant_id,
        theirs.program_id == mine.program_id,
        theirs.customer_id == Customer.id,
        Customer.merchant_id == program.merchant_id,
        or_(Customer.id == mine.customer_id, Customer.merged_into_id == mine.customer_id),
    )
    found: dict[int, int] = dict(db.session.execute(people, execution_options=DEAD_TOO).all())
    return found


def _move(card_id: int, program: LoyaltyProgram, rules: Sequence[Rules], now: datetime) -> int | None:
    """Look again with the card locked, and move it: 1 up, -1 down, None when it is well by now."""
    account = open_account(card_id, Visit(by=JOBS, now=now, source="system"))
    if account.card.is_deleted or account.card.id != card_id:
        return None
    before = account.card.tier_key
    key, points = due_tier(rules, _events([card_id], program)[card_id], before, now)
    if key == before:
        return None
    tiers.move(account, key, points)
    order = [None, *(tier["key"] for tier in program.tier_config)]
    return 1 if before in order and order.index(key) > order.index(before) else -1
