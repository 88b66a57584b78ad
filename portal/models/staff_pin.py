"""What a person types at the till to say who they are."""

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped

from portal.models.base import Model, TimestampMixin
from portal.models.ownership import Rule, tenant_key
from portal.models.soft_delete import SoftDeleteMixin, live_unique
from portal.models.tenancy import Tenant
from portal.words import counted


class StaffPin(Tenant, SoftDeleteMixin, TimestampMixin, Model):
    """One person's PIN in one store; dies with the store, or with what makes the person work there."""

    __tablename__ = "staff_pins"
    scrubs = {"pin_hash": "deleted"}

    store_id: Mapped[int]
    store_user_id: Mapped[int | None]
    merchant_owner_id: Mapped[int | None]
    pin_hash: Mapped[str]
    last_used_at: Mapped[datetime | None]

    __table_args__ = (
        tenant_key("store_id", "stores", Rule.OWNS),
        tenant_key("store_user_id", "store_users", Rule.OWNS),
        tenant_key("merchant_owner_id", "merchant_owners", Rule.OWNS),
        live_unique("uq_staff_pins_member_live", "merchant_id", "store_user_id"),
        live_unique("uq_staff_pins_owner_live", "merchant_id", "store_id", "merchant_owner_id"),
        CheckConstraint("(store_user_id IS NULL) <> (merchant_owner_id IS NULL)", name="of_one_person"),
        {"info": {"words": counted("PIN", "PINs")}},
    )
