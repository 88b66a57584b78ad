"""Bringing several deletions back at once."""

from flask import Response, url_for
from sqlalchemy import Select
from werkzeug.wrappers import Response as AnyResponse

from portal.extensions import db
from portal.models.deletion import Deletion
from portal.web.access import allow
from portal.web.listing import beyond_one_action, ids_chosen, refuse_to_do_nothing
from portal.web.page import page
from portal.web.trash.acts import chosen, line_of, stay
from portal.web.trash.routes import bp, restore_all
from portal.words import _

EXAMPLES = 8


@bp.post("/restoration/preview")
@allow("manager")
def preview_restorations() -> Response:
    """Show which deletions would be taken back."""
    query = _waiting()
    found = query.where(Deletion.id.in_(_chosen(query))).order_by(Deletion.id.desc())
    chosen_lines = [line_of(row) for row in db.session.execute(found)]
    lines = [line for line in chosen_lines if line.survivor_id is None]
    stays = stay([line for line in chosen_lines if line.survivor_id is not None])
    if not lines:
        refuse_to_do_nothing(stays, url_for("trash.index"), "kind", "person", "from", "to")
    beyond = beyond_one_action(query, Deletion.id)
    ids = [line.act.id for line in lines]
    return page("trash/restore.html", ids=ids, lines=lines[:EXAMPLES], beyond=beyond, stays=stays)


@bp.post("/restoration")
@allow("manager")
def restore_many() -> Response | AnyResponse:
    """Take several deletions back, all or nothing; records that were merged are left where they are."""
    query = _waiting()
    mine = query.where(Deletion.id.in_(_chosen(query))).with_only_columns(Deletion).order_by(Deletion.id)
    return restore_all(list(db.session.scalars(mine)), to=url_for("trash.index"))


def _waiting() -> Select[Deletion]:
    return chosen().where(Deletion.status == "done")


def _chosen(query: Select[Deletion]) -> list[int]:
    ids = ids_chosen(query, Deletion.id)
    if not ids:
        refuse_to_do_nothing(
            _("Choose at least one deletion."), url_for("trash.index"), "kind", "person", "from", "to"
        )
    return ids
