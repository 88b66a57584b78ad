"""Taking back an import of customers: balances reversed, the new ones to the trash, others set back."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, func, select

from portal.errors import Refused
from portal.extensions import db
from portal.models.actor import Actor
from portal.models.customer import Customer
from portal.models.customer_merge import CustomerMerge
from portal.models.import_batch import ImportBatch, ImportRow
from portal.models.loyalty_card import CardToken, LoyaltyCard
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.models.order import Order
from portal.services import trash
from portal.services.imports.giving import plain
from portal.services.ledger.accounts import Account, Posting, once
from portal.services.ledger.visits import Visit
from portal.words import _, ngettext

CHUNK = 100
ROW = LoyaltyTransaction
MADE = ("card", "tokens", "balance")  # what a row of the batch made beside the customer's own fields


class CustomersUndone:
    """Takes back the customers of one batch, chunk by chunk."""

    def __init__(self, merchant_id: int, batch_id: int, *, by: Actor, now: datetime) -> None:
        self.merchant_id, self.batch_id, self.by, self.now = merchant_id, batch_id, by, now
        self.visit = Visit(by=by, now=now, source="import", batch_id=batch_id)

    def _rows(self, *more: Any) -> Select[Any]:
        return select(ImportRow).where(
            ImportRow.merchant_id == self.merchant_id,
            ImportRow.batch_id == self.batch_id,
            ImportRow.made_kind == "customers",
            *more,
        )

    def _new_ones(self, *columns: Any) -> Select[Any]:
        """Select from the customers the batch made that are not in the trash."""
        same = (ImportRow.merchant_id == Customer.merchant_id) & (ImportRow.made_id == Customer.id)
        mine = (ImportRow.batch_id == self.batch_id, ImportRow.made_kind == "customers")
        joined = select(*columns).select_from(Customer).join(ImportRow, same)
        return joined.where(Customer.merchant_id == self.merchant_id, *mine, ImportRow.fate == "new")

    def refuse_if_used(self) -> None:
        """Refuse when one of the new customers bought, collected or was merged since."""
        made = self._new_ones(Customer.id)
        bought = select(func.count(func.distinct(Order.customer_id))).where(
            Order.merchant_id == self.merchant_id, Order.customer_id.in_(made)
        )
        merged = select(func.count()).where(
            CustomerMerge.merchant_id == self.merchant_id,
            CustomerMerge.unmerged_at.is_(None),
            CustomerMerge.survivor_id.in_(made) | CustomerMerge.loser_id.in_(made),
        )
        cards = select(LoyaltyCard.id).where(
            LoyaltyCard.merchant_id == self.merchant_id, LoyaltyCard.customer_id.in_(made)
        )
        if db.session.scalar(merged):
            message = _("Some of these customers were merged with others since. Take the merges back first.")
            raise Refused("used_since", message)
        _refuse_used(db.session.scalar(bought) or db.session.scalar(self._users(cards)) or 0)

    def _users(self, cards: Any) -> Select[int]:
        """Count the cards with movements of their own: not of this batch, nor of one taken back."""
        undone = select(ImportBatch.id).where(
            ImportBatch.merchant_id == self.merchant_id, ImportBatch.status == "undone"
        )
        others = (ROW.batch_id.is_(None)) | (ROW.batch_id != self.batch_id) & (ROW.batch_id.not_in(undone))
        mine = (ROW.merchant_id == self.merchant_id, ROW.card_id.in_(cards), others)
        return select(func.count(func.distinct(ROW.card_id))).where(*mine, ROW.type != "enrol")

    def take_some(self) -> list[Counter[str]]:
        """Take some customers back; empty when none is left."""
        changed = self._rows(ImportRow.fate == "changed", ImportRow.before.is_not(None))
        rows = list(db.session.scalars(changed.order_by(ImportRow.id).limit(CHUNK)))
        if rows:
            for row in rows:
                self._set_back(row)
            return [Counter(set_back=len(rows))]
        held = self._new_ones(Customer).order_by(Customer.id).limit(CHUNK)
        people = list(db.session.scalars(held.with_for_update(of=Customer, key_share=True)))
        if people:
            self._remove(people)
        return [Counter(taken_back=len(people))] if people else []

    def _remove(self, people: Sequence[Customer]) -> None:
        ids = [person.id for person in people]
        cards = select(LoyaltyCard.id).where(
            LoyaltyCard.merchant_id == self.merchant_id, LoyaltyCard.customer_id.in_(ids)
        )
        card_ids = list(db.session.scalars(cards.order_by(LoyaltyCard.id)))
        _refuse_used(db.session.scalar(self._users(card_ids)) or 0)
        for balance in self._balances(ROW.card_id.in_(card_ids)):
            self._reverse(balance)
        reason = _("Import %(id)s was taken back.", id=self.batch_id)
        trash.soft_delete_many(people, by=self.by, now=self.now, reason=reason)

    def _balances(self, where: Any) -> list[LoyaltyTransaction]:
        """Find the balances the batch posted that stand."""
        mine = (ROW.merchant_id == self.merchant_id, ROW.batch_id == self.batch_id, ROW.type == "import")
        back = select(ROW.linked_id).where(*mine, ROW.linked_id.is_not(None))
        standing = select(ROW).where(*mine, where, ROW.linked_id.is_(None), ROW.id.not_in(back))
        return list(db.session.scalars(standing.order_by(ROW.card_id)))

    def _reverse(self, balance: LoyaltyTransaction) -> None:
        """Post the opposite of a balance: rows of this type cannot be voided, but reversed by another."""

        def work(account: Account) -> Posting:
            account.post(
                "import",
                points=-balance.points_delta,
                stamps=-balance.stamps_delta,
                linked_id=balance.id,
                reason_code="import_undone",
            )
            return Posting(account.card, account.rows, "reversed")

        once(balance.card_id, "undo_import", {"row": balance.id}, work, visit=self.visit, dead_too=True)

    def _set_back(self, row: ImportRow) -> None:
        """Give a changed customer back what they were, where nobody touched it since."""
        told = row.before or {}
        row.before = None  # what was set back is not set back again
        mine = (Customer.merchant_id == self.merchant_id, Customer.id == row.made_id)
        person = db.session.scalar(select(Customer).where(*mine).with_for_update(key_share=True))
        if person is None:
            return
        for balance in self._balances(ROW.id == told.get("balance", 0)):
            self._reverse(balance)
        for name, (was, became) in ((n, v) for n, v in told.items() if n not in MADE):
            if plain(getattr(person, name)) == became and not self._is_taken(name, was):
                setattr(person, name, _read(name, was))
        self._take_codes_back(told)

    def _is_taken(self, name: str, value: Any) -> bool:
        """Whether somebody else has the phone or the address meanwhile."""
        if name not in ("email", "phone") or value is None:
            return False
        mine = (Customer.merchant_id == self.merchant_id, getattr(Customer, name) == value)
        return db.session.scalar(select(Customer.id).where(*mine)) is not None

    def _take_codes_back(self, told: dict[str, Any]) -> None:
        tokens = select(CardToken).where(
            CardToken.merchant_id == self.merchant_id, CardToken.id.in_(told.get("tokens", ()))
        )
        made: list[Any] = list(db.session.scalars(tokens))
        card_ids = (
            [told["card"]] if "card" in told and not db.session.scalar(self._users([told["card"]])) else []
        )
        cards = select(LoyaltyCard).where(
            LoyaltyCard.merchant_id == self.merchant_id, LoyaltyCard.id.in_(card_ids)
        )
        db.session.flush()
        for thing in [*made, *db.session.scalars(cards)]:
            trash.soft_delete_cascade(thing, by=self.by, now=self.now)

    def counts(self) -> Counter[str]:
        """Count what was taken back in all, over every run of the undo."""
        found = self._rows().with_only_columns(ImportRow.fate, func.count()).group_by(ImportRow.fate)
        fates = dict(db.session.execute(found).all())
        return Counter(taken_back=fates.get("new", 0), set_back=fates.get("changed", 0))


def _refuse_used(count: int) -> None:
    if count:
        message = ngettext(
            "%(num)s of these customers bought or collected since. Take that back first.",
            "%(num)s of these customers bought or collected since. Take that back first.",
            count,
        )
        raise Refused("used_since", message)


def _read(name: str, value: Any) -> Any:
    """Read a value as the batch remembers it."""
    return date.fromisoformat(value) if name == "birthday" and value is not None else value
