"""A card opened for posting: locked, net of what has expired, with the rules that hold for it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models.loyalty_card import LoyaltyCard
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.models.merchant import Merchant
from portal.models.records import IdempotencyKey
from portal.models.store import Store
from portal.services.ledger import expiring, keys
from portal.services.ledger.visits import Visit
from portal.words import _


@dataclass
class Posting:
    """What an act did: its rows in order, a code that says how it went, and whether it was done before."""

    card: LoyaltyCard
    rows: list[LoyaltyTransaction] = field(default_factory=list)
    code: str = "posted"
    is_replay: bool = False
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def points(self) -> int:
        """Sum up the points of the act."""
        return sum(row.points_delta for row in self.rows)

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
        db.session.add(row)
        db.session.flush()  # rows name each other by id
        self.rows.append(row)
        expiring.note_posted(self.card, row, self.program, self.merchant)
        return row


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

    `dead_too` lets refunds, voids and forfeits post to a card in the trash. Raises
    Conflict("key_reused"), Refused("card_gone", "store_gone"); a refused act leaves nothing.
    """
    if visit.store_id is not None:
        _hold_store(visit.store_id)
    account = _opened(card_id, visit, dead_too=dead_too)
    if visit.key:
        digest = keys.digest_of(verb, {"card": card_id, "store": visit.store_id, **request})
        before = keys.find_key(account.card.merchant_id, visit.key, digest)
        account.key = before or keys.use_key(
            account.card.merchant_id, visit.key, digest, actor_id=visit.by.user_id
        )
        if before or account.key is None:
            return _replayed(account, digest)
    expiring.post_due(account)
    return work(account)


def _hold_store(store_id: int) -> None:
    """Keep the store from dying meanwhile."""
    alive = select(Store.id).where(Store.id == store_id).with_for_update(read=True)
    if db.session.scalar(alive) is None:
        raise Refused("store_gone", _("This store is in the trash. Restore it, or choose another."))


def _opened(card_id: int, visit: Visit, *, dead_too: bool) -> Account:
    options: dict[str, Any] = {"populate_existing": True, "include_deleted": dead_too}
    locked = select(LoyaltyCard).where(LoyaltyCard.id == card_id).with_for_update()
    card = db.session.scalar(locked, execution_options=options)
    if card is None:
        raise Refused("card_gone", _("This card is not there any more. Look the customer up again."))
    merchant = db.session.get(Merchant, card.merchant_id, execution_options=options)
    if merchant is None or (not dead_too and card.program.is_deleted):
        raise Refused("program_gone", _("This program is in the trash. An owner can restore it."))
    return Account(card, card.program, merchant, visit)


def _replayed(account: Account, digest: str) -> Posting:
    """Answer what the key did the first time."""
    assert account.visit.key is not None  # noqa: S101 - only keyed acts are replayed
    used = account.key or keys.find_key(account.card.merchant_id, account.visit.key, digest)
    if used is None:
        raise Conflict("key_in_use", _("This is being done right now. Look again in a moment."))
    rows = select(LoyaltyTransaction).where(
        LoyaltyTransaction.merchant_id == used.merchant_id, LoyaltyTransaction.key_id == used.id
    )
    found = list(db.session.scalars(rows.order_by(LoyaltyTransaction.id)))
    return Posting(account.card, found, used.result_kind or "posted", is_replay=True)
