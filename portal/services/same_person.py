"""One person under several records: the customer, and those merged into them."""

from sqlalchemy import Select, or_, select

from portal.extensions import db
from portal.models.customer import Customer
from portal.models.loyalty_card import LoyaltyCard
from portal.models.loyalty_transaction import LoyaltyTransaction


def same_person(customer: Customer) -> Select[int]:
    """Select the ids of the customer and of those merged into them, who lie in the trash.

    A query that uses it says `include_deleted={Customer}`; orders and consents keep the id they came with.
    """
    mine = or_(Customer.id == customer.id, Customer.merged_into_id == customer.id)
    return select(Customer.id).where(Customer.merchant_id == customer.merchant_id, mine)


def cards_of(customer: Customer) -> Select[int]:
    """Select the ids of all cards of the person, in any program, those of merged records too.

    A query that uses it says `include_deleted=True`.
    """
    return select(LoyaltyCard.id).where(
        LoyaltyCard.merchant_id == customer.merchant_id,
        LoyaltyCard.customer_id.in_(same_person(customer)),
    )


def had_bonus(customer: Customer) -> bool:
    """Whether any card of theirs had the welcome bonus, one of an older program or a merged record too."""
    row = LoyaltyTransaction
    mine = (row.merchant_id == customer.merchant_id, row.card_id.in_(cards_of(customer)))
    bonus = select(row.id).where(*mine, row.type == "welcome_bonus")
    return db.session.scalar(bonus.limit(1), execution_options={"include_deleted": True}) is not None
