"""Joining the program (specification of loyalty, sections 8 and 11)."""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models.customer import Customer
from portal.models.loyalty_card import LoyaltyCard
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.models.merchant import Merchant
from portal.models.records import IdempotencyKey
from portal.models.store import Store
from portal.models.text import checked_email
from portal.services import audit, consents, customers
from portal.services.cards import NewCodes, give_codes
from portal.services.ledger import fingerprints, tiers, welcoming
from portal.services.ledger.accounts import Account, Posting
from portal.services.ledger.visits import Visit
from portal.services.once import claim, digest_of
from portal.services.phones import country_of, to_e164
from portal.words import _


@dataclass(frozen=True)
class Enrolled:
    """Who has a card now. `codes` are told once: a card that was there, and a replay, have none.

    A door that anybody may use must not show the card of somebody known: it would tell who is a member.
    """

    customer: Customer
    card: LoyaltyCard
    posting: Posting
    codes: NewCodes | None = None
    is_new_person: bool = False

    @property
    def bonus(self) -> int:
        """The welcome bonus in points that came with it."""
        return welcoming.given(self.posting)

    @property
    def waits_for_contact(self) -> bool:
        """Whether the welcome bonus will come with a phone or an e-mail."""
        return any(row.rule_snapshot == welcoming.FOR_A_CONTACT for row in self.posting.rows)


@dataclass(frozen=True)
class Changed:
    """What a change of a member did: the fields that differ, and the welcome bonus it brought in points."""

    fields: list[str]
    bonus: int = 0


@dataclass(frozen=True)
class Opened:
    """A card just made, with its account, its first row and its codes."""

    account: Account
    row: LoyaltyTransaction
    codes: NewCodes


def enrol(
    merchant: Merchant,
    *,
    visit: Visit,
    secret: str,
    name: str,
    phone: str | None = None,
    email: str | None = None,
    is_self: bool = False,
    agrees: bool = False,
    **details: Any,
) -> Enrolled:
    """Give somebody a card in the merchant's program; whoever is known by phone gets the one they have.

    `secret` is the application's secret key, for the fingerprints of the welcome bonus. It is given at
    once by staff, and at the first scan to whoever joins without (`is_self`); to somebody without phone
    and e-mail when one is known. `agrees` notes consent to marketing of somebody new. `details` may give
    the other fields of a customer.
    Raises Refused("paused", "no_program") and what add_customer raises, Conflict("store_gone",
    "key_reused", "taken").
    """
    store = _store_of(merchant, visit)
    phone, email = to_e164(phone, country_of(merchant, store)), checked_email(email) if email else None
    told = {"name": name, "phone": phone, "email": email, **details}
    key = _claimed(merchant, visit, secret, {**told, "is_self": is_self, "agrees": agrees})
    if key is not None and key.result_id is not None:
        return _replayed(key)
    program = _living_program(merchant)
    customer, is_new = _person(program, merchant, visit, store, told)
    if is_new and agrees:
        consents.note_consent(customer, is_given=True, source=visit.source, by=visit.by, now=visit.now)
    card = _card_of(customer, program)
    if card is not None:
        return _with_key(key, Enrolled(customer, card, Posting(card, code="known")))
    _refuse_if_paused(program)
    waits_for = welcoming.waits_for(customer, program, visit, is_self=is_self)
    opened = open_card(customer, program, merchant, visit=visit, key=key, waits_for=waits_for)
    if not waits_for:
        welcoming.give(opened.account, opened.row, customer, secret)
    posting = Posting(opened.account.card, opened.account.rows, "enrolled")
    return _with_key(key, Enrolled(customer, posting.card, posting, opened.codes, is_new_person=is_new))


def open_card(
    customer: Customer,
    program: LoyaltyProgram,
    merchant: Merchant,
    *,
    visit: Visit,
    key: IdempotencyKey | None = None,
    waits_for: dict[str, str] | None = None,
) -> Opened:
    """Make a card with its codes, its enrol row and its first tier, without a welcome bonus.

    `waits_for` says in the row what the bonus waits for, if it does.
    """
    card = LoyaltyCard(merchant_id=merchant.id, program_id=program.id, customer_id=customer.id)
    db.session.add(card)
    db.session.flush()  # its codes and rows name it
    codes = give_codes(card, merchant)
    account = Account(card, program, merchant, visit, key)
    row = account.post("enrol", rule_snapshot=waits_for or {})
    tiers.climb(account, row)
    audit.record("enrol", customer, by=visit.by, card_id=card.id)
    return Opened(account, row, codes)


def change_member(
    customer: Customer, *, visit: Visit, secret: str, store: Store | None = None, **changes: Any
) -> Changed:
    """Change a customer as `customers.change_customer` does, and see to the welcome bonus.

    A first phone or e-mail brings the bonus that waited for one. Of somebody who had it a new one is
    remembered with the application's `secret` key. Raises what `change_customer` raises.
    """
    before = {"phone": customer.phone, "email": customer.email}
    fields = customers.change_customer(customer, by=visit.by, now=visit.now, store=store, **changes)
    if before.keys().isdisjoint(fields):
        return Changed(fields)
    posting = welcoming.give_with_contact(customer, visit=visit, secret=secret)
    fingerprints.follow(customer, secret=secret, now=visit.now, before=before)
    return Changed(fields, welcoming.given(posting) if posting else 0)


def _store_of(merchant: Merchant, visit: Visit) -> Store | None:
    """Keep the store where it happens from dying meanwhile."""
    if visit.store_id is None:
        return None
    alive = Store.of(merchant).where(Store.id == visit.store_id).with_for_update(read=True)
    store = db.session.scalar(alive)
    if store is None:
        raise Conflict("store_gone", _("This store is in the trash. Restore it, or choose another."))
    return store


def _claimed(merchant: Merchant, visit: Visit, secret: str, told: dict[str, Any]) -> IdempotencyKey | None:
    """Take the key; what was told about the person is kept only as a keyed hash."""
    if visit.key is None:
        return None
    who = fingerprints.keyed(secret, "enrolment", json.dumps(told, sort_keys=True, default=str))
    digest = digest_of("enrol", {"who": who, "store": visit.store_id})
    return claim(visit.key, request_hash=digest, by=visit.by, merchant_id=merchant.id)


def _with_key(key: IdempotencyKey | None, enrolled: Enrolled) -> Enrolled:
    if key is not None:
        key.result_kind, key.result_id = enrolled.posting.code, enrolled.card.id
    return enrolled


def _replayed(key: IdempotencyKey) -> Enrolled:
    """Answer what the key did the first time; also of a card that lies in the trash by now."""
    row = LoyaltyTransaction
    rows = select(row).where(row.merchant_id == key.merchant_id, row.key_id == key.id).order_by(row.id)
    query = select(LoyaltyCard).where(
        LoyaltyCard.merchant_id == key.merchant_id, LoyaltyCard.id == key.result_id
    )
    card = db.session.scalars(query, execution_options={"include_deleted": True}).one()
    posting = Posting(card, list(db.session.scalars(rows)), key.result_kind or "", is_replay=True)
    return Enrolled(card.customer, card, posting)


def _living_program(merchant: Merchant) -> LoyaltyProgram:
    program = db.session.scalar(LoyaltyProgram.of(merchant).with_for_update(read=True))
    if program is None:
        raise Refused("no_program", _("There is no program to join. An owner can start one."))
    return program


def _refuse_if_paused(program: LoyaltyProgram) -> None:
    if not program.is_active:
        raise Refused("paused", _("The program is paused. An owner can start it again."))


def _person(
    program: LoyaltyProgram, merchant: Merchant, visit: Visit, store: Store | None, told: dict[str, Any]
) -> tuple[Customer, bool]:
    """Find who is known by phone, or by e-mail where no phone is given; write down who is not."""
    known = _known(merchant, told)
    if known is not None:
        return known, False
    _refuse_if_paused(program)
    try:
        return customers.write_down(merchant, by=visit.by, now=visit.now, store=store, **told), True
    except Conflict:
        known = _known(merchant, told)  # another till was faster by a moment
        if known is None:
            raise
        return known, False


def _known(merchant: Merchant, told: dict[str, Any]) -> Customer | None:
    field = "phone" if told["phone"] else "email"
    if not told[field]:
        return None
    same = Customer.of(merchant).where(getattr(Customer, field) == told[field])
    # Locked: two tills must not give one person two cards.
    return db.session.scalar(same.with_for_update(key_share=True))


def _card_of(customer: Customer, program: LoyaltyProgram) -> LoyaltyCard | None:
    """Find the card they have in the program."""
    theirs = select(LoyaltyCard).where(
        LoyaltyCard.merchant_id == customer.merchant_id,
        LoyaltyCard.program_id == program.id,
        LoyaltyCard.customer_id == customer.id,
    )
    return db.session.scalar(theirs)
