"""Keeping people signed in, and ending it."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, or_, select, update
from sqlalchemy.orm import contains_eager

from portal.extensions import db, session_apart
from portal.models.actor import Actor
from portal.models.deletion import Deletion
from portal.models.login_session import ABSOLUTE, IDLE, LoginSession
from portal.models.merchant import Merchant, MerchantOwner
from portal.models.store_user import StoreUser
from portal.models.tenancy import PLATFORM
from portal.models.user import User
from portal.services import audit
from portal.services.tokens import digest, new_secret

SEEN_EVERY = timedelta(minutes=10)
MOST_SHOWN = 100


def open_session(user: User, *, now: datetime, agent: str | None = None) -> str:
    """Sign a browser in; returns the secret for its cookie, always a new one.

    `agent` says in a few words which browser it is: Firefox on Linux.
    """
    secret, times = new_secret(), {"created_at": now, "last_seen_at": now}
    db.session.add(LoginSession(user_id=user.id, token_hash=digest(secret), agent=agent, **times))
    return secret


def find_session(secret: str, *, now: datetime) -> LoginSession | None:
    """Find the open session of a cookie whose person lives; None ends it for the door."""
    found = arrive(secret, now=now)
    return found[0] if found else None


def arrive(secret: str, subdomain: str = "", *, now: datetime) -> tuple[LoginSession, int | None] | None:
    """Find the open session of a cookie, and in the same question the merchant at whose door it stands.

    To know the merchant lets nobody in: that is for the memberships to say.
    """
    door = select(Merchant.id).where(Merchant.subdomain == subdomain).scalar_subquery()
    query = select(LoginSession, door).join(LoginSession.user).options(contains_eager(LoginSession.user))
    found = db.session.execute(query.where(LoginSession.token_hash == digest(secret))).one_or_none()
    return (found[0], found[1]) if found is not None and found[0].is_open(now) else None


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


def open_sessions(user: User, *, now: datetime) -> list[LoginSession]:
    """List the browsers a person is signed in with, the one seen last first."""
    query = select(LoginSession).where(*_open_of(user, now))
    newest = query.order_by(LoginSession.last_seen_at.desc(), LoginSession.id.desc())
    return list(db.session.scalars(newest.limit(MOST_SHOWN)))


def end_one(session: LoginSession, *, by: Actor, now: datetime) -> None:
    """Sign one browser out from afar; nothing to do for one that is out already."""
    if session.is_open(now):
        end_session(session, now=now)
        audit.record("end", session, by=by)


def end_all(user: User, *, by: Actor, now: datetime, but: LoginSession | None = None) -> int:
    """Sign a person out everywhere, `but` in one browser perhaps; says how many browsers it were."""
    others = [LoginSession.id != but.id] if but else []
    ended = update(LoginSession).where(*_open_of(user, now), *others)
    words = {"ended_at": now, "ended_why": "signed out everywhere"}
    many = {"synchronize_session": False}
    done = db.session.execute(ended.values(**words), execution_options=many)
    count = int(done.rowcount)  # type: ignore[attr-defined]  # an UPDATE has one
    subject = ("users", user.id)
    audit.note("end_sessions", subject, merchant_id=PLATFORM, by=by, sessions=count, all=but is None)
    return count


def _open_of(user: User, now: datetime) -> tuple[ColumnElement[bool], ...]:
    fresh = (LoginSession.last_seen_at > now - IDLE, LoginSession.created_at > now - ABSOLUTE)
    return (LoginSession.user_id == user.id, LoginSession.ended_at.is_(None), *fresh)


def end_for_deletion(act: Deletion, *, now: datetime) -> None:
    """Sign out everybody whom the deletion put out; a restore never signs them in again.

    Who owns the merchant stays signed in, of a deleted one too: they may want to undo.
    """
    dead_too = {"include_deleted": True}
    put_out: set[int] = {act.root_id} if act.root_kind == "users" else set()
    for model in (StoreUser, MerchantOwner):
        if model.__tablename__ in act.counts:
            fallen = (model.merchant_id == act.merchant_id, model.deletion_id == act.id)
            put_out.update(
                db.session.scalars(select(model.user_id).where(*fallen), execution_options=dead_too)
            )
    if act.root_kind != "users":
        put_out -= set(db.session.scalars(_owners(act), execution_options=dead_too))
    end_for_people(put_out, why="removed", now=now)


def _owners(act: Deletion) -> Select[int]:
    """Who owns the merchant still, or owned it until this act took the merchant itself."""
    owns: ColumnElement[bool] = MerchantOwner.deletion_id.is_(None)
    if act.root_kind == "merchants":
        owns = or_(owns, MerchantOwner.deletion_id == act.id)
    return select(MerchantOwner.user_id).where(MerchantOwner.merchant_id == act.merchant_id, owns)


def end_for_people(user_ids: set[int], *, why: str, now: datetime) -> None:
    """Sign these people out everywhere, from their next request on."""
    if user_ids:
        still_in = (LoginSession.user_id.in_(user_ids), LoginSession.ended_at.is_(None))
        db.session.execute(
            update(LoginSession).where(*still_in).values(ended_at=now, ended_why=why),
            execution_options={"synchronize_session": False},
        )
