"""The doors of refunds: ask, look at what it would do, do it."""

from typing import NamedTuple

from flask import Response, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from portal.extensions import db
from portal.services import orders
from portal.services.ledger.sentences import signed
from portal.services.orders import Refunded
from portal.web.access import allow
from portal.web.filters import money
from portal.web.orders import detail
from portal.web.orders.forms import RefundForm
from portal.web.orders.routes import bp
from portal.web.page import done, is_htmx, page
from portal.words import _, ngettext, number


class Told(NamedTuple):
    """What a refund would do, in words."""

    made: Refunded

    @property
    def money(self) -> str:
        """How much goes back."""
        return money(self.made.refund.amount_cents)

    @property
    def points(self) -> str:
        """What it moves on the card: −5 points, 14 stay on the card."""
        rows = self.made.posting.rows if self.made.posting else []
        if not rows:
            return ""
        left = number(rows[-1].points_after)
        moved = signed(self.made.points)
        return _("%(moved)s points; the card has %(left)s then.", moved=moved, left=left)

    @property
    def reasons(self) -> list[str]:
        """Why fewer points go than came."""
        told = []
        if gone := self.made.expired:
            told.append(ngettext("%(num)s had expired already", "%(num)s had expired already", gone))
        if gift := self.made.forgiven:
            told.append(
                ngettext("%(num)s is missing and is forgiven", "%(num)s are missing and are forgiven", gift)
            )
        return told


@bp.get("/<int:order_id>/refunds/new")
@allow("manager")
def new_refund(order_id: int) -> Response:
    """Ask what goes back."""
    order = detail.opened(order_id)
    if not order.left.left_cents:
        title = _("Refund order %(number)s", number=order.order.number)
        said = _("Nothing of this order is left to be refunded.")
        return page("shared/over.html", title=title, said=said, here=order.href)
    return page("orders/refund.html", page=order, form=_form(order))


@bp.post("/<int:order_id>/refunds/preview")
@allow("manager")
def preview_refund(order_id: int) -> Response:
    """Say what the refund would do; nothing is written."""
    order = detail.opened(order_id)
    form = _form(order)
    made = _tried(order, form)
    told = Told(made) if made else None
    db.session.rollback()
    template = "orders/_told.html" if is_htmx() else "orders/refund.html"
    return page(template, 200 if made else form.status, page=order, form=form, told=told, is_asked=True)


@bp.post("/<int:order_id>/refunds")
@allow("manager")
def refund(order_id: int) -> Response | AnyResponse:
    """Give money back, and take back the points it earned."""
    order = detail.opened(order_id)
    form, sold, store_id = _form(order), order.order, order.order.store_id
    made = form.carry_out(lambda: orders.refund_order(sold, visit=form.visit(store_id), **form.details()))
    if made is None:
        return page("orders/refund.html", form.status, page=order, form=form)
    said = said_of(made)
    db.session.commit()
    return done(said, to=url_for("orders.show", order_id=order_id))


def said_of(made: Refunded) -> str:
    """Say what was done: Refunded €10.00, −10 points."""
    amount = money(made.refund.amount_cents)
    if not made.points:
        return _("Refunded %(money)s.", money=amount)
    return _("Refunded %(money)s, %(points)s points.", money=amount, points=signed(made.points))


def _form(order: detail.Page) -> RefundForm:
    return RefundForm(page=order, typed=request.form)


def _tried(order: detail.Page, form: RefundForm) -> Refunded | None:
    sold = order.order
    return form.carry_out(
        lambda: orders.preview_refund(sold, visit=form.visit(sold.store_id), **form.details())
    )
