"""What a manager should look at: odd movements, and adjustments that take a second person."""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select

from portal.errors import Refused
from portal.extensions import db
from portal.models.actor import Actor, Role
from portal.models.merchant import Merchant
from portal.models.review_item import ReviewItem
from portal.services import audit
from portal.services.ledger.accounts import Posting
from portal.services.ledger.adjusting import PROPOSAL, approve, hold
from portal.services.ledger.visits import Visit
from portal.words import _, later

KINDS: dict[str, Any] = {
    PROPOSAL: later("Adjustment that needs a second person"),
    "negative_stamps": later("Fewer stamps than none"),
}
# How somebody settled it: accepted as it is, or set aside.
ACCEPTED: dict[str, Any] = {
    "agreed": later("agreed"),
    "in_order": later("it is in order"),
    "handled": later("dealt with"),
}
DISMISSED: dict[str, Any] = {
    "not_agreed": later("not agreed"),
    "mistake": later("a mistake"),
    "duplicate": later("was there twice"),
    "outdated": later("not needed any more"),
}


def open_items(merchant: Merchant) -> Select[ReviewItem]:
    """Select what waits to be looked at, the newest first."""
    waiting = ReviewItem.of(merchant).where(ReviewItem.status == "open")
    return waiting.order_by(ReviewItem.id.desc())


def how_many_open(merchant: Merchant) -> int:
    """Count what waits to be looked at."""
    waiting = select(func.count()).where(ReviewItem.merchant_id == merchant.id, ReviewItem.status == "open")
    return db.session.scalar(waiting) or 0


def kind_word(item: ReviewItem) -> str:
    """Say what kind of thing it is; one not known here by its code."""
    return str(KINDS.get(item.kind) or item.kind.replace("_", " "))


def outcome_word(item: ReviewItem) -> str:
    """Say how it was settled; nothing while it is open."""
    code = item.details.get("outcome", "")
    return str((ACCEPTED | DISMISSED).get(code, code))


def flag(
    kind: str, reason_code: str, *, merchant_id: int, now: datetime, card_id: int | None = None, **more: Any
) -> ReviewItem:
    """Put something on the list; `more` are the item's own `store_id`, `transaction_id`, `details`."""
    item = ReviewItem(
        merchant_id=merchant_id, kind=kind, reason_code=reason_code, card_id=card_id, created_at=now, **more
    )
    db.session.add(item)
    return item


def accept(
    item: ReviewItem, *, visit: Visit, outcome: str = "agreed", note: str | None = None
) -> Posting | None:
    """Settle an item as it is; an adjustment is posted then, and what it did is handed back.

    The note goes beside the row of an adjustment. Raises Refused("not_allowed", "bad_reason"),
    Conflict("not_open") and what `approve` raises.
    """
    _refuse_staff(visit.by)
    _refuse_unknown(outcome, ACCEPTED)
    if item.kind == PROPOSAL:
        posting = approve(item, visit=visit, note=note)
        if not posting.is_replay:
            item.details = {**item.details, "outcome": outcome}
        return posting
    hold(item)
    _settle(item, "accepted", outcome, by=visit.by, now=visit.now)
    return None


def dismiss(item: ReviewItem, *, by: Actor, now: datetime, outcome: str) -> None:
    """Set an item aside, for one of DISMISSED; a proposed adjustment is never posted then.

    Raises Refused("not_allowed", "bad_reason"), Conflict("not_open").
    """
    _refuse_staff(by)
    _refuse_unknown(outcome, DISMISSED)
    hold(item)
    _settle(item, "dismissed", outcome, by=by, now=now)


def _refuse_staff(by: Actor) -> None:
    if by.role < Role.MANAGER:
        raise Refused("not_allowed", _("A manager looks through this list. Ask one."))


def _refuse_unknown(outcome: str, known: dict[str, Any]) -> None:
    if outcome not in known:
        raise Refused("bad_reason", _("Choose one of the reasons."), field="outcome")


def _settle(item: ReviewItem, status: str, outcome: str, *, by: Actor, now: datetime) -> None:
    item.status, item.resolved_at, item.resolved_by_id = status, now, by.user_id
    item.details = {**item.details, "outcome": outcome}
    about = ("loyalty_cards", item.card_id) if item.card_id else ("review_items", None)
    audit.note("settle", about, merchant_id=item.merchant_id, by=by, item_id=item.id, outcome=outcome)
