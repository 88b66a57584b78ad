"""The forms of the review list: how somebody settles an item."""

from typing import Any

from wtforms import SelectField, TextAreaField
from wtforms.validators import InputRequired

from portal.models.transaction_note import LONGEST
from portal.services import reviews
from portal.web.forms import at_most
from portal.web.keyed import KeyedForm
from portal.words import _, later

WHY = InputRequired(later("Choose a reason."))


class AcceptForm(KeyedForm):
    """How it is accepted; the note goes beside the row of an adjustment."""

    outcome = SelectField(later("Why"), [WHY])
    note = TextAreaField(later("Note"), [at_most(LONGEST)])

    def __init__(self, *, is_proposal: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.outcome.choices = _capitals(reviews.ACCEPTED)
        if is_proposal:
            del self.outcome
        else:
            del self.note

    def details(self) -> dict[str, Any]:
        """What was typed, by the names the verb knows."""
        if "outcome" in self:
            return {"outcome": self.outcome.data}
        return {"outcome": "agreed", "note": (self.note.data or "").strip() or None}


class DismissForm(KeyedForm):
    """Why it is set aside."""

    outcome = SelectField(later("Why"), [WHY])

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.outcome.choices = [("", _("Choose a reason…")), *_capitals(reviews.DISMISSED)]


def _capitals(words: dict[str, Any]) -> list[tuple[str, str]]:
    return [(code, str(word)[:1].upper() + str(word)[1:]) for code, word in words.items()]
