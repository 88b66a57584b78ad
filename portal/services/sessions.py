"""Keeping people signed in, and ending it."""

from datetime import datetime, timedelta

from sqlalchemy import Select, select, update
from sqlalchemy.orm import contains_eager

from portal.extensions import db, session_apart
from portal.models.deletion import Deletion
from portal.models.login_session import LoginSession
from portal.models.merchant import MerchantOwner
from portal.models.store_user import StoreUser
from portal.models.user import User
from portal.services.tokens import digest, new_secret

SEEN_EVERY = timedelta(minutes=10)


def open_session(user: User, *, now: datetime) -> str:
    """Sign a browser in; returns the secret for its cookie, always a new one."""
    secret = new_secret()
    opened = LoginSession(user_id=user.id, token_hash=digest(secret), created_at=now, last_seen_at=now)
    db.session.add(opened)
    return secret


def find_session(secret: str, *, now: datetime) -> LoginSession | None:
    """Find the open session of a cookie whose person lives; None ends it for the door."""
    query = select(LoginSession).join(LoginSession.user).options(contains_eager(LoginSession.user))
    query = query.where(LoginSession.token_hash == digest(secret))
    found = db.session.scalar(query)
    return found if found is not None and found.is_open(now) else None


def note_seen(session: LoginSession, *, now: datetime, apart: bool) -> None:
    """Remember that the browser was here, at most once in ten minutes.

    A request that only reads notes it in a transaction of its own, one that writes in its own:
    SQLite has one writer, and the two would wait for each other.
    """
    if now - session.last_seen_at < SEEN_EVERY:
        return
    if not apart:
        session.last_seen_at = now
        return
    seen = update(LoginSession).where(LoginSession.id == session.id).values(last_seen_at=now)
    with session_apart() as beside, beside.begin():
        beside.execute(seen, execution_options={"synchronize_session": False})


def end_session(session: LoginSession, *, now: datetime) -> None:
    """Sign this browser out."""
    session.ended_at, session.ended_why = now, "signed out"


def end_for_deletion(act: Deletion, *, now: datetime) -> None:
    """Sign out everybody whom the deletion put out; a restore never signs them in again."""
    dead_too = {"include_deleted": True}
    put_out: set[int] = {act.root_id} if act.root_kind == "users" else set()
    for model in (StoreUser, MerchantOwner):
        if model.__tablename__ in act.counts:
            fallen = (model.merchant_id == act.merchant_id, model.deletion_id == act.id)
            put_out.update(
                db.session.scalars(select(model.user_id).where(*fallen), execution_options=dead_too)
            )
    if act.root_kind != "users":
        # Who owns the merchant still has every store, and may want to undo.
        put_out -= set(db.session.scalars(_owners(act)))
    end_for_people(put_out, why="removed", now=now)


def _owners(act: Deletion) -> Select[int]:
    return select(MerchantOwner.user_id).where(MerchantOwner.merchant_id == act.merchant_id)


def end_for_people(user_ids: set[int], *, why: str, now: datetime) -> None:
    """Sign these people out everywhere, from their next request on."""
    if user_ids:
        still_in = (LoginSession.user_id.in_(user_ids), LoginSession.ended_at.is_(None))
        db.session.execute(
            update(LoginSession).where(*still_in).values(ended_at=now, ended_why=why),
            execution_options={"synchronize_session": False},
        )
