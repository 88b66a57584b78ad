"""One's own account: the name, the login, and the browsers one is signed in with."""

from typing import Any

from flask import Blueprint, Response, abort, has_request_context, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from portal.extensions import db
from portal.models.actor import Actor, Role
from portal.models.login_session import LoginSession
from portal.services import accounts, sessions
from portal.web import sessions as browser
from portal.web.access import allow
from portal.web.account.forms import ProfileForm
from portal.web.answers import never_store
from portal.web.browsers import said
from portal.web.page import done, page
from portal.web.scope import current_person, merchants_of, now
from portal.words import _, ngettext

bp = Blueprint("account", __name__, url_prefix="/account")


@bp.get("/")
@allow("signed_in")
def profile() -> Response:
    """Show one's name and login to be changed."""
    return _ask(ProfileForm(obj=current_person()))


@bp.post("/")
@allow("signed_in")
def change_profile() -> Response | AnyResponse:
    """Change one's name; with the password, also what one signs in with."""
    form = ProfileForm(obj=current_person())
    tried = _count_guess(form)
    changed = form.carry_out(lambda: accounts.change_profile(current_person(), by=_self(), **form.details()))
    if tried:
        accounts.forgive_attempt(current_person(), form.current.data or "", **tried)
    db.session.commit()
    if changed is None:
        return _ask(form)
    message = _("Saved.") if changed else _("Nothing differs; nothing was changed.")
    return done(message, to=url_for("account.profile"))


@bp.get("/sessions")
@allow("signed_in")
def open_sessions() -> Response:
    """List the browsers one is signed in with."""
    listed = sessions.open_sessions(current_person(), now=now())
    here = current_user.login_session.id
    return _show("account/sessions.html", sessions=listed, here=here, said=said)


@bp.post("/sessions/<int:session_id>/end")
@allow("signed_in")
def end_session(session_id: int) -> Response | AnyResponse:
    """Sign one browser out; this one leads to the sign-in page."""
    ended = db.session.get(LoginSession, session_id)
    if ended is None or ended.user_id != current_person().id:
        abort(404)
    sessions.end_one(ended, by=_self(), now=now())
    db.session.commit()
    if session_id == current_user.login_session.id:
        return _leave()
    return done(_("Signed out: %(browser)s.", browser=said(ended.agent)), to=url_for("account.open_sessions"))


@bp.post("/sessions/others/end")
@allow("signed_in")
def end_other_sessions() -> Response | AnyResponse:
    """Sign out everywhere but here."""
    count = sessions.end_all(current_person(), by=_self(), now=now(), but=current_user.login_session)
    db.session.commit()
    message = ngettext("Signed out in %(num)s other browser.", "Signed out in %(num)s other browsers.", count)
    return done(message, to=url_for("account.open_sessions"))


@bp.post("/sessions/end")
@allow("signed_in")
def end_all_sessions() -> AnyResponse:
    """Sign out everywhere, here too."""
    sessions.end_all(current_person(), by=_self(), now=now())
    db.session.commit()
    return _leave()


@bp.url_defaults
def keep_the_way_back(_endpoint: str, values: dict[str, Any]) -> None:
    """Every link of the account remembers from which merchant's portal one came."""
    came_from = request.args.get("from", "") if has_request_context() else ""
    if came_from:
        values.setdefault("from", came_from[:63])


def _ask(form: ProfileForm) -> Response:
    # A form that was refused shows what was typed; the person is read anew.
    return _show("account/profile.html", form.status, form=form)


def _show(template: str, status: int = 200, **context: object) -> Response:
    """Show a page of the account, with the way back to where one came from; no cache keeps it."""
    mine = merchants_of(current_person())
    back = next((each for each in mine if each.subdomain == request.args.get("from")), None)
    zone_of = back or (mine[0] if mine else None)
    return never_store(page(template, status, frame="plain", back=back, zone_of=zone_of, **context))


def _count_guess(form: ProfileForm) -> dict[str, Any] | None:
    """Count a try at the password, where one is needed, before it is checked; say as what it was counted."""
    login = {"email": form.email.data, "username": form.username.data}
    person = current_person()
    if not form.current.data or not accounts.changes_login(person, **login):
        return None
    tried: dict[str, Any] = {
        "login": f"person {person.id}",
        "address": request.remote_addr or "",
        "now": now(),
    }
    db.session.rollback()  # SQLite has one writer: counting would wait for our own transaction
    accounts.count_attempt(**tried)
    return tried


def _self() -> Actor:
    return Actor(user_id=current_person().id, role=Role.STAFF)


def _leave() -> AnyResponse:
    """Go to the sign-in page, and clear what this browser kept."""
    browser.stop()
    response = redirect(url_for("auth.sign_in"), 303)
    response.headers["Clear-Site-Data"] = '"cache", "cookies", "storage"'
    return response
