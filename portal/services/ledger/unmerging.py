"""Taking a merge back within a day (specification of loyalty, section 11).

The loser's record comes back with what it brought: points, stamps, codes and rewards, less what was
refunded or voided of it since. What was earned after the merge stays with the survivor.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, or_, select, update

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models.customer import Customer
from portal.models.customer_merge import CustomerMerge
from portal.models.deletion import Deletion
from portal.models.loyalty_card import CardToken, LoyaltyCard
from portal.models.loyalty_transaction import ACTIVITY, LoyaltyTransaction
from portal.models.reward_issue import RewardIssue
from portal.services import audit, trash
from portal.services.ledger import expiring, tiers
from portal.services.ledger.accounts import Account
from portal.services.ledger.merging import CONTACTS
from portal.services.ledger.moving import later
from portal.services.ledger.pairs import account_of, claim_for, hold_cards, hold_people, refuse_if_not_owner
from portal.services.ledger.stamping import complete
from portal.services.ledger.taking_back import take_back
from portal.services.ledger.visits import Visit
from portal.services.ledger.voiding import cancel_stamp_rewards, flag_missing_stamps
from portal.words import _

WITHIN = timedelta(hours=24)
REASON = "unmerge"
FINAL = ("redeem", "expire", "forfeit", "convert")  # whose points went cannot be told any more


@dataclass(frozen=True)
class _Cards:
    """The survivor's and the loser's account, and what the merge moved between them."""

    survivor: Account
    loser: Account
    moved: dict[str, Any]


def unmerge(merge: CustomerMerge, *, visit: Visit) -> CustomerMerge:
    """Take a merge back: the loser has their record and card again, the survivor keeps what came after.

    Raises Refused("not_allowed", "unmerged", "too_late", "merged_on", "spent_since"),
    Conflict("customer_gone", "card_gone", "value_taken", "key_reused").
    """
    refuse_if_not_owner(visit.by)
    people = hold_people([merge.survivor_id, merge.loser_id])
    if len(people) < 2:
        raise Conflict("customer_gone", _("This customer is not there any more."))
    db.session.refresh(merge)
    key = claim_for("unmerge", {"merge": merge.id}, visit)
    if key is not None and key.result_id is not None:
        return merge
    survivor, loser = people[merge.survivor_id], people[merge.loser_id]
    _refuse_if_over(merge, survivor, loser, visit.now)
    held = _held(merge, visit)
    for cards in held:
        expiring.post_due(cards.survivor)
        _refuse_if_spent(cards)
    _bring_back(merge, survivor, loser, visit)
    for cards in held:
        _move_back(cards)
    merge.unmerged_at = visit.now
    audit.record("unmerge", survivor, by=visit.by, merged_id=loser.id)
    if key is not None:
        key.result_kind, key.result_id = "unmerged", merge.id
    return merge


def _refuse_if_over(merge: CustomerMerge, survivor: Customer, loser: Customer, now: datetime) -> None:
    if merge.unmerged_at is not None:
        raise Refused("unmerged", _("This merge was taken back already."))
    if now > merge.merged_at + WITHIN:
        raise Refused("too_late", _("A merge can be taken back for 24 hours only."))
    if loser.merged_into_id != survivor.id:
        raise Refused("merged_on", _("This customer was merged again since. Take that back first."))
    if survivor.is_deleted or loser.erased_at or loser.purged_at:
        raise Conflict("customer_gone", _("This customer is in the trash. Restore them first."))


def _held(merge: CustomerMerge, visit: Visit) -> list[_Cards]:
    """Lock the cards of both, in the order of their ids; the two of each program, none if nothing moved."""
    if not merge.parts:
        return []
    cards = {card.id: card for card in hold_cards([merge.survivor_id, merge.loser_id])}
    return [_pair(cards, part, visit) for part in merge.parts]


def _pair(cards: dict[int, LoyaltyCard], moved: dict[str, Any], visit: Visit) -> _Cards:
    mine, theirs = cards[moved["card_id"]], cards[moved["from_card_id"]]
    if mine.is_deleted:
        raise Conflict("card_gone", _("The card is in the trash with its program. Restore that first."))
    return _Cards(account_of(mine, visit), account_of(theirs, visit), moved)


def _since(cards: _Cards, *what: Any) -> Select[Any]:
    """Select from the rows of the survivor's card since the merge."""
    row, card = LoyaltyTransaction, cards.survivor.card
    mine = (row.merchant_id == card.merchant_id, row.card_id == card.id)
    return select(*what).where(*mine, row.id > cards.moved["merge_in"])


def _refuse_if_spent(cards: _Cards) -> None:
    row = LoyaltyTransaction
    if db.session.scalar(_since(cards, row.id).where(row.type.in_(FINAL)).limit(1)) is not None:
        message = _("Points were redeemed or have expired since. The merge stays as it is.")
        raise Refused("spent_since", message)


def _bring_back(merge: CustomerMerge, survivor: Customer, loser: Customer, visit: Visit) -> None:
    """Give phone and e-mail back, unless they were changed since, and restore the record."""
    for field in CONTACTS:
        if merge.moved[field] and getattr(survivor, field) == getattr(loser, field):
            setattr(survivor, field, None)
    loser.merged_into_id = None
    again = (Customer.merchant_id == loser.merchant_id, Customer.merged_into_id == survivor.id)
    before = update(Customer).where(*again, Customer.id.in_(merge.moved["merged_before"]))
    db.session.execute(before.values(merged_into_id=loser.id), execution_options={"include_deleted": True})
    act = db.session.get_one(Deletion, (merge.merchant_id, merge.loser_deletion_id))
    trash.restore(act, by=visit.by, now=visit.now)


def _move_back(cards: _Cards) -> None:
    survivor, loser, moved = cards.survivor, cards.loser, cards.moved
    points, stamps = _to_give_back(cards)
    left = survivor.post(
        "merge_out", points=-points, stamps=-stamps, linked_id=moved["merge_in"], reason_code=REASON
    )
    for model, ids in ((CardToken, moved["tokens"]), (RewardIssue, moved["issues"])):
        _lead_to(loser.card, model, ids)
    _cover_the_stamps(survivor, left)
    back = loser.post("merge_in", points=points, stamps=stamps, linked_id=left.id, reason_code=REASON)
    if loser.program.is_stamps_enabled:
        complete(loser, back)
    _give_bonus_back(cards, moved["bonus"])
    _as_before(cards)
    if moved["made_card"] and not _has_own_rows(cards, left.id):
        by, now = survivor.visit.by, survivor.visit.now
        trash.soft_delete_cascade(survivor.card, by=by, now=now, reason="the merge was taken back")


def _to_give_back(cards: _Cards) -> tuple[int, int]:
    """Sum up what came with the merge, less what was refunded, voided or cancelled of it since."""
    row, loser = LoyaltyTransaction, cards.loser.card
    older = select(row.id).where(row.merchant_id == loser.merchant_id, row.card_id.in_(cards.loser.cards()))
    # A refund of theirs, or a second bonus taken, that was voided since took nothing, wherever it was posted.
    reversals = select(row.id).where(
        row.merchant_id == loser.merchant_id,
        row.type.in_(("refund_reversal", "adjust")),
        row.linked_id.in_(older),
    )
    about = or_(
        row.linked_id.in_(older),
        row.reverses_id.in_(older),
        row.reverses_id.in_(reversals),
        row.reward_issue_id.in_(cards.moved["issues"]),
    )
    # On any card: the survivor, too, may have been merged into another meanwhile.
    sums = select(func.sum(row.points_delta), func.sum(row.stamps_delta)).where(
        row.merchant_id == loser.merchant_id, row.id > cards.moved["merge_in"], about
    )
    points, stamps = db.session.execute(sums, execution_options={"include_deleted": True}).one()
    came = db.session.get_one(row, (loser.merchant_id, cards.moved["merge_in"]))
    return came.points_delta + (points or 0), came.stamps_delta + (stamps or 0)


def _cover_the_stamps(account: Account, left: LoyaltyTransaction) -> None:
    """Cancel rewards that only both cards together had filled, the newest first; flag what is missing."""
    was_missing = account.card.stamps_balance < left.stamps_delta
    cancel_stamp_rewards(account)
    if account.card.stamps_balance < 0 and not was_missing:
        flag_missing_stamps(account, left, REASON)


def _give_bonus_back(cards: _Cards, adjust_id: int | None) -> None:
    """Void the row that took the second bonus, unless that was done since, on the card it was taken from."""
    row = LoyaltyTransaction
    if adjust_id is None:
        return
    taken = db.session.get_one(row, (cards.loser.card.merchant_id, adjust_id))
    account = cards.survivor if taken.card_id == cards.survivor.card.id else cards.loser
    void = select(row.id).where(
        row.merchant_id == taken.merchant_id, row.type == "void", row.reverses_id == taken.id
    )
    if db.session.scalar(void) is None:
        links: dict[str, Any] = {"reverses_id": taken.id, "linked_id": taken.id, "reason_code": REASON}
        take_back(account, taken, "void", taken.points_delta, **links)


def _lead_to(card: LoyaltyCard, model: Any, ids: Iterable[int]) -> None:
    """Let what was moved lead to the loser's card again, revoked and cancelled ones too."""
    these = select(model).where(model.merchant_id == card.merchant_id, model.id.in_(list(ids)))
    for each in db.session.scalars(these, execution_options={"include_deleted": True}).all():
        each.card_id = card.id


def _as_before(cards: _Cards) -> None:
    """Put the survivor's activity, floor and tier back, as far as nothing happened since."""
    card, moved, row = cards.survivor.card, cards.moved, LoyaltyTransaction
    was = {key: value and datetime.fromisoformat(value) for key, value in moved["was"].items()}
    newest = _since(cards, func.max(row.occurred_at)).where(row.type.in_(ACTIVITY))
    if moved.get("suspended") and card.status == "suspended":
        card.status = "active"
        audit.record("lift", card, by=cards.survivor.visit.by)
    card.last_activity_at = later(was["last_activity_at"], db.session.scalar(newest))
    if card.expiry_floor_at and card.expiry_floor_at.isoformat() == moved["floor"]:
        card.expiry_floor_at = was["expiry_floor_at"]
    _regrade(cards.survivor, moved["tier"])


def _regrade(account: Account, tier_before: str | None) -> None:
    """Leave the tier the survivor had, or the one their own points reach if that is higher."""
    program = account.program
    points = tiers.qualifying_points(account, account.visit.now)
    reached = tiers.tier_for(program, points)
    own = reached["key"] if reached else None
    key = own if tiers.rank(program, own) > tiers.rank(program, tier_before) else tier_before
    if key != account.card.tier_key:
        tiers.move(account, key, points)


def _has_own_rows(cards: _Cards, left_id: int) -> bool:
    """Whether anything happened on the survivor's new card between the merge and now."""
    row = LoyaltyTransaction
    return db.session.scalar(_since(cards, row.id).where(row.id < left_id).limit(1)) is not None
