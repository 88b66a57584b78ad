"""Merchants: the businesses."""

from typing import Any

from portal.api.calls import Calls
from portal.api.door import actor, living
from portal.api.merchants import shapes
from portal.api.shapes import ListAsked
from portal.models.merchant import Merchant
from portal.models.user import User
from portal.services import merchants
from portal.services.searching import containing


def _fits(asked: ListAsked) -> list[Any]:
    return [containing(asked.q or "", plain=(Merchant.name, Merchant.subdomain))]


def _found(asked: shapes.NewMerchant) -> Merchant:
    owner = living(User, asked.owner, field="owner")
    return merchants.create_merchant(owner=owner, by=actor(), **asked.model_dump(exclude={"owner"}))


calls = Calls(Merchant, "merchant", "merchants", told=shapes.MerchantTold, tell=shapes.tell)
calls.lists(shapes.MerchantPage, _fits)
calls.creates(
    shapes.NewMerchant,
    _found,
    shapes.MerchantMade,
    says="Found a merchant, with its first owner.",
    done="The merchant was founded.",
)
calls.gets()
calls.changes(shapes.MerchantChange, merchants.change_merchant)
calls.deletes(
    merchants.delete_merchant, says="Put a merchant in the trash, with all it owns; its orders stay."
)
calls.restores(says="Bring a merchant back, with exactly what went with it.")
calls.previews()
