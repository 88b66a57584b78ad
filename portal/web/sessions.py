"""Who is signed in: a server-side session behind a signed cookie."""

from datetime import UTC, datetime

from flask import Flask, Response, g, session
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from flask_login import UserMixin, login_user, logout_user

from portal.extensions import login_manager
from portal.models.login_session import LoginSession
from portal.models.text import fold_code, is_slug
from portal.models.user import User
from portal.services import sessions
from portal.web.scope import reads_only


class SignedIn(UserMixin):  # type: ignore[misc]  # Flask-Login has no types
    """The person of an open session; Flask-Login keeps the secret in the cookie."""

    def __init__(
        self, user: User, secret: str, login_session: LoginSession | None = None, door: int | None = None
    ) -> None:
        self.user = user
        self.secret = secret
        self.login_session = login_session
        self.door = door  # the merchant in the address, whether or not they belong to it

    def get_id(self) -> str:
        """What the cookie carries."""
        return self.secret


def load(secret: str) -> SignedIn | None:
    """Find the person of a cookie; None when the session has ended."""
    now = datetime.now(UTC)
    subdomain = fold_code(g.get("subdomain") or "")
    found = sessions.arrive(secret, subdomain if is_slug(subdomain) else "", now=now)
    if found is None:
        return None
    opened, door = found
    sessions.note_seen(opened, now=now, apart=reads_only())
    return SignedIn(opened.user, secret, opened, door)


def start(user: User, secret: str) -> None:
    """Sign this browser in with a session just opened; nothing of the old one is kept."""
    session.clear()
    session.permanent = True
    login_user(SignedIn(user, secret))


def stop() -> None:
    """Forget who it was; the door ends the session row."""
    logout_user()
    session.clear()


class Sessions(SecureCookieSessionInterface):
    """Cookies for people, and none for what is the same for everybody, such as a picture."""

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Leave a public answer alone: any cache between us may keep it."""
        if not response.cache_control.public:
            super().save_session(app, session, response)


def init_app(app: Flask) -> None:
    """Let Flask-Login find people by their session."""
    app.session_interface = Sessions()
    login_manager.init_app(app, add_context_processor=False)  # an error page asks no database
    login_manager.session_protection = None  # a server-side row says more than an address
    login_manager.user_loader(load)
