"""The businesses a person owned that lie in the trash: theirs to look at, and theirs to bring back."""

from typing import NamedTuple, cast

from flask import abort, g
from sqlalchemy import or_, select, tuple_

from portal.extensions import db
from portal.models.actor import Actor, Role
from portal.models.deletion import Deletion
from portal.models.merchant import Merchant, MerchantOwner
from portal.models.session import PortalSession
from portal.models.tenancy import Person, across_merchants, scoped
from portal.models.user import User
from portal.web.deletions import Line
from portal.web.scope import current_person

DEAD_TOO = {"include_deleted": True}


class Lost(NamedTuple):
    """A business in the trash, and the act that took it."""

    merchant: Merchant
    line: Line


def lost_of(person: User) -> list[Lost]:
    """List what this person owned until the very act that took it, the last deleted first.

    An owner who was removed before is a stranger here, and so is everybody else.
    """
    g.actor = Actor(user_id=person.id, role=Role.OWNER)
    merchants = {merchant.deletion_id: merchant for merchant in _owned_until_the_end(person)}
    acts = [line for line in _acts(list(merchants.values())) if line.act.root_kind == "merchants"]
    return [Lost(merchants[line.act.id], line) for line in acts]


def enter_lost(deletion_id: int) -> Lost:
    """Open the scope of a business in the trash, for who owned it; 404 for everybody else."""
    found = next((lost for lost in lost_of(current_person()) if lost.line.act.id == deletion_id), None)
    if found is None:
        abort(404)
    session = cast(PortalSession, db.session())
    session.info["scope"] = found.merchant.id
    session.tell_database()
    return found


def _owned_until_the_end(person: User) -> list[Merchant]:
    """Asked behind both walls: of memberships, this session sees the person's own alone."""
    fell_with_it = MerchantOwner.deletion_id == Merchant.deletion_id
    still_falling = MerchantOwner.deletion_id.is_(None)  # a large business dies in parts
    mine = select(Merchant).join(MerchantOwner, MerchantOwner.merchant_id == Merchant.id)
    mine = mine.where(MerchantOwner.user_id == person.id, or_(fell_with_it, still_falling))
    dead = mine.where(Merchant.deletion_id.is_not(None), Merchant.purged_at.is_(None))
    with scoped(db.session, Person(person.id)):
        return list(db.session.scalars(dead.order_by(Merchant.id), execution_options=DEAD_TOO).unique())


def _acts(merchants: list[Merchant]) -> list[Line]:
    """Read exactly the acts named by businesses found above, with who did it."""
    if not merchants:
        return []
    named = [(merchant.id, merchant.deletion_id) for merchant in merchants]
    these = select(Deletion, User.display_name).outerjoin(User, User.id == Deletion.deleted_by_id)
    these = these.where(tuple_(Deletion.merchant_id, Deletion.id).in_(named))
    newest = these.order_by(Deletion.deleted_at.desc(), Deletion.id.desc())
    with across_merchants(db.session, "owners look at the businesses that were theirs, named one by one"):
        return [Line(act, who or "") for act, who in db.session.execute(newest, execution_options=DEAD_TOO)]
