"""Removing several team members at once."""

from typing import Any

from flask import Response, url_for
from sqlalchemy import Select
from werkzeug.wrappers import Response as AnyResponse

from portal.extensions import db
from portal.models.store_user import StoreUser
from portal.models.user import User
from portal.services import team
from portal.web.access import allow
from portal.web.listing import as_filtered, beyond_one_action, ids_chosen, refuse_to_do_nothing
from portal.web.page import page, preview_context
from portal.web.removal import asked_reason, back_to, removed_many
from portal.web.scope import actor, current_merchant, current_person, now
from portal.web.team import shown
from portal.web.team.routes import LOCKED_OUT, bp
from portal.words import _, counted, how_many, word_for

EXAMPLES = 3
NOUNS = counted("team member", "team members")


@bp.post("/deletion/preview")
@allow("manager")
def preview_deletions() -> Response:
    """Show whom a bulk removal would take out."""
    query = shown.changeable()
    ids = _chosen(query)
    those = query.where(StoreUser.id.in_(ids)).order_by(User.name_key, StoreUser.id)
    names = list(db.session.scalars(those.with_only_columns(User.display_name).limit(EXAMPLES)))
    mine = those.where(StoreUser.user_id == current_person().id).with_only_columns(StoreUser.id)
    warnings = [LOCKED_OUT] if db.session.scalar(mine) else []
    if beyond := beyond_one_action(query, StoreUser.id):
        warnings.append(beyond)
    return page("shared/deletion.html", preview=_preview(ids, names, warnings))


@bp.post("/deletion")
@allow("manager")
def delete_many() -> Response | AnyResponse:
    """Take several people out of the team, with one Undo for all."""
    ids = _chosen(shown.changeable())
    chosen = StoreUser.of(current_merchant()).where(StoreUser.id.in_(ids)).order_by(StoreUser.id)
    members = list(db.session.scalars(chosen))
    acts = team.remove_members(members, by=actor(), now=now(), reason=asked_reason())
    answer = removed_many(acts, how_many(NOUNS, len(acts)), to=back_to(url_for("team.index")))
    db.session.commit()
    return answer


def _chosen(query: Select[Any]) -> list[int]:
    ids = ids_chosen(query, StoreUser.id)
    if not ids:
        nobody = _("Choose at least one team member whom you may remove.")
        refuse_to_do_nothing(nobody, url_for("team.index"), "store", "role")
    return ids


def _preview(ids: list[int], names: list[str], warnings: list[str]) -> dict[str, Any]:
    back = as_filtered(url_for("team.index"), "store", "role")
    taken = {
        "count": len(ids),
        "label": word_for(NOUNS, len(ids)),
        "examples": names,
        "more": len(ids) - len(names),
    }
    return preview_context(
        {
            "title": _("Remove %(thing)s?", thing=how_many(NOUNS, len(ids))),
            "action": url_for("team.delete_many"),
            "cancel_href": back,
            "intro": _("They are signed out and no longer work in these stores. All can be brought back."),
            "takes": [taken],
            "warnings": warnings,
            # One field: a form of a thousand fields is refused.
            "fields": [("ids", ",".join(map(str, ids))), ("back", back)],
            "confirm_label": _("Remove"),
        }
    )
