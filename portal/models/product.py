"""Something a store sells."""

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from portal.errors import Refused
from portal.models.base import Key, Model, TimestampMixin
from portal.models.ownership import Rule, tenant_key, within
from portal.models.soft_delete import SoftDeleteMixin, live_index, live_unique
from portal.models.store import Store
from portal.models.tenancy import Tenant
from portal.models.text import LONGEST_NAME, checked_name, checked_text, fold
from portal.words import _, counted

HIGHEST_CENTS = 100_000_000


class Product(Tenant, SoftDeleteMixin, TimestampMixin, Model):
    """Something a store sells; the price in cents, `earns_points` false for gift cards and the like."""

    __tablename__ = "products"
    label_column = "name"
    scrubs = {
        "name": "deleted product #{id}",
        "name_key": "deleted product #{id}",
        "sku": None,
        "barcode": None,
        "category": None,
        "external_ref": None,
    }

    store_id: Mapped[int]
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(Key)
    sku: Mapped[str | None]
    barcode: Mapped[str | None]
    category: Mapped[str | None]
    price_cents: Mapped[int]
    earns_points: Mapped[bool] = mapped_column(default=True)
    external_ref: Mapped[str | None]

    store: Mapped[Store] = relationship(
        back_populates="products", primaryjoin=lambda: within(Product.store_id, Store)
    )

    __table_args__ = (
        tenant_key("store_id", "stores", Rule.OWNS),
        live_unique("uq_products_sku_live", "merchant_id", "store_id", "sku"),
        live_unique("uq_products_external_ref_live", "merchant_id", "store_id", "external_ref"),
        live_index("ix_products_name_live", "merchant_id", "name_key", "id"),
        live_index("ix_products_store_name_live", "merchant_id", "store_id", "name_key", "id"),
        live_index("ix_products_price_live", "merchant_id", "price_cents", "id"),
        live_index("ix_products_category_live", "merchant_id", "category", "id"),
        CheckConstraint("price_cents >= 0", name="price_not_negative"),
        CheckConstraint("name <> ''", name="has_a_name"),
        {"info": {"words": counted("product", "products")}},
    )

    @validates("name")
    def _key_the_name(self, field: str, name: str) -> str:
        checked = checked_name(name, field.replace("_", " "))
        self.name_key = fold(checked)
        return checked

    @validates("sku", "barcode", "category", "external_ref")
    def _hold_to_length(self, field: str, value: str | None) -> str | None:
        return checked_text(value, field.replace("_", " "), LONGEST_NAME)

    @validates("price_cents")
    def _sane_price(self, _field: str, cents: int) -> int:
        if not 0 <= cents <= HIGHEST_CENTS:
            raise Refused("bad_price", _("A price lies between 0 and 1,000,000.00."), field="price")
        return cents
