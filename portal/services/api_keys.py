"""Keys by which programs act for platform admins: given out once, kept as a hash, taken back."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import contains_eager, selectinload

from portal.errors import Refused
from portal.extensions import db
from portal.models.actor import Actor
from portal.models.api_key import ApiKey
from portal.models.tenancy import PLATFORM
from portal.models.user import User
from portal.services import audit, tokens
from portal.words import _

PREFIX, SHOWN = "carnet_", 11
SECRET = re.compile(r"carnet_[A-Za-z0-9_-]{22}")
SEEN_EVERY = timedelta(minutes=10)


def create_key(
    user: User, *, name: str, by: Actor, now: datetime, days: int | None = None
) -> tuple[ApiKey, str]:
    """Give a platform admin a key for a program; the secret is handed out only now.

    It works for `days` days, or until it is revoked. Raises Refused("not_admin", "bad_text").
    """
    if not user.is_platform_admin:
        message = _(
            "%(name)s is no platform admin. Only platform admins have keys: make them one first.",
            name=user.display_name,
        )
        raise Refused("not_admin", message)
    secret = PREFIX + tokens.new_secret()
    key = ApiKey(
        user_id=user.id,
        name=name,
        hint=secret[:SHOWN],
        token_hash=tokens.digest(secret),
        created_at=now,
        expires_at=now + timedelta(days=days) if days else None,
    )
    db.session.add(key)
    db.session.flush()  # the entry names its id
    audit.record("create", key, by=by, user_id=user.id)
    return key, secret


def find_key(secret: str, *, now: datetime) -> ApiKey | None:
    """Find the valid key of a living person by its secret; whether they are an admin is for the door."""
    if not SECRET.fullmatch(secret):
        return None
    query = select(ApiKey).join(ApiKey.user).options(contains_eager(ApiKey.user))
    key = db.session.scalar(query.where(ApiKey.token_hash == tokens.digest(secret)))
    return key if key is not None and key.is_valid(now) else None


def list_keys(user: User | None = None) -> Sequence[ApiKey]:
    """List the keys, of one person or of all, those of deleted people too; the newest first."""
    query = select(ApiKey).options(selectinload(ApiKey.user)).order_by(ApiKey.id.desc())
    mine = query.where(ApiKey.user_id == user.id) if user else query
    return db.session.scalars(mine, execution_options={"include_deleted": True}).all()


def revoke_key(key_id: int, *, by: Actor, now: datetime) -> ApiKey:
    """Take a key back for good; harmless for one taken back before. Raises Refused("unknown_key")."""
    key = db.session.get(ApiKey, key_id)
    if key is None:
        raise Refused("unknown_key", _("There is no key %(number)s.", number=key_id))
    if key.revoked_at is None:
        key.revoked_at = now
        audit.record("revoke", key, by=by, user_id=key.user_id)
    return key


def revoke_all_of(user: User, *, now: datetime) -> None:
    """Take back every key of a person who goes; restoring the person brings none back."""
    theirs = update(ApiKey).where(ApiKey.user_id == user.id, ApiKey.revoked_at.is_(None))
    db.session.execute(theirs.values(revoked_at=now), execution_options={"synchronize_session": False})


def note_call(key_id: int, *, by: Actor, now: datetime, **details: Any) -> None:
    """Note a call made with a key, and at most once in ten minutes that the key was used."""
    stale = ApiKey.last_used_at.is_(None) | (ApiKey.last_used_at < now - SEEN_EVERY)
    used = update(ApiKey).where(ApiKey.id == key_id, stale).values(last_used_at=now)
    db.session.execute(used, execution_options={"synchronize_session": False})
    audit.note("call", ("api_keys", key_id), merchant_id=PLATFORM, by=by, **details)
