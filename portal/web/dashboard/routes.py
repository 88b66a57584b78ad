"""The dashboard: where a merchant's people arrive."""

from flask import Blueprint, Response, flash, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from portal.web.access import allow
from portal.web.dashboard import shown, trend
from portal.web.page import page
from portal.words import _

bp = Blueprint("dashboard", __name__, url_prefix="/m/<merchant>")


@bp.get("/")
@allow("staff")
def index() -> Response | AnyResponse:
    """Show how things stand, and what happened lately."""
    seen = shown.gathered()
    if seen is None:  # the store in the address is gone, or not theirs
        flash(_("That store is not there any more: these are the figures of all."), "plain")
        return redirect(url_for("dashboard.index", range=request.args.get("range")))
    return page("dashboard/index.html", **seen)


@bp.get("/lately")
@allow("owner")
def lately() -> Response:
    """Tell what happened last; the dashboard fetches it, for it is long to gather."""
    return page("dashboard/lately.html", lately=shown.lately())


@bp.get("/trend")
@allow("manager")
def by_day() -> Response:
    """Draw points issued and redeemed day by day; the dashboard fetches it, for it reads many movements."""
    return page("dashboard/trend.html", **trend.trend())
