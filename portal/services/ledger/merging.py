"""Making one of two records of a person (specification of loyalty, section 11).

Points, stamps, codes and rewards move to the survivor; the other record goes to the trash and points at
the survivor, so that a refund of one of its purchases finds the right card. Orders and consents keep the
record they came with: reports stay as they were, and the survivor's screens ask for both
(`same_person`).
"""

from typing import Any

from sqlalchemy import select

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models.customer import Customer
from portal.models.customer_merge import CustomerMerge
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.records import IdempotencyKey
from portal.services import audit, trash
from portal.services.ledger import fingerprints
from portal.services.ledger.moving import made_card, merged_into, move, point_on
from portal.services.ledger.pairs import account_of, claim_for, hold_cards, hold_people, refuse_if_not_owner
from portal.services.ledger.visits import Visit
from portal.words import _

CONTACTS = ("phone", "email")


def merge_customers(
    survivor: Customer, loser: Customer, *, visit: Visit, secret: str | None = None
) -> CustomerMerge:
    """Make one of two records: the loser's card becomes the survivor's, and the loser goes to the trash.

    A phone or e-mail the survivor has not is taken from the loser; with the application's `secret` key it
    is remembered as having had the welcome bonus, if either had it. It can be taken back within a day
    (`unmerge`). Raises Refused("not_allowed", "same_customer", "card_suspended"), Conflict("customer_gone",
    "key_reused").
    """
    refuse_if_not_owner(visit.by)
    if survivor.id == loser.id:
        raise Refused("same_customer", _("Choose two different customers."))
    people = hold_people([survivor.id, loser.id])
    key = claim_for("merge", {"survivor": survivor.id, "loser": loser.id}, visit)
    if key is not None and key.result_id is not None:
        return db.session.get_one(CustomerMerge, (key.merchant_id, key.result_id))
    if len(people) < 2 or any(each.is_deleted for each in people.values()):
        raise Conflict("customer_gone", _("One of the two is in the trash. Look them up again."))
    before = merged_into(loser)
    moved = _merge_cards(survivor, loser, visit, key) | {"merged_before": before}
    point_on(loser, survivor)
    merge = _write_down(survivor, loser, moved, visit)
    if secret:
        fingerprints.follow(survivor, secret=secret, now=visit.now)
    if key is not None:
        key.result_kind, key.result_id = "merged", merge.id
    return merge


def _write_down(survivor: Customer, loser: Customer, moved: dict[str, Any], visit: Visit) -> CustomerMerge:
    """Trash the loser, then give the survivor the contacts, for only one living person may have them."""
    given = {field: getattr(loser, field) for field in CONTACTS if getattr(survivor, field) is None}
    loser.merged_into_id = survivor.id
    act = trash.soft_delete_cascade(loser, by=visit.by, now=visit.now, reason="merged into another record")
    for field, value in given.items():
        setattr(survivor, field, value)
    merge = CustomerMerge(
        merchant_id=survivor.merchant_id,
        survivor_id=survivor.id,
        loser_id=loser.id,
        loser_deletion_id=act.id,
        moved=moved | {field: given.get(field) is not None for field in CONTACTS},
        merged_by_id=visit.by.user_id,
        merged_at=visit.now,
    )
    db.session.add(merge)
    audit.record("merge", survivor, by=visit.by, merged_id=loser.id)
    db.session.flush()  # its id goes into the answer
    return merge


def _merge_cards(
    survivor: Customer, loser: Customer, visit: Visit, key: IdempotencyKey | None
) -> dict[str, Any]:
    """Move what is on the loser's card to the survivor's, made now if there is none."""
    query = select(LoyaltyProgram).where(LoyaltyProgram.merchant_id == survivor.merchant_id)
    program = db.session.scalar(query.with_for_update(read=True))
    if program is None:
        return {}
    held = hold_cards([survivor.id, loser.id], program_id=program.id)
    living = {card.customer_id: card for card in held if not card.is_deleted}
    theirs = living.get(loser.id)
    if theirs is None:
        return {}
    mine = living.get(survivor.id)
    if mine is not None and mine.status != theirs.status:
        raise Refused("card_suspended", _("One of the two cards is suspended. Lift the suspension first."))
    is_made = mine is None
    mine = mine or made_card(survivor, theirs)
    return move(account_of(mine, visit, key), account_of(theirs, visit, key)) | {"made_card": is_made}
