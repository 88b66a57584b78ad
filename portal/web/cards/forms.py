"""The forms of a card: adjust a balance, void a movement."""

from typing import Any

from wtforms import SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Regexp
from wtforms.validators import Optional as MayBeEmpty

from portal.models.loyalty_program import LoyaltyProgram
from portal.models.transaction_note import LONGEST
from portal.services.ledger.adjusting import REASONS
from portal.services.ledger.reasons import reason_word
from portal.web.forms import at_most
from portal.web.keyed import KeyedForm
from portal.words import _, later

WHOLE = Regexp(r"^\s*[+\u2212-]?\d{1,9}\s*$", message=later("Write a whole number, like 50 or -50."))
WHY = InputRequired(later("Choose a reason."))
VOIDS = ("mistake", "wrong_card", "wrong_amount", "complaint", "fraud", "other")


class AdjustForm(KeyedForm):
    """Points or stamps more or less, with the reason."""

    points = StringField(later("Points"), [MayBeEmpty(), WHOLE])
    stamps = StringField(later("Stamps"), [MayBeEmpty(), WHOLE])
    reason_code = SelectField(later("Reason"), [WHY])
    note = TextAreaField(later("Note"), [at_most(LONGEST)])

    def __init__(self, *, program: LoyaltyProgram, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reason_code.choices = _reasons(REASONS)
        if not program.is_points_enabled:
            del self.points
        if not program.is_stamps_enabled:
            del self.stamps

    def moved(self) -> dict[str, int]:
        """How many points and stamps were typed."""
        return {name: _whole(self[name].data) for name in ("points", "stamps") if name in self}

    def details(self) -> dict[str, Any]:
        """What was typed, by the names the verb knows."""
        return {
            **self.moved(),
            "reason_code": self.reason_code.data,
            "note": (self.note.data or "").strip() or None,
        }


class VoidForm(KeyedForm):
    """Why a movement is taken back."""

    reason_code = SelectField(later("Reason"), [WHY])

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reason_code.choices = _reasons(VOIDS)


def _reasons(codes: tuple[str, ...]) -> list[tuple[str, str]]:
    named = [(code, reason_word(code)) for code in codes]
    return [("", _("Choose a reason…")), *((code, word[:1].upper() + word[1:]) for code, word in named)]


def _whole(typed: str | None) -> int:
    return int((typed or "").strip().replace("\u2212", "-") or 0)
