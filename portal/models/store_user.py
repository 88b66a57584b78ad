"""A membership: this person works in this store."""

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from portal.models.actor import Role
from portal.models.base import Model, TimestampMixin
from portal.models.ownership import Rule, global_key, tenant_key, within
from portal.models.soft_delete import SoftDeleteMixin, live_unique
from portal.models.store import Store
from portal.models.tenancy import Tenant
from portal.models.text import LONGEST_NAME, checked_text
from portal.models.user import User
from portal.words import counted


class StoreUser(Tenant, SoftDeleteMixin, TimestampMixin, Model):
    """A membership, as `manager` or `staff`: it dies with the store or the person, whichever goes first."""

    __tablename__ = "store_users"
    is_membership = True
    scrubs = {"external_ref": None, "position": None}

    store_id: Mapped[int]
    user_id: Mapped[int] = mapped_column(global_key("users.id", Rule.OWNS))
    role: Mapped[str] = mapped_column(default="staff")
    position: Mapped[str | None]
    external_ref: Mapped[str | None]

    store: Mapped[Store] = relationship(
        back_populates="store_users", primaryjoin=lambda: within(StoreUser.store_id, Store)
    )
    user: Mapped[User] = relationship(back_populates="store_users", foreign_keys=user_id)

    __table_args__ = (
        tenant_key("store_id", "stores", Rule.OWNS),
        live_unique("uq_store_users_live", "merchant_id", "store_id", "user_id"),
        live_unique("uq_store_users_external_ref_live", "merchant_id", "external_ref"),
        CheckConstraint("role IN ('manager', 'staff')", name="role_known"),
        {"info": {"words": counted("team member", "team members")}},
    )

    @validates("position", "external_ref")
    def _hold_to_length(self, field: str, value: str | None) -> str | None:
        return checked_text(value, field.replace("_", " "), LONGEST_NAME)

    @property
    def is_manager(self) -> bool:
        """Whether the person runs this store."""
        return self.role == Role.MANAGER.word
