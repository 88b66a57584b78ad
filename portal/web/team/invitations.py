"""Inviting people to the team by a link."""

from flask import Response, abort, current_app, url_for
from werkzeug.wrappers import Response as AnyResponse

from portal.extensions import db
from portal.models.invitation import Invitation
from portal.models.store import Store
from portal.services import team
from portal.web.access import allow
from portal.web.answers import never_store
from portal.web.page import done, page
from portal.web.removal import find_living
from portal.web.scope import actor, current_merchant, find, now
from portal.web.team import shown
from portal.web.team.forms import InvitationForm
from portal.web.team.routes import bp
from portal.words import _


@bp.get("/invitations/new")
@allow("manager")
def new_invitation() -> Response:
    """Ask whom to invite."""
    return page("team/invite.html", form=InvitationForm(stores=shown.stores()))


@bp.post("/invitations")
@allow("manager")
def create_invitation() -> Response:
    """Invite a person; the link is shown now and never again."""
    form = InvitationForm(stores=shown.stores())
    made = form.carry_out(
        lambda: team.invite(
            current_merchant(),
            display_name=form.display_name.data or "",
            email=form.email.data,
            role=form.role.data,
            store=_store(form),
            by=actor(),
            now=now(),
        )
    )
    if made is None:
        return page("team/invite.html", form.status, form=form)
    db.session.commit()
    return _link(*made)


@bp.post("/invitations/<int:invitation_id>/revocation")
@allow("manager")
def revoke(invitation_id: int) -> Response | AnyResponse:
    """Make the link of an invitation stop working."""
    invitation = find(Invitation, invitation_id)
    if not actor().works_in(invitation.store_id):
        abort(404)
    team.revoke_invitation(invitation, by=actor(), now=now())
    db.session.commit()
    message = _("The invitation of %(name)s does not work any more.", name=invitation.display_name)
    return done(message, to=url_for("team.index"))


def _store(form: InvitationForm) -> Store | None:
    """An owner works in no one store, whatever was chosen."""
    if form.role.data == "owner" or form.store_id is None:
        return None
    return find_living(Store, form.store_id)


def _link(invitation: Invitation, token: str) -> Response:
    link = current_app.config["PUBLIC_URL"] + url_for("auth.invitation", token=token)
    answer = page("team/invited.html", invitation=invitation, link=link)
    answer.headers["HX-Trigger"] = "list:changed"
    return never_store(answer)
