"""Erasing a person for good (specification of loyalty, section 11)."""

from datetime import datetime

from sqlalchemy import select

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models.customer import Customer
from portal.models.loyalty_card import CardToken, LoyaltyCard
from portal.services import audit, traces, trash
from portal.services.ledger import expiring, fingerprints
from portal.services.ledger.forfeiting import forfeit
from portal.services.ledger.pairs import account_of, claim_for, hold_cards, hold_people, refuse_if_not_owner
from portal.services.ledger.visits import Visit
from portal.services.same_person import same_person
from portal.words import _


def erase_customer(customer: Customer, *, visit: Visit, secret: str) -> Customer:
    """Remove everything personal of a customer, and of records merged into them, for good.

    Their codes lead nowhere, their balance is forfeited, and what is left is a number in the ledger. It
    works on the trashed too, and nothing brings them back; erasing twice is harmless. `secret` is the
    application's secret key: fingerprints of the welcome bonus are kept for five years.
    Raises Refused("not_allowed", "merged"), Conflict("customer_gone", "key_reused").
    """
    refuse_if_not_owner(visit.by)
    people = _held(customer)
    key = claim_for("erase", {"customer": customer.id}, visit)
    if customer.erased_at is not None:
        return customer
    if customer.merged_into_id is not None:
        raise Refused("merged", _("This record was merged into another. Erase that one."))
    cards = hold_cards(people)
    person = traces.person_of(list(people.values()), [card.id for card in cards])
    for each in people.values():
        fingerprints.forget_later(each, secret=secret, now=visit.now)
    for card in cards:
        account = account_of(card, visit, key)
        if not card.is_deleted:
            expiring.post_due(account)
        forfeit(account)
        _revoke(card, visit.now)
    trash.soft_delete_cascade(customer, by=visit.by, now=visit.now)
    trash.forget_people(person.ids, merchant_id=person.merchant_id, now=visit.now)
    traces.wipe(person, now=visit.now)
    audit.record("erase", customer, by=visit.by)
    if key is not None:
        key.result_kind, key.result_id = "erased", customer.id
    return customer


def _held(customer: Customer) -> dict[int, Customer]:
    """Lock the customer and the records merged into them; raises Conflict("customer_gone")."""
    merged = db.session.scalars(same_person(customer), execution_options={"include_deleted": True})
    people = hold_people(merged.all())
    if customer.id not in people:
        raise Conflict("customer_gone", _("This customer is not there any more."))
    return people


def _revoke(card: LoyaltyCard, now: datetime) -> None:
    """Let no code lead to the card, those in the trash too."""
    theirs = select(CardToken).where(
        CardToken.merchant_id == card.merchant_id,
        CardToken.card_id == card.id,
        CardToken.revoked_at.is_(None),
    )
    for token in db.session.scalars(theirs, execution_options={"include_deleted": True}).all():
        token.revoked_at = now
