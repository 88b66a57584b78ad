"""The audit log: who did what, to read and to take away."""

from flask import Blueprint, Response

from portal.services import history
from portal.web.access import allow
from portal.web.audit import shown
from portal.web.days import refuse_wrong_days
from portal.web.listing import conditions_of, csv_file
from portal.web.page import page
from portal.web.scope import current_merchant

bp = Blueprint("audit", __name__, url_prefix="/m/<merchant>/audit")


@bp.get("/")
@allow("owner")
def index() -> Response:
    """List what was done, newest first."""
    listing = shown.listed()
    status = 422 if listing.extra["wrong_days"] else 200
    return page("audit/index.html", status, listing=listing, offered=shown.offered())


@bp.get("/export.csv")
@allow("owner")
def export() -> Response:
    """Hand out what the list shows as a CSV file, in its order."""
    refuse_wrong_days(shown.filters(), "from", "to")
    conditions = conditions_of(shown.chosen(shown.filters()))
    rows = history.exported(current_merchant(), where=conditions, oldest_first=shown.is_turned())
    return csv_file(rows, f"{current_merchant().subdomain}-audit")
