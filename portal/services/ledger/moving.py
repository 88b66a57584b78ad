"""Moving all that is on a merged person's card to the survivor's (specification of loyalty, section 11)."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select, update

from portal.extensions import db
from portal.models.customer import Customer
from portal.models.loyalty_card import CardToken, LoyaltyCard
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.models.ownership import table_of
from portal.models.reward_issue import RewardIssue
from portal.services import trash
from portal.services.ledger import expiring, tiers
from portal.services.ledger.accounts import Account
from portal.services.ledger.stamping import complete
from portal.services.ledger.taking_back import take_back
from portal.services.same_person import cards_of

REASON = "merge"


def made_card(survivor: Customer, theirs: LoyaltyCard) -> LoyaltyCard:
    """Make a card for the survivor: no new enrolment, so no row, no bonus and no new codes.

    That of a survivor in the trash lies there with them.
    """
    keys = {"merchant_id": survivor.merchant_id, "customer_id": survivor.id}
    keys |= {"program_id": theirs.program_id}
    if survivor.is_deleted:
        made = trash.add_dead(survivor, table_of("loyalty_cards"), keys | {"status": theirs.status})
        return db.session.get_one(
            LoyaltyCard, (survivor.merchant_id, made), execution_options={"include_deleted": True}
        )
    card = LoyaltyCard(**keys, status=theirs.status)
    db.session.add(card)
    db.session.flush()  # its rows name it
    return card


def move(to: Account, out: Account) -> dict[str, Any]:
    """Post both legs, move codes and rewards, and say what was moved, so that it can be taken back.

    `out` is a card that goes to the trash now, or lies there with its holder; `to` may lie there with its.
    """
    mine, theirs = to.card, out.card
    for account in (to, out):
        if not account.card.is_deleted:
            expiring.post_due(account)
    taken = _take_second_bonus(to, out)
    was = {"last_activity_at": mine.last_activity_at, "expiry_floor_at": mine.expiry_floor_at}
    _keep_the_later(mine, theirs)
    theirs.customer.merged_into_id = mine.customer_id  # from here on both cards count as one person's
    point_on(theirs.customer, mine.customer)  # and those of people merged into the loser before
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
    if to.program.is_stamps_enabled and not mine.is_deleted:
        complete(to, came)
    _keep_the_higher_tier(to, out, came)
    return moved


def merged_into(person: Customer) -> list[int]:
    """Name the records that were merged into this one; they lie in the trash."""
    theirs = select(Customer.id).where(*_merged_into(person)).order_by(Customer.id)
    return list(db.session.scalars(theirs, execution_options={"include_deleted": True}))


def point_on(loser: Customer, survivor: Customer) -> None:
    """Let records merged into the loser before point at the survivor: one step is always enough."""
    moved = update(Customer).where(*_merged_into(loser)).values(merged_into_id=survivor.id)
    db.session.execute(moved, execution_options={"include_deleted": True})


def _merged_into(person: Customer) -> tuple[ColumnElement[bool], ...]:
    return (Customer.merchant_id == person.merchant_id, Customer.merged_into_id == person.id)


def _post(account: Account, kind: str, points: int, stamps: int, **links: Any) -> LoyaltyTransaction:
    return account.post(kind, points=points, stamps=stamps, reason_code=REASON, **links)


def _take_second_bonus(to: Account, out: Account) -> int | None:
    """Reverse a welcome bonus when both had one; the row that does, or None."""
    found = second_bonus(to, out)
    if found is None:
        return None
    account, bonus = found
    links: dict[str, Any] = {"linked_id": bonus.id, "reason_code": REASON}
    return take_back(account, bonus, "adjust", bonus.points_delta, **links).id


def second_bonus(to: Account, out: Account) -> tuple[Account, LoyaltyTransaction] | None:
    """Find the welcome bonus that a merge takes back, the loser's, and the card it goes from; writes nothing.

    Nothing is posted to another program: where the loser's lies in one, it is the survivor's.
    """
    theirs, mine = _standing_bonus(out), _standing_bonus(to)
    if theirs is None or mine is None:
        return None
    both = ((out, theirs), (to, mine))
    return next((each for each in both if each[1].program_id == each[0].program.id), None)


def _standing_bonus(account: Account) -> LoyaltyTransaction | None:
    """Find a welcome bonus of the person that no merge has reversed: in this program, or in another."""
    row = LoyaltyTransaction
    told = select(row).where(
        row.merchant_id == account.card.merchant_id,
        row.card_id.in_(cards_of(account.card.customer)),
        row.type.in_(("welcome_bonus", "adjust", "void")),
    )
    ordered = told.order_by(row.program_id != account.program.id, row.id)
    rows = db.session.scalars(ordered, execution_options={"include_deleted": True}).all()
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
    """Let the loser's codes, revoked ones too, lead to the survivor's card; those in the trash with it."""
    query = select(CardToken).where(
        CardToken.merchant_id == theirs.merchant_id,
        CardToken.card_id == theirs.id,
        CardToken.deletion_id.is_not_distinct_from(theirs.deletion_id),
    )
    dead_too = {"include_deleted": True}
    tokens = db.session.scalars(query.order_by(CardToken.id), execution_options=dead_too).all()
    ids = [token.id for token in tokens]
    trash.give_to(mine, tokens, "card_id")
    return ids


def _move_issues(theirs: LoyaltyCard, mine: LoyaltyCard) -> list[int]:
    """Move rewards, those handed over too: limits count them, and they can be given back."""
    query = select(RewardIssue).where(
        RewardIssue.merchant_id == theirs.merchant_id, RewardIssue.card_id == theirs.id
    )
    issues = db.session.scalars(query.order_by(RewardIssue.id)).all()
    for issue in issues:
        issue.card_id = mine.id
    return [issue.id for issue in issues]
