"""Merchants: the businesses."""

from typing import Any

from portal.api import acts, lists
from portal.api.deletions import shapes as deletions
from portal.api.document import NEW, can_fail
from portal.api.door import actor, admin, bp, find, living, now
from portal.api.merchants import shapes
from portal.api.repeats import once
from portal.api.shapes import Bringing, Brought, DeadToo, Foreseen, ListAsked, OnceKey, Why
from portal.extensions import db
from portal.models.merchant import Merchant
from portal.models.user import User
from portal.services import merchants
from portal.services.searching import containing

TAGS = ["Merchants"]


@bp.get("/merchants")
@admin
@bp.input(ListAsked, location="query")
@bp.output(shapes.MerchantPage, description="A page of merchants, in the order of their ids.")
@bp.doc(operation_id="listMerchants", tags=TAGS, responses=can_fail(400))
def list_merchants(query_data: ListAsked) -> Any:
    """List merchants."""
    fits = containing(query_data.q or "", plain=(Merchant.name, Merchant.subdomain))
    return lists.told_page(lists.rows_of(Merchant, query_data, fits), shapes.tell)


@bp.post("/merchants")
@admin
@bp.input(OnceKey, location="headers")
@bp.input(shapes.NewMerchant)
@bp.output(shapes.MerchantMade, 201, description="The merchant was founded.")
@bp.doc(operation_id="createMerchant", tags=TAGS, responses=can_fail(*NEW))
def create_merchant(headers_data: OnceKey, json_data: shapes.NewMerchant) -> Any:
    """Found a merchant, with its first owner."""
    merchant, headers = once(headers_data, json_data, Merchant, lambda: _found(json_data))
    twin = acts.twin_of(merchant)
    db.session.commit()
    return shapes.tell_one(merchant) | {"deleted_twin": twin}, 201, headers


def _found(asked: shapes.NewMerchant) -> Merchant:
    owner = living(User, asked.owner, field="owner")
    return merchants.create_merchant(owner=owner, by=actor(), **asked.model_dump(exclude={"owner"}))


@bp.get("/merchants/<int:merchant_id>")
@admin
@bp.input(DeadToo, location="query")
@bp.output(shapes.MerchantTold, description="The merchant.")
@bp.doc(operation_id="getMerchant", tags=TAGS, responses=can_fail(400, 404, 410))
def get_merchant(merchant_id: int, query_data: DeadToo) -> Any:
    """Look at one merchant."""
    return shapes.tell_one(find(Merchant, merchant_id, dead=query_data.include_deleted))


@bp.patch("/merchants/<int:merchant_id>")
@admin
@bp.input(shapes.MerchantChange)
@bp.output(shapes.MerchantTold, description="The merchant as changed.")
@bp.doc(operation_id="changeMerchant", tags=TAGS, responses=can_fail(400, 404, 409, 413, 415, 422))
def change_merchant(merchant_id: int, json_data: shapes.MerchantChange) -> Any:
    """Change a merchant."""
    merchant = find(Merchant, merchant_id)
    merchants.change_merchant(merchant, by=actor(), **json_data.given)
    db.session.commit()
    return shapes.tell_one(merchant)


@bp.delete("/merchants/<int:merchant_id>")
@admin
@bp.input(Why, location="query")
@bp.output(deletions.DeletionTold, description="The deletion; of one deleted before, that first deletion.")
@bp.doc(operation_id="deleteMerchant", tags=TAGS, responses=can_fail(400, 404, 410, 422))
def delete_merchant(merchant_id: int, query_data: Why) -> Any:
    """Put a merchant in the trash, with all it owns; its orders stay."""
    merchant = find(Merchant, merchant_id, dead=True)
    act = merchants.delete_merchant(merchant, by=actor(), now=now(), reason=query_data.reason)
    db.session.commit()
    return deletions.tell_one(act)


@bp.put("/merchants/<int:merchant_id>/restore")
@admin
@bp.input(Bringing)
@bp.output(Brought, description="What came back; nothing for a living one.")
@bp.doc(operation_id="restoreMerchant", tags=TAGS, responses=can_fail(400, 404, 409, 410, 413, 415, 422))
def restore_merchant(merchant_id: int, json_data: Bringing) -> Any:
    """Bring a merchant back, with exactly what went with it."""
    brought = acts.bring_back(find(Merchant, merchant_id, dead=True), json_data)
    db.session.commit()
    return brought


@bp.post("/merchants/<int:merchant_id>/preview")
@admin
@bp.output(Foreseen, description="What deleting or restoring would do.")
@bp.doc(operation_id="previewMerchant", tags=TAGS, responses=can_fail(404, 410))
def preview_merchant(merchant_id: int) -> Any:
    """Say what deleting a merchant would take, or restoring one bring."""
    return acts.foresee(find(Merchant, merchant_id, dead=True))
