"""The doors of customers: see, change, delete."""

from typing import Any

from flask import Blueprint, Response, current_app, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models.customer import Customer
from portal.services import customer_exports, customers
from portal.services.consents import change_consent
from portal.services.ledger.enrolling import Changed, change_member
from portal.services.ledger.visits import Visit
from portal.services.trash.names import named
from portal.web.access import allow
from portal.web.customers import detail, shown
from portal.web.customers.forms import CustomerForm
from portal.web.customers.found import Asked
from portal.web.keyed import KeyedForm, plainly
from portal.web.listing import csv_file
from portal.web.page import done, page
from portal.web.removal import asked_reason, back_to, find_living, removed, show_preview, with_twin
from portal.web.scope import actor, current_merchant, now
from portal.words import _, later, ngettext

STAYS = later("Their movements stay in the ledger, and in every report")
bp = Blueprint("customers", __name__, url_prefix="/m/<merchant>/customers")


@bp.get("/")
@allow("manager")
def index() -> Response:
    """List the customers."""
    return page("customers/index.html", **shown.listed())


@bp.get("/export.csv")
@allow("owner")
def export() -> Response:
    """Hand out what the list shows as a CSV file, and all that matches beyond it."""
    rows = customer_exports.customers(current_merchant(), now=now(), where=Asked().conditions())
    return csv_file(rows, f"{current_merchant().subdomain}-customers")


@bp.get("/<int:customer_id>")
@allow("manager")
def show(customer_id: int) -> Response:
    """Show one customer: card, statement, what is known of them."""
    return page("customers/show.html", may=shown.allowed(), **detail.overview(customer_id))


@bp.get("/<int:customer_id>/orders")
@allow("manager")
def orders(customer_id: int) -> Response:
    """List what the customer bought."""
    return page("customers/orders.html", may=shown.allowed(), **detail.orders(customer_id))


@bp.get("/<int:customer_id>/consents")
@allow("manager")
def consents(customer_id: int) -> Response:
    """Show what the customer agreed to, and when."""
    seen = detail.consents(customer_id)
    return page("customers/consents.html", may=shown.allowed(), form=KeyedForm(), **seen)


@bp.post("/<int:customer_id>/consents")
@allow("manager")
def note_consent(customer_id: int) -> Response | AnyResponse:
    """Write down a yes or a no."""
    customer = find_living(Customer, customer_id)
    is_given = _is_yes()
    told: dict[str, Any] = {"source": "portal", "by": actor(), "now": now(), "key": KeyedForm().key.data}
    try:
        noted = change_consent(customer, is_given=is_given, **told)
    except Conflict as refusal:
        raise plainly(refusal) from refusal
    db.session.commit()
    said = _("Noted: %(name)s agrees.") if is_given else _("Noted: %(name)s does not agree.")
    if noted is None:
        said = _("That is noted already for %(name)s. Nothing was changed.")
    return done(said % {"name": customer.name}, to=url_for("customers.consents", customer_id=customer_id))


@bp.get("/<int:customer_id>/edit")
@allow("manager")
def edit(customer_id: int) -> Response:
    """Show the customer to be changed."""
    customer = find_living(Customer, customer_id)
    return page("customers/edit.html", customer=customer, form=_form(customer))


@bp.post("/<int:customer_id>")
@allow("manager")
def update(customer_id: int) -> Response | AnyResponse:
    """Change the customer."""
    customer = find_living(Customer, customer_id)
    form = _form(customer)
    how: dict[str, Any] = {"visit": Visit(by=actor(), now=now()), "secret": current_app.config["SECRET_KEY"]}
    changed = form.carry_out(lambda: change_member(customer, store=form.store, **how, **form.details()))
    if changed is None:
        return page("customers/edit.html", form.status, customer=customer, form=form)
    db.session.commit()
    said = with_twin(_saved(customer, changed), customer)
    return done(said, to=url_for("customers.show", customer_id=customer_id))


@bp.get("/<int:customer_id>/deletion")
@allow("manager")
def preview_deletion(customer_id: int) -> Response:
    """Show what deleting the customer would take."""
    return show_preview(
        find_living(Customer, customer_id),
        action=url_for("customers.delete", customer_id=customer_id),
        cancel_href=url_for("customers.show", customer_id=customer_id),
        list_href=url_for("customers.index"),
        stays=[STAYS],
    )


@bp.post("/<int:customer_id>/deletion")
@allow("manager")
def delete(customer_id: int) -> Response | AnyResponse:
    """Put the customer and their card in the trash."""
    customer = find_living(Customer, customer_id)
    name = named("customers", customer.name)
    act = customers.delete_customer(customer, by=actor(), now=now(), reason=asked_reason())
    db.session.commit()
    return removed(act, name, to=back_to(url_for("customers.index")))


def _is_yes() -> bool:
    """Read the word; nothing is noted for what is neither."""
    word = request.form.get("is_given")
    if word not in ("yes", "no"):
        said = _("Say whether the customer agrees or not; nothing was noted. Reload the page and try again.")
        raise Refused("bad_word", said)
    return word == "yes"


def _saved(customer: Customer, changed: Changed) -> str:
    said = _("Saved %(name)s.", name=customer.name)
    if not changed.bonus:
        return said
    bonus = ngettext("%(num)s point to welcome them.", "%(num)s points to welcome them.", changed.bonus)
    return f"{said} {bonus}"


def _form(customer: Customer) -> CustomerForm:
    return CustomerForm(stores=shown.all_stores(), obj=customer)
