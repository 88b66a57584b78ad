"""A card opened for posting: locked, net of what has expired, with the rules that hold for it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, select

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models.customer import Customer
from portal.models.loyalty_card import LoyaltyCard
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.models.merchant import Merchant
from portal.models.records import IdempotencyKey
from portal.models.store import Store
from portal.models.tenancy import merchant_of
from portal.services.ledger import expiring
from portal.services.ledger.visits import Visit
from portal.services.once import claim, digest_of
from portal.words import _


@dataclass
class Posting:
    """What an act did: its rows in order, a code that says how it went, and whether it was done before.

    `refused` is the part of a purchase that was not done, with why: points are given without the stamps.
    """

    card: LoyaltyCard
    rows: list[LoyaltyTransaction] = field(default_factory=list)
    code: str = "posted"
    is_replay: bool = False
    refused: Refused | None = None

    @property
    def points(self) -> int:
        """Sum up the points of the act, what expired just before apart."""
        return sum(row.points_delta for row in self.rows if row.type != "expire")

    @property
    def stamps(self) -> int:
        """Sum up the stamps of the act, completed cards apart."""
        return sum(row.stamps_delta for row in self.rows if row.type != "stamp_complete")


@dataclass
class Account:
    """A locked card with its program and merchant; the one place where ledger rows are made."""

    card: LoyaltyCard
    program: LoyaltyProgram
    merchant: Merchant
    visit: Visit
    key: IdempotencyKey | None = None
    rows: list[LoyaltyTransaction] = field(default_factory=list)

    def post(self, kind: str, *, points: int = 0, stamps: int = 0, **details: Any) -> LoyaltyTransaction:
        """Write one row and move the balance with it; its id is known at once."""
        self.card.points_balance += points
        self.card.stamps_balance += stamps
        visit = self.visit
        row = LoyaltyTransaction(
            merchant_id=self.card.merchant_id,
            card_id=self.card.id,
            program_id=self.card.program_id,
            type=kind,
            points_delta=points,
            stamps_delta=stamps,
            points_after=self.card.points_balance,
            stamps_after=self.card.stamps_balance,
            store_id=visit.store_id,
            staff_id=visit.by.user_id,
            device_id=visit.device_id,
            source=details.pop("source", visit.source),
            program_version=self.program.version,
            key_id=self.key.id if self.key else None,
            batch_id=visit.batch_id,
            is_pin_unverified=visit.is_pin_unverified,
            occurred_at=details.pop("occurred_at", visit.occurred_at),
            created_at=visit.now,
            **details,
        )
        expiring.note_posted(self.card, row)
        db.session.add(row)
        db.session.flush()  # rows name each other by id
        self.rows.append(row)
        return row

    def refuse_if_suspended(self) -> None:
        """Refuse a card that a manager has stopped; raises Refused("card_suspended")."""
        if self.card.status == "suspended":
            raise Refused("card_suspended", _("This card is suspended. A manager can lift it."))

    def cards(self) -> Select[int]:
        """Select the ids of this card and of the (dead) ones of people merged into its holder."""
        return cards_of_person(self.card)


def cards_of_person(card: LoyaltyCard) -> Select[int]:
    """Select the ids of a card and of the (dead) ones, of its program, of people merged into its holder."""
    mine = (Customer.id == card.customer_id) | (Customer.merged_into_id == card.customer_id)
    people = select(Customer.id).where(Customer.merchant_id == card.merchant_id, mine)
    return select(LoyaltyCard.id).where(
        LoyaltyCard.merchant_id == card.merchant_id,
        LoyaltyCard.program_id == card.program_id,
        LoyaltyCard.customer_id.in_(people),
    )


def once(
    card_id: int,
    verb: str,
    request: dict[str, Any],
    work: Callable[[Account], Posting],
    *,
    visit: Visit,
    dead_too: bool = False,
) -> Posting:
    """Do an act on a card once for its key: lock, look the key up, post due expiry, then the act.

    `dead_too` lets refunds, voids and forfeits post to a card in the trash; that of a merged customer
    is then the survivor's. Raises Conflict("key_reused", "card_gone", "program_gone", "store_gone");
    a refused act leaves nothing. Specification of loyalty, section 1.
    """
    is_open = visit.store_id is None or _hold_store(visit.store_id)
    account = open_account(card_id, visit)
    if visit.key:
        digest = digest_of(verb, {"card": card_id, "store": visit.store_id, **request})
        account.key = claim(visit.key, request_hash=digest, by=visit.by, merchant_id=account.card.merchant_id)
        if account.key.result_id is not None:
            return _replayed(account, account.key)
    if not dead_too:
        _refuse_if_gone(account, is_open=is_open)
    if not account.card.is_deleted and visit.batch_id is None:
        expiring.post_due(account)
    posting = work(account)
    if account.key:
        account.key.result_kind, account.key.result_id = posting.code, account.card.id
    return posting


def open_account(card_id: int, visit: Visit) -> Account:
    """Lock the card, also one in the trash; a merged customer's leads to the survivor's, once it moved.

    Raises Conflict("card_gone") when there is no such card.
    """
    found = db.session.execute(_locked(card_id)).first()
    if found is None:
        raise Conflict("card_gone", _("This card is not there any more. Look the customer up again."))
    card, program, merchant = found
    account = Account(card, program, merchant, visit)
    survivor = _survivors_card(card) if card.is_deleted and _has_moved_on(card) else None
    return open_account(survivor, visit) if survivor else account


def _hold_store(store_id: int) -> bool:
    """Keep the store from dying meanwhile; False when it is dead."""
    alive = select(Store.id).where(Store.merchant_id == merchant_of(db.session), Store.id == store_id)
    return db.session.scalar(alive.with_for_update(read=True)) is not None


def _locked(card_id: int) -> Select[LoyaltyCard, LoyaltyProgram, Merchant]:
    return (
        select(LoyaltyCard, LoyaltyProgram, Merchant)
        .join(
            LoyaltyProgram,
            (LoyaltyProgram.merchant_id == LoyaltyCard.merchant_id)
            & (LoyaltyProgram.id == LoyaltyCard.program_id),
        )
        .join(Merchant, Merchant.id == LoyaltyCard.merchant_id)
        .where(LoyaltyCard.merchant_id == merchant_of(db.session), LoyaltyCard.id == card_id)
        .with_for_update(of=LoyaltyCard)
        .execution_options(populate_existing=True, include_deleted=True)
    )


def _has_moved_on(card: LoyaltyCard) -> bool:
    """Whether a merge moved what was on the card; while its program lies in the trash none does."""
    row = LoyaltyTransaction
    left = (row.type == "merge_out") & (row.reason_code == "merge")
    came_back = (row.type == "merge_in") & (row.reason_code == "unmerge")
    mine = (row.merchant_id == card.merchant_id, row.card_id == card.id)
    last = select(row.type).where(*mine, left | came_back).order_by(row.id.desc()).limit(1)
    return db.session.scalar(last) == "merge_out"


def _survivors_card(card: LoyaltyCard) -> int | None:
    merged_into = select(Customer.merged_into_id).where(
        Customer.merchant_id == card.merchant_id, Customer.id == card.customer_id
    )
    theirs = select(LoyaltyCard.id).where(
        LoyaltyCard.merchant_id == card.merchant_id,
        LoyaltyCard.program_id == card.program_id,
        LoyaltyCard.customer_id == merged_into.scalar_subquery(),
    )
    newest = theirs.order_by(LoyaltyCard.deleted_at.is_not(None), LoyaltyCard.id.desc()).limit(1)
    return db.session.scalar(newest, execution_options={"include_deleted": True})


def _refuse_if_gone(account: Account, *, is_open: bool) -> None:
    if account.program.is_deleted or account.merchant.is_deleted:
        raise Conflict("program_gone", _("This program is in the trash. An owner can restore it."))
    if account.card.is_deleted:
        raise Conflict("card_gone", _("This card is not there any more. Look the customer up again."))
    if not is_open:
        raise Conflict("store_gone", _("This store is in the trash. Restore it, or choose another."))


def _replayed(account: Account, key: IdempotencyKey) -> Posting:
    """Answer what the key did the first time."""
    rows = select(LoyaltyTransaction).where(
        LoyaltyTransaction.merchant_id == key.merchant_id, LoyaltyTransaction.key_id == key.id
    )
    found = list(db.session.scalars(rows.order_by(LoyaltyTransaction.id)))
    return Posting(account.card, found, key.result_kind or "posted", is_replay=True)
