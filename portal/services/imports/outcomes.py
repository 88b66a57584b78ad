"""What becomes of the baskets of an import, and the sums of it all."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from portal.models.import_batch import ImportRow
from portal.services.imports.batches import Made
from portal.services.imports.posting import Sale
from portal.services.imports.sales import Basket

EARNING = ("new", "updated")


@dataclass
class Outcome:
    """What became of one basket: new, updated, unchanged, skipped, not_sold or refused, and what to say.

    Updated is one that was here already and got its points now.
    """

    basket: Basket
    outcome: str
    reason: str = ""
    notes: list[tuple[str, str]] = field(default_factory=list)
    is_resumed: bool = False
    store_id: int = 0
    customer_id: int | None = None
    order_id: int = 0
    eligible_cents: int = 0
    attempt_no: int = 1
    points: int | None = None
    card_id: int | None = None

    def note(self, code: str, said: str) -> None:
        """Say something about it that does not refuse it."""
        self.notes.append((code, said))

    @property
    def is_anonymous(self) -> bool:
        """Whether nobody is named."""
        return self.customer_id is None and not self._names_unknown

    @property
    def _names_unknown(self) -> bool:
        return any(code == "unknown_customer" for code, _said in self.notes)

    @property
    def counts(self) -> Counter[str]:
        """What it adds to the sums of the import."""
        found = Counter({self.outcome: 1, "baskets": 1, "lines": len(self.basket.lines)})
        found["resumed"] = int(self.is_resumed)
        if self.outcome == "new":
            found["anonymous"] = int(self.is_anonymous)
        if self.outcome in EARNING:
            found["earned"] = int(self.points is not None)
            found["points"] = self.points or 0
        found.update(code for code, _said in self.notes)
        return found

    @property
    def sale(self) -> Sale:
        """What of it may earn points."""
        return Sale(
            order_id=self.order_id,
            customer_id=cast("int", self.customer_id),
            store_id=self.store_id or None,
            occurred_at=cast("datetime", self.basket.at),
            spent_cents=self.basket.total_cents,
            eligible_cents=self.eligible_cents,
            attempt_no=self.attempt_no,
        )

    @property
    def made(self) -> Made:
        """What the batch remembers of it."""
        key, line = self.basket.key, self.basket.first_line
        if self.outcome in ("refused", "not_sold"):
            return Made(key, line, "refused", code=self.basket.ending or "refused", message=self.reason)
        if self.outcome == "updated":
            return Made(key, line, "changed", "orders", self.order_id)
        fate = "kept_anonymous" if self._names_unknown else "new"
        codes = ",".join(code for code, _said in self.notes) or None
        said = " ".join(dict.fromkeys(said for _code, said in self.notes)) or None
        return Made(key, line, fate, "orders", self.order_id, codes, said)

    def recall(self, row: ImportRow, earned: tuple[int, int] | None) -> None:
        """Take over what was made of it before the import was cut off."""
        self.outcome, self.is_resumed = "updated" if row.fate == "changed" else "new", True
        self.notes = [(code, "") for code in (row.code or "").split(",") if code]
        if earned is not None:
            self.points, self.card_id = earned
