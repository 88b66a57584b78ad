"""Two records of one person, locked together in the order of their numbers, and their cards."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select

from portal.errors import Refused
from portal.extensions import db
from portal.models.actor import Actor, Role
from portal.models.customer import Customer
from portal.models.loyalty_card import LoyaltyCard
from portal.models.merchant import Merchant
from portal.models.records import IdempotencyKey
from portal.models.tenancy import merchant_of
from portal.services.ledger.accounts import Account
from portal.services.ledger.visits import Visit
from portal.services.once import claim, digest_of
from portal.words import _

FRESH = {"include_deleted": True, "populate_existing": True}


def refuse_if_not_owner(by: Actor) -> None:
    """Refuse what only an owner may do; raises Refused("not_allowed")."""
    if by.role < Role.OWNER:
        raise Refused("not_allowed", _("Only an owner may do this. Ask one."))


def hold_people(ids: Iterable[int]) -> dict[int, Customer]:
    """Lock these customers of the merchant in scope, the dead too; those who are not there are missing."""
    mine = (Customer.merchant_id == merchant_of(db.session), Customer.id.in_(list(ids)))
    query = select(Customer).where(*mine).order_by(Customer.id).with_for_update(key_share=True)
    return {each.id: each for each in db.session.scalars(query, execution_options=FRESH)}


def hold_cards(people: Iterable[int], *, program_id: int | None = None) -> list[LoyaltyCard]:
    """Lock the cards of these people, of one program or of all, the dead too, in the order of their ids."""
    query = select(LoyaltyCard).where(
        LoyaltyCard.merchant_id == merchant_of(db.session), LoyaltyCard.customer_id.in_(list(people))
    )
    if program_id is not None:
        query = query.where(LoyaltyCard.program_id == program_id)
    ordered = query.order_by(LoyaltyCard.id).with_for_update()
    return list(db.session.scalars(ordered, execution_options=FRESH))


def account_of(card: LoyaltyCard, visit: Visit, key: IdempotencyKey | None = None) -> Account:
    """Open a card that is locked already, also one of a business in the trash."""
    merchant = db.session.get_one(Merchant, card.merchant_id, execution_options={"include_deleted": True})
    return Account(card, card.program, merchant, visit, key)


def claim_for(verb: str, request: dict[str, Any], visit: Visit) -> IdempotencyKey | None:
    """Take the key of an act on people; None when it has none."""
    if visit.key is None:
        return None
    merchant_id = merchant_of(db.session) or 0
    return claim(visit.key, request_hash=digest_of(verb, request), by=visit.by, merchant_id=merchant_id)
