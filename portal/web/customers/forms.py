"""The forms of a customer: what is known of them, and a new one."""

from typing import Any

from wtforms import (
    BooleanField,
    DateField,
    EmailField,
    SelectField,
    StringField,
    TelField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, ValidationError
from wtforms.validators import Optional as MayBeEmpty

from portal.models.customer import Customer
from portal.models.store import Store
from portal.models.text import LONGEST_NAME
from portal.web.forms import ChangeForm, at_most
from portal.web.keyed import KeyedForm
from portal.web.scope import find
from portal.words import _, later

SHORT = [Length(max=LONGEST_NAME, message=later("This takes at most %(max)s characters."))]
LONGEST_MAIL = 254
LONGEST_NOTES = 2_000
NAME = later("Give the customer a name; a first name will do.")


class CustomerForm(ChangeForm):
    """What a manager may set. Birthday is asked of nobody; where one is known, it can be put right."""

    name = StringField(later("Name"), [InputRequired(NAME), *SHORT])
    phone = TelField(later("Phone"), SHORT)
    email = EmailField(later("E-mail"), [at_most(LONGEST_MAIL)])
    home_store_id = SelectField(later("Home store"), coerce=str, filters=[lambda store: str(store or "")])
    birthday = DateField(later("Birthday"), [MayBeEmpty()])
    external_ref = StringField(later("Reference"), SHORT)
    notes = TextAreaField(later("Notes"), [at_most(LONGEST_NOTES)])

    plain = ("name", "phone", "email", "external_ref", "notes")

    def __init__(self, *, stores: list[tuple[str, str]], obj: Customer | None = None, **kwargs: Any) -> None:
        super().__init__(obj=obj, **kwargs)
        self.home_store_id.choices = [("", _("None")), *stores]
        if obj is None or obj.birthday is None:
            del self.birthday

    @property
    def store(self) -> Store | None:
        """The store that was chosen, by whose country a phone is read."""
        return find(Store, int(self.home_store_id.data)) if self.home_store_id.data else None

    def details(self) -> dict[str, Any]:
        """What was typed, by the names the verbs know; nothing for what was left empty."""
        typed: dict[str, Any] = {name: (self[name].data or "").strip() or None for name in self.plain}
        typed["name"] = typed["name"] or ""
        if "birthday" in self:
            typed["birthday"] = self["birthday"].data
        return typed | {"home_store_id": int(self.home_store_id.data) if self.home_store_id.data else None}


class EnrolForm(KeyedForm):
    """Somebody new: as little as possible, and consent never ticked beforehand."""

    name = StringField(later("Name"), [InputRequired(NAME), *SHORT])
    phone = TelField(later("Phone"), SHORT)
    email = EmailField(later("E-mail"), [at_most(LONGEST_MAIL)])
    store = SelectField(later("Store"), coerce=str, filters=[lambda store: store or ""])
    consent = BooleanField(later("Wants to hear news and offers"))

    def __init__(self, *, stores: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.store.choices = stores or [("", _("None"))]

    @property
    def store_id(self) -> int | None:
        """The store that was chosen."""
        return int(self.store.data) if self.store.data else None

    def details(self) -> dict[str, Any]:
        """What was typed, by the names the verb knows; nothing for what was left empty."""
        typed = {name: (self[name].data or "").strip() or None for name in ("name", "phone", "email")}
        return typed | {"name": typed["name"] or ""}


class ErasureForm(KeyedForm):
    """Erasing asks for the name, so that nobody does it by a slip."""

    typed_name = StringField(later("Name"), SHORT)

    def __init__(self, *, name: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.typed_name.flags.required = True

    def validate_typed_name(self, field: StringField) -> None:
        """Refuse what is not the name; WTForms calls this."""
        if " ".join((field.data or "").split()) != " ".join(self.name.split()):
            raise ValidationError(_("Type the name as it is written here: %(name)s.", name=self.name))
