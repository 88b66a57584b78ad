"""What was deleted, by whom, and until when it can be brought back."""

from typing import Any

from sqlalchemy import select

from portal.api import lists
from portal.api.deletions import shapes
from portal.api.document import can_fail
from portal.api.door import admin, bp
from portal.api.saying import Said
from portal.extensions import db
from portal.models.deletion import Deletion


@bp.get("/deletions")
@admin
@bp.input(shapes.DeletionsAsked, location="query")
@bp.output(shapes.DeletionPage, description="A page of deletions, the newest first.")
@bp.doc(operation_id="listDeletions", tags=["Deletions"], responses=can_fail(400))
def list_deletions(query_data: shapes.DeletionsAsked) -> Any:
    """List deletions."""
    asked = {
        "merchant_id": query_data.merchant,
        "root_kind": query_data.kind,
        "status": query_data.status,
        "parent_id": query_data.parent,
    }
    given = {field: value for field, value in asked.items() if value is not None}
    found = lists.page(select(Deletion).filter_by(**given), Deletion, query_data, falls=True)
    return lists.told_page(found, shapes.tell)


@bp.get("/deletions/<int:deletion_id>")
@admin
@bp.output(shapes.DeletionTold, description="The deletion.")
@bp.doc(operation_id="getDeletion", tags=["Deletions"], responses=can_fail(404))
def get_deletion(deletion_id: int) -> Any:
    """Look at one deletion."""
    act = db.session.scalar(select(Deletion).where(Deletion.id == deletion_id))
    if act is None:
        raise Said(404, "not_found", f"There is no deletion {deletion_id}.")
    return shapes.tell_one(act)
