"""The doors by which two records of one person become one, and two again."""

from typing import Any

from flask import Response, abort, current_app, url_for
from werkzeug.wrappers import Response as AnyResponse

from portal.extensions import db
from portal.models.customer import Customer
from portal.models.customer_merge import CustomerMerge
from portal.services.ledger.merging import merge_customers
from portal.services.ledger.unmerging import unmerge
from portal.services.ledger.visits import Visit
from portal.web.access import allow
from portal.web.customers import pairing
from portal.web.customers.routes import bp
from portal.web.keyed import KeyedForm
from portal.web.page import done, page
from portal.web.removal import find_living
from portal.web.scope import actor, find, now
from portal.words import _


@bp.get("/<int:customer_id>/merge")
@allow("owner")
def choose_other(customer_id: int) -> Response:
    """Ask who is the same person: those who look like it, or whom the search finds."""
    return page("customers/merge.html", **pairing.candidates(find_living(Customer, customer_id)))


@bp.get("/<int:customer_id>/merge/<int:other_id>")
@allow("owner")
def preview_merge(customer_id: int, other_id: int) -> Response:
    """Show what moves where, before anything does."""
    return _preview(customer_id, other_id, KeyedForm())


@bp.post("/<int:customer_id>/merge/<int:other_id>")
@allow("owner")
def merge(customer_id: int, other_id: int) -> Response | AnyResponse:
    """Make one of the two; the other record goes to the trash."""
    mine, other = find_living(Customer, customer_id), find(Customer, other_id, include_deleted=True)
    name, form = other.name, KeyedForm()
    secret = current_app.config["SECRET_KEY"]
    merged = form.carry_out(lambda: merge_customers(mine, other, visit=form.visit(), secret=secret))
    if merged is None:
        return _preview(customer_id, other_id, form)
    undo_href = url_for("customers.undo_merge", customer_id=customer_id, merge_id=merged.id)
    said = _("%(other)s is now part of %(name)s.", other=name, name=mine.name)
    db.session.commit()
    return done(said, to=url_for("customers.show", customer_id=customer_id), undo_href=undo_href)


@bp.post("/<int:customer_id>/merges/<int:merge_id>/undo")
@allow("owner")
def undo_merge(customer_id: int, merge_id: int) -> Response | AnyResponse:
    """Make two of them again, within a day."""
    mine = find_living(Customer, customer_id)
    merged = find(CustomerMerge, merge_id)
    if merged.survivor_id != mine.id:
        abort(404)
    if merged.unmerged_at is None:
        unmerge(merged, visit=Visit(by=actor(), now=now()))
        db.session.commit()
    return done(_("They are two customers again."), to=url_for("customers.show", customer_id=customer_id))


def _preview(customer_id: int, other_id: int, form: KeyedForm) -> Response:
    mine, other = find_living(Customer, customer_id), find_living(Customer, other_id)
    if mine.id == other.id:
        abort(404)
    told: dict[str, Any] = pairing.told(mine, other)
    return page("customers/merge_preview.html", form.status, form=form, **told)
