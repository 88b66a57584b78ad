"""What is on the card of a person who was erased is nobody's (specification of loyalty, section 11)."""

from sqlalchemy import select

from portal.extensions import db
from portal.models.customer import Customer
from portal.models.reward_issue import RewardIssue
from portal.services.ledger.accounts import Account
from portal.services.ledger.rewarding import give_back


def forfeit(account: Account) -> None:
    """Take back rewards still to be handed over, then what is left on the card; debts stay."""
    open_ones = select(RewardIssue).where(
        RewardIssue.merchant_id == account.card.merchant_id,
        RewardIssue.card_id == account.card.id,
        RewardIssue.status == "issued",
    )
    for issue in db.session.scalars(open_ones.order_by(RewardIssue.id)).all():
        give_back(account, issue)
    points, stamps = max(0, account.card.points_balance), max(0, account.card.stamps_balance)
    if points or stamps:
        account.post("forfeit", points=-points, stamps=-stamps, reason_code="erased")


def forfeit_if_erased(account: Account) -> None:
    """Let nothing stay that came back to the card after its holder was erased."""
    erased = select(Customer.erased_at).where(
        Customer.merchant_id == account.card.merchant_id, Customer.id == account.card.customer_id
    )
    dead_too = {"include_deleted": True}
    if account.card.is_deleted and db.session.scalar(erased, execution_options=dead_too):
        forfeit(account)
