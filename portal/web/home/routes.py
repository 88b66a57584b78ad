"""The start: to one's merchant, or to a choice of them."""

from flask import Blueprint, Response, redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from portal.web.access import allow
from portal.web.home.owned import lost_merchants
from portal.web.page import page
from portal.web.scope import current_person, merchants_of

bp = Blueprint("home", __name__)


@bp.get("/")
@allow("signed_in")
def index() -> Response | AnyResponse:
    """Lead to the person's merchant, or to the chooser."""
    merchants = merchants_of(current_person())
    if len(merchants) == 1:
        return redirect(url_for("dashboard.index", merchant=merchants[0].subdomain))
    return redirect(url_for("home.chooser"))


@bp.get("/choose")
@allow("signed_in")
def chooser() -> Response:
    """Let people with several merchants choose one, and find what they own in the trash."""
    merchants, lost = merchants_of(current_person()), lost_merchants(current_person())
    return page("home/chooser.html", frame="plain", merchants=merchants, lost=lost)
