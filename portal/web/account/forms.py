"""The form of one's own name and login."""

from typing import Any

from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired

from portal.errors import Refused
from portal.models.text import LONGEST_CODE, LONGEST_NAME
from portal.web.forms import ChangeForm, at_most
from portal.words import _, later

LONGEST = 254


class ProfileForm(ChangeForm):
    """What others call the person, and what they sign in with."""

    display_name = StringField(
        later("Your name"),
        [InputRequired(later("Type your name.")), at_most(LONGEST_NAME)],
    )
    email = StringField(later("E-mail"), [at_most(LONGEST)])
    username = StringField(later("Username"), [at_most(LONGEST_CODE)])
    current = PasswordField(later("Current password"), [at_most(LONGEST)])

    def details(self) -> dict[str, Any]:
        """What was typed, by the names the verb knows."""
        typed = {name: (self[name].data or "").strip() for name in ("display_name", "email", "username")}
        return typed | {"current": self.current.data or ""}

    def say_beside_field(self, refusal: Refused) -> None:
        """Say of a missing password that it is missing, not that it is wrong."""
        if refusal.code == "wrong_password" and not self.current.data:
            refusal.message = _("To change what you sign in with, type your current password.")
        super().say_beside_field(refusal)
