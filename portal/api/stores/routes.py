"""Stores: the shops of the merchants."""

from typing import Any

from sqlalchemy import func

from portal.api.calls import Calls
from portal.api.door import actor, living
from portal.api.stores import shapes
from portal.models.merchant import Merchant
from portal.models.store import Store
from portal.services import stores
from portal.services.searching import containing

CODES = (Store.store_code, Store.subdomain, func.coalesce(Store.city, ""))


def _fits(asked: shapes.StoresAsked) -> list[Any]:
    fits = [containing(asked.q or "", folded=(Store.name_key,), plain=CODES)]
    if asked.merchant is not None:
        fits.append(Store.merchant_id == asked.merchant)
    return fits


def _open(asked: shapes.NewStore) -> Store:
    merchant = living(Merchant, asked.merchant_id, field="merchant_id")
    return stores.open_store(merchant, by=actor(), **asked.model_dump(exclude={"merchant_id"}))


calls = Calls(Store, "store", "stores", told=shapes.StoreTold)
calls.lists(shapes.StorePage, _fits, shapes.StoresAsked)
calls.creates(shapes.NewStore, _open, shapes.StoreMade, says="Open a store.", done="The store was opened.")
calls.gets()
calls.changes(shapes.StoreChange, stores.change_store)
calls.deletes(
    stores.delete_store, says="Put a store in the trash, with its team and products; its orders stay."
)
calls.restores(says="Bring a store back, with exactly what went with it.")
calls.previews()
