"""Two records of one person made one."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Json, Model
from portal.models.ownership import Rule, global_key, tenant_key
from portal.models.tenancy import Tenant


class CustomerMerge(Tenant, Model):
    """One merge and what it moved, so that it can be taken back (specification of loyalty, section 11).

    `moved` names the rows that moved and what the survivor's card was before: ids, moments and whether
    `phone` and `email` were taken over; never the contacts themselves. Without cards it has no `card_id`;
    what a program brought out of the trash later stands in `later`, if cards had moved before.
    """

    __tablename__ = "customer_merges"
    merchant_rule = Rule.HISTORY

    survivor_id: Mapped[int]
    loser_id: Mapped[int]
    loser_deletion_id: Mapped[int | None]
    moved: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    merged_by_id: Mapped[int | None] = mapped_column(global_key("users.id", Rule.HISTORY))
    merged_at: Mapped[datetime]
    unmerged_at: Mapped[datetime | None]

    @property
    def parts(self) -> list[dict[str, Any]]:
        """What moved, card by card; of a merge without cards nothing."""
        first = [self.moved] if "card_id" in self.moved else []
        return [*first, *self.moved.get("later", ())]

    def keep(self, part: dict[str, Any]) -> None:
        """Add what moved from one more card."""
        is_first = "card_id" not in self.moved
        self.moved = self.moved | (part if is_first else {"later": [*self.moved.get("later", ()), part]})

    __table_args__ = (
        tenant_key("survivor_id", "customers", Rule.HISTORY),
        tenant_key("loser_id", "customers", Rule.HISTORY),
        tenant_key("loser_deletion_id", "deletions", Rule.HISTORY),
        CheckConstraint("survivor_id <> loser_id", name="of_two_people"),
    )
