"""The trash: keeping for good, and removing for good."""

from flask import Response, url_for
from werkzeug.wrappers import Response as AnyResponse

from portal.extensions import db
from portal.services import trash
from portal.web.access import allow
from portal.web.page import done
from portal.web.purging import purge_if_named, show_purge
from portal.web.scope import actor
from portal.web.trash.acts import find_act, find_line
from portal.web.trash.routes import bp
from portal.words import _


@bp.get("/<int:deletion_id>/purge")
@allow("owner")
def preview_purge(deletion_id: int) -> Response:
    """Show what would be gone for good, and ask for the name."""
    return show_purge(find_line(deletion_id))


@bp.post("/<int:deletion_id>/purge")
@allow("owner")
def purge(deletion_id: int) -> Response | AnyResponse:
    """Remove it for good, once the name was typed."""
    return purge_if_named(find_line(deletion_id))


@bp.post("/<int:deletion_id>/hold")
@allow("owner")
def hold(deletion_id: int) -> Response | AnyResponse:
    """Keep it in the trash until somebody lifts the hold."""
    trash.hold(find_act(deletion_id), by=actor())
    db.session.commit()
    return done(_("On hold: it stays in the trash."), to=url_for("trash.show", deletion_id=deletion_id))


@bp.post("/<int:deletion_id>/hold/end")
@allow("owner")
def release(deletion_id: int) -> Response | AnyResponse:
    """Let its time run again."""
    trash.release(find_act(deletion_id), by=actor())
    db.session.commit()
    return done(_("The hold is lifted."), to=url_for("trash.show", deletion_id=deletion_id))
