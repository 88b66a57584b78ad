"""The doors of cards: see, take away as a file."""

from flask import Blueprint, Response

from portal.extensions import db
from portal.models.loyalty_program import LoyaltyProgram
from portal.services import order_exports
from portal.web.access import allow
from portal.web.cards import detail, shown
from portal.web.listing import conditions_of, csv_file
from portal.web.page import page
from portal.web.scope import current_merchant, now

bp = Blueprint("cards", __name__, url_prefix="/m/<merchant>/cards")


@bp.get("/")
@allow("manager")
def index() -> Response:
    """List the cards."""
    return page("cards/index.html", **shown.listed())


@bp.get("/export.csv")
@allow("owner")
def export() -> Response:
    """Hand out what the list shows as a CSV file."""
    merchant = current_merchant()
    program = db.session.scalar(LoyaltyProgram.of(merchant))
    where = conditions_of(shown.chosen(program))
    return csv_file(order_exports.cards(merchant, now=now(), where=where), f"{merchant.subdomain}-cards")


@bp.get("/<int:card_id>")
@allow("manager")
def show(card_id: int) -> Response:
    """Show one card: how it stands, why, and what can be done with it."""
    return page("cards/show.html", **detail.shown(card_id))
