"""Correcting a balance by hand: with a reason, and above the program's limit by two people."""

from datetime import timedelta

from sqlalchemy import exists, func, select

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models.actor import Role
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.models.review_item import ReviewItem
from portal.models.transaction_note import TransactionNote
from portal.services import audit
from portal.services.ledger.accounts import Account, Posting, once
from portal.services.ledger.stamping import complete
from portal.services.ledger.visits import Visit
from portal.words import _, number

# Their words stand in ledger/reasons.py.
REASONS = ("goodwill", "correction", "missing", "promotion", "lost_card", "migration", "fraud", "other")
PROPOSAL = "adjustment"  # the kind of a review item that waits for a second person
MOST_POINTS = 10_000_000  # at once; nobody means more, and no balance overflows
TOGETHER = timedelta(hours=24)  # what one person adjusts on a card in this time counts as one
MOST_CARDS = 10  # full cards of stamps at once; more is a typing mistake


def adjust(
    card_id: int,
    *,
    reason_code: str,
    visit: Visit,
    points: int = 0,
    stamps: int = 0,
    note: str | None = None,
) -> Posting:
    """Add points or stamps, or take them, for one of REASONS; a full card becomes a reward here too.

    Where the program has `adjust_approval_points`, more points than that, or more stamps than one full
    card, are only proposed (code "proposed"): a second manager agrees with `approve`, or dismisses it.
    What the same person adjusted on the card alone in the last 24 hours counts together, up or down.
    The note stands beside the row and can be erased. The operator at the command line needs nobody else.
    Raises Refused("not_allowed", "bad_reason", "nothing_to_adjust", "out_of_range", "note_needed",
    "note_later", "not_enough").
    """
    _refuse_staff(visit)
    _refuse_malformed(reason_code, points, stamps)
    said = (note or "").strip() or None

    def work(account: Account) -> Posting:
        _refuse_too_many(account.program, stamps)
        if _needs_another(account, points, stamps):
            _propose(account, points, stamps, reason_code, said)
            return Posting(account.card, account.rows, "proposed")
        _post(account, points, stamps, reason_code, said)
        return Posting(account.card, account.rows, "adjusted")

    request = {"points": points, "stamps": stamps, "reason": reason_code, "note": said}
    return once(card_id, "adjust", request, work, visit=visit)


def approve(item: ReviewItem, *, visit: Visit, note: str | None = None) -> Posting:
    """Post an adjustment that somebody else proposed; once.

    Raises Refused("not_allowed", "own_proposal", "note_needed", "not_enough"), Conflict("not_open").
    """
    _refuse_staff(visit)
    said = (note or "").strip() or None

    def work(account: Account) -> Posting:
        hold(item)
        _refuse_the_proposer(item, visit)
        row = _post(account, item.details["points"], item.details["stamps"], item.reason_code, said)
        item.status, item.transaction_id = "accepted", row.id
        item.resolved_at, item.resolved_by_id = visit.now, visit.by.user_id
        return Posting(account.card, account.rows, "adjusted")

    if item.card_id is None or item.kind != PROPOSAL:
        raise Refused("not_a_proposal", _("This is no adjustment that waits for a second person."))
    request = {"item": item.id, "note": said}
    return once(item.card_id, "approve_adjustment", request, work, visit=visit)


def hold(item: ReviewItem) -> None:
    """Lock the item: two people may settle it in the same second; raises Conflict("not_open")."""
    db.session.flush()  # a refresh forgets what was not
    db.session.refresh(item, with_for_update=True)
    if item.status != "open":
        raise Conflict("not_open", _("Somebody has settled this already."))


def notes_of(row_ids: list[int], merchant_id: int) -> dict[int, list[TransactionNote]]:
    """Read what people wrote beside rows of the ledger; erased notes are left out."""
    found: dict[int, list[TransactionNote]] = {}
    notes = select(TransactionNote).where(
        TransactionNote.merchant_id == merchant_id,
        TransactionNote.transaction_id.in_(row_ids),
        TransactionNote.text.is_not(None),
    )
    for note in db.session.scalars(notes.order_by(TransactionNote.id)):
        found.setdefault(note.transaction_id, []).append(note)
    return found


def is_operator(visit: Visit) -> bool:
    """Whether it is the operator at the command line, who may alone what takes two elsewhere."""
    return visit.by.user_id is None and visit.by.channel == "cli"


def _refuse_staff(visit: Visit) -> None:
    if visit.by.role < Role.MANAGER:
        raise Refused("not_allowed", _("A manager adjusts balances. Ask one."))


def _refuse_malformed(reason_code: str, points: int, stamps: int) -> None:
    if reason_code not in REASONS:
        raise Refused("bad_reason", _("Choose one of the reasons."), field="reason_code")
    if not points and not stamps:
        said = _("Say how many points or stamps to add, or with a minus to take away.")
        raise Refused("nothing_to_adjust", said, field="points")
    if abs(points) > MOST_POINTS:
        message = _("Write at most %(most)s points at once.", most=number(MOST_POINTS))
        raise Refused("out_of_range", message, field="points")


def most_stamps(program: LoyaltyProgram) -> int:
    """Say how many stamps can be added or taken at once."""
    return MOST_CARDS * program.stamps_target


def _refuse_too_many(program: LoyaltyProgram, stamps: int) -> None:
    most = most_stamps(program)
    if abs(stamps) > most:
        message = _("Write at most %(most)s stamps at once: that is ten full cards.", most=number(most))
        raise Refused("out_of_range", message, field="stamps")


def _needs_another(account: Account, points: int, stamps: int) -> bool:
    limit, target = account.program.adjust_approval_points, account.program.stamps_target
    if limit is None or is_operator(account.visit):
        return False
    points_before, stamps_before = _adjusted_alone(account)
    is_much = points != 0 and points_before + abs(points) > limit
    return is_much or (stamps != 0 and stamps_before + abs(stamps) > target)


def _adjusted_alone(account: Account) -> tuple[int, int]:
    """Sum up what this person moved on the card of late without anybody else, up and down alike.

    What was voided since counts too: it may have been spent in between.
    """
    row, item, visit = LoyaltyTransaction, ReviewItem, account.visit
    by_two = exists().where(
        item.merchant_id == row.merchant_id, item.transaction_id == row.id, item.kind == PROPOSAL
    )
    mine = (
        row.merchant_id == account.card.merchant_id,
        row.card_id.in_(account.cards()),
        row.type == "adjust",
        row.reason_code.in_(REASONS),  # a merge adjusts for another reason
        row.staff_id == visit.by.user_id,
        row.created_at > visit.now - TOGETHER,
        ~by_two,
    )
    moved = select(func.sum(func.abs(row.points_delta)), func.sum(func.abs(row.stamps_delta))).where(*mine)
    points, stamps = db.session.execute(moved, execution_options={"include_deleted": True}).one()
    return int(points or 0), int(stamps or 0)  # PostgreSQL sums up to a Decimal


def _propose(account: Account, points: int, stamps: int, reason_code: str, note: str | None) -> None:
    if note is not None:
        # A proposal keeps numbers only; a note needs a row to stand beside.
        said = _("A second person must agree to this, and writes the note then. Leave it empty.")
        raise Refused("note_later", said, field="note")
    _refuse_below_zero(account, points, stamps)  # else nobody could agree to it
    visit = account.visit
    item = ReviewItem(
        merchant_id=account.card.merchant_id,
        kind=PROPOSAL,
        reason_code=reason_code,
        details={"points": points, "stamps": stamps, "proposed_by_id": visit.by.user_id},
        card_id=account.card.id,
        store_id=visit.store_id,
        created_at=visit.now,
    )
    db.session.add(item)
    audit.record("propose", account.card, by=visit.by, points=points, stamps=stamps, reason=reason_code)


def _refuse_the_proposer(item: ReviewItem, visit: Visit) -> None:
    if item.details["proposed_by_id"] == visit.by.user_id and not is_operator(visit):
        raise Refused("own_proposal", _("Somebody else must agree to what you proposed."))


def _post(
    account: Account, points: int, stamps: int, reason_code: str, note: str | None
) -> LoyaltyTransaction:
    if reason_code == "other" and note is None:
        raise Refused("note_needed", _("Write in the note what the reason was."), field="note")
    _refuse_below_zero(account, points, stamps)
    row = account.post("adjust", points=points, stamps=stamps, reason_code=reason_code)
    if note is not None:
        _write_down(account, row, note)
    if stamps > 0 and account.program.is_stamps_enabled:
        complete(account, row)
    told = {"points": points, "stamps": stamps, "reason": reason_code, "transaction_id": row.id}
    audit.record("adjust", account.card, by=account.visit.by, **told)
    return row


def _refuse_below_zero(account: Account, points: int, stamps: int) -> None:
    """Stamps never go below zero by hand; points only where the program lets a refund do so, too."""
    card = account.card
    if stamps < 0 and card.stamps_balance + stamps < 0:
        have = _("The card has %(count)s stamps; no more can be taken.", count=card.stamps_balance)
        raise Refused("not_enough", have, field="stamps")
    is_clamped = account.program.clawback_policy == "clamp_to_zero"
    if is_clamped and points < 0 and card.points_balance + points < 0:
        have = _("The card has %(count)s points; no more can be taken.", count=number(card.points_balance))
        raise Refused("not_enough", have, field="points")


def _write_down(account: Account, row: LoyaltyTransaction, note: str) -> None:
    written = TransactionNote(
        merchant_id=row.merchant_id,
        transaction_id=row.id,
        text=note,
        written_by_id=account.visit.by.user_id,
        created_at=account.visit.now,
    )
    db.session.add(written)
