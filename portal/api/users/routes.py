"""People: who signs in, and who is known only at the till."""

from typing import Any

from portal.api.calls import Calls
from portal.api.door import actor, now
from portal.api.shapes import ListAsked
from portal.api.users import shapes
from portal.models.actor import Actor
from portal.models.user import User
from portal.services import accounts
from portal.services.searching import containing


def _fits(asked: ListAsked) -> list[Any]:
    return [containing(asked.q or "", folded=(User.name_key,), plain=(User.email, User.username))]


def _add(asked: shapes.NewUser) -> User:
    return accounts.create_user(by=actor(), **dict(asked))


def _change(user: User, *, by: Actor, **given: Any) -> list[str]:
    return accounts.change_user(user, by=by, now=now(), **given)


calls = Calls(User, "person", "people", told=shapes.UserTold)
calls.lists(shapes.UserPage, _fits)
calls.creates(shapes.NewUser, _add, shapes.UserMade, says="Add a person.", done="The person was added.")
calls.gets()
calls.changes(shapes.UserChange, _change)
calls.deletes(accounts.delete_user, says="Put a person in the trash, with all their memberships.")
calls.restores(says="Bring a person back, with the memberships that went with them.")
calls.previews(why_not=lambda user: accounts.why_not_delete(user, by=actor()))
