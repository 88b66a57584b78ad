"""The poster of a store: a page to print, with the code customers scan to join."""

from urllib.parse import quote, urlsplit

import segno
from flask import Response, current_app, request
from markupsafe import Markup

from portal.extensions import db
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.store import Store
from portal.web.access import allow
from portal.web.page import page
from portal.web.removal import find_living
from portal.web.scope import current_merchant
from portal.web.stores.routes import bp
from portal.words import _, later

PAPERS = ("A4", "A5", "A6")
CALLS = {
    "stamps": later("Collect stamps with every visit"),
    "points": later("Collect points with every visit"),
    "hybrid": later("Collect stamps and points with every visit"),
}
ON_THIS_COMPUTER = ("127.0.0.1", "localhost", "::1")


@bp.get("/<int:store_id>/poster")
@allow("staff")
def poster(store_id: int) -> Response:
    """Show the poster of a store, on the paper that was chosen."""
    store = find_living(Store, store_id)
    program = db.session.scalar(LoyaltyProgram.of(current_merchant()))
    address = join_address(store)
    return page(
        "stores/poster.html",
        store=store,
        program=program,
        call=call_of(program),
        address=address,
        code=drawn(address),
        is_only_here=urlsplit(address).hostname in ON_THIS_COMPUTER,
        paper=chosen_paper(),
        papers=PAPERS,
    )


def join_address(store: Store) -> str:
    """Where customers join at this store."""
    return f"{current_app.config['PUBLIC_URL']}/j/{quote(store.join_code, safe='')}"


def call_of(program: LoyaltyProgram | None) -> str:
    """What the poster promises, by the kind of program."""
    return str(CALLS[program.loyalty_type]) if program else _("Join our loyalty program")


def drawn(address: str) -> Markup:
    """Draw the code as a picture that prints sharp: black on white, read with a quarter of it covered."""
    code = segno.make(address, error="q", boost_error=False, micro=False)
    picture = code.svg_inline(
        border=4, dark="#000", light="#fff", omitsize=True, svgclass="qr", lineclass=None
    )
    return Markup(picture)  # noqa: S704 - drawn by us; the address is in its dots alone


def chosen_paper() -> str:
    """Read the paper from the address; A4 unless it is one of ours."""
    asked = request.args.get("paper", "").upper()
    return asked if asked in PAPERS else PAPERS[0]
