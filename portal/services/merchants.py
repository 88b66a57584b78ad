"""What people do with a merchant: found it, delete it, share it with other owners."""

from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from portal.errors import Conflict
from portal.extensions import db
from portal.models.actor import Actor
from portal.models.deletion import Deletion
from portal.models.merchant import Merchant, MerchantOwner
from portal.models.tenancy import scoped
from portal.models.text import fold_code
from portal.models.user import User
from portal.services import audit, tokens, trash
from portal.services.changing import apply
from portal.services.saving import save
from portal.words import _

FIELDS = frozenset(["name", "subdomain", "timezone", "currency", "country", "locale", "retention_days"])


def create_merchant(*, name: str, subdomain: str, owner: User, by: Actor, **place: Any) -> Merchant:
    """Found a merchant with its first owner; `place` may give timezone, currency, country, locale.

    Raises Conflict("taken") for a subdomain in use, Refused for values out of shape.
    """
    merchant = Merchant(name=name, subdomain=subdomain, public_ref=tokens.new_ref(), **place)
    save(merchant, by=by)
    with scoped(db.session, merchant.id):
        add_owner(merchant, owner, by=by)
        audit.record("create", merchant, by=by)
    return merchant


def change_merchant(merchant: Merchant, *, by: Actor, **changes: Any) -> list[str]:
    """Change the FIELDS given and name those that differ; raises Conflict("taken"), Refused.

    A new retention counts for what is deleted from then on; 0 keeps what lies in the trash, too.
    """
    with scoped(db.session, merchant.id):
        changed = apply(merchant, changes, known=FIELDS, by=by)
        if "retention_days" in changed and merchant.retention_days == 0:
            kept = update(Deletion).where(Deletion.merchant_id == merchant.id, Deletion.status == "done")
            db.session.execute(kept.values(purge_after=None))
    return changed


def find_merchant(subdomain: str) -> Merchant | None:
    """Find the living merchant with this subdomain."""
    return db.session.scalar(select(Merchant).where(Merchant.subdomain == fold_code(subdomain)))


def add_owner(merchant: Merchant, user: User, *, by: Actor) -> MerchantOwner:
    """Let a person own the merchant too; raises Conflict("already_owner")."""
    owns = MerchantOwner.of(merchant).where(MerchantOwner.user_id == user.id)
    if db.session.scalar(owns) is not None:
        message = _("%(name)s is an owner already.", name=user.display_name)
        raise Conflict("already_owner", message, user.display_name)
    owner = MerchantOwner(merchant_id=merchant.id, user_id=user.id)
    save(owner, by=by)
    audit.record("create", owner, by=by, user_id=user.id)
    return owner


def remove_owner(owner: MerchantOwner, *, by: Actor, now: datetime, reason: str | None = None) -> Deletion:
    """Take a person's ownership away; raises Refused("last_owner")."""
    return trash.soft_delete_cascade(owner, by=by, now=now, reason=reason)


def delete_merchant(merchant: Merchant, *, by: Actor, now: datetime, reason: str | None = None) -> Deletion:
    """Put the merchant and all it owns in the trash; orders stay."""
    with scoped(db.session, merchant.id):
        return trash.soft_delete_cascade(merchant, by=by, now=now, reason=reason)
