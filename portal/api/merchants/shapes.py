"""How merchants are asked for and told."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import select

from portal.api.lists import tell_all
from portal.api.shapes import COUNTRY, CURRENCY, LOCALE, Asked, Change, Code, Id, Mortal, Name, Told, Twin
from portal.extensions import db
from portal.models.merchant import LONGEST_RETENTION, Merchant, MerchantOwner

Subdomain = Annotated[Code, Field(examples=["cafe-lumiere"])]
Zone = Annotated[str, Field(min_length=1, max_length=64, examples=["Europe/Luxembourg"])]
Currency = Annotated[str, Field(pattern=CURRENCY, examples=["EUR"])]
Country = Annotated[str, Field(pattern=COUNTRY, examples=["LU"])]
Locale = Annotated[str, Field(pattern=LOCALE, examples=["fr-LU"])]
Retention = Annotated[int, Field(ge=0, le=LONGEST_RETENTION)]
DAYS = "Days the trash is kept; 0 for ever."


class NewMerchant(Asked):
    """A merchant to found, with its first owner."""

    name: Name = Field(examples=["Café Lumière"])
    subdomain: Subdomain
    owner: Id = Field(description="The living user who owns it.")
    timezone: Zone = "Europe/Luxembourg"
    currency: Currency = "EUR"
    country: Country = "LU"
    locale: Locale = "en"
    retention_days: Retention = Field(30, description=DAYS)


class MerchantChange(Change):
    """What to change of a merchant."""

    name: Name = Field(default=...)
    subdomain: Subdomain = Field(default=...)
    timezone: Zone = Field(default=...)
    currency: Currency = Field(default=...)
    country: Country = Field(default=...)
    locale: Locale = Field(default=...)
    retention_days: Retention = Field(default=..., description=DAYS)


class MerchantTold(Mortal):
    """A merchant."""

    name: str
    subdomain: str
    owner_ids: list[int] = Field(description="The users who own it; of a dead one, nobody.")
    timezone: str
    currency: str
    country: str
    locale: str
    retention_days: int


class MerchantMade(MerchantTold):
    """A merchant just made."""

    deleted_twin: Twin | None = Field(description="What lies in the trash and had a value it has now.")


class MerchantPage(Told):
    """A page of merchants, in the order of their ids."""

    items: list[MerchantTold]
    next: str | None


def tell(merchants: Sequence[Merchant]) -> list[dict[str, Any]]:
    """Write merchants, with their owners."""
    owners = _owners_of([merchant.id for merchant in merchants])
    fields = MerchantTold.model_fields.keys() - {"owner_ids"}
    return [told | {"owner_ids": owners.get(told["id"], [])} for told in tell_all(merchants, fields)]


def _owners_of(merchant_ids: list[int]) -> dict[int, list[int]]:
    owns = select(MerchantOwner.merchant_id, MerchantOwner.user_id).order_by(MerchantOwner.id)
    found: dict[int, list[int]] = {}
    for merchant_id, user_id in db.session.execute(owns.where(MerchantOwner.merchant_id.in_(merchant_ids))):
        found.setdefault(merchant_id, []).append(user_id)
    return found
