"""Forms of signing in and of the password."""

from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import EqualTo, InputRequired, Length

TOO_LONG = Length(max=254, message="This is too long.")


class SignInForm(FlaskForm):
    """Say who you are."""

    login = StringField("E-mail or username", [InputRequired("Type your e-mail or username."), TOO_LONG])
    password = PasswordField("Password", [InputRequired("Type your password."), TOO_LONG])


class NewPasswordForm(FlaskForm):
    """Choose a password, typed twice."""

    new = PasswordField("New password", [InputRequired("Choose a password."), TOO_LONG])
    again = PasswordField("New password again", [EqualTo("new", "The two are not the same. Type it again.")])


class PasswordForm(NewPasswordForm):
    """Change one's own password."""

    current = PasswordField("Current password", [InputRequired("Type your current password."), TOO_LONG])


class JoinForm(NewPasswordForm):
    """Accept an invitation as a new person."""

    display_name = StringField("Your name", [InputRequired("Type your name."), Length(max=120)])
    login = StringField(
        "E-mail or username",
        [InputRequired("Type an e-mail or a username to sign in with."), TOO_LONG],
    )
