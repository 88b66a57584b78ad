"""The nouns: what things are. Importing the room fills the metadata."""

from portal.models.api_key import ApiKey
from portal.models.customer import Customer
from portal.models.customer_merge import CustomerMerge
from portal.models.deletion import Deletion
from portal.models.import_batch import ImportBatch, ImportRow
from portal.models.invitation import Invitation
from portal.models.login_session import LoginSession, SignInAttempt
from portal.models.loyalty_card import CardToken, LoyaltyCard
from portal.models.loyalty_program import LoyaltyProgram, ProgramVersion
from portal.models.loyalty_reward import LoyaltyReward, RewardStore
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.models.merchant import Merchant, MerchantOwner
from portal.models.order import Order, OrderLine
from portal.models.order_refund import OrderRefund
from portal.models.ownership import index_keys
from portal.models.product import Product
from portal.models.records import AuditEntry, IdempotencyKey, Media, OutboxMessage
from portal.models.review_item import ReviewItem
from portal.models.reward_issue import RewardIssue
from portal.models.staff_pin import StaffPin
from portal.models.standing import ConsentEvent, EnrolmentFingerprint, TierChange
from portal.models.store import Store
from portal.models.store_user import StoreUser
from portal.models.till_device import TillDevice
from portal.models.transaction_note import TransactionNote
from portal.models.user import User

index_keys()

__all__ = [
    "ApiKey",
    "AuditEntry",
    "CardToken",
    "ConsentEvent",
    "Customer",
    "CustomerMerge",
    "Deletion",
    "EnrolmentFingerprint",
    "IdempotencyKey",
    "ImportBatch",
    "ImportRow",
    "Invitation",
    "LoginSession",
    "LoyaltyCard",
    "LoyaltyProgram",
    "LoyaltyReward",
    "LoyaltyTransaction",
    "Media",
    "Merchant",
    "MerchantOwner",
    "Order",
    "OrderLine",
    "OrderRefund",
    "OutboxMessage",
    "Product",
    "ProgramVersion",
    "ReviewItem",
    "RewardIssue",
    "RewardStore",
    "SignInAttempt",
    "StaffPin",
    "Store",
    "StoreUser",
    "TierChange",
    "TillDevice",
    "TransactionNote",
    "User",
]
