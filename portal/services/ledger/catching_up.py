"""Cards of merged people that come out of the trash with their program (specification of loyalty, 11).

Records may be merged while a program lies in the trash; nothing is posted to its cards then. When it is
back, what is on the cards of those who were merged away goes where the merge would have put it.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update

from portal.extensions import db
from portal.models.actor import Actor
from portal.models.customer import Customer
from portal.models.customer_merge import CustomerMerge
from portal.models.loyalty_card import LoyaltyCard
from portal.models.tenancy import merchant_of
from portal.services import audit
from portal.services.ledger.moving import made_card, move, point_on
from portal.services.ledger.pairs import account_of, hold_cards, hold_people
from portal.services.ledger.visits import Visit

DEAD_TOO = {"include_deleted": True}


def catch_up(program_id: int, *, by: Actor, now: datetime) -> None:
    """Play the merges again that left cards of this program behind, in their order, for those cards alone.

    A merge that is caught up with can be taken back like any other. Nothing happens where all is well.
    """
    merges = _since_the_first_left_behind(program_id)
    if not merges:
        return
    ids = {each for merge in merges for each in (merge.survivor_id, merge.loser_id)}
    people = hold_people(ids)
    hold_cards(ids, program_id=program_id)  # all at once, in the order of their numbers
    _rewind(merges)
    visit = Visit(by=by, now=now, source="system")
    for merge in merges:
        survivor, loser = people[merge.survivor_id], people[merge.loser_id]
        _settle(merge, survivor, loser, program_id, visit)
        loser.merged_into_id = survivor.id
        db.session.flush()
        point_on(loser, survivor)


def _since_the_first_left_behind(program_id: int) -> list[CustomerMerge]:
    """Read the merges that stand, from the first on whose loser's card of this program did not move."""
    card, merge = LoyaltyCard, CustomerMerge
    standing = (merge.merchant_id == merchant_of(db.session), merge.unmerged_at.is_(None))
    of_loser = (card.merchant_id == merge.merchant_id) & (card.customer_id == merge.loser_id)
    with_loser = of_loser & (card.deletion_id == merge.loser_deletion_id)
    mine = select(merge, card.id).join(card, with_loser).where(*standing, card.program_id == program_id)
    there = mine.where(card.purged_at.is_(None)).order_by(merge.id)
    found = db.session.execute(there, execution_options=DEAD_TOO)
    first = next((each.id for each, card_id in found if not _has_moved(each, card_id)), None)
    if first is None:
        return []
    since = select(merge).where(*standing, merge.id >= first).order_by(merge.id)
    return list(db.session.scalars(since))


def _has_moved(merge: CustomerMerge, card_id: int) -> bool:
    return any(part["from_card_id"] == card_id for part in merge.parts)


def _rewind(merges: Sequence[CustomerMerge]) -> None:
    """Let everybody point where they did before these merges."""
    for merge in reversed(merges):
        _point([merge.loser_id], None, merge.merchant_id)
        _point(merge.moved["merged_before"], merge.loser_id, merge.merchant_id)


def _point(ids: Sequence[int], at: int | None, merchant_id: int) -> None:
    these = (Customer.merchant_id == merchant_id, Customer.id.in_(ids))
    db.session.execute(update(Customer).where(*these).values(merged_into_id=at), execution_options=DEAD_TOO)


def _settle(merge: CustomerMerge, survivor: Customer, loser: Customer, program_id: int, visit: Visit) -> None:
    """Move the loser's card as this merge would have done, unless it did, or nobody can have it any more."""
    held = hold_cards([survivor.id, loser.id], program_id=program_id)
    theirs = _card_of(loser, held)
    if theirs is None or survivor.purged_at is not None or _has_moved(merge, theirs.id):
        return
    mine = _card_of(survivor, held)
    is_made = mine is None
    mine = mine or made_card(survivor, theirs)
    is_stopped = mine.status != theirs.status == "suspended"
    part = move(account_of(mine, visit), account_of(theirs, visit))
    if is_stopped:  # nobody is asked here, and a merge lifts no suspension
        mine.status = "suspended"
        audit.record("suspend", mine, by=visit.by)
    merge.keep(part | {"made_card": is_made, "suspended": is_stopped})


def _card_of(person: Customer, held: Sequence[LoyaltyCard]) -> LoyaltyCard | None:
    """Find the card that lives with its holder, or lies in the trash with them."""
    of_theirs = (card for card in held if card.customer_id == person.id and card.purged_at is None)
    return next((card for card in of_theirs if card.deletion_id == person.deletion_id), None)
