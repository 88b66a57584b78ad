"""Signing in and out, and the password."""

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from portal.extensions import db
from portal.models.actor import Actor, Role
from portal.services import accounts, sessions
from portal.web import sessions as browser
from portal.web.access import allow
from portal.web.answers import never_store
from portal.web.auth.forms import PasswordForm, SignInForm
from portal.web.browsers import agent
from portal.web.page import done, page
from portal.web.scope import current_person, now
from portal.words import _

bp = Blueprint("auth", __name__)


@bp.get("/login")
@allow("anyone")
def sign_in() -> Response | AnyResponse:
    """Ask who it is."""
    if current_user.is_authenticated:
        return redirect(_next())
    return never_store(page("auth/sign_in.html", frame="plain", form=SignInForm(), next=_asked_next()))


@bp.post("/login")
@allow("anyone")
def create_session() -> Response | AnyResponse:
    """Check the password and sign the browser in."""
    form = SignInForm()
    login, password = form.login.data or "", form.password.data or ""
    address = request.remote_addr or ""
    accounts.count_attempt(login, address=address, now=now())
    where: dict[str, Any] = {"address": address, "agent": agent()}
    signed_in = form.carry_out(lambda: accounts.sign_in(login, password, now=now(), **where))
    if signed_in is None:
        return never_store(page("auth/sign_in.html", 422, frame="plain", form=form, next=_asked_next()))
    if current_user.is_authenticated:  # this browser was somebody else until now
        sessions.end_session(current_user.login_session, now=now())
    db.session.commit()
    target = _next()
    browser.start(*signed_in)
    return redirect(target, 303)


@bp.post("/logout")
@allow("anyone")
def sign_out() -> AnyResponse:
    """End this browser's session, and clear what it kept."""
    if current_user.is_authenticated:
        sessions.end_session(current_user.login_session, now=now())
        db.session.commit()
    browser.stop()
    response = redirect(url_for("auth.sign_in"), 303)
    response.headers["Clear-Site-Data"] = '"cache", "cookies", "storage"'
    return response


@bp.get("/password")
@allow("signed_in")
def password() -> Response:
    """Ask for the current and the new password."""
    return never_store(page("auth/password.html", frame="plain", form=PasswordForm()))


@bp.post("/password")
@allow("signed_in")
def change_password() -> Response | AnyResponse:
    """Change the password; other browsers are signed out."""
    form, person = PasswordForm(), current_person()
    words: dict[str, Any] = {"current": form.current.data or "", "new": form.new.data or "", "agent": agent()}
    name = f"person {person.id}"
    db.session.rollback()  # SQLite has one writer: counting would wait for our own transaction
    accounts.count_attempt(name, address=request.remote_addr or "", now=now())
    secret = form.carry_out(lambda: accounts.change_password(person, **words, by=_self(), now=now()))
    if secret is None:
        return never_store(page("auth/password.html", 422, frame="plain", form=form))
    db.session.commit()
    browser.start(person, secret)
    return done(_("Your password is changed. Other browsers are signed out."), to=url_for("home.index"))


def _self() -> Actor:
    return Actor(user_id=current_person().id, role=Role.STAFF)


def _asked_next() -> str:
    """Where to go after: a path on this host only."""
    asked = request.values.get("next", "")
    parts = urlsplit(asked)
    here = asked.startswith("/") and not asked.startswith(("//", "/\\")) and not parts.netloc
    return asked if here and asked.isprintable() and "\\" not in asked else ""


def _next() -> str:
    return _asked_next() or url_for("home.index")
