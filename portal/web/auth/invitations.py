"""Accepting an invitation to a team, by its link."""

from typing import NamedTuple

from flask import Response, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from portal.extensions import db
from portal.models.invitation import Invitation
from portal.models.merchant import Merchant
from portal.models.tenancy import scoped
from portal.models.user import User
from portal.services import accounts, sessions, team, tokens
from portal.web import sessions as browser
from portal.web.access import allow
from portal.web.answers import never_store
from portal.web.auth.forms import JoinForm
from portal.web.auth.routes import bp
from portal.web.browsers import agent
from portal.web.page import page
from portal.web.scope import current_person, now
from portal.words import _


class Welcome(NamedTuple):
    """What an invitation says to whoever holds its link."""

    token: str
    merchant: Merchant
    invitation: Invitation
    inviter: str

    @property
    def place(self) -> str:
        """Where the person will work."""
        store = self.invitation.store
        if store is None:
            return self.merchant.name
        return _("%(store)s, %(merchant)s", store=store.name, merchant=self.merchant.name)


@bp.get("/invite/<token>")
@allow("anyone")
def invitation(token: str) -> Response:
    """Show who invites whom to what, and how to accept."""
    welcome = _welcome(token)
    if welcome is None:
        return _over()
    form = JoinForm(display_name=welcome.invitation.display_name, login=welcome.invitation.email)
    return _ask(welcome, form)


@bp.post("/invite/<token>")
@allow("anyone")
def join(token: str) -> Response | AnyResponse:
    """Accept: as whoever is signed in, or with an account made now."""
    form = JoinForm()
    login = (form.login.data or "").strip()
    accounts.count_attempt(login or token, address=request.remote_addr or "", now=now())
    welcome = _welcome(token)
    if welcome is None:
        return _over()
    if current_user.is_authenticated:
        return _join_as(current_person(), welcome)
    user = form.carry_out(lambda: _join_as_new(welcome, form, login))
    if user is None:
        return _ask(welcome, form, form.status)
    return _let_in(user, welcome)


def _welcome(token: str) -> Welcome | None:
    """Read the link, in the scope of its merchant; None when it does not work (any more)."""
    merchant, secret = tokens.merchant_and_secret(token)
    if merchant is None:
        return None
    with scoped(db.session, merchant.id):
        found = team.find_invitation(merchant, secret, now=now())
        if found is None:
            return None
        inviter = db.session.get(User, found.invited_by_id) if found.invited_by_id else None
        return Welcome(token, merchant, found, inviter.display_name if inviter else "")


def _join_as(user: User, welcome: Welcome) -> AnyResponse:
    with scoped(db.session, welcome.merchant.id):
        team.accept(welcome.invitation, user, now=now())
    sessions.end_session(current_user.login_session, now=now())
    return _let_in(user, welcome)


def _join_as_new(welcome: Welcome, form: JoinForm, login: str) -> User:
    with scoped(db.session, welcome.merchant.id):
        return team.accept_as_new(
            welcome.invitation,
            display_name=form.display_name.data or "",
            login=login,
            password=form.new.data or "",
            now=now(),
        )


def _let_in(user: User, welcome: Welcome) -> AnyResponse:
    """Begin a new session, and lead to the merchant."""
    target = url_for("dashboard.index", merchant=welcome.merchant.subdomain)
    secret = sessions.open_session(user, now=now(), agent=agent())
    db.session.commit()
    browser.start(user, secret)
    return redirect(target, 303)


def _ask(welcome: Welcome, form: JoinForm, status: int = 200) -> Response:
    with scoped(db.session, welcome.merchant.id):
        answer = page("auth/invitation.html", status, frame="plain", welcome=welcome, form=form)
    return never_store(answer)


def _over() -> Response:
    return never_store(page("auth/invitation_over.html", 404, frame="plain"))
