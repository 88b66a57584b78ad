"""Reading the rows of customers, and finding who of them is here already."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select

from portal.errors import Refused
from portal.extensions import db
from portal.models.customer import Customer
from portal.models.loyalty_card import CardToken, LoyaltyCard
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.models.text import LONGEST_NAME, checked_name, checked_text
from portal.services.customers import LONGEST_NOTES, OLDEST
from portal.services.imports.lookups import Stores, taken_back
from portal.services.imports.moments import day
from portal.services.imports.people import name_in
from portal.services.imports.plans import Plan
from portal.services.imports.tables import Line
from portal.services.imports.values import whole
from portal.services.imports.writing import Row
from portal.services.phones import to_e164
from portal.words import _

DEAD_TOO = {"include_deleted": True}
KNOWN_BY = ("external_ref", "email", "phone")


@dataclass
class Member(Row):
    """One row: who it is, the numbers of their old cards, and what they bring with them."""

    cards: list[str] = field(default_factory=list)
    points: int = 0
    stamps: int = 0

    @property
    def key(self) -> str:
        """By what the batch knows the row again."""
        return str(self.values.get("external_ref") or f"line {self.number}")


def read_member(plan: Plan, line: Line, stores: Stores, program: LoyaltyProgram | None) -> Member:
    """Read a row into the fields of a customer; what cannot be understood is a fault of it."""
    values, faults = plan.read(line)
    member = Member(line.number, values, faults)
    member.cards = list(dict.fromkeys(number_on(text) for at in plan.cards if (text := line.cells[at])))
    for read in (_read_name, _read_store, _read_phone, _read_birthday, _read_texts):
        try:
            read(member, plan, stores)
        except Refused as fault:
            member.faults.append(fault.message)
    _read_balances(member, program)
    return member


def number_on(text: str) -> str:
    """Write the number of an old card as it is kept: as it is printed, with single spaces."""
    return " ".join(text.split())


def _read_name(member: Member, _plan: Plan, _stores: Stores) -> None:
    name = name_in(member)
    for part in ("first_name", "last_name", "name"):
        member.values.pop(part, None)
    if name:
        member.values["name"] = checked_name(name)


def _read_store(member: Member, _plan: Plan, stores: Stores) -> None:
    told = member.values.pop("home_store", None)
    if told is not None:
        member.values["home_store_id"] = stores.called(told)


def _read_phone(member: Member, plan: Plan, stores: Stores) -> None:
    told = member.values.pop("phone", None)
    if told is not None:
        country = stores.countries.get(member.values.get("home_store_id")) or plan.merchant.country
        member.values["phone"] = to_e164(told, country)


def _read_birthday(member: Member, plan: Plan, _stores: Stores) -> None:
    told = member.values.pop("birthday", None)
    if told is None:
        return
    if told.startswith("0000"):
        member.warnings.append(_("A birthday without a year was left out."))
        return
    birthday = day(told.partition(" ")[0].partition("T")[0], plan.dates)
    if birthday < OLDEST:
        raise Refused("bad_birthday", _("A birthday lies between 1900 and today. Check the year."))
    member.values["birthday"] = birthday


def _read_texts(member: Member, _plan: Plan, _stores: Stores) -> None:
    for name, longest in (("notes", LONGEST_NOTES), ("external_ref", LONGEST_NAME)):
        if name in member.values:
            text = member.values[name].removeprefix("'")  # some programs begin numbers with it
            member.values[name] = checked_text(text, name, longest)


def _read_balances(member: Member, program: LoyaltyProgram | None) -> None:
    for name in ("points", "stamps"):
        told = member.values.pop(name, None)
        try:
            count, is_cut = whole(told) if told else (0, False)
        except Refused as fault:
            member.faults.append(fault.message)
            continue
        setattr(member, name, count)
        if is_cut:
            member.warnings.append(_("A balance with decimals was cut to the whole number below."))
    if member.stamps < 0:
        member.faults.append(_("A card has no fewer than 0 stamps."))
    if program is not None and member.stamps >= program.stamps_target:
        message = _("A card is full at %(target)s stamps. Write fewer.", target=program.stamps_target)
        member.faults.append(message)


class Roll:
    """Who is here already: customers by reference, e-mail and phone, their cards, and old numbers."""

    def __init__(self, merchant_id: int, members: Sequence[Member], program: LoyaltyProgram | None) -> None:
        self.merchant_id, self.program = merchant_id, program
        self.people: dict[tuple[str, Any], Customer] = {}
        self.by_id: dict[int, Customer] = {}
        self.dead: dict[str, Customer] = {}
        self.survivors: dict[int | None, Customer] = {}
        self.tokens = self._tokens(members)
        self._load_people(members)
        self.cards: dict[int, LoyaltyCard] = {}
        self.started: dict[int, tuple[int, int]] = {}
        self.moved: set[int] = set()
        if program is not None:
            self._load_cards(set(self.by_id), program)

    def _tokens(self, members: Sequence[Member]) -> dict[str, CardToken | None]:
        numbers = {number for member in members for number in member.cards}
        query = select(CardToken).where(
            CardToken.merchant_id == self.merchant_id,
            CardToken.kind != "qr",  # an export tells our own number where there is one
            CardToken.value.in_(numbers),
            CardToken.revoked_at.is_(None),
        )
        return {token.value: token for token in db.session.scalars(query)}

    def _load_people(self, members: Sequence[Member]) -> None:
        """Lock who is here, and remember who lies in the trash."""
        asked = {name: {m.values[name] for m in members if m.values.get(name)} for name in KNOWN_BY}
        held_by = {token.card_id for token in self.tokens.values() if token is not None}
        owners = select(LoyaltyCard.customer_id).where(
            LoyaltyCard.merchant_id == self.merchant_id, LoyaltyCard.id.in_(held_by)
        )
        same = Customer.id.in_(set(db.session.scalars(owners)))
        for name, values in asked.items():
            same |= getattr(Customer, name).in_(values)
        query = select(Customer).where(Customer.merchant_id == self.merchant_id, same)
        fresh = query.order_by(Customer.id).execution_options(populate_existing=True)
        for person in db.session.scalars(fresh.with_for_update(key_share=True)):
            self.add(person)
        self._load_dead(asked["external_ref"])

    def _load_dead(self, refs: Iterable[str]) -> None:
        mine = (Customer.merchant_id == self.merchant_id, Customer.external_ref.in_(list(refs)))
        query = select(Customer).where(*mine, Customer.deletion_id.is_not(None), Customer.purged_at.is_(None))
        found = list(db.session.scalars(query.order_by(Customer.id), execution_options=DEAD_TOO))
        undone = taken_back(self.merchant_id, "customers", [person.id for person in found])
        self.dead = {str(each.external_ref): each for each in found if each.id not in undone}
        self._load_survivors({each.merged_into_id for each in found if each.merged_into_id})

    def _load_survivors(self, ids: set[int]) -> None:
        """Find the living people that merged records are now."""
        if ids:
            alive = select(Customer).where(Customer.merchant_id == self.merchant_id, Customer.id.in_(ids))
            self.survivors = {each.id: each for each in db.session.scalars(alive)}

    def _load_cards(self, customer_ids: set[int], program: LoyaltyProgram) -> None:
        query = select(LoyaltyCard).where(
            LoyaltyCard.merchant_id == self.merchant_id,
            LoyaltyCard.program_id == program.id,
            LoyaltyCard.customer_id.in_(customer_ids),
        )
        found = list(db.session.scalars(query.order_by(LoyaltyCard.id)))
        self.cards = {card.customer_id: card for card in found}
        self._load_starts([card.id for card in found])

    def _load_starts(self, card_ids: list[int]) -> None:
        """Read what cards were given by imports, and which have movements of their own."""
        row = LoyaltyTransaction
        is_start = row.type == "import"
        sums = (func.sum(row.points_delta), func.sum(row.stamps_delta))
        mine = (row.merchant_id == self.merchant_id, row.card_id.in_(card_ids), row.type != "enrol")
        query = select(row.card_id, is_start, *sums).where(*mine).group_by(row.card_id, is_start)
        for card_id, of_imports, points, stamps in db.session.execute(query):
            if of_imports:
                self.started[card_id] = (int(points), int(stamps))
            else:
                self.moved.add(card_id)

    def add(self, person: Customer) -> None:
        """Take somebody in."""
        self.by_id[person.id] = person
        for name in KNOWN_BY:
            value = getattr(person, name)
            if value:
                self.people[name, value] = person

    def holder(self, name: str, value: Any) -> Customer | None:
        """Find who has a phone, an e-mail address or a reference."""
        return self.people.get((name, value))

    def merged_into(self, member: Member) -> Customer | None:
        """Find the living person that the record with this reference was merged into.

        Nobody where somebody living has the reference again.
        """
        ref = str(member.values.get("external_ref"))
        dead = self.dead.get(ref)
        if dead is None or ("external_ref", ref) in self.people:
            return None
        return self.survivors.get(dead.merged_into_id)

    def find(self, member: Member) -> Customer | None:
        """Find who a row is about: by reference, or else by e-mail, phone or the number of an old card.

        Somebody who has a reference is not taken for another one.
        """
        ref = member.values.get("external_ref")
        found = self.people.get(("external_ref", ref)) if ref else None
        if found is not None:
            return found
        others = [self.people.get((name, member.values.get(name))) for name in ("email", "phone")]
        others += [self._owner(number) for number in member.cards]
        return next((each for each in others if each and not (ref and each.external_ref)), None)

    def _owner(self, number: str) -> Customer | None:
        token = self.tokens.get(number)
        if token is None:
            return None
        owners = (customer_id for customer_id, card in self.cards.items() if card.id == token.card_id)
        return self.by_id.get(next(owners, 0))
