"""The doors by which an owner erases a person for good."""

from typing import Any

from flask import Response, abort, current_app, flash, url_for
from werkzeug.wrappers import Response as AnyResponse

from portal.extensions import db
from portal.models.customer import Customer
from portal.services.erasing import erase_customer
from portal.web.access import allow
from portal.web.customers import pairing
from portal.web.customers.forms import ErasureForm
from portal.web.customers.routes import bp
from portal.web.page import go, page
from portal.web.scope import find
from portal.words import _


@bp.get("/<int:customer_id>/erasure")
@allow("owner")
def preview_erasure(customer_id: int) -> Response:
    """Show exactly what goes and what stays."""
    customer = _there(customer_id)
    return page("customers/erasure.html", **_told(customer, ErasureForm(name=customer.name)))


@bp.post("/<int:customer_id>/erasure")
@allow("owner")
def erase(customer_id: int) -> Response | AnyResponse:
    """Erase the person, once their name was typed."""
    customer = _there(customer_id)
    form = ErasureForm(name=customer.name)
    secret = current_app.config["SECRET_KEY"]
    if form.carry_out(lambda: erase_customer(customer, visit=form.visit(), secret=secret)) is None:
        return page("customers/erasure.html", form.status, **_told(customer, form))
    db.session.commit()
    flash(_("Erased for good."), "plain")
    return go(url_for("customers.index"))


def _there(customer_id: int) -> Customer:
    """Load a customer who was not erased yet, also one in the trash; else answer 404."""
    customer = find(Customer, customer_id, include_deleted=True)
    if customer.erased_at or customer.purged_at:
        abort(404)
    return customer


def _told(customer: Customer, form: ErasureForm) -> dict[str, Any]:
    """Gather what goes; of somebody in the trash, the same."""
    half = pairing.half_of(customer)
    act_id = customer.deletion_id
    cancel_href = half.href if act_id is None else url_for("trash.show", deletion_id=act_id)
    return {"customer": customer, "half": half, "form": form, "cancel_href": cancel_href}
