"""Owners: only an owner lets another one go."""

from flask import Response, url_for
from werkzeug.wrappers import Response as AnyResponse

from portal.extensions import db
from portal.models.merchant import MerchantOwner
from portal.services import merchants
from portal.web.access import allow
from portal.web.page import page
from portal.web.removal import asked_reason, find_living, removed, show_preview
from portal.web.scope import actor, current_merchant, current_person, now
from portal.web.team import shown
from portal.web.team.routes import LOCKED_OUT, bp
from portal.words import _, later

LAST = later("This is the last owner. Invite another owner first.")


@bp.get("/owners/<int:owner_id>/deletion")
@allow("owner")
def preview_owner_deletion(owner_id: int) -> Response:
    """Show what taking the ownership away would do."""
    owner = find_living(MerchantOwner, owner_id)
    name = owner.user.display_name
    warnings = [LOCKED_OUT] if owner.user_id == current_person().id else []
    if len(shown.owners()) == 1:
        return page("team/last_owner.html", owner=owner, sentence=LAST)
    return show_preview(
        owner,
        action=url_for("team.delete_owner", owner_id=owner_id),
        cancel_href=url_for("team.index"),
        list_href=url_for("team.index"),
        title=_("Remove %(name)s as an owner?", name=name),
        intro=_(
            "%(name)s is signed out and no longer owns %(merchant)s.",
            name=name,
            merchant=current_merchant().name,
        ),
        warnings=warnings,
        confirm_label=_("Remove owner"),
    )


@bp.post("/owners/<int:owner_id>/deletion")
@allow("owner")
def delete_owner(owner_id: int) -> Response | AnyResponse:
    """Take a person's ownership away; the last owner stays."""
    owner = find_living(MerchantOwner, owner_id)
    name = _("%(name)s as an owner", name=owner.user.display_name)
    act = merchants.remove_owner(owner, by=actor(), now=now(), reason=asked_reason())
    db.session.commit()
    return removed(act, name, to=url_for("team.index"))
