"""What people do with their account: get one, sign in, change name and password, leave."""

import hashlib
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, delete, func, or_, select

from portal.errors import Refused, TooMany
from portal.extensions import db, session_apart
from portal.models.actor import Actor
from portal.models.deletion import Deletion
from portal.models.login_session import SignInAttempt
from portal.models.merchant import MerchantOwner
from portal.models.store_user import StoreUser
from portal.models.tenancy import Person, scoped
from portal.models.text import fold_code
from portal.models.user import User
from portal.services import api_keys, audit, passwords, sessions, trash
from portal.services.changing import apply
from portal.services.saving import save
from portal.words import _, later

PROFILE = frozenset(["display_name", "email", "username"])
FIELDS = PROFILE | {"is_platform_admin"}
TRIES, WINDOW = 10, timedelta(minutes=5)
WRONG = later("This does not match. Check the name and the password, and try again.")


def create_user(
    *,
    display_name: str,
    by: Actor,
    email: str | None = None,
    username: str | None = None,
    password: str | None = None,
    is_platform_admin: bool = False,
) -> User:
    """Add a person; without a password they are known only at the till.

    Raises Refused("weak_password", "bad_email", "no_login"), Conflict("taken").
    """
    if password and not (email or username):
        message = _("Give an e-mail address or a username to sign in with.")
        raise Refused("no_login", message, field="email")
    own = (display_name, email, username)
    user = User(
        display_name=display_name,
        email=email,
        username=username,
        is_platform_admin=is_platform_admin,
        password_hash=passwords.hash_password(password, of=own) if password else None,
    )
    save(user, by=by)
    audit.record("create", user, by=by)
    return user


def find_user(login: str) -> User | None:
    """Find the living person with this e-mail address or username."""
    folded = fold_code(login)
    return db.session.scalar(select(User).where(or_(User.email == folded, User.username == folded)))


def count_attempt(login: str, *, address: str, now: datetime) -> None:
    """Count a try to sign in, in a transaction of its own, before the password is checked.

    Call it before anything else in the request. Raises TooMany("too_many_tries") from the
    eleventh in five minutes, for the name and for the address.
    """
    subjects = {_subject("name", fold_code(login)), _subject("address", address)}
    with session_apart() as apart:
        with apart.begin():
            apart.add_all([SignInAttempt(subject=s, attempted_at=now) for s in subjects])
        # Counted after the commit: of many at once, the last to be written sees all others.
        with apart.begin():
            recent = (SignInAttempt.subject.in_(subjects), SignInAttempt.attempted_at > now - WINDOW)
            tries = select(func.count()).where(*recent).group_by(SignInAttempt.subject)
            most = max(apart.scalars(tries))
    if most > TRIES:
        message = _("Too many tries. Wait five minutes, then try again.")
        raise TooMany("too_many_tries", message, after=300)


def sign_in(
    login: str, password: str, *, now: datetime, address: str = "", agent: str | None = None
) -> tuple[User, str]:
    """Check the password and open a session: the person and the secret for their cookie.

    The try just counted is taken back, so that a whole shop may sign in from one address; `agent`
    names the browser in a few words. Raises Refused("wrong_login"): the same sentence and time for
    unknown and for wrong.
    """
    user = find_user(login)
    if not passwords.is_right(password, user.password_hash if user else None) or user is None:
        raise Refused("wrong_login", str(WRONG))
    _uncount(login, address=address, now=now)
    return user, sessions.open_session(user, now=now, agent=agent)


def change_password(
    user: User, *, current: str, new: str, by: Actor, now: datetime, agent: str | None = None
) -> str:
    """Change one's own password; ends every session and returns the secret of a new one."""
    _refuse_wrong_password(user, current)
    set_password(user, new, by=by, now=now)
    return sessions.open_session(user, now=now, agent=agent)


def forgive_attempt(user: User, password: str, *, login: str, address: str, now: datetime) -> None:
    """Take back a try counted as `login` where the password was right: what else is wrong is no guess."""
    if passwords.is_right(password, user.password_hash):
        _uncount(login, address=address, now=now)


def _uncount(login: str, *, address: str, now: datetime) -> None:
    """Take back the tries of this name, and this one of the address."""
    of_name = SignInAttempt.subject == _subject("name", fold_code(login))
    this_try = and_(SignInAttempt.subject == _subject("address", address), SignInAttempt.attempted_at == now)
    db.session.execute(delete(SignInAttempt).where(or_(of_name, this_try)))


def changes_login(user: User, *, email: str | None, username: str | None) -> bool:
    """Whether these would change what the person signs in with."""
    wanted = (fold_code(email or ""), fold_code(username or ""))
    return wanted != (user.email or "", user.username or "")


def change_profile(
    user: User, *, display_name: str, email: str | None, username: str | None, current: str, by: Actor
) -> list[str]:
    """Change one's own name and login, and name what differs; a new login takes the current password.

    Raises Refused("wrong_password", "no_login", "bad_email", …), Conflict("taken").
    """
    if changes_login(user, email=email, username=username):
        if not (email or username):
            raise Refused(
                "no_login", _("Keep an e-mail address or a username to sign in with."), field="email"
            )
        _refuse_wrong_password(user, current)
    wanted = {"display_name": display_name, "email": email or None, "username": username or None}
    changed = apply(user, wanted, known=PROFILE, by=by)
    _note_where_shown(user, changed, by=by)
    return changed


def change_user(user: User, *, by: Actor, now: datetime, **changes: Any) -> list[str]:
    """Change the FIELDS given of another person and name those that differ; the operator's way.

    Who becomes a platform admin, or is one no more, signs in again; the keys of one no more end for good.
    Raises Refused("no_login", "last_admin", "bad_email", …), Conflict("taken").
    """
    logins = [changes.get(field, getattr(user, field)) for field in ("email", "username")]
    if user.can_sign_in and not any(logins):
        message = _("Keep an e-mail address or a username to sign in with.")
        raise Refused("no_login", message, field="email")
    if changes.get("is_platform_admin") is False:
        _refuse_last_admin(user)
    changed = apply(user, changes, known=FIELDS, by=by)
    if "is_platform_admin" in changed:
        sessions.end_for_people({user.id}, why="role changed", now=now)
        if not user.is_platform_admin:
            api_keys.revoke_all_of(user, now=now)
    _note_where_shown(user, changed, by=by)
    return changed


def _refuse_last_admin(user: User) -> None:
    """Keep a platform admin; all are locked, for two may dismiss each other at once."""
    refusal = _last_admin(user, lock=True)
    if refusal is not None:
        raise refusal


def _last_admin(user: User, *, lock: bool = False) -> Refused | None:
    """The refusal to let the last platform admin go; one who has no password could never step in."""
    if not user.is_platform_admin:
        return None
    able = select(User.id).where(User.is_platform_admin, User.password_hash.is_not(None)).order_by(User.id)
    if set(db.session.scalars(able.with_for_update() if lock else able)) - {user.id}:
        return None
    message = _("This is the last platform admin who can sign in. Make another person one first.")
    return Refused("last_admin", message, field="is_platform_admin")


def why_not_delete(user: User, *, by: Actor) -> list[Refused]:
    """Say what delete_user would refuse just now, by the same rules; nothing is changed or locked."""
    return [no for no in (_last_admin(user), trash.last_owner_without(user.id, by=by)) if no is not None]


def _note_where_shown(user: User, changed: list[str], *, by: Actor) -> None:
    """Tell the person's merchants that what they show of the person is new."""
    for merchant_id in _merchants_of(user) if changed else ():
        audit.note("change", ("users", user.id), merchant_id=merchant_id, by=by, fields=changed)


def _refuse_wrong_password(user: User, current: str) -> None:
    if not passwords.is_right(current, user.password_hash):
        raise Refused("wrong_password", _("This is not your current password."), field="current")


def _merchants_of(user: User) -> list[int]:
    """Where the person works or owns, in the order of the merchants' numbers."""
    with scoped(db.session, Person(user.id)):
        owns = db.session.scalars(select(MerchantOwner.merchant_id).where(MerchantOwner.user_id == user.id))
        works = db.session.scalars(select(StoreUser.merchant_id).where(StoreUser.user_id == user.id))
        return sorted({*owns, *works})


def set_password(user: User, new: str, *, by: Actor, now: datetime) -> None:
    """Give a person a new password and sign them out everywhere."""
    own = (user.display_name, user.email, user.username)
    user.password_hash = passwords.hash_password(new, of=own)
    sessions.end_for_people({user.id}, why="password changed", now=now)
    audit.record("set_password", user, by=by)


def delete_user(user: User, *, by: Actor, now: datetime, reason: str | None = None) -> Deletion:
    """Put the person and all their memberships in the trash; never a merchant.

    Their sessions and keys end for good. Raises Refused("last_owner", "last_admin").
    """
    if user.deletion_id is None:
        _refuse_last_admin(user)
        api_keys.revoke_all_of(user, now=now)
    return trash.soft_delete_cascade(user, by=by, now=now, reason=reason)


def forget_old_attempts(now: datetime) -> int:
    """Drop tries older than a day; a nightly job."""
    old = delete(SignInAttempt).where(SignInAttempt.attempted_at < now - timedelta(days=1))
    return int(db.session.execute(old).rowcount)  # type: ignore[attr-defined]  # a DELETE has one


def _subject(kind: str, value: str) -> str:
    return hashlib.sha256(f"{kind}:{value}".encode()).hexdigest()
