"""Stamping a card (specification of loyalty, section 4)."""

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import aliased

from portal.errors import Refused
from portal.extensions import db
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.models.reward_issue import RewardIssue
from portal.services.ledger.accounts import Account, Posting, once
from portal.services.ledger.visits import Visit
from portal.words import _, ngettext

_void = aliased(LoyaltyTransaction)  # made once: it takes longer than the query


def stamp(card_id: int, *, visit: Visit, quantity: int = 1) -> Posting:
    """Put stamps on the card; a full card becomes a reward, what is left over begins the next.

    Raises Refused("bad_quantity", "cooldown", "daily_cap", "no_stamps", "paused", "card_suspended");
    cooldown says in `at` when the next stamp is possible, daily_cap in `left` how many are.
    """

    def work(account: Account) -> Posting:
        check(account, quantity)
        put_on(account, quantity)
        return Posting(account.card, account.rows, "stamped")

    return once(card_id, "stamp", {"quantity": quantity}, work, visit=visit)


def check(account: Account, quantity: int) -> None:
    """Hold so many stamps to the rules; raises as `stamp` does."""
    _refuse_if_not_stamping(account, quantity)
    _refuse_in_cooldown(account)
    _refuse_above_cap(account, quantity)


def no(code: str, **details: Any) -> Refused:
    """Refuse stamps with a sentence made of the details alone, so that a replay can say it again."""
    return Refused(code, SENTENCES[code](details), **details)


def put_on(account: Account, quantity: int, **links: Any) -> LoyaltyTransaction:
    """Post stamps that were checked; part of a purchase that also gives points, too."""
    program = account.program
    snapshot = {"stamps_target": program.stamps_target, "cooldown_minutes": program.cooldown_minutes}
    posted = account.post("stamp", stamps=quantity, rule_snapshot=snapshot, **links)
    complete(account, posted)
    return posted


def complete(account: Account, cause: LoyaltyTransaction) -> list[RewardIssue]:
    """Turn every full card into a reward that remembers the target it was earned by."""
    made, program = [], account.program
    while account.card.stamps_balance >= program.stamps_target:
        made.append(_completed(account, cause, program.stamps_target, program.stamps_reward_value_cents))
    return made


def complete_again(account: Account, returned: RewardIssue, cause: LoyaltyTransaction) -> None:
    """Give the reward anew for the stamps that came back with it, by the target it remembers.

    Not where nothing is completed: on a card in the trash, and while stamps are frozen.
    """
    if account.card.is_deleted or not account.program.is_stamps_enabled or not returned.is_of_stamps:
        return
    if account.card.stamps_balance >= returned.stamps_target:
        _completed(account, cause, returned.stamps_target, returned.discount_cents)


def _completed(
    account: Account, cause: LoyaltyTransaction, target: int, worth_cents: int | None
) -> RewardIssue:
    issue = RewardIssue(
        merchant_id=account.card.merchant_id,
        card_id=account.card.id,
        stamps_target=target,
        discount_cents=worth_cents,
        issued_at=account.visit.now,
        expires_at=valid_until(account),
        issued_store_id=account.visit.store_id,
    )
    db.session.add(issue)
    db.session.flush()  # the row names it
    account.post("stamp_complete", stamps=-target, linked_id=cause.id, reward_issue_id=issue.id)
    return issue


def filled(program: LoyaltyProgram, stamps: int) -> tuple[int, int]:
    """Say how many rewards so many stamps become, and what is left over, as `complete` does it."""
    if not program.is_stamps_enabled or stamps < program.stamps_target:
        return 0, stamps
    return divmod(stamps, program.stamps_target)


def valid_until(account: Account) -> datetime | None:
    """Say until when a reward handed out now may be taken; None for ever."""
    days = account.program.reward_valid_days
    if days is None:
        return None
    zone = account.merchant.zone
    day = account.visit.now.astimezone(zone).date() + timedelta(days=days + 1)
    return datetime.combine(day, time(), tzinfo=zone)


def _refuse_if_not_stamping(account: Account, quantity: int) -> None:
    program = account.program
    if not program.is_active:
        raise Refused("paused", _("The program is paused. An owner can start it again."))
    if not program.is_stamps_enabled:
        raise no("no_stamps")
    account.refuse_if_suspended()
    most = program.max_stamps_per_transaction
    if not 1 <= quantity <= most:
        raise no("bad_quantity", most=most)


def _refuse_in_cooldown(account: Account) -> None:
    minutes = account.program.cooldown_minutes
    if not minutes:
        return
    when, window = account.visit.occurred_at, timedelta(minutes=minutes)
    near = (
        *_live_stamps(account),
        LoyaltyTransaction.occurred_at > when - window,
        LoyaltyTransaction.occurred_at < when + window,
    )
    last = db.session.scalar(select(func.max(LoyaltyTransaction.occurred_at)).where(*near))
    if last is not None:
        at = last + window
        raise no("cooldown", at=at, after=int((at - when).total_seconds()))


def _refuse_above_cap(account: Account, quantity: int) -> None:
    cap = account.program.max_daily_stamps
    if not cap:
        return
    begin, end = day_of(account.visit.occurred_at, account)
    today = (
        *_live_stamps(account),
        LoyaltyTransaction.occurred_at >= begin,
        LoyaltyTransaction.occurred_at < end,
    )
    given = db.session.scalar(select(func.sum(LoyaltyTransaction.stamps_delta)).where(*today)) or 0
    left = max(0, cap - int(given))  # PostgreSQL sums up to a Decimal
    if quantity > left:
        raise no("daily_cap", left=left, cap=cap, at=end)


def day_of(moment: datetime, account: Account) -> tuple[datetime, datetime]:
    """Find the merchant's local day of a moment: its beginning and its end, 23 to 25 hours apart."""
    zone = account.merchant.zone
    day = moment.astimezone(zone).date()
    return (
        datetime.combine(day, time(), tzinfo=zone),
        datetime.combine(day + timedelta(days=1), time(), tzinfo=zone),
    )


def _live_stamps(account: Account) -> tuple[ColumnElement[bool], ...]:
    card, void = account.card, _void
    # Of any card: a stamp may be voided while its card is merged into another.
    voided = exists().where(
        void.merchant_id == card.merchant_id,
        void.type == "void",
        void.reverses_id == LoyaltyTransaction.id,
    )
    return (
        LoyaltyTransaction.merchant_id == card.merchant_id,
        LoyaltyTransaction.card_id == card.id,
        LoyaltyTransaction.type == "stamp",
        ~voided,
    )


def _cooldown_words(details: dict[str, Any]) -> str:
    minutes = max(1, -(-details["after"] // 60))
    return ngettext("Next stamp in %(num)s minute.", "Next stamp in %(num)s minutes.", minutes)


def _cap_words(details: dict[str, Any]) -> str:
    if not details["left"]:
        return _("No more stamps today. This card has had its %(cap)s.", cap=details["cap"])
    return ngettext("Only %(num)s more stamp today.", "Only %(num)s more stamps today.", details["left"])


SENTENCES: dict[str, Callable[[dict[str, Any]], str]] = {
    "no_stamps": lambda _details: _("This program collects points, not stamps."),
    "bad_quantity": lambda details: _("Give 1 to %(most)s stamps at once.", most=details["most"]),
    "cooldown": _cooldown_words,
    "daily_cap": _cap_words,
}
