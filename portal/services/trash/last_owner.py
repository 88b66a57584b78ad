"""A living merchant keeps a living owner: asked by the deletion, and beforehand by whoever looks."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import and_, select, true

from portal.errors import Refused
from portal.models.actor import Actor, Role
from portal.models.ownership import table_of
from portal.services.trash import rows
from portal.words import _


def last_owner(merchant_ids: Iterable[int], *, by: Actor, leaving: int | None = None) -> Refused | None:
    """The refusal to leave any of these merchants without an owner, `leaving` being a person who would go.

    It names the merchants to a platform admin, for only they may know them all.
    """
    owners, merchants = table_of("merchant_owners"), table_of("merchants")
    stays = owners.c.user_id != leaving if leaving is not None else true()
    mine = and_(owners.c.merchant_id == merchants.c.id, owners.c.deleted_at.is_(None), stays)
    living = and_(merchants.c.id.in_(list(merchant_ids)), merchants.c.deleted_at.is_(None))
    alone = select(merchants.c.id, merchants.c.name).where(living, ~select(owners.c.id).where(mine).exists())
    found = rows.read(alone.order_by(merchants.c.id)).all()
    if not found:
        return None
    named = [{"merchant_id": each.id, "name": each.name} for each in found]
    told: dict[str, Any] = {"merchants": named} if by.role is Role.ADMIN else {}
    return Refused("last_owner", _("This is the last owner. Invite another owner first."), **told)


def last_owner_without(user_id: int, *, by: Actor) -> Refused | None:
    """The refusal that deleting this person would meet; asked in a scope that sees all merchants."""
    owners = table_of("merchant_owners")
    theirs = select(owners.c.merchant_id).where(owners.c.user_id == user_id, owners.c.deleted_at.is_(None))
    ids = rows.ids_of(theirs)
    return last_owner(ids, by=by, leaving=user_id) if ids else None
