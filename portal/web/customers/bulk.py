"""The doors of many customers at once."""

from flask import Response, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response as AnyResponse

from portal.extensions import db
from portal.models.customer import Customer
from portal.services import customers
from portal.web.access import allow
from portal.web.customers import shown
from portal.web.customers.found import FILTERS, NOUNS, Asked
from portal.web.customers.routes import STAYS, bp
from portal.web.listing import as_filtered, beyond_one_action, ids_chosen, refuse_to_do_nothing
from portal.web.removal import asked_reason, back_to, removed_many, show_bulk_preview
from portal.web.scope import actor, current_merchant, now
from portal.words import _, how_many


@bp.post("/deletions/preview")
@allow("manager")
def preview_bulk() -> Response:
    """Show what deleting the chosen customers would take."""
    ids = _chosen()
    return show_bulk_preview(
        ids,
        shown.names_of(ids),
        NOUNS,
        action=url_for("customers.delete_bulk"),
        cancel_href=as_filtered(url_for("customers.index"), *FILTERS),
        intro=beyond_one_action(Asked().chosen(), Customer.id),
        stays=[STAYS],
    )


@bp.post("/deletions")
@allow("manager")
def delete_bulk() -> Response | AnyResponse:
    """Put the chosen customers in the trash, with one Undo for all."""
    mine = select(Customer).where(Customer.merchant_id == current_merchant().id, Customer.id.in_(_chosen()))
    chosen = list(db.session.scalars(mine.order_by(Customer.id)))
    acts = customers.delete_customers(chosen, by=actor(), now=now(), reason=asked_reason())
    answer = removed_many(acts, how_many(NOUNS, len(acts)), to=back_to(url_for("customers.index")))
    db.session.commit()
    return answer


def _chosen() -> list[int]:
    ids = ids_chosen(Asked().chosen(), Customer.id)
    if not ids:
        refuse_to_do_nothing(_("Choose at least one customer."), url_for("customers.index"), *FILTERS)
    return ids
