"""The trash: looking, and bringing back."""

from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response as AnyResponse

from portal.extensions import db
from portal.models.deletion import Deletion
from portal.models.records import AuditEntry
from portal.services import exports, trash
from portal.web.access import allow
from portal.web.answers import never_store
from portal.web.deletions import Line
from portal.web.listing import conditions_of, csv_file
from portal.web.page import done, page
from portal.web.restoring import restore_as_asked, restored, show_obstacles_on
from portal.web.scope import actor, current_merchant, find, now
from portal.web.trash import acts, detail
from portal.words import _, counted, how_many

bp = Blueprint("trash", __name__, url_prefix="/m/<merchant>/trash")
show_obstacles_on(bp, acts.find_line)


@bp.get("/")
@allow("manager")
def index() -> Response:
    """List what was deleted, one row per act."""
    listing = acts.listed()
    answer = page("trash/index.html", listing=listing, kinds=acts.kinds(), people=acts.people())
    return _unless_moving(answer, [line.act for line in listing.rows])


@bp.get("/export.csv")
@allow("manager")
def export() -> Response:
    """Hand out what the list shows as a CSV file."""
    rows = exports.trash(current_merchant(), where=conditions_of(acts.chosen()))
    return csv_file(rows, f"{current_merchant().subdomain}-trash")


@bp.get("/<int:deletion_id>")
@allow("manager")
def show(deletion_id: int) -> Response:
    """Show what one act took, what a restore would bring and what stands in its way."""
    line, linked = acts.find_with_linked(deletion_id)
    return _unless_moving(page("trash/show.html", **detail.of(line, linked)), [line.act])


@bp.post("/<int:deletion_id>/restoration")
@allow("manager")
def restore(deletion_id: int) -> Response | AnyResponse:
    """Bring back what the act took, with new values where old ones are taken."""
    return restore_as_asked(acts.find_line(deletion_id), to=lambda: url_for("trash.index"))


# A name of its own: links to `restore` must find the address a form can post to.
bp.add_url_rule("/<int:deletion_id>", "put_back", restore, methods=["PUT"])


@bp.post("/<int:deletion_id>/undo")
@allow("manager")
def undo(deletion_id: int) -> Response | AnyResponse:
    """Take a deletion back at once; what stands in the way is shown on the act's own page."""
    line = acts.find_line(deletion_id)
    trash.restore(line.act, by=actor(), now=now())
    return restored(line, to=_came_from)


@bp.post("/batches/<int:batch_id>/undo")
@allow("manager")
def undo_batch(batch_id: int) -> Response | AnyResponse:
    """Take back all deletions of one bulk action, all or nothing."""
    entry = find(AuditEntry, batch_id)
    ids = entry.details.get("deletion_ids", []) if entry.action.endswith(".delete_many") else []
    wanted = select(Deletion).where(Deletion.merchant_id == current_merchant().id, Deletion.id.in_(ids))
    batch = list(db.session.scalars(wanted.where(Deletion.seen_by(actor())).order_by(Deletion.id)))
    if not ids or len(batch) != len(ids):
        abort(404)
    return restore_all(batch, to=_came_from())


def restore_all(batch: list[Deletion], *, to: str) -> Response | AnyResponse:
    """Bring several acts back, all or nothing but for merged records, and say so."""
    merged = trash.restore_many(batch, by=actor(), now=now())
    db.session.commit()
    words, back = counted("deletion", "deletions"), [act for act in batch if act not in merged]
    many = how_many(words, len(back)) if len(back) > 1 else Line(back[0], "").name
    said = _("Restored %(thing)s.", thing=many)
    return done(f"{said} {acts.stay([Line(act, '') for act in merged])}".strip(), to=to)


def _unless_moving(answer: Response, shown: list[Deletion]) -> Response:
    """Keep a page about something in progress out of the cache: no audit entry tells that it moved."""
    return never_store(answer) if any(act.is_unfinished for act in shown) else answer


def _came_from() -> str:
    """The page the person was on, if it was one of ours."""
    parts = urlsplit(request.referrer or "")
    if parts.netloc != request.host or not parts.path.startswith("/m/"):
        return url_for("trash.index")
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
