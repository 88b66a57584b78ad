"""Points that nobody touches for long expire (specification of loyalty, section 7)."""

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from portal.models.loyalty_card import LoyaltyCard
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.loyalty_transaction import LoyaltyTransaction

if TYPE_CHECKING:
    from portal.services.ledger.accounts import Account

NOTICE = timedelta(days=30)


def expires_at(last_activity: datetime, days: int, zone: ZoneInfo) -> datetime:
    """Say when points of that last activity expire: 00:00 local of its day + days + 1; UTC."""
    day = last_activity.astimezone(zone).date() + timedelta(days=days + 1)
    return datetime.combine(day, time(), tzinfo=zone).astimezone(last_activity.tzinfo)


def due_at(card: LoyaltyCard, program: LoyaltyProgram, zone: ZoneInfo) -> datetime | None:
    """Say when the card's points expire, the latest floor included; None when they never do.

    Points that are frozen, because the program counts stamps only, do not expire.
    """
    days = program.points_expiration_days
    if days is None or not program.is_points_enabled or card.last_activity_at is None:
        return None
    dates = (expires_at(card.last_activity_at, days, zone), card.expiry_floor_at, program.expiry_floor_at)
    return max(date for date in dates if date)


def balance_at(card: LoyaltyCard, program: LoyaltyProgram, zone: ZoneInfo, now: datetime) -> int:
    """Read the points net of what is due to expire; writes nothing."""
    due = due_at(card, program, zone)
    return min(0, card.points_balance) if due is not None and due <= now else card.points_balance


def post_due(account: "Account") -> LoyaltyTransaction | None:
    """Post the expiry that is due, so that expired points can never be spent."""
    card, now = account.card, account.visit.now
    due = due_at(card, account.program, account.merchant.zone)
    if due is None or due > now or card.points_balance <= 0:
        return None
    days = {"points_expiration_days": account.program.points_expiration_days}  # the statement says it
    return account.post(
        "expire", points=-card.points_balance, occurred_at=due, source="system", rule_snapshot=days
    )


def put_off(owner: LoyaltyCard | LoyaltyProgram, now: datetime) -> None:
    """Let nothing of this card, or of this program, expire in the next 30 days."""
    floor = now + NOTICE
    owner.expiry_floor_at = max(owner.expiry_floor_at or floor, floor)


def note_posted(card: LoyaltyCard, row: LoyaltyTransaction) -> None:
    """Move the card's expiry with the row: activity starts it anew, any other credit leaves 30 days.

    So does any purchase posted later than it happened, also one that brought no points.
    """
    if row.is_activity:
        card.last_activity_at = max(card.last_activity_at or row.occurred_at, row.occurred_at)
    is_late = row.type == "earn" and row.occurred_at < row.created_at
    if is_late or (row.points_delta > 0 and not row.is_activity):
        put_off(card, row.created_at)
        card.last_activity_at = card.last_activity_at or row.occurred_at
