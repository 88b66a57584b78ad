"""What people do with the team: invite, add, change a role, remove."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models.actor import Actor, Role
from portal.models.deletion import Deletion
from portal.models.invitation import Invitation
from portal.models.merchant import Merchant, MerchantOwner
from portal.models.store import Store
from portal.models.store_user import StoreUser
from portal.models.user import User
from portal.services import accounts, audit, merchants, sessions, tokens, trash
from portal.services.changing import apply, refuse_unknown
from portal.services.saving import save
from portal.words import _

FIELDS = frozenset({"role", "position", "external_ref"})
INVITED_FOR = timedelta(hours=72)


def add_member(store: Store, user: User, *, role: str, by: Actor, **details: Any) -> StoreUser:
    """Let a person work in the store as `manager` or `staff`.

    Raises Conflict("already_member", "taken", "owner_deleted"), Refused("not_allowed").
    """
    refuse_role_above(by, role)
    works = StoreUser.of(store.merchant).where(StoreUser.store_id == store.id, StoreUser.user_id == user.id)
    if db.session.scalar(works) is not None:
        message = _("%(name)s is in the team of %(store)s already.", name=user.display_name, store=store.name)
        raise Conflict("already_member", message, user.display_name)
    member = StoreUser(
        merchant_id=store.merchant_id,
        store_id=store.id,
        user_id=user.id,
        role=role,
        **refuse_unknown(details, FIELDS),
    )
    save(member, by=by)
    audit.record("create", member, by=by, user_id=user.id, role=role)
    return member


def add_till_person(store: Store, *, display_name: str, by: Actor, position: str | None = None) -> StoreUser:
    """Add somebody who is known only at the till: as staff, and with no way to sign in.

    Raises Refused("bad_text"), Conflict("owner_deleted").
    """
    person = accounts.create_user(display_name=display_name, by=by)
    return add_member(store, person, role=Role.STAFF.word, by=by, position=position)


def change_member(member: StoreUser, *, by: Actor, now: datetime, **changes: Any) -> list[str]:
    """Change role or position; a new role signs the person out, so that it counts at once."""
    refuse_role_above(by, member.role)
    if "role" in changes:
        refuse_role_above(by, changes["role"])
    changed = apply(member, changes, known=FIELDS, by=by)
    if "role" in changed:
        sessions.end_for_people({member.user_id}, why="role changed", now=now)
    return changed


def remove_member(member: StoreUser, *, by: Actor, now: datetime, reason: str | None = None) -> Deletion:
    """Take the person out of the store's team: out at the next request, and may be invited again."""
    refuse_role_above(by, member.role)
    return trash.soft_delete_cascade(member, by=by, now=now, reason=reason)


def remove_members(
    members: Sequence[StoreUser], *, by: Actor, now: datetime, reason: str | None = None
) -> list[Deletion]:
    """Take several people out, each with a deletion of their own; all or none."""
    for member in members:
        refuse_role_above(by, member.role)
    return [remove_member(member, by=by, now=now, reason=reason) for member in members]


def refuse_role_above(by: Actor, role: str) -> None:
    """A manager deals with staff only; managers and owners are the owner's affair."""
    if role not in ("staff", "manager", "owner"):
        message = _("“%(role)s” is no role. Choose staff or manager.", role=role)
        raise Refused("bad_role", message, field="role")
    if by.role < Role.OWNER and role != Role.STAFF.word:
        message = _("Only an owner may add, change or remove managers and owners.")
        raise Refused("not_allowed", message, field="role")


def invite(
    merchant: Merchant,
    *,
    display_name: str,
    role: str,
    by: Actor,
    now: datetime,
    store: Store | None = None,
    email: str | None = None,
) -> tuple[Invitation, str]:
    """Invite a person for 72 hours; returns the invitation and the token of its link, shown once.

    An owner is invited to the whole merchant, everybody else to a store.
    """
    refuse_role_above(by, role)
    if (role == Role.OWNER.word) != (store is None):
        raise Refused("no_store", _("Choose the store this person will work in."), field="store")
    secret = tokens.new_secret()
    person = User(display_name=display_name, email=email)  # its rules fold and check both
    invitation = Invitation(
        merchant_id=merchant.id,
        store_id=store.id if store else None,
        role=role,
        display_name=person.display_name,
        email=person.email,
        token_hash=tokens.digest(secret),
        invited_by_id=by.user_id,
        expires_at=now + INVITED_FOR,
    )
    db.session.add(invitation)
    db.session.flush()  # the audit names its id
    audit.record("create", invitation, by=by, role=role)
    return invitation, tokens.bearer(merchant, secret)


def revoke_invitation(invitation: Invitation, *, by: Actor, now: datetime) -> None:
    """Make the link stop working; raises Refused("not_open") once it was used or is over."""
    refuse_role_above(by, invitation.role)
    if not invitation.is_open(now):
        raise Refused("not_open", _("This invitation is not open any more."))
    invitation.revoked_at = now
    audit.record("revoke", invitation, by=by)


def open_invitations(merchant: Merchant, *, by: Actor, now: datetime) -> list[Invitation]:
    """List the invitations that still wait, newest first; a manager sees those of their stores."""
    waiting = (
        Invitation.accepted_at.is_(None),
        Invitation.revoked_at.is_(None),
        Invitation.expires_at > now,
    )
    living = Store.of(merchant).with_only_columns(Store.id)
    held = or_(Invitation.store_id.is_(None), Invitation.store_id.in_(living))
    query = Invitation.of(merchant).where(*waiting, held).order_by(Invitation.id.desc())
    if by.role < Role.OWNER:
        query = query.where(Invitation.store_id.in_(by.store_ids), Invitation.role == "staff")
    return list(db.session.scalars(query.limit(100)))


def find_invitation(merchant: Merchant, secret: str, *, now: datetime) -> Invitation | None:
    """Find the invitation of a link that may be accepted, in the scope of its merchant.

    None once it was used or is over, when its store is gone, or whoever invited may no longer do so.
    """
    query = Invitation.of(merchant).where(Invitation.token_hash == tokens.digest(secret))
    found = db.session.scalar(query)
    if found is None or not found.is_open(now) or not _inviter_may_still(found):
        return None
    return found if found.store is None or not found.store.is_deleted else None


def accept(invitation: Invitation, user: User, *, now: datetime) -> StoreUser | MerchantOwner:
    """Join the team by an invitation, once.

    Raises Refused("not_open"), Conflict("already_member", "already_owner", "owner_deleted").
    """
    db.session.refresh(invitation, with_for_update=True)
    if not invitation.is_open(now) or not _inviter_may_still(invitation):
        raise Refused("not_open", _("This invitation was used already, or is over. Ask for a new one."))
    host = Actor(user_id=invitation.invited_by_id, role=Role.OWNER)  # checked just now
    invitation.accepted_at, invitation.accepted_by_id = now, user.id
    audit.record("accept", invitation, by=host, user_id=user.id)
    if invitation.role == Role.OWNER.word:
        merchant = db.session.scalars(select(Merchant).where(Merchant.id == invitation.merchant_id)).one()
        return merchants.add_owner(merchant, user, by=host)
    store = db.session.get(Store, (invitation.merchant_id, invitation.store_id))
    if store is None:
        raise Conflict("owner_deleted", _("The store of this invitation was deleted."))
    return add_member(store, user, role=invitation.role, by=host)


def accept_as_new(
    invitation: Invitation, *, display_name: str, login: str, password: str, now: datetime
) -> User:
    """Get an account by an invitation and join the team; `login` is an e-mail address or a username.

    Raises Refused("weak_password", "bad_email", "bad_code", "not_open"), Conflict("taken").
    """
    host = Actor(user_id=invitation.invited_by_id, role=Role.OWNER)
    is_email = "@" in login
    user = accounts.create_user(
        display_name=display_name,
        email=login if is_email else None,
        username=None if is_email else login,
        password=password,
        by=host,
    )
    accept(invitation, user, now=now)
    return user


def _inviter_may_still(invitation: Invitation) -> bool:
    """Whether whoever invited still runs the merchant or the store; an operator always does.

    Somebody removed must not come back through a link they made before.
    """
    inviter = invitation.invited_by_id
    if inviter is None:
        return True
    mine = MerchantOwner.merchant_id == invitation.merchant_id
    owns = select(MerchantOwner.id).where(mine, MerchantOwner.user_id == inviter)
    if db.session.scalar(owns) is not None:
        return True
    runs = select(StoreUser.id).where(
        StoreUser.merchant_id == invitation.merchant_id,
        StoreUser.store_id == invitation.store_id,
        StoreUser.user_id == inviter,
        StoreUser.role == Role.MANAGER.word,
    )
    return invitation.role == Role.STAFF.word and db.session.scalar(runs) is not None
