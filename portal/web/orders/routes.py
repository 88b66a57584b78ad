"""The doors of orders: see, take away as a file, delete."""

from flask import Blueprint, Response, url_for
from werkzeug.wrappers import Response as AnyResponse

from portal.extensions import db
from portal.models.order import Order
from portal.services import order_exports, orders
from portal.services.trash.names import named
from portal.web.access import allow
from portal.web.days import refuse_wrong_days
from portal.web.listing import conditions_of, csv_file
from portal.web.orders import detail, shown
from portal.web.page import page
from portal.web.removal import asked_reason, back_to, find_living, removed, show_preview
from portal.web.scope import actor, current_merchant, now

bp = Blueprint("orders", __name__, url_prefix="/m/<merchant>/orders")


@bp.get("/")
@allow("manager")
def index() -> Response:
    """List the orders of their stores."""
    return page("orders/index.html", **shown.listed())


@bp.get("/export.csv")
@allow("manager")
def export() -> Response:
    """Hand out what the list shows as a CSV file."""
    refuse_wrong_days(shown.filters(), "from", "to")
    rows = order_exports.orders(current_merchant(), where=conditions_of(shown.chosen()))
    return csv_file(rows, f"{current_merchant().subdomain}-orders")


@bp.get("/<int:order_id>")
@allow("manager")
def show(order_id: int) -> Response:
    """Show one order: its lines, what it earned, what went back."""
    return page("orders/show.html", page=detail.opened(order_id))


@bp.get("/<int:order_id>/deletion")
@allow("manager")
def preview_deletion(order_id: int) -> Response:
    """Show what deleting the order would take, or what has to be done first."""
    order = find_living(Order, order_id)
    here = url_for("orders.show", order_id=order_id)
    if orders.is_live(order):
        return page("orders/still_live.html", order=order, here=here)
    action = url_for("orders.delete", order_id=order_id)
    return show_preview(order, action=action, cancel_href=here, list_href=url_for("orders.index"))


@bp.post("/<int:order_id>/deletion")
@allow("manager")
def delete(order_id: int) -> Response | AnyResponse:
    """Put the order in the trash."""
    order = find_living(Order, order_id)
    name = named("orders", order.number)
    act = orders.delete_order(order, by=actor(), now=now(), reason=asked_reason())
    db.session.commit()
    return removed(act, name, to=back_to(url_for("orders.index")))
