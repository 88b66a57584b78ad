"""A link that lets a person join the team, once."""

from datetime import datetime

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.models.base import Model, TimestampMixin
from portal.models.ownership import Rule, global_key, tenant_key, within
from portal.models.store import Store
from portal.models.tenancy import Tenant
from portal.words import counted


class Invitation(Tenant, TimestampMixin, Model):
    """An invitation to a store, or, with role `owner`, to the whole merchant; 72 hours, single use."""

    __tablename__ = "invitations"
    merchant_rule = Rule.PART

    store_id: Mapped[int | None]
    role: Mapped[str]
    display_name: Mapped[str]
    email: Mapped[str | None]
    token_hash: Mapped[str]
    invited_by_id: Mapped[int | None] = mapped_column(global_key("users.id", Rule.HISTORY))
    accepted_by_id: Mapped[int | None] = mapped_column(global_key("users.id", Rule.HISTORY))
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    store: Mapped[Store | None] = relationship(primaryjoin=lambda: within(Invitation.store_id, Store))

    __table_args__ = (
        tenant_key("store_id", "stores", Rule.PART),
        UniqueConstraint("merchant_id", "token_hash"),
        CheckConstraint("role IN ('owner', 'manager', 'staff')", name="role_known"),
        CheckConstraint("(role = 'owner') = (store_id IS NULL)", name="owner_has_every_store"),
        {"info": {"words": counted("invitation", "invitations")}},
    )

    def is_open(self, now: datetime) -> bool:
        """Whether the link still works."""
        return self.accepted_at is None and self.revoked_at is None and now < self.expires_at
