"""The doors of many products at once."""

from flask import Response, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response as AnyResponse

from portal.extensions import db
from portal.models.product import Product
from portal.services import products
from portal.web.access import allow
from portal.web.listing import as_filtered, beyond_one_action, ids_chosen, refuse_to_do_nothing
from portal.web.products import shown
from portal.web.products.routes import STAYS, bp
from portal.web.removal import asked_reason, back_to, removed_many, show_bulk_preview
from portal.web.scope import actor, current_merchant, now
from portal.words import _, how_many


@bp.post("/deletions/preview")
@allow("manager")
def preview_bulk() -> Response:
    """Show what deleting the chosen products would take."""
    ids = _chosen()
    return show_bulk_preview(
        ids,
        shown.names_of(ids),
        shown.NOUNS,
        action=url_for("products.delete_bulk"),
        cancel_href=as_filtered(url_for("products.index"), "store", "category"),
        intro=beyond_one_action(shown.chosen(), Product.id),
        stays=[STAYS],
    )


@bp.post("/deletions")
@allow("manager")
def delete_bulk() -> Response | AnyResponse:
    """Put the chosen products in the trash, with one Undo for all."""
    mine = select(Product).where(Product.merchant_id == current_merchant().id, Product.id.in_(_chosen()))
    chosen = list(db.session.scalars(mine.order_by(Product.id)))
    acts = products.delete_products(chosen, by=actor(), now=now(), reason=asked_reason())
    many = how_many(shown.NOUNS, len(acts))
    answer = removed_many(acts, many, to=back_to(url_for("products.index")))
    db.session.commit()
    return answer


def _chosen() -> list[int]:
    ids = ids_chosen(shown.chosen(), Product.id)
    if not ids:
        refuse_to_do_nothing(
            _("Choose at least one product."), url_for("products.index"), "store", "category"
        )
    return ids
