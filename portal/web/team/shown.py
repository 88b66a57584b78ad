"""What the screens of the team show."""

from typing import Any, NamedTuple

from flask import url_for
from sqlalchemy import Row, Select, func, null, select, union_all
from sqlalchemy.orm import contains_eager

from portal.extensions import db
from portal.models.actor import Role
from portal.models.invitation import Invitation
from portal.models.merchant import MerchantOwner
from portal.models.store import Store
from portal.models.store_user import StoreUser
from portal.models.text import fold
from portal.models.user import User
from portal.services import team
from portal.services.searching import containing
from portal.web.listing import Listing, Sorting, asked, list_of, number_in
from portal.web.scope import actor, current_merchant, current_person, in_own_stores, now
from portal.words import counted

ROLES = ("staff", "manager")
ORDERS = {
    "name": User.name_key,
    "store": Store.name_key,
    "role": StoreUser.role,
    "position": func.lower(func.coalesce(StoreUser.position, "")),
    "since": StoreUser.created_at,
}


class Waiting(NamedTuple):
    """An invitation nobody has answered yet."""

    invitation: Invitation
    store: str


def listed() -> Listing:
    """Read one page of the team, as the address asks for it."""
    return list_of(
        chosen(),
        Sorting(ORDERS, StoreUser.id, "name"),
        nouns=counted("team member", "team members"),
        base_href=url_for("team.index"),
        filters=_filters(),
        export_href=url_for("team.export") if is_manager() else "",
    )


def chosen() -> Select[Any]:
    """Select the memberships this person sees and the filters leave, with person and store."""
    filters = _filters()
    query = in_own_stores(_members(), StoreUser.store_id)
    if filters["store"]:
        query = query.where(StoreUser.store_id == int(filters["store"]))
    if filters["role"]:
        query = query.where(StoreUser.role == filters["role"])
    # Staff do not see e-mail addresses, and so may not search by them.
    plain = (User.email,) if is_manager() else ()
    return query.where(containing(asked("q")["q"], folded=(User.name_key,), plain=plain))


def changeable() -> Select[Any]:
    """Select those of them whom this person may change or remove: a manager only staff."""
    return chosen() if actor().role >= Role.OWNER else chosen().where(StoreUser.role == Role.STAFF.word)


def line_of(member: StoreUser) -> Row[Any]:
    """Read what one row of the list shows, and the person with it."""
    one = _members().where(StoreUser.id == member.id).options(contains_eager(StoreUser.user))
    return db.session.execute(one).one()


def may_change(member: StoreUser) -> bool:
    """Whether this person may change or remove the member."""
    return actor().role >= Role.OWNER or (is_manager() and not member.is_manager)


def is_manager() -> bool:
    """Whether this person runs a store at least."""
    return actor().role >= Role.MANAGER


def owners() -> list[Row[Any]]:
    """List the owners with their names."""
    return list(db.session.execute(_owners().order_by(User.name_key, MerchantOwner.id)))


def stores() -> list[tuple[int, str]]:
    """List the stores this person has, by name."""
    mine = _stores().with_only_columns(Store.id, Store.name)
    return [(row.id, row.name) for row in db.session.execute(mine.order_by(Store.name_key, Store.id))]


def around() -> dict[str, Any]:
    """Gather what stands beside the list: owners, open invitations, choices, rights."""
    named = _stores().with_only_columns(Store.id, null(), null(), Store.name, null())
    both: Any = union_all(_owners(), named)  # one statement for both
    found = sorted(db.session.execute(both), key=lambda row: (fold(row.display_name), row.id))
    those = [(row.id, row.display_name) for row in found if row.user_id is None]
    return {
        "owners": [row for row in found if row.user_id is not None],
        "waiting": _waiting(dict(those)) if is_manager() else [],
        "stores": those,
        "may": may(),
    }


def may() -> dict[str, Any]:
    """Say what this person may do with the team, and who they are."""
    return {
        "invite": is_manager(),
        "own": actor().role >= Role.OWNER,
        "see_mail": is_manager(),
        "change": may_change,
        "me": current_person().id,
    }


def _owners() -> Select[Any]:
    named: Any = select(
        MerchantOwner.id, MerchantOwner.created_at, User.id.label("user_id"), User.display_name, User.email
    )
    mine: Select[Any] = named.join(User, User.id == MerchantOwner.user_id)
    return mine.where(MerchantOwner.merchant_id == current_merchant().id)


def _stores() -> Select[Any]:
    return in_own_stores(Store.of(current_merchant()), Store.id)


def _members() -> Select[Any]:
    person = (User.id.label("user_id"), User.display_name, User.email)
    signs_in = User.password_hash.is_not(None).label("signs_in")
    query: Select[Any] = select(StoreUser, *person).add_columns(signs_in, Store.name.label("store_name"))
    of_store = (Store.merchant_id == StoreUser.merchant_id) & (Store.id == StoreUser.store_id)
    joined = query.join(User, User.id == StoreUser.user_id).join(Store, of_store)
    return joined.where(StoreUser.merchant_id == current_merchant().id)


def _waiting(names: dict[int, str]) -> list[Waiting]:
    found = team.open_invitations(current_merchant(), by=actor(), now=now())
    return [Waiting(each, names.get(each.store_id or 0, "")) for each in found]


def _filters() -> dict[str, str]:
    filters = asked("store", "role")
    good = {"store": number_in(filters["store"]) is not None, "role": filters["role"] in ROLES}
    return {name: value if good[name] else "" for name, value in filters.items()}
