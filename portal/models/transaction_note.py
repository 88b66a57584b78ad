"""What people wrote about a movement on a card."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column, validates

from portal.models.base import Model, utc_now
from portal.models.ownership import Rule, global_key, tenant_key
from portal.models.tenancy import Tenant
from portal.models.text import checked_text

LONGEST = 1_000


class TransactionNote(Tenant, Model):
    """Free text beside a ledger row; it can be erased, the row cannot."""

    __tablename__ = "transaction_notes"
    merchant_rule = Rule.HISTORY

    transaction_id: Mapped[int]
    text: Mapped[str | None]
    written_by_id: Mapped[int | None] = mapped_column(global_key("users.id", Rule.HISTORY))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)

    __table_args__ = (tenant_key("transaction_id", "loyalty_transactions", Rule.HISTORY),)

    @validates("text")
    def _hold_to_length(self, field: str, value: str | None) -> str | None:
        return checked_text(value, field, LONGEST)
