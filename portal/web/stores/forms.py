"""The form of a store: what a manager may set, and what only an owner."""

from typing import Any

from wtforms import SelectField, StringField
from wtforms.validators import InputRequired, Length

from portal.models.merchant import Merchant
from portal.models.text import LONGEST_CODE, LONGEST_NAME, slug_from
from portal.web.choices import zones
from portal.web.forms import ChangeForm
from portal.words import _, later

SHORT = [Length(max=LONGEST_NAME, message=later("This takes at most %(max)s characters."))]
CODE = [Length(max=LONGEST_CODE, message=later("This takes at most %(max)s characters."))]


class StoreForm(ChangeForm):
    """Name, address and the like: for those who run the store."""

    name = StringField(later("Name"), [InputRequired(later("Give the store a name.")), *SHORT])
    address = StringField(later("Street and number"), SHORT)
    postal_code = StringField(later("Postal code"), SHORT)
    city = StringField(later("City"), SHORT)
    country = StringField(later("Country"), SHORT)
    phone = StringField(later("Phone"), SHORT)
    timezone = SelectField(later("Time zone"), filters=[lambda zone: zone or ""])

    def __init__(self, *, merchant: Merchant, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.timezone.choices = [("", _("As the business: %(zone)s", zone=merchant.timezone)), *zones()]

    def details(self) -> dict[str, Any]:
        """What was typed, by the names the verbs know; nothing for what was left empty."""
        names = ("name", "address", "postal_code", "city", "country", "phone", "timezone")
        return {name: (self[name].data or "").strip() or None for name in names}


class OwnersStoreForm(StoreForm):
    """With the codes by which programs and addresses know the store."""

    store_code = StringField(later("Store code"), CODE)
    subdomain = StringField(later("Subdomain"), CODE)
    external_ref = StringField(later("Reference"), SHORT)

    def details(self) -> dict[str, Any]:
        """As above; a code is proposed from the name, and shown if it does not do."""
        self.store_code.data = (self.store_code.data or "").strip() or slug_from(self.name.data or "")
        codes = {name: (self[name].data or "").strip() or None for name in ("subdomain", "external_ref")}
        return super().details() | codes | {"store_code": self.store_code.data}
