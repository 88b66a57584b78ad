"""Forms of the team: invite, add, change."""

from collections.abc import Sequence
from typing import Any

from wtforms import SelectField, StringField
from wtforms.validators import InputRequired, Length, ValidationError

from portal.models.actor import Role
from portal.models.text import LONGEST_NAME
from portal.web.forms import ChangeForm, Form, at_most
from portal.web.scope import actor
from portal.words import _, later

SHORT = Length(max=LONGEST_NAME, message=later("This takes at most %(max)s characters."))
STORE = later("Choose the store this person will work in.")
ROLES = (("staff", later("Staff")), ("manager", later("Manager")), ("owner", later("Owner")))
Stores = Sequence[tuple[int, str]]


def roles(*, with_owner: bool = False) -> list[tuple[str, str]]:
    """List the roles this person may give."""
    if actor().role < Role.OWNER:
        return list(ROLES[:1])
    return list(ROLES if with_owner else ROLES[:2])


class _InStoreForm(Form):
    """What needs a store: one of those the person runs."""

    store = SelectField(later("Store"), validate_choice=False)

    def __init__(self, *, stores: Stores, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        choices = [(str(store_id), name) for store_id, name in stores]
        self.store.choices = choices if len(choices) == 1 else [("", _("Choose a store")), *choices]

    @property
    def store_id(self) -> int | None:
        """The store chosen, if it is one of those offered."""
        offered = {value for value, _name in self.store.choices}
        return int(self.store.data) if self.store.data and self.store.data in offered else None


class InvitationForm(_InStoreForm):
    """Invite a person by a link."""

    display_name = StringField(later("Name"), [InputRequired(later("Type the person's name.")), SHORT])
    email = StringField(later("E-mail"), [at_most(254)])
    role = SelectField(later("Role"))

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.role.choices = roles(with_owner=True)


class PersonForm(_InStoreForm):
    """Add somebody known only at the till."""

    display_name = StringField(later("Name"), [InputRequired(later("Type the person's name.")), SHORT])
    position = StringField(later("Position"), [SHORT])

    def validate_store(self, _field: Any) -> None:
        """A person at the till works in a store."""
        if self.store_id is None:
            raise ValidationError(STORE)


class MemberForm(ChangeForm):
    """Change what a person does in the store."""

    role = SelectField(later("Role"))
    position = StringField(later("Position"), [SHORT])

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.role.choices = roles()

    def details(self) -> dict[str, Any]:
        """What was chosen and typed, by the names the verb knows."""
        return {"role": self.role.data, "position": self.position.data}
