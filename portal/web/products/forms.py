"""The forms of a product: a row of the list, all of it, and a new one."""

from typing import Any

from wtforms import BooleanField, SelectField, StringField
from wtforms.validators import InputRequired, Length, ValidationError

from portal.errors import Refused
from portal.models.text import LONGEST_NAME
from portal.services.amounts import cents_from
from portal.web.filters import amount
from portal.web.forms import ChangeForm
from portal.words import later

SHORT = [Length(max=LONGEST_NAME, message=later("This takes at most %(max)s characters."))]


class RowForm(ChangeForm):
    """What can be changed in the list."""

    name = StringField(later("Name"), [InputRequired(later("Give the product a name.")), *SHORT])
    sku = StringField(later("SKU"), SHORT)
    category = StringField(later("Category"), SHORT)
    price = StringField(later("Price"), [InputRequired(later("Give it a price; 0 is one.")), *SHORT])

    price_cents: int  # read from what was typed
    plain: tuple[str, ...] = ("name", "sku", "category")

    def validate_price(self, field: StringField) -> None:
        """Refuse a price that is none, or that could mean two; WTForms calls this."""
        try:
            self.price_cents = cents_from(field.data or "", write=amount)
        except Refused as refusal:
            raise ValidationError(refusal.message) from refusal

    def details(self) -> dict[str, Any]:
        """What was typed, by the names the verbs know."""
        typed: dict[str, Any] = {name: (self[name].data or "").strip() or None for name in self.plain}
        return typed | {"price_cents": self.price_cents}


class ProductForm(RowForm):
    """All of a product."""

    barcode = StringField(later("Barcode"), SHORT)
    external_ref = StringField(later("Reference"), SHORT)
    earns_points = BooleanField(later("Earns points"), default=True)

    plain = (*RowForm.plain, "barcode", "external_ref")

    def details(self) -> dict[str, Any]:
        """As above, with the rest."""
        return super().details() | {"earns_points": bool(self.earns_points.data)}


class NewProductForm(ProductForm):
    """A product and the store that will sell it."""

    store = SelectField(later("Store"), coerce=str)

    def __init__(self, *, stores: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.store.choices = stores

    @property
    def store_id(self) -> int:
        """The store that was chosen."""
        return int(self.store.data)
