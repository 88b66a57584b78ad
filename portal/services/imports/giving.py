"""Giving imported customers their cards, the numbers of their old cards, and the balances they bring."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from portal.extensions import db
from portal.models.actor import Actor
from portal.models.customer import Customer
from portal.models.loyalty_card import CardToken, LoyaltyCard
from portal.models.loyalty_program import LoyaltyProgram
from portal.services.imports import batches
from portal.services.imports.batches import Made
from portal.services.imports.members import Member, Roll
from portal.services.imports.numbering import free_numbers
from portal.services.imports.plans import Plan
from portal.services.ledger.accounts import Account, Posting, once
from portal.services.ledger.visits import Visit
from portal.words import _


class Written:
    """One customer on the way in: who it became, what it was before, and what is still to be made."""

    def __init__(self, member: Member, person: Customer, *, is_new: bool) -> None:
        self.member, self.person, self.is_new = member, person, is_new
        self.before: dict[str, Any] = {}
        self.card: LoyaltyCard | None = None
        self.is_fresh_card = False
        self.tokens: list[CardToken] = []

    @property
    def outcome(self) -> str:
        """Whether the row made somebody, changed something, or nothing."""
        return "new" if self.is_new else "updated" if self.before else "unchanged"

    @property
    def made(self) -> Made:
        """What the batch remembers: enough to take it back."""
        fate = "new" if self.is_new else "changed"
        before = None if self.is_new else self.before
        return Made(self.member.key, self.member.number, fate, "customers", self.person.id, before=before)


class Giving:
    """Gives the customers of a chunk what leads to their points."""

    def __init__(self, plan: Plan, roll: Roll, program: LoyaltyProgram, *, by: Actor, now: datetime) -> None:
        self.plan, self.roll, self.program, self.by, self.now = plan, roll, program, by, now

    def give(self, written: Sequence[Written]) -> None:
        """Give cards to those who have none, the numbers of old cards or else ours, then balances."""
        for each in written:
            self._give_card(each)
        for each in written:
            self._give_numbers(each)
        self._give_our_numbers([each for each in written if each.is_fresh_card and not each.tokens])
        db.session.flush()  # what the batch remembers names the ids
        for each in written:
            if each.tokens and not each.is_new:
                each.before["tokens"] = [token.id for token in each.tokens]
        for each in written:
            if each.card is not None and self._brings_balance(each.member, each.card):
                self._start(each, each.card.id)

    def _give_card(self, each: Written) -> None:
        each.card = self.roll.cards.get(each.person.id)
        if each.card is None:
            keys = {"merchant_id": self.program.merchant_id, "program_id": self.program.id}
            each.card = LoyaltyCard(customer_id=each.person.id, **keys)
            db.session.add(each.card)
            db.session.flush()  # its tokens point at its id
            self.roll.cards[each.person.id] = each.card
            each.is_fresh_card = True
            if not each.is_new:
                each.before["card"] = each.card.id

    def _give_numbers(self, each: Written) -> None:
        card_id = each.card.id if each.card else 0
        for number in each.member.cards:
            token = self.roll.tokens.get(number)
            if token is None:
                keys = {"merchant_id": self.program.merchant_id, "card_id": card_id}
                token = CardToken(kind="legacy", value=number, **keys)
                db.session.add(token)
                self.roll.tokens[number] = token
                each.tokens.append(token)
            elif token.card_id != card_id:
                message = _(
                    "The card number “%(number)s” leads to another card; it was left out.", number=number
                )
                each.member.warnings.append(message)

    def _give_our_numbers(self, written: Sequence[Written]) -> None:
        """Give a number of ours to new cards that no old number leads to: all have a way in."""
        merchant_id = self.program.merchant_id
        numbers = free_numbers(merchant_id, len(written))
        for each, number in zip(written, numbers, strict=True):
            card_id = each.card.id if each.card else 0
            token = CardToken(merchant_id=merchant_id, card_id=card_id, kind="number", value=number)
            db.session.add(token)
            each.tokens.append(token)

    def _brings_balance(self, member: Member, card: LoyaltyCard) -> bool:
        """Whether a balance is to be posted: once, and only on a card without movements of its own."""
        wanted, now = (member.points, member.stamps), (card.points_balance, card.stamps_balance)
        before = self.roll.started.get(card.id, (0, 0))
        if wanted == (0, 0):
            return False
        is_fresh = before == (0, 0) and card.id not in self.roll.moved
        if not is_fresh and wanted not in (before, now):
            member.warnings.append(_("The card has a balance here already; it was left as it is."))
        return is_fresh

    def _start(self, each: Written, card_id: int) -> None:
        """Post the balance the card had elsewhere: one row, which is no activity."""
        points, stamps = each.member.points, each.member.stamps
        batch = batches.hold(self.plan, by=self.by, now=self.now)
        visit = Visit(by=self.by, now=self.now, source="import", batch_id=batch.id)

        def work(account: Account) -> Posting:
            account.post("import", points=points, stamps=stamps, reason_code="starting_balance")
            return Posting(account.card, account.rows, "imported")

        posting = once(card_id, "import", {"points": points, "stamps": stamps}, work, visit=visit)
        if not each.is_new:
            each.before["balance"] = posting.rows[-1].id


def plain(value: Any) -> Any:
    """Write a value as the batch remembers it."""
    return value.isoformat() if isinstance(value, date) else value
