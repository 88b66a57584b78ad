"""A form that tries a verb, and says beside its fields what the verb refused."""

from collections.abc import Callable
from typing import TypeVar

from flask_wtf import FlaskForm

from portal.errors import Conflict, Refused
from portal.extensions import db

Result = TypeVar("Result")


class Form(FlaskForm):
    """A form of ours; `status` is what to answer when it is shown again: 422 or 409."""

    status = 200

    def carry_out(self, verb: Callable[[], Result]) -> Result | None:
        """Check the shape of what was typed, then do it; None when it was refused, and nothing is written.

        What was typed is kept. Whatever the verb may refuse belongs inside it, reading an amount too.
        """
        self.status = 422
        if self.validate():
            try:
                return verb()
            except Refused as refusal:
                self.say_beside_field(refusal)
        db.session.rollback()
        return None

    def say_beside_field(self, refusal: Refused) -> None:
        """Put the sentence where the fault is, or above the form; a role's refusal is no matter of a form."""
        if refusal.code == "not_allowed":
            raise refusal
        if isinstance(refusal, Conflict):
            self.status = 409
        name = refusal.details.get("field")
        if name in self:
            self[name].errors = [refusal.message]
        else:
            self.form_errors.append(refusal.message)
