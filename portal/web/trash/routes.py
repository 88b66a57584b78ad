"""The trash: looking, and bringing back."""

from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response as AnyResponse

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models.deletion import Deletion
from portal.models.records import AuditEntry
from portal.services import exports, trash
from portal.web import errors
from portal.web.access import allow
from portal.web.answers import never_store
from portal.web.listing import conditions_of, csv_file
from portal.web.page import done, go, page
from portal.web.scope import actor, current_merchant, find, now
from portal.web.trash import acts, detail, obstacles
from portal.web.under_way import finish_some

bp = Blueprint("trash", __name__, url_prefix="/m/<merchant>/trash")


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
    line = acts.find_line(deletion_id)
    return _unless_moving(page("trash/show.html", **detail.of(line)), [line.act])


@bp.post("/<int:deletion_id>/restoration")
@allow("manager")
def restore(deletion_id: int) -> Response | AnyResponse:
    """Bring back what the act took, with new values where old ones are taken."""
    line = acts.find_line(deletion_id)
    values = obstacles.asked_values()
    seen = trash.preview_restore(line.act, by=actor())
    empty = obstacles.emptied(seen.clashes, values)
    if empty:
        return _ask_again(line, 422, seen, empty)
    trash.restore(
        line.act,
        by=actor(),
        now=now(),
        overrides=values,
        with_owners=bool(request.form.get("together")),
        replace_holder=bool(request.form.get("replace")),
    )
    return _restored(line, to=url_for("trash.index"))


# A name of its own: links to `restore` must find the address a form can post to.
bp.add_url_rule("/<int:deletion_id>", "put_back", restore, methods=["PUT"])


@bp.post("/<int:deletion_id>/undo")
@allow("manager")
def undo(deletion_id: int) -> Response | AnyResponse:
    """Take a deletion back at once; what stands in the way is shown on the act's own page."""
    line = acts.find_line(deletion_id)
    trash.restore(line.act, by=actor(), now=now())
    return _restored(line, to=_came_from())


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
    """Bring several acts back, all or nothing, and say so."""
    trash.restore_many(batch, by=actor(), now=now())
    db.session.commit()
    many = f"{len(batch):,} deletions" if len(batch) > 1 else acts.Line(batch[0], "").name
    return done(f"Restored {many}.", to=to)


@bp.errorhandler(Conflict)
def in_the_way(error: Conflict) -> Response | AnyResponse:
    """Show what stands in the way, with a form where one can help."""
    db.session.rollback()
    deletion_id = (request.view_args or {}).get("deletion_id")
    if error.code not in ("owner_deleted", "value_taken") or deletion_id is None:
        return errors.refused(error)
    if request.endpoint == "trash.undo":
        return go(url_for("trash.show", deletion_id=deletion_id))
    line = acts.find_line(deletion_id)
    seen = trash.preview_restore(line.act, by=actor())
    typed = obstacles.asked_values()
    taken = {c.key: f"“{typed[c.key]}” is taken too." for c in error.conflicts if typed.get(c.key)}
    if seen.blocked_by and error.conflicts and not taken:  # it is the owner that cannot come back
        return go(url_for("trash.show", deletion_id=seen.blocked_by.id))
    return _ask_again(line, 409, seen, taken)


@bp.errorhandler(Refused)
def bad_value(error: Refused) -> Response | AnyResponse:
    """Show a new value that the noun refuses beside its field."""
    field = str(error.details.get("field", ""))
    wrong = {name: error.message for name in obstacles.asked_values() if name.endswith(f"-{field}")}
    deletion_id = (request.view_args or {}).get("deletion_id")
    if deletion_id is None or not field or not wrong:
        return errors.refused(error)
    db.session.rollback()
    line = acts.find_line(deletion_id)
    return _ask_again(line, 422, trash.preview_restore(line.act, by=actor()), wrong)


def _ask_again(line: acts.Line, status: int, seen: trash.RestorePreview, wrong: dict[str, str]) -> Response:
    restore = obstacles.sheet(line, seen, errors=wrong)
    return page("trash/conflicts.html", status, restore=restore)


def _restored(line: acts.Line, *, to: str) -> Response | AnyResponse:
    name = line.name
    if finish_some(line.act):
        return done(f"Restored {name}.", to=to)
    return done(f"Restoring {name}. It is large and goes on by itself.", to=to)


def _unless_moving(answer: Response, shown: list[Deletion]) -> Response:
    """Keep a page about something in progress out of the cache: no audit entry tells that it moved."""
    return never_store(answer) if any(act.is_unfinished for act in shown) else answer


def _came_from() -> str:
    """The page the person was on, if it was one of ours."""
    parts = urlsplit(request.referrer or "")
    if parts.netloc != request.host or not parts.path.startswith("/m/"):
        return url_for("trash.index")
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
