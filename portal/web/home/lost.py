"""Businesses in the trash: their owners look, bring back, keep and purge. Their portals are gone."""

from typing import Any

from flask import Blueprint, Response, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response as AnyResponse

from portal.extensions import db
from portal.models.merchant import Merchant
from portal.services import trash
from portal.web.access import allow
from portal.web.deletions import Line, grown
from portal.web.home.owned import Lost, enter_lost, lost_of
from portal.web.page import done, page
from portal.web.purging import purge_if_named, show_purge
from portal.web.restoring import restore_as_asked, restored, sheet, show_obstacles_on
from portal.web.scope import actor, current_person, now
from portal.words import _

bp = Blueprint("lost", __name__, url_prefix="/choose/trash")
show_obstacles_on(bp, lambda deletion_id: enter_lost(deletion_id).line)


@bp.get("/")
@allow("signed_in")
def index() -> Response:
    """List the businesses in the trash that were this person's."""
    return page("lost/index.html", frame="plain", lost=lost_of(current_person()))


@bp.get("/<int:deletion_id>")
@allow("signed_in")
def show(deletion_id: int) -> Response:
    """Show what the act took, what a restore would bring and what stands in its way."""
    return page("lost/show.html", frame="plain", **_detail(enter_lost(deletion_id)))


@bp.post("/<int:deletion_id>/restoration")
@allow("signed_in")
def restore(deletion_id: int) -> Response | AnyResponse:
    """Bring the business back, with new values where old ones are taken."""
    line = enter_lost(deletion_id).line
    return restore_as_asked(line, to=lambda: _portal_of(line))


@bp.post("/<int:deletion_id>/undo")
@allow("signed_in")
def undo(deletion_id: int) -> Response | AnyResponse:
    """Take the deletion back at once; what stands in the way is shown on its own page."""
    line = enter_lost(deletion_id).line
    trash.restore(line.act, by=actor(), now=now())
    return restored(line, to=lambda: _portal_of(line))


@bp.get("/<int:deletion_id>/purge")
@allow("signed_in")
def preview_purge(deletion_id: int) -> Response:
    """Show what would be gone for good, and ask for the name."""
    return show_purge(enter_lost(deletion_id).line)


@bp.post("/<int:deletion_id>/purge")
@allow("signed_in")
def purge(deletion_id: int) -> Response | AnyResponse:
    """Remove the business for good, once its name was typed."""
    return purge_if_named(enter_lost(deletion_id).line)


@bp.post("/<int:deletion_id>/hold")
@allow("signed_in")
def hold(deletion_id: int) -> Response | AnyResponse:
    """Keep it in the trash until an owner lifts the hold."""
    trash.hold(enter_lost(deletion_id).line.act, by=actor())
    db.session.commit()
    return done(_("On hold: it stays in the trash."), to=url_for(".show", deletion_id=deletion_id))


@bp.post("/<int:deletion_id>/hold/end")
@allow("signed_in")
def release(deletion_id: int) -> Response | AnyResponse:
    """Let its time run again."""
    trash.release(enter_lost(deletion_id).line.act, by=actor())
    db.session.commit()
    return done(_("The hold is lifted."), to=url_for(".show", deletion_id=deletion_id))


def _detail(lost: Lost) -> dict[str, Any]:
    act = lost.line.act
    seen = trash.preview_restore(act, by=actor()) if act.status == "done" else None
    return {
        "merchant": lost.merchant,
        "line": lost.line,
        "act": act,
        "seen": seen,
        "tree": grown(act.root_kind, seen.brings if seen else ()),
        "restore": sheet(lost.line, seen) if seen else None,
        "is_free": bool(seen and not seen.blocked_by and not seen.clashes),
    }


def _portal_of(line: Line) -> str:
    """Address the portal of the business that just came back; its subdomain may be a new one."""
    subdomain = db.session.scalar(select(Merchant.subdomain).where(Merchant.id == line.act.root_id))
    return url_for("dashboard.index", merchant=subdomain)
