"""The form of a refund: lines with their amounts, or one amount, and rewards that came back."""

from typing import Any

from wtforms import StringField
from wtforms.validators import Length, StopValidation

from portal.errors import Refused
from portal.models.order import OrderLine
from portal.services.amounts import cents_from
from portal.web.filters import amount as written
from portal.web.filters import money_typed
from portal.web.keyed import KeyedForm
from portal.web.listing import number_in
from portal.web.orders.detail import Page
from portal.words import _, later

LONGEST = 20


def one_or_the_other(form: "RefundForm", field: StringField) -> None:
    """Refuse an amount beside ticked lines: which of the two counts cannot be told. WTForms calls this."""
    if (field.data or "").strip() and any(row["is_ticked"] for row in form.rows):
        raise StopValidation(_("Tick lines, or write one amount, not both."))


class RefundForm(KeyedForm):
    """What goes back. Its lines are those of the order, so their fields are read by hand."""

    amount = StringField(
        later("Amount"),
        [one_or_the_other, Length(max=LONGEST, message=later("Write the amount in figures."))],
    )

    def __init__(self, *, page: Page, typed: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.page, self.typed = page, typed
        self.line_errors: dict[int, str] = {}
        if not self.is_submitted():
            self.amount.data = "" if page.lines else money_typed(page.left.left_cents)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The lines as the form shows them: what is left of each, whether it is ticked, what was typed."""
        return [self._row(line) for line in self.page.lines]

    @property
    def returned(self) -> list[int]:
        """The rewards that were ticked as given back."""
        chosen = [number_in(text) for text in self.typed.getlist("reward")]
        return [issue_id for issue_id in chosen if issue_id is not None]

    @property
    def first_error(self) -> str:
        """The first thing that is wrong with what was typed."""
        told = [*self.line_errors.values(), *(self.amount.errors or ()), *self.form_errors]
        return str(told[0]) if told else ""

    def details(self) -> dict[str, Any]:
        """What was asked for, by the names the verb knows; an amount that is none is refused."""
        lines = {row["line"].id: self._cents(row) for row in self.rows if row["is_ticked"]}
        typed = (self.amount.data or "").strip()
        amount = cents_from(typed, write=written) if typed else None
        if self.returned and not lines and amount is None:
            said = _(
                "A reward comes back with money: tick lines or write the amount too. If only the reward "
                "came back, void it on the card."
            )
            raise Refused("bad_amount", said)
        return {"lines": lines, "amount_cents": amount, "given_back": self.returned}

    def say_beside_field(self, refusal: Refused) -> None:
        """Put the sentence beside the line or the amount it is about."""
        line_id = number_in(str(refusal.details.get("field", "")).removeprefix("line-"))
        if line_id is not None:
            self.line_errors[line_id] = refusal.message
        elif refusal.code == "bad_amount":
            self.amount.errors = [refusal.message]
        else:
            super().say_beside_field(refusal)

    def _row(self, line: OrderLine) -> dict[str, Any]:
        left = self.page.left.of_line(line)
        name = f"line-{line.id}"
        return {
            "line": line,
            "left": left,
            "name": name,
            "is_ticked": bool(self.typed.get(f"{name}-on")),
            "typed": self.typed.get(name, money_typed(left)),
            "error": self.line_errors.get(line.id, ""),
        }

    def _cents(self, row: dict[str, Any]) -> int:
        try:
            return cents_from(row["typed"], write=written)
        except Refused as refusal:
            raise Refused(refusal.code, refusal.message, field=row["name"]) from refusal
