"""Forms of the team: invite, add, change."""

from collections.abc import Sequence
from typing import Any

from wtforms import SelectField, StringField
from wtforms.validators import InputRequired, Length, ValidationError

from portal.models.actor import Role
from portal.models.text import LONGEST_NAME
from portal.web.forms import ChangeForm, Form
from portal.web.scope import actor

SHORT = Length(max=LONGEST_NAME, message=f"This takes at most {LONGEST_NAME} characters.")
STORE = "Choose the store this person will work in."
ROLES = (("staff", "Staff"), ("manager", "Manager"), ("owner", "Owner"))
Stores = Sequence[tuple[int, str]]


def roles(*, with_owner: bool = False) -> list[tuple[str, str]]:
    """List the roles this person may give."""
    if actor().role < Role.OWNER:
        return list(ROLES[:1])
    return list(ROLES if with_owner else ROLES[:2])


class _InStoreForm(Form):
    """What needs a store: one of those the person runs."""

    store = SelectField("Store", validate_choice=False)

    def __init__(self, *, stores: Stores, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        choices = [(str(store_id), name) for store_id, name in stores]
        self.store.choices = choices if len(choices) == 1 else [("", "Choose a store"), *choices]

    @property
    def store_id(self) -> int | None:
        """The store chosen, if it is one of those offered."""
        offered = {value for value, _ in self.store.choices}
        return int(self.store.data) if self.store.data and self.store.data in offered else None


class InvitationForm(_InStoreForm):
    """Invite a person by a link."""

    display_name = StringField("Name", [InputRequired("Type the person's name."), SHORT])
    email = StringField("E-mail", [Length(max=254, message="This is too long.")])
    role = SelectField("Role")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.role.choices = roles(with_owner=True)


class PersonForm(_InStoreForm):
    """Add somebody known only at the till."""

    display_name = StringField("Name", [InputRequired("Type the person's name."), SHORT])
    position = StringField("Position", [SHORT])

    def validate_store(self, _: Any) -> None:
        """A person at the till works in a store."""
        if self.store_id is None:
            raise ValidationError(STORE)


class MemberForm(ChangeForm):
    """Change what a person does in the store."""

    role = SelectField("Role")
    position = StringField("Position", [SHORT])

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.role.choices = roles()

    def details(self) -> dict[str, Any]:
        """What was chosen and typed, by the names the verb knows."""
        return {"role": self.role.data, "position": self.position.data}
