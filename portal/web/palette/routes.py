"""The door of the palette."""

from flask import Blueprint, render_template
from werkzeug.wrappers import Response

from portal.web.access import allow
from portal.web.page import is_htmx, page
from portal.web.palette.found import Search

bp = Blueprint("palette", __name__, url_prefix="/m/<merchant>/palette")


@bp.get("")
@allow("staff")
def index() -> Response | str:
    """Find places, commands and things: a page of its own, or a piece of the palette."""
    search = Search.asked()
    if is_htmx():
        return render_template("palette/_found.html", search=search)
    return page("palette/index.html", search=search)
