"""The businesses a person owned that lie in the trash: theirs to look at, and theirs to bring back."""

from typing import Any, NamedTuple, cast

from flask import abort, g
from sqlalchemy import and_, or_, select, tuple_

from portal.extensions import db
from portal.models.actor import Actor, Role
from portal.models.deletion import Deletion
from portal.models.merchant import Merchant, MerchantOwner
from portal.models.session import PortalSession
from portal.models.tenancy import Person, across_merchants, during
from portal.models.user import User
from portal.web.deletions import Line
from portal.web.scope import current_person

DEAD_TOO = {"include_deleted": True}


class Lost(NamedTuple):
    """A business in the trash, and the act that took it."""

    merchant: Merchant
    line: Line


def lost_merchants(person: User) -> list[Merchant]:
    """List what this person owned until the very act that took it, the last deleted first.

    Asked behind both walls: of memberships, this session sees the person's own alone. An owner who
    was removed before is a stranger here, and so is everybody else.
    """
    fell_with_it = MerchantOwner.deletion_id == Merchant.deletion_id
    still_falling = MerchantOwner.deletion_id.is_(None)  # a large business dies in parts
    mine = and_(MerchantOwner.user_id == person.id, or_(fell_with_it, still_falling))
    dead = and_(Merchant.deletion_id.is_not(None), Merchant.purged_at.is_(None))
    query = select(Merchant).join(MerchantOwner, MerchantOwner.merchant_id == Merchant.id).where(mine, dead)
    session = cast(PortalSession, db.session())
    with during(session, "scope", Person(person.id)):
        session.tell_database()
        newest = query.order_by(Merchant.deleted_at.desc(), Merchant.id.desc())
        return list(session.scalars(newest, execution_options=DEAD_TOO).unique())


def lost_of(person: User) -> list[Lost]:
    """The same, with the acts that took them: exactly those, named one by one."""
    merchants = {merchant.deletion_id: merchant for merchant in lost_merchants(person)}
    if not merchants:
        return []
    these = tuple_(Deletion.merchant_id, Deletion.id).in_([(m.id, act) for act, m in merchants.items()])
    with across_merchants(db.session, "a person may have owned several businesses"):
        found = {line.act.id: line for line in _lines(_acts().where(these))}
    _act_as_owner(person)
    return [Lost(merchant, found[act]) for act, merchant in merchants.items() if act]


def enter_lost(deletion_id: int) -> Lost:
    """Open the scope of a business in the trash, for who owned it; 404 for everybody else."""
    person = current_person()
    mine = [merchant for merchant in lost_merchants(person) if merchant.deletion_id == deletion_id]
    if not mine:
        abort(404)
    session = cast(PortalSession, db.session())
    session.info["scope"] = mine[0].id
    session.tell_database()
    _act_as_owner(person)
    this = and_(Deletion.merchant_id == mine[0].id, Deletion.id == deletion_id)
    return Lost(mine[0], _lines(_acts().where(this))[0])


def _acts() -> Any:
    return select(Deletion, User.display_name).outerjoin(User, User.id == Deletion.deleted_by_id)


def _lines(query: Any) -> list[Line]:
    return [Line(act, who or "") for act, who in db.session.execute(query, execution_options=DEAD_TOO)]


def _act_as_owner(person: User) -> None:
    g.actor = Actor(user_id=person.id, role=Role.OWNER)
