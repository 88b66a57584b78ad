"""The settings of a merchant: its data, how long it keeps its trash, and its end."""

from flask import Blueprint, Response, flash, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from portal.extensions import db
from portal.models.merchant import Merchant
from portal.models.text import fold
from portal.services import merchants
from portal.web.access import allow
from portal.web.page import done, go, page
from portal.web.removal import asked_reason, show_preview
from portal.web.scope import actor, current_merchant, now
from portal.web.settings import shown
from portal.web.settings.forms import BusinessForm, KeepingForm
from portal.web.under_way import finish_some
from portal.words import _

bp = Blueprint("settings", __name__, url_prefix="/m/<merchant>/settings")


@bp.get("/")
@allow("owner")
def business() -> Response:
    """Show what the business is called, where it is and how it writes."""
    return _ask_business(BusinessForm(merchant=current_merchant()))


@bp.post("/")
@allow("owner")
def change_business() -> Response | AnyResponse:
    """Change it; a new address of the portal is gone to at once."""
    merchant, form = current_merchant(), BusinessForm(merchant=current_merchant())
    before = merchant.subdomain
    changed = form.carry_out(lambda: merchants.change_merchant(merchant, by=actor(), **form.details()))
    if changed is None:
        return _ask_business(form)
    db.session.commit()
    flash(_saved(merchant, before, changed), "plain")
    return go(url_for("settings.business", merchant=merchant.subdomain))


@bp.get("/trash")
@allow("owner")
def keeping() -> Response:
    """Show how long the trash keeps what is deleted, and what that means."""
    return _ask_days(KeepingForm(obj=current_merchant()))


@bp.post("/trash")
@allow("owner")
def change_keeping() -> Response | AnyResponse:
    """Keep what is deleted from now on longer, shorter or for ever."""
    merchant, form = current_merchant(), KeepingForm(obj=current_merchant())
    changed = form.carry_out(lambda: merchants.change_merchant(merchant, by=actor(), **form.details()))
    if changed is None:
        return _ask_days(form)
    db.session.commit()
    return done(_saved(merchant, merchant.subdomain, changed), to=url_for("settings.keeping"))


@bp.get("/trash/meaning")
@allow("owner")
def meaning() -> Response:
    """Say what a number of days means while it is typed."""
    form = KeepingForm(request.args, meta={"csrf": False})
    return page("settings/meaning.html", meaning=shown.meaning(form.days))


@bp.get("/closing")
@allow("owner")
def closing() -> Response:
    """Say what deleting the business means, before anybody is asked for its name."""
    return page("settings/closing.html")


@bp.get("/deletion")
@allow("owner")
def preview_deletion() -> Response:
    """Show what deleting the business would take, and ask for its name."""
    return _preview(current_merchant())


@bp.post("/deletion")
@allow("owner")
def delete() -> Response | AnyResponse:
    """Put the whole business in the trash, once its name was typed."""
    merchant = current_merchant()
    if fold(request.form.get("typed_name", "")) != fold(merchant.name):
        return _preview(merchant, _("This is not the name. Type it as shown."))
    name = merchant.name
    act = merchants.delete_merchant(merchant, by=actor(), now=now(), reason=asked_reason())
    undo_href = url_for("lost.undo", deletion_id=act.id)
    finish_some(act)
    message = _("Deleted the business %(name)s.", name=name)
    flash({"message": message, "undo_href": undo_href}, "undo")  # type: ignore[arg-type]  # JSON
    return go(url_for("home.chooser"))


def _ask_business(form: BusinessForm) -> Response:
    return page("settings/business.html", form.status, form=form, now=now())


def _ask_days(form: KeepingForm) -> Response:
    meaning = shown.meaning(form.days)
    return page(
        "settings/keeping.html", form.status, form=form, lying=shown.lying(), meaning=meaning, days=form.days
    )


def _preview(merchant: Merchant, error: str = "") -> Response:
    answer = show_preview(
        merchant,
        action=url_for("settings.delete"),
        cancel_href=url_for("settings.closing"),
        list_href=url_for("settings.closing"),
        title=_("Delete the business %(name)s?", name=merchant.name),
        warnings=[_("Its portal stops at once, for everybody. Managers and staff are signed out.")],
        reason=asked_reason() or "",
        typed_name=merchant.name,
        typed_error=error,
    )
    answer.status_code = 422 if error else 200
    return answer


def _saved(merchant: Merchant, before: str, changed: list[str]) -> str:
    if merchant.subdomain != before:
        return _("Saved. The portal is now at /m/%(subdomain)s/.", subdomain=merchant.subdomain)
    return _("Saved.") if changed else _("Nothing differs; nothing was changed.")
