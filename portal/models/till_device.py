"""A tablet at a till."""

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.models.base import Model, TimestampMixin
from portal.models.ownership import Rule, global_key, tenant_key, within
from portal.models.soft_delete import SoftDeleteMixin
from portal.models.store import Store
from portal.models.tenancy import Tenant
from portal.words import counted


class TillDevice(Tenant, SoftDeleteMixin, TimestampMixin, Model):
    """A paired tablet of one store, known by the hash of its long-lived secret."""

    __tablename__ = "till_devices"
    label_column = "name"
    scrubs = {"name": "deleted tablet #{id}", "token_hash": "deleted-{id}"}

    store_id: Mapped[int]
    name: Mapped[str]
    token_hash: Mapped[str]
    paired_by_id: Mapped[int | None] = mapped_column(global_key("users.id", Rule.HISTORY))
    last_seen_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    store: Mapped[Store] = relationship(primaryjoin=lambda: within(TillDevice.store_id, Store))

    __table_args__ = (
        tenant_key("store_id", "stores", Rule.OWNS),
        UniqueConstraint("merchant_id", "token_hash"),
        {"info": {"words": counted("tablet", "tablets")}},
    )
