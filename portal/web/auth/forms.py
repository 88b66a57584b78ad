"""Forms of signing in, of the password and of joining."""

from typing import ClassVar

from wtforms import PasswordField, StringField
from wtforms.validators import EqualTo, InputRequired

from portal.errors import Refused
from portal.models.text import LONGEST_NAME
from portal.web.forms import Form, at_most
from portal.words import later

IN_USE = later("This one is in use. If it is yours, sign in to accept; if not, take another.")
TWICE = [
    InputRequired(later("Type it once more.")),
    EqualTo("new", later("The two are not the same. Type it again.")),
]
TOO_LONG = at_most(254)


class SignInForm(Form):
    """Say who you are."""

    login = StringField(
        later("E-mail or username"), [InputRequired(later("Type your e-mail or username.")), TOO_LONG]
    )
    password = PasswordField(later("Password"), [InputRequired(later("Type your password.")), TOO_LONG])

    def say_beside_field(self, refusal: Refused) -> None:
        """Never say which of the two is wrong."""
        self.password.errors = [refusal.message]


class NewPasswordForm(Form):
    """Choose a password, typed twice."""

    new = PasswordField(later("New password"), [InputRequired(later("Choose a password.")), TOO_LONG])
    again = PasswordField(later("New password again"), TWICE)

    fields_of: ClassVar = {"password": "new"}

    def say_beside_field(self, refusal: Refused) -> None:
        """Find the field by what the verb calls it."""
        field = str(refusal.details.get("field", ""))
        refusal.details["field"] = self.fields_of.get(field, field)
        super().say_beside_field(refusal)


class PasswordForm(NewPasswordForm):
    """Change one's own password."""

    current = PasswordField(
        later("Current password"), [InputRequired(later("Type your current password.")), TOO_LONG]
    )


class JoinForm(NewPasswordForm):
    """Accept an invitation as a new person."""

    display_name = StringField(
        later("Your name"),
        [
            InputRequired(later("Type your name.")),
            at_most(LONGEST_NAME),
        ],
    )
    login = StringField(
        later("E-mail or username"),
        [InputRequired(later("Type an e-mail or a username to sign in with.")), TOO_LONG],
    )
    new = PasswordField(later("Password"), [InputRequired(later("Choose a password.")), TOO_LONG])
    again = PasswordField(later("Password again"), TWICE)

    fields_of: ClassVar = NewPasswordForm.fields_of | {"email": "login", "username": "login"}

    def say_beside_field(self, refusal: Refused) -> None:
        """Of a name in use say no more than that it is."""
        super().say_beside_field(refusal)
        if refusal.code == "taken":
            self.login.errors = [str(IN_USE)]
