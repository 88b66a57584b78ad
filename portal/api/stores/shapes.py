"""How stores are asked for and told."""

from typing import Annotated

from pydantic import Field

from portal.api.shapes import BIGGEST, Asked, Change, Code, Id, Line, ListAsked, Mortal, Name, Told, Twin

StoreCode = Annotated[Code, Field(examples=["gare"])]
Subdomain = Annotated[Code, Field(examples=["cafe-gare"])]
Zone = Annotated[str, Field(min_length=1, max_length=64, examples=["Europe/Luxembourg"])]


class StoresAsked(ListAsked):
    """Which stores."""

    merchant: int | None = Field(None, ge=1, le=BIGGEST, description="Of one merchant.")


class NewStore(Asked):
    """A store to open."""

    merchant_id: Id = Field(description="The living merchant it belongs to.")
    name: Name = Field(examples=["Gare"])
    store_code: StoreCode = Field(description="Unique in the merchant.")
    subdomain: Subdomain | None = Field(None, description="Unique on the platform.")
    address: Line | None = None
    city: Line | None = None
    postal_code: Line | None = None
    country: Line | None = None
    phone: Line | None = None
    timezone: Zone | None = Field(None, description="null: the merchant's.")
    external_ref: Line | None = Field(None, description="Your own number for it; unique in the merchant.")


class StoreChange(Change):
    """What to change of a store; it never changes its merchant."""

    name: Name = Field(default=...)
    store_code: StoreCode = Field(default=...)
    subdomain: Subdomain | None = None
    address: Line | None = None
    city: Line | None = None
    postal_code: Line | None = None
    country: Line | None = None
    phone: Line | None = None
    timezone: Zone | None = None
    external_ref: Line | None = None


class StoreTold(Mortal):
    """A store."""

    merchant_id: int
    name: str
    store_code: str
    subdomain: str | None
    address: str | None
    city: str | None
    postal_code: str | None
    country: str | None
    phone: str | None
    timezone: str | None
    external_ref: str | None


class StoreMade(StoreTold):
    """A store just made."""

    deleted_twin: Twin | None = Field(description="What lies in the trash and had a value it has now.")


class StorePage(Told):
    """A page of stores, in the order of their ids."""

    items: list[StoreTold]
    next: str | None
