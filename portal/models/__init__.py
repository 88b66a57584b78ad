"""The nouns: what things are. Importing the room fills the metadata."""

from portal.models.api_key import ApiKey
from portal.models.customer import Customer
from portal.models.deletion import Deletion
from portal.models.invitation import Invitation
from portal.models.login_session import LoginSession, SignInAttempt
from portal.models.loyalty_card import CardToken, LoyaltyCard
from portal.models.loyalty_program import LoyaltyProgram, ProgramVersion
from portal.models.loyalty_reward import LoyaltyReward
from portal.models.merchant import Merchant, MerchantOwner
from portal.models.order import Order, OrderLine
from portal.models.ownership import index_keys
from portal.models.product import Product
from portal.models.records import AuditEntry, IdempotencyKey, Media, OutboxMessage
from portal.models.staff_pin import StaffPin
from portal.models.store import Store
from portal.models.store_user import StoreUser
from portal.models.till_device import TillDevice
from portal.models.user import User

index_keys()

__all__ = [
    "ApiKey",
    "AuditEntry",
    "CardToken",
    "Customer",
    "Deletion",
    "IdempotencyKey",
    "Invitation",
    "LoginSession",
    "LoyaltyCard",
    "LoyaltyProgram",
    "LoyaltyReward",
    "Media",
    "Merchant",
    "MerchantOwner",
    "Order",
    "OrderLine",
    "OutboxMessage",
    "Product",
    "ProgramVersion",
    "SignInAttempt",
    "StaffPin",
    "Store",
    "StoreUser",
    "TillDevice",
    "User",
]
