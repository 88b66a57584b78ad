"""Making one of two records of a person (specification of loyalty, section 11).

Points, stamps, codes and rewards move to the survivor; the other record goes to the trash and points at
the survivor, so that a refund of one of its purchases finds the right card. Orders and consents keep the
record they came with: reports stay as they were, and the survivor's screens ask for both
(`customers.same_person`).
"""

from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models.customer import Customer
from portal.models.customer_merge import CustomerMerge
from portal.models.loyalty_card import CardToken, LoyaltyCard
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.models.records import IdempotencyKey
from portal.models.reward_issue import RewardIssue
from portal.services import audit, trash
from portal.services.ledger import expiring, fingerprints, tiers
from portal.services.ledger.accounts import Account
from portal.services.ledger.pairs import account_of, claim_for, hold_cards, hold_people, refuse_if_not_owner
from portal.services.ledger.stamping import complete
from portal.services.ledger.taking_back import take_back
from portal.services.ledger.visits import Visit
from portal.words import _

CONTACTS = ("phone", "email")
REASON = "merge"


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
    moved = _merge_cards(survivor, loser, visit, key)
    moved |= {"merged_before": _point_on(loser, survivor)}
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
    mine = mine or _made_card(survivor, theirs)
    return _move(account_of(mine, visit, key), account_of(theirs, visit, key)) | {"made_card": is_made}


def _made_card(survivor: Customer, theirs: LoyaltyCard) -> LoyaltyCard:
    """Make a card for the survivor: no new enrolment, so no row, no bonus and no new codes."""
    card = LoyaltyCard(
        merchant_id=survivor.merchant_id,
        program_id=theirs.program_id,
        customer_id=survivor.id,
        status=theirs.status,
    )
    db.session.add(card)
    db.session.flush()  # its rows name it
    return card


def _move(to: Account, out: Account) -> dict[str, Any]:
    mine, theirs = to.card, out.card
    for account in (to, out):
        expiring.post_due(account)
    taken = _take_second_bonus(to, out)
    was = {"last_activity_at": mine.last_activity_at, "expiry_floor_at": mine.expiry_floor_at}
    _keep_the_later(mine, theirs)
    theirs.customer.merged_into_id = mine.customer_id  # from here on both cards count as one person's
    left = _post(out, "merge_out", -theirs.points_balance, -theirs.stamps_balance)
    came = _post(to, "merge_in", -left.points_delta, -left.stamps_delta, linked_id=left.id)
    moved = {
        "card_id": mine.id,
        "from_card_id": theirs.id,
        "merge_in": came.id,
        "merge_out": left.id,
        "bonus": taken,
        "was": {field: moment and moment.isoformat() for field, moment in was.items()},
        "floor": mine.expiry_floor_at and mine.expiry_floor_at.isoformat(),
        "tier": mine.tier_key,
        "tokens": _move_tokens(theirs, mine),
        "issues": _move_issues(theirs, mine),
    }
    if to.program.is_stamps_enabled:
        complete(to, came)
    _keep_the_higher_tier(to, out, came)
    return moved


def _post(account: Account, kind: str, points: int, stamps: int, **links: Any) -> LoyaltyTransaction:
    return account.post(kind, points=points, stamps=stamps, reason_code=REASON, **links)


def _take_second_bonus(to: Account, out: Account) -> int | None:
    """Reverse the loser's welcome bonus when both had one; the row that does, or None."""
    theirs = _standing_bonus(out)
    if theirs is None or _standing_bonus(to) is None:
        return None
    links: dict[str, Any] = {"linked_id": theirs.id, "reason_code": REASON}
    return take_back(out, theirs, "adjust", theirs.points_delta, **links).id


def _standing_bonus(account: Account) -> LoyaltyTransaction | None:
    """Find a welcome bonus of the card, or of one merged into it, that no merge has reversed."""
    row = LoyaltyTransaction
    told = select(row).where(
        row.merchant_id == account.card.merchant_id,
        row.card_id.in_(account.cards()),
        row.type.in_(("welcome_bonus", "adjust", "void")),
    )
    rows = db.session.scalars(told.order_by(row.id), execution_options={"include_deleted": True}).all()
    voided = {each.reverses_id for each in rows}
    reversed_ids = {
        each.linked_id
        for each in rows
        if each.type == "adjust" and each.reason_code == REASON and each.id not in voided
    }
    bonuses = (each for each in rows if each.type == "welcome_bonus" and each.id not in reversed_ids)
    return next(bonuses, None)


def _keep_the_later(mine: LoyaltyCard, theirs: LoyaltyCard) -> None:
    mine.last_activity_at = later(mine.last_activity_at, theirs.last_activity_at)
    mine.expiry_floor_at = later(mine.expiry_floor_at, theirs.expiry_floor_at)


def later(one: datetime | None, other: datetime | None) -> datetime | None:
    """Take the later of two moments, or the one there is."""
    return max((moment for moment in (one, other) if moment), default=None)


def _keep_the_higher_tier(to: Account, out: Account, came: LoyaltyTransaction) -> None:
    """Lift the survivor by what both earned together, and never below what either had."""
    tiers.climb(to, came)
    theirs, program = out.card.tier_key, to.program
    if tiers.rank(program, theirs) > tiers.rank(program, to.card.tier_key):
        points = tiers.qualifying_points(to, to.visit.now)
        tiers.move(to, theirs, points, transaction_id=came.id)


def _move_tokens(theirs: LoyaltyCard, mine: LoyaltyCard) -> list[int]:
    """Let the loser's codes, revoked ones too, lead to the survivor's card."""
    query = select(CardToken).where(
        CardToken.merchant_id == theirs.merchant_id, CardToken.card_id == theirs.id
    )
    tokens = db.session.scalars(query.order_by(CardToken.id)).all()
    for token in tokens:
        token.card_id = mine.id
    return [token.id for token in tokens]


def _move_issues(theirs: LoyaltyCard, mine: LoyaltyCard) -> list[int]:
    """Move rewards, those handed over too: limits count them, and they can be given back."""
    query = select(RewardIssue).where(
        RewardIssue.merchant_id == theirs.merchant_id, RewardIssue.card_id == theirs.id
    )
    issues = db.session.scalars(query.order_by(RewardIssue.id)).all()
    for issue in issues:
        issue.card_id = mine.id
    return [issue.id for issue in issues]


def _point_on(loser: Customer, survivor: Customer) -> list[int]:
    """Let records merged into the loser before point at the survivor: one step is always enough."""
    theirs = (Customer.merchant_id == loser.merchant_id, Customer.merged_into_id == loser.id)
    dead_too = {"include_deleted": True}
    ids = list(db.session.scalars(select(Customer.id).where(*theirs), execution_options=dead_too))
    if ids:
        moved = update(Customer).where(*theirs).values(merged_into_id=survivor.id)
        db.session.execute(moved, execution_options=dead_too)
    return ids
