"""One shop of a merchant."""

from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, ColumnElement, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from portal.models.base import Key, Model, TimestampMixin
from portal.models.merchant import Merchant
from portal.models.ownership import within
from portal.models.soft_delete import SoftDeleteMixin, live_index, live_unique
from portal.models.tenancy import Tenant
from portal.models.text import (
    LONGEST_NAME,
    checked_code,
    checked_name,
    checked_text,
    checked_timezone,
    fold,
)
from portal.words import counted

if TYPE_CHECKING:
    from portal.models.product import Product
    from portal.models.store_user import StoreUser


class Store(Tenant, SoftDeleteMixin, TimestampMixin, Model):
    """One shop. Its code is unique in the merchant, its subdomain on the whole platform."""

    __tablename__ = "stores"
    label_column = "name"
    scrubs = {
        "name": "deleted store #{id}",
        "name_key": "deleted store #{id}",
        "store_code": "deleted-{id}",
        "subdomain": None,
        "join_code": "deleted-{id}",
        "address": None,
        "city": None,
        "postal_code": None,
        "country": None,
        "phone": None,
        "timezone": None,
        "external_ref": None,
    }

    store_code: Mapped[str]
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(Key)
    subdomain: Mapped[str | None]
    join_code: Mapped[str]
    address: Mapped[str | None]
    city: Mapped[str | None]
    postal_code: Mapped[str | None]
    country: Mapped[str | None]
    phone: Mapped[str | None]
    timezone: Mapped[str | None]
    external_ref: Mapped[str | None]

    merchant: Mapped[Merchant] = relationship()
    products: Mapped[list["Product"]] = relationship(
        back_populates="store",
        primaryjoin=lambda: _products(),  # noqa: PLW0108 - defined below
    )
    store_users: Mapped[list["StoreUser"]] = relationship(
        back_populates="store",
        primaryjoin=lambda: _store_users(),  # noqa: PLW0108 - defined below
    )

    __table_args__ = (
        live_unique("uq_stores_store_code_live", "merchant_id", "store_code"),
        live_unique("uq_stores_subdomain_live", "subdomain"),
        live_unique("uq_stores_external_ref_live", "merchant_id", "external_ref"),
        UniqueConstraint("merchant_id", "join_code"),
        live_index("ix_stores_name_live", "merchant_id", "name_key", "id"),
        CheckConstraint("name <> ''", name="has_a_name"),
        CheckConstraint("store_code <> ''", name="has_a_code"),
        {"info": {"words": counted("store", "stores")}},
    )

    @validates("name")
    def _key_the_name(self, field: str, name: str) -> str:
        checked = checked_name(name, field.replace("_", " "))
        self.name_key = fold(checked)
        return checked

    @validates("store_code")
    def _fold_the_code(self, _: str, code: str) -> str:
        return checked_code(code, "store code")

    @validates("subdomain")
    def _fold_the_subdomain(self, _: str, subdomain: str | None) -> str | None:
        return checked_code(subdomain, "subdomain") if subdomain else None

    @validates("timezone")
    def _known_zone(self, _: str, name: str | None) -> str | None:
        return checked_timezone(name) if name else None

    @validates("address", "city", "postal_code", "country", "phone", "external_ref")
    def _hold_to_length(self, field: str, value: str | None) -> str | None:
        return checked_text(value, field.replace("_", " "), LONGEST_NAME)

    @property
    def place(self) -> str:
        """The address on one line."""
        town = " ".join(part for part in (self.postal_code, self.city) if part)
        return ", ".join(part for part in (self.address, town) if part)


def _products() -> ColumnElement[bool]:
    from portal.models.product import Product  # noqa: PLC0415 - the two nouns know each other

    return within(Product.store_id, Store)


def _store_users() -> ColumnElement[bool]:
    from portal.models.store_user import StoreUser  # noqa: PLC0415 - the two nouns know each other

    return within(StoreUser.store_id, Store)
