"""People: who signs in, and who is known only at the till."""

from typing import Any

from portal.api import acts, lists
from portal.api.deletions import shapes as deletions
from portal.api.document import NEW, can_fail
from portal.api.door import actor, admin, bp, find, now
from portal.api.repeats import once
from portal.api.shapes import Bringing, Brought, DeadToo, Foreseen, ListAsked, OnceKey, Why
from portal.api.users import shapes
from portal.extensions import db
from portal.models.user import User
from portal.services import accounts
from portal.services.searching import containing

TAGS = ["Users"]


@bp.get("/users")
@admin
@bp.input(ListAsked, location="query")
@bp.output(shapes.UserPage, description="A page of people, in the order of their ids.")
@bp.doc(operation_id="listUsers", tags=TAGS, responses=can_fail(400))
def list_users(query_data: ListAsked) -> Any:
    """List people."""
    fits = containing(query_data.q or "", folded=(User.name_key,), plain=(User.email, User.username))
    return lists.told_page(lists.rows_of(User, query_data, fits), shapes.tell)


@bp.post("/users")
@admin
@bp.input(OnceKey, location="headers")
@bp.input(shapes.NewUser)
@bp.output(shapes.UserMade, 201, description="The person was added.")
@bp.doc(operation_id="createUser", tags=TAGS, responses=can_fail(*NEW))
def create_user(headers_data: OnceKey, json_data: shapes.NewUser) -> Any:
    """Add a person."""
    user, headers = once(
        headers_data, json_data, User, lambda: accounts.create_user(by=actor(), **dict(json_data))
    )
    twin = acts.twin_of(user)
    db.session.commit()
    return shapes.tell_one(user) | {"deleted_twin": twin}, 201, headers


@bp.get("/users/<int:user_id>")
@admin
@bp.input(DeadToo, location="query")
@bp.output(shapes.UserTold, description="The person.")
@bp.doc(operation_id="getUser", tags=TAGS, responses=can_fail(400, 404, 410))
def get_user(user_id: int, query_data: DeadToo) -> Any:
    """Look at one person."""
    return shapes.tell_one(find(User, user_id, dead=query_data.include_deleted))


@bp.patch("/users/<int:user_id>")
@admin
@bp.input(shapes.UserChange)
@bp.output(shapes.UserTold, description="The person as changed.")
@bp.doc(operation_id="changeUser", tags=TAGS, responses=can_fail(400, 404, 409, 413, 415, 422))
def change_user(user_id: int, json_data: shapes.UserChange) -> Any:
    """Change a person."""
    user = find(User, user_id)
    accounts.change_user(user, by=actor(), now=now(), **json_data.given)
    db.session.commit()
    return shapes.tell_one(user)


@bp.delete("/users/<int:user_id>")
@admin
@bp.input(Why, location="query")
@bp.output(deletions.DeletionTold, description="The deletion; of one deleted before, that first deletion.")
@bp.doc(operation_id="deleteUser", tags=TAGS, responses=can_fail(400, 404, 410, 422))
def delete_user(user_id: int, query_data: Why) -> Any:
    """Put a person in the trash, with all their memberships."""
    user = find(User, user_id, dead=True)
    act = accounts.delete_user(user, by=actor(), now=now(), reason=query_data.reason)
    db.session.commit()
    return deletions.tell_one(act)


@bp.put("/users/<int:user_id>/restore")
@admin
@bp.input(Bringing)
@bp.output(Brought, description="What came back; nothing for a living one.")
@bp.doc(operation_id="restoreUser", tags=TAGS, responses=can_fail(400, 404, 409, 410, 413, 415, 422))
def restore_user(user_id: int, json_data: Bringing) -> Any:
    """Bring a person back, with the memberships that went with them."""
    brought = acts.bring_back(find(User, user_id, dead=True), json_data)
    db.session.commit()
    return brought


@bp.post("/users/<int:user_id>/preview")
@admin
@bp.output(Foreseen, description="What deleting or restoring would do.")
@bp.doc(operation_id="previewUser", tags=TAGS, responses=can_fail(404, 410))
def preview_user(user_id: int) -> Any:
    """Say what deleting a person would take, or restoring one bring."""
    user = find(User, user_id, dead=True)
    return acts.foresee(user, lambda: accounts.why_not_delete(user, by=actor()))
