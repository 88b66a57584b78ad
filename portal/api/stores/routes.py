"""Stores: the shops of the stores."""

from typing import Any

from sqlalchemy import func

from portal.api import acts, lists
from portal.api.deletions import shapes as deletions
from portal.api.document import NEW, can_fail
from portal.api.door import actor, admin, bp, find, living, now
from portal.api.repeats import once
from portal.api.shapes import Bringing, Brought, DeadToo, Foreseen, OnceKey, Why
from portal.api.stores import shapes
from portal.extensions import db
from portal.models.merchant import Merchant
from portal.models.store import Store
from portal.services import stores
from portal.services.searching import containing

TAGS = ["Stores"]
CODES = (Store.store_code, Store.subdomain, func.coalesce(Store.city, ""))


@bp.get("/stores")
@admin
@bp.input(shapes.StoresAsked, location="query")
@bp.output(shapes.StorePage, description="A page of stores, in the order of their ids.")
@bp.doc(operation_id="listStores", tags=TAGS, responses=can_fail(400))
def list_stores(query_data: shapes.StoresAsked) -> Any:
    """List stores."""
    fits = [containing(query_data.q or "", folded=(Store.name_key,), plain=CODES)]
    if query_data.merchant is not None:
        fits.append(Store.merchant_id == query_data.merchant)
    return lists.told_page(lists.rows_of(Store, query_data, *fits), shapes.tell)


@bp.post("/stores")
@admin
@bp.input(OnceKey, location="headers")
@bp.input(shapes.NewStore)
@bp.output(shapes.StoreMade, 201, description="The store was opened.")
@bp.doc(operation_id="createStore", tags=TAGS, responses=can_fail(*NEW))
def create_store(headers_data: OnceKey, json_data: shapes.NewStore) -> Any:
    """Open a store."""
    store, headers = once(headers_data, json_data, Store, lambda: _open(json_data))
    twin = acts.twin_of(store)
    db.session.commit()
    return shapes.tell_one(store) | {"deleted_twin": twin}, 201, headers


def _open(asked: shapes.NewStore) -> Store:
    merchant = living(Merchant, asked.merchant_id, field="merchant_id")
    return stores.open_store(merchant, by=actor(), **asked.model_dump(exclude={"merchant_id"}))


@bp.get("/stores/<int:store_id>")
@admin
@bp.input(DeadToo, location="query")
@bp.output(shapes.StoreTold, description="The store.")
@bp.doc(operation_id="getStore", tags=TAGS, responses=can_fail(400, 404, 410))
def get_store(store_id: int, query_data: DeadToo) -> Any:
    """Look at one store."""
    return shapes.tell_one(find(Store, store_id, dead=query_data.include_deleted))


@bp.patch("/stores/<int:store_id>")
@admin
@bp.input(shapes.StoreChange)
@bp.output(shapes.StoreTold, description="The store as changed.")
@bp.doc(operation_id="changeStore", tags=TAGS, responses=can_fail(400, 404, 409, 413, 415, 422))
def change_store(store_id: int, json_data: shapes.StoreChange) -> Any:
    """Change a store."""
    store = find(Store, store_id)
    stores.change_store(store, by=actor(), **json_data.given)
    db.session.commit()
    return shapes.tell_one(store)


@bp.delete("/stores/<int:store_id>")
@admin
@bp.input(Why, location="query")
@bp.output(deletions.DeletionTold, description="The deletion; of one deleted before, that first deletion.")
@bp.doc(operation_id="deleteStore", tags=TAGS, responses=can_fail(400, 404, 410, 422))
def delete_store(store_id: int, query_data: Why) -> Any:
    """Put a store in the trash, with its team and products; its orders stay."""
    store = find(Store, store_id, dead=True)
    act = stores.delete_store(store, by=actor(), now=now(), reason=query_data.reason)
    db.session.commit()
    return deletions.tell_one(act)


@bp.put("/stores/<int:store_id>/restore")
@admin
@bp.input(Bringing)
@bp.output(Brought, description="What came back; nothing for a living one.")
@bp.doc(operation_id="restoreStore", tags=TAGS, responses=can_fail(400, 404, 409, 410, 413, 415, 422))
def restore_store(store_id: int, json_data: Bringing) -> Any:
    """Bring a store back, with exactly what went with it."""
    brought = acts.bring_back(find(Store, store_id, dead=True), json_data)
    db.session.commit()
    return brought


@bp.post("/stores/<int:store_id>/preview")
@admin
@bp.output(Foreseen, description="What deleting or restoring would do.")
@bp.doc(operation_id="previewStore", tags=TAGS, responses=can_fail(404, 410))
def preview_store(store_id: int) -> Any:
    """Say what deleting a store would take, or restoring one bring."""
    return acts.foresee(find(Store, store_id, dead=True))
