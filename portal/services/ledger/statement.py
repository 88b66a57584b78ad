"""The readable statement of a card: every movement with what, where, who, how much and by which rule."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select
from sqlalchemy.orm import aliased

from portal.extensions import db
from portal.models.customer import Customer
from portal.models.loyalty_card import LoyaltyCard
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.loyalty_reward import LoyaltyReward
from portal.models.loyalty_transaction import VOIDABLE, LoyaltyTransaction
from portal.models.merchant import Merchant
from portal.models.order import Order
from portal.models.order_refund import OrderRefund
from portal.models.reward_issue import RewardIssue
from portal.models.store import Store
from portal.models.transaction_note import TransactionNote
from portal.models.user import User
from portal.services import keyset
from portal.services.ledger import expiring, sentences
from portal.services.ledger.sentences import Subject, Telling, signed
from portal.words import _, later

LATE = timedelta(hours=1)
SOURCES = {
    "api": later("by another program"),
    "cli": later("by the operator"),
    "offline": later("without a connection"),
    "import": later("imported"),
}
_row = LoyaltyTransaction
_linked = aliased(LoyaltyTransaction, name="linked")
_void = aliased(LoyaltyTransaction, name="voiding")
_back = aliased(LoyaltyTransaction, name="back")
_undone = aliased(LoyaltyTransaction, name="undone")


@dataclass(frozen=True)
class Line:
    """One movement, ready to be read; points and stamps of the row, balances as they were after it."""

    row: LoyaltyTransaction
    what: str
    why: list[str]
    place: str = ""
    person: str = ""
    order_id: int | None = None
    order_number: str = ""
    is_order_there: bool = False
    note: str = ""
    about: datetime | None = None
    voided_at: datetime | None = None
    has_refunds: bool = False
    issue_status: str = ""
    done_at: datetime | None = None

    @property
    def delta(self) -> str:
        """Write what moved: +199, or +1 and −10 with the words where both did."""
        row = self.row
        if row.points_delta and row.stamps_delta:
            return _(
                "%(points)s points, %(stamps)s stamps",
                points=signed(row.points_delta),
                stamps=signed(row.stamps_delta),
            )
        moved = row.points_delta or row.stamps_delta
        return signed(moved) if moved or row.type == "earn" else ""

    @property
    def points(self) -> str:
        """Write the points that moved; nothing for none."""
        return signed(self.row.points_delta) if self.row.points_delta else ""

    @property
    def stamps(self) -> str:
        """Write the stamps that moved; nothing for none."""
        return signed(self.row.stamps_delta) if self.row.stamps_delta else ""

    @property
    def source(self) -> str:
        """Say through which door it came, where that is not the till or the portal."""
        return str(SOURCES.get(self.row.source, ""))

    @property
    def is_late(self) -> bool:
        """Whether it was posted clearly later than it happened."""
        return self.row.created_at - self.row.occurred_at > LATE

    @property
    def is_voided(self) -> bool:
        """Whether it was taken back."""
        return self.voided_at is not None

    @property
    def can_be_voided(self) -> bool:
        """Whether a void may be asked for; the verb looks at who and when."""
        is_open = self.row.type in VOIDABLE and not self.is_voided and not self.has_refunds
        return is_open and (self.row.type != "redeem" or self.issue_status == "redeemed")

    def can_be_voided_since(self, moment: datetime) -> bool:
        """Whether it can be voided and was done no earlier than that moment."""
        return self.can_be_voided and (self.done_at or self.row.created_at) >= moment

    @property
    def sentence(self) -> str:
        """Say it all in one line: Purchase of €19.99 at Gare, 10 points per €: +199."""
        place = _("%(what)s at %(place)s", what=self.what, place=self.place) if self.place else self.what
        told = ", ".join([place, *self.why])
        return _("%(what)s: %(delta)s", what=told, delta=self.delta) if self.delta else told


@dataclass(frozen=True)
class Outlook:
    """How a card stands now, net of what is due to expire; and what will expire when."""

    points: int
    stamps: int
    expires_at: datetime | None

    @property
    def is_expiring(self) -> bool:
        """Whether there are points that will expire."""
        return self.expires_at is not None


def outlook(card: LoyaltyCard, program: LoyaltyProgram, merchant: Merchant, now: datetime) -> Outlook:
    """Say how the card stands; reads nothing and writes nothing."""
    points = expiring.balance_at(card, program, merchant.zone, now)
    due = expiring.due_at(card, program, merchant.zone) if points > 0 else None
    return Outlook(points, card.stamps_balance, due)


def statement_of(
    card: LoyaltyCard,
    program: LoyaltyProgram,
    merchant: Merchant,
    *,
    before: str | None = None,
    after: str | None = None,
    size: int | None = None,
) -> keyset.Page:
    """Read one page of the card's movements, the newest first; its rows are Lines.

    What was deleted keeps its name with "(deleted)". One statement, however many movements.
    """
    mine = _told().where(_row.merchant_id == card.merchant_id, _row.card_id == card.id)
    order = keyset.Order("posted", _row.id, _row.id, falls=True)
    page = keyset.read_page(mine, order, before=before, after=after, size=size)
    telling = Telling(merchant, program)
    return page._replace(rows=[_line(found, telling) for found in page.rows])


def line_of(row_id: int, program: LoyaltyProgram, merchant: Merchant) -> Line | None:
    """Read one movement as the statement tells it; None when the merchant has no such row."""
    found = db.session.execute(_told().where(_row.merchant_id == merchant.id, _row.id == row_id)).first()
    return _line(found, Telling(merchant, program)) if found else None


def lines_of_order(order: Order, telling: Telling) -> list[Line]:
    """Read what an order moved, on whatever card, in the order it was posted."""
    keys = select(OrderRefund.key_id).where(
        OrderRefund.merchant_id == order.merchant_id, OrderRefund.order_id == order.id
    )
    came_back = and_(_row.type == "refund_return", _row.key_id.in_(keys))
    mine = _told().where(_row.merchant_id == order.merchant_id, or_(_row.order_id == order.id, came_back))
    return [_line(found, telling) for found in db.session.execute(mine.order_by(_row.id))]


def returned_with(row: LoyaltyTransaction, telling: Telling) -> list[Line]:
    """Tell of the rewards that came back with a refund; they are of one act, so they share its key."""
    if row.type != "refund_reversal" or row.key_id is None:
        return []
    back = (_row.merchant_id == row.merchant_id, _row.key_id == row.key_id, _row.type == "refund_return")
    return [_line(found, telling) for found in db.session.execute(_told().where(*back).order_by(_row.id))]


def _line(found: Any, telling: Telling) -> Line:
    row, linked = found[0], found[1]
    named = found.reward or "", found.issue_status or "", found.other_person or ""
    subject = Subject(row, linked, *named, found.refunded_cents, -(found.second_bonus or 0))
    return Line(
        row,
        sentences.what(subject, telling),
        sentences.why(subject, telling),
        place=_named(found.store, is_dead=found.store_died is not None),
        person=_named(found.person, is_dead=found.person_died is not None),
        order_id=row.order_id,
        order_number=found.order_number or "",
        is_order_there=found.order_number is not None and found.order_died is None,
        note=found.note or "",
        about=linked.occurred_at if linked and row.type in ("void", "refund_reversal") else None,
        voided_at=found.voided_at,
        has_refunds=bool(found.has_refunds),
        issue_status=found.issue_status or "",
        done_at=found.redeemed_at,
    )


def _named(name: str | None, *, is_dead: bool) -> str:
    return _("%(name)s (deleted)", name=name) if name and is_dead else name or ""


def _told() -> Select[Any]:
    """Select movements with all that their sentences need."""
    note = select(TransactionNote.text).where(
        TransactionNote.merchant_id == _row.merchant_id, TransactionNote.transaction_id == _row.id
    )
    columns: list[Any] = [
        _row,
        _linked,
        Store.name.label("store"),
        Store.deleted_at.label("store_died"),
        User.display_name.label("person"),
        User.deleted_at.label("person_died"),
        Order.number.label("order_number"),
        Order.deleted_at.label("order_died"),
        RewardIssue.status.label("issue_status"),
        RewardIssue.redeemed_at,
        LoyaltyReward.name.label("reward"),
        Customer.name.label("other_person"),
        _void.created_at.label("voided_at"),
        _has_refunds().label("has_refunds"),
        note.order_by(TransactionNote.id.desc()).limit(1).scalar_subquery().label("note"),
        _refunded().label("refunded_cents"),
        _second_bonus().label("second_bonus"),
    ]
    return _joined(select(*columns)).execution_options(include_deleted=True)


def _joined(query: Select[Any]) -> Select[Any]:
    is_merge = _row.type.in_(("merge_in", "merge_out"))
    return (
        query.outerjoin(_linked, _is(_linked, _row.linked_id))
        .outerjoin(Store, _is(Store, _row.store_id))
        .outerjoin(User, User.id == _row.staff_id)
        .outerjoin(Order, _is(Order, _row.order_id))
        .outerjoin(RewardIssue, _is(RewardIssue, _row.reward_issue_id))
        .outerjoin(LoyaltyReward, _is(LoyaltyReward, RewardIssue.reward_id))
        .outerjoin(LoyaltyCard, and_(is_merge, _is(LoyaltyCard, _linked.card_id)))
        .outerjoin(Customer, _is(Customer, LoyaltyCard.customer_id))
        .outerjoin(_void, _voids(_void, _row))
    )


def _is(model: Any, key: Any) -> ColumnElement[bool]:
    return and_(model.merchant_id == _row.merchant_id, model.id == key)


def _voids(void: Any, row: Any) -> ColumnElement[bool]:
    return and_(void.merchant_id == row.merchant_id, void.reverses_id == row.id, void.type == "void")


def _refunded() -> Any:
    """The money that went back with a refund, or with the one that a row voids: they share its key."""
    is_void = _row.type == "void"
    back = select(OrderRefund.amount_cents).where(
        OrderRefund.merchant_id == _row.merchant_id,
        OrderRefund.order_id == func.coalesce(_row.order_id, _linked.order_id),
        OrderRefund.key_id == case((is_void, _linked.key_id), else_=_row.key_id),
    )
    return back.limit(1).scalar_subquery()


def _second_bonus() -> Any:
    """The welcome bonus that was taken back on the other card, by the merge that moved the rest."""
    taken = select(func.sum(_back.points_delta)).where(
        _row.type == "merge_in",
        _back.merchant_id == _linked.merchant_id,
        _back.card_id == _linked.card_id,
        _back.created_at == _linked.created_at,
        _back.type == "adjust",
        _back.reason_code == "merge",
    )
    return taken.scalar_subquery()


def _has_refunds() -> ColumnElement[bool]:
    """Whether a part of it was refunded, by a refund that stands."""
    mine = (
        _back.merchant_id == _row.merchant_id,
        _back.linked_id == _row.id,
        _back.type == "refund_reversal",
    )
    return exists().where(*mine, ~exists().where(_voids(_undone, _back)))
