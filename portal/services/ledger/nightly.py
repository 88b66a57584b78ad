"""What the night does with points and rewards whose time is over (specification of loyalty, 5 and 7).

Each verb takes a chunk of one merchant, by the numbers of its rows; the door commits it and goes on
`after` it. All may be interrupted, and run twice at once: what is done is not due any more.
"""

from datetime import datetime, time, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, or_, select

from portal.extensions import db
from portal.models.actor import JOBS
from portal.models.loyalty_card import LoyaltyCard
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.merchant import Merchant
from portal.models.records import IdempotencyKey, OutboxMessage
from portal.models.reward_issue import RewardIssue
from portal.services.ledger import expiring
from portal.services.ledger.accounts import Account, open_account
from portal.services.ledger.rewarding import give_stock_back
from portal.services.ledger.visits import Visit
from portal.services.once import claim, digest_of
from portal.services.programs import find_program

CHUNK = 200
WARN_DAYS = (7, 30)  # the nearest first


class Chunk(NamedTuple):
    """What one chunk did: how many, of how many points; `after` is None when it was the last."""

    done: int
    points: int
    after: int | None


def expire_some(merchant: Merchant, *, now: datetime, after: int = 0, limit: int = CHUNK) -> Chunk:
    """Post the expiry of the next cards whose points nobody touched for too long."""
    program = find_program(merchant)
    is_over = is_due(program, merchant, now) if program else None
    if program is None or is_over is None:
        return Chunk(0, 0, None)
    due = select(LoyaltyCard.id).join(LoyaltyCard.customer)
    due = due.where(*_of(program), is_over, LoyaltyCard.id > after)
    cards = list(db.session.scalars(due.order_by(LoyaltyCard.id).limit(limit)))
    accounts = [account for card_id in cards if (account := _opened(card_id, now))]
    posted = [row for account in accounts if (row := expiring.post_due(account))]
    return Chunk(len(posted), -sum(row.points_delta for row in posted), _next(cards, limit))


def is_due(program: LoyaltyProgram, merchant: Merchant, now: datetime) -> ColumnElement[bool] | None:
    """Ask the database what `expiring.due_at` says of one card: whether its points are over now.

    None when no card of the program can be due.
    """
    days, floor = program.points_expiration_days, program.expiry_floor_at
    if days is None or not program.is_points_enabled or (floor is not None and floor > now):
        return None
    own = LoyaltyCard.expiry_floor_at
    return (
        (LoyaltyCard.points_balance > 0)
        & (LoyaltyCard.last_activity_at < _midnight(merchant, now, -days))
        & or_(own.is_(None), own <= now)
    )


def is_soon(program: LoyaltyProgram, merchant: Merchant, now: datetime) -> ColumnElement[bool]:
    """Ask the database whether a card's points expire within the notice, and are not over yet."""
    soon, over = is_due(program, merchant, now + expiring.NOTICE), is_due(program, merchant, now)
    if soon is None:
        return LoyaltyCard.id < 0  # none is
    return soon if over is None else soon & ~over


def expire_rewards_some(merchant: Merchant, *, now: datetime, after: int = 0, limit: int = CHUNK) -> Chunk:
    """Expire the next rewards that nobody collected in time: what points bought gives the points back."""
    due = select(RewardIssue.id, RewardIssue.card_id).join(RewardIssue.card)
    due = due.where(
        RewardIssue.merchant_id == merchant.id,
        RewardIssue.status == "issued",
        RewardIssue.expires_at <= now,
        RewardIssue.id > after,
    )
    found = db.session.execute(due.order_by(RewardIssue.id).limit(limit)).all()
    # Lock all cards before any stock: the till locks a card first and a reward second.
    accounts = {card_id: _opened(card_id, now) for card_id in sorted({card_id for _, card_id in found})}
    tried = [_expire(accounts[card_id], issue_id) for issue_id, card_id in found]
    done = [points for points in tried if points is not None]
    return Chunk(len(done), sum(done), _next([issue_id for issue_id, _ in found], limit))


def warn_some(merchant: Merchant, *, now: datetime, after: int = 0, limit: int = CHUNK) -> Chunk:
    """Put warnings of an expiry into the outbox: 30 days before it and 7, each once; ids only."""
    program = find_program(merchant)
    if program is None or program.points_expiration_days is None or not program.is_points_enabled:
        return Chunk(0, 0, None)
    furthest = max(WARN_DAYS) - program.points_expiration_days
    near = select(LoyaltyCard).join(LoyaltyCard.customer)
    near = near.where(
        *_of(program),
        LoyaltyCard.points_balance > 0,
        LoyaltyCard.last_activity_at < _midnight(merchant, now, furthest),
        LoyaltyCard.id > after,
    )
    cards = list(db.session.scalars(near.order_by(LoyaltyCard.id).limit(limit)))
    due = {card.id: expiring.due_at(card, program, merchant.zone) for card in cards}
    wanted = {
        f"expiry-warning/{card_id}/{days}/{at:%Y-%m-%dT%H:%M}": (card_id, days, at)
        for card_id, at in due.items()
        if at is not None and (days := _days_to_say(merchant, now, at)) is not None
    }
    warned = sum(_warn(merchant, key, wanted[key], now) for key in _not_yet(merchant, wanted))
    return Chunk(warned, 0, _next([card.id for card in cards], limit))


def _of(program: LoyaltyProgram) -> tuple[ColumnElement[bool], ...]:
    return (LoyaltyCard.merchant_id == program.merchant_id, LoyaltyCard.program_id == program.id)


def _midnight(merchant: Merchant, now: datetime, days: int) -> datetime:
    """Find the beginning of the local day so many days from today."""
    day = now.astimezone(merchant.zone).date() + timedelta(days=days)
    return datetime.combine(day, time(), tzinfo=merchant.zone)


def _opened(card_id: int, now: datetime) -> Account | None:
    """Lock a card for posting; None when it, its program or the business died meanwhile."""
    account = open_account(card_id, Visit(by=JOBS, now=now, source="system"))
    is_dead = account.card.is_deleted or account.program.is_deleted or account.merchant.is_deleted
    return None if is_dead or account.card.id != card_id else account


def _next(ids: list[int], limit: int) -> int | None:
    return ids[-1] if len(ids) == limit else None


def _expire(account: Account | None, issue_id: int) -> int | None:
    """Expire one reward of a locked card, and say the points given back; None when it is not due any more."""
    if account is None:
        return None
    query = select(RewardIssue).where(
        RewardIssue.merchant_id == account.card.merchant_id,
        RewardIssue.card_id == account.card.id,
        RewardIssue.id == issue_id,
        RewardIssue.status == "issued",
    )
    issue = db.session.scalar(query, execution_options={"populate_existing": True})
    if issue is None:
        return None
    expiring.post_due(account)
    issue.status = "expired"
    if issue.is_of_stamps:
        return 0
    give_stock_back(issue)
    account.post(
        "redeem_cancel",
        points=issue.points_price,
        reward_issue_id=issue.id,
        occurred_at=issue.expires_at,
        source="system",
    )
    return issue.points_price


def _days_to_say(merchant: Merchant, now: datetime, due: datetime) -> int | None:
    """Choose the warning to give: the nearest that is reached; None before the first, and when it is over."""
    left = (due.astimezone(merchant.zone).date() - now.astimezone(merchant.zone).date()).days
    return next((days for days in WARN_DAYS if 0 < left <= days), None)


def _not_yet(merchant: Merchant, wanted: dict[str, tuple[int, int, datetime]]) -> list[str]:
    said = select(IdempotencyKey.key).where(
        IdempotencyKey.merchant_id == merchant.id, IdempotencyKey.key.in_(wanted)
    )
    return sorted(set(wanted) - set(db.session.scalars(said)))


def _warn(merchant: Merchant, key: str, told: tuple[int, int, datetime], now: datetime) -> bool:
    card_id, days, due = told
    claimed = claim(key, request_hash=digest_of("expiry_warning", {}), by=JOBS, merchant_id=merchant.id)
    if claimed.result_id is not None:
        return False  # another run was quicker
    payload = {"card_id": card_id, "days": days, "expires_at": due.isoformat()}
    message = OutboxMessage(
        merchant_id=merchant.id, kind="expiry_warning", payload=payload, due_at=now, created_at=now
    )
    db.session.add(message)
    db.session.flush()  # the key names it
    claimed.result_kind, claimed.result_id = "expiry_warning", message.id
    return True
