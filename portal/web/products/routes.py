"""The doors of products: see, add, change, delete one or many."""

from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from portal.extensions import db
from portal.models.product import Product
from portal.models.store import Store
from portal.services import exports, products
from portal.services.trash.names import named
from portal.web.access import allow
from portal.web.answers import never_store
from portal.web.listing import conditions_of, csv_file, is_for
from portal.web.page import done, is_htmx, page
from portal.web.products import shown
from portal.web.products.forms import NewProductForm, ProductForm, RowForm
from portal.web.removal import asked_reason, back_to, find_living, removed, show_preview, with_twin
from portal.web.scope import actor, current_merchant, now
from portal.words import _, later

STAYS = later("Past orders keep their names and prices")
bp = Blueprint("products", __name__, url_prefix="/m/<merchant>/products")


@bp.get("/")
@allow("staff")
def index() -> Response:
    """List the products of their stores, or of one."""
    return page("products/index.html", **shown.listed())


@bp.get("/export.csv")
@allow("staff")
def export() -> Response:
    """Hand out what the list shows as a CSV file."""
    rows = exports.products(current_merchant(), where=conditions_of(shown.chosen()))
    return csv_file(rows, f"{current_merchant().subdomain}-products")


@bp.get("/new")
@allow("manager")
def new() -> Response:
    """Ask for a new product."""
    return _show("products/new.html", _new_form(request.args.get("store", "")))


@bp.post("/")
@allow("manager")
def create() -> Response | AnyResponse:
    """Let a store sell something new."""
    form = _new_form()
    added = form.carry_out(
        lambda: products.add_product(find_living(Store, form.store_id), by=actor(), **form.details())
    )
    if added is None:
        return _show("products/new.html", form)
    db.session.commit()
    return _saved(_("Added %(name)s.", name=added.name), added)


@bp.get("/<int:product_id>")
@allow("staff")
def show(product_id: int) -> Response:
    """Show one product."""
    return page("products/show.html", **shown.detail(find_living(Product, product_id)))


@bp.get("/<int:product_id>/row")
@allow("staff")
def row(product_id: int) -> Response | AnyResponse:
    """Show the product as the list does, when somebody leaves its row as it was."""
    product = find_living(Product, product_id)
    if not is_htmx():
        return redirect(url_for("products.show", product_id=product.id))
    return make_response(render_template("products/_row.html", **shown.row(product.id)))


@bp.get("/<int:product_id>/edit")
@allow("manager")
def edit(product_id: int) -> Response:
    """Show the product to be changed: in its row, or all of it."""
    product = find_living(Product, product_id)
    # One address, two answers: a cache would hand the row to the dialog.
    return never_store(_show_edit(product, _form(product)))


@bp.post("/<int:product_id>")
@allow("manager")
def update(product_id: int) -> Response | AnyResponse:
    """Change the product: what its row shows, or all of it."""
    product = find_living(Product, product_id)
    form = _form(product)
    if form.carry_out(lambda: products.change_product(product, by=actor(), **form.details())) is None:
        return _show_edit(product, form)
    db.session.commit()
    return _saved(_("Saved %(name)s.", name=product.name), product)


@bp.get("/<int:product_id>/deletion")
@allow("manager")
def preview_deletion(product_id: int) -> Response:
    """Show what deleting the product would take."""
    product = find_living(Product, product_id)
    return show_preview(
        product,
        title=_("Delete %(thing)s?", thing=named("products", shown.name_of(product))),
        action=url_for("products.delete", product_id=product_id),
        cancel_href=url_for("products.show", product_id=product_id),
        list_href=url_for("products.index"),
        stays=[STAYS],
    )


@bp.post("/<int:product_id>/deletion")
@allow("manager")
def delete(product_id: int) -> Response | AnyResponse:
    """Put the product in the trash."""
    product = find_living(Product, product_id)
    name = named("products", shown.name_of(product))
    act = products.delete_product(product, by=actor(), now=now(), reason=asked_reason())
    db.session.commit()
    return removed(act, name, to=back_to(url_for("products.index")))


def _form(product: Product) -> RowForm:
    """What is not sent stays as it is."""
    kind = RowForm if _is_row(product) else ProductForm
    return kind(obj=product, price=shown.price_of(product))


def _new_form(store: str | None = None) -> NewProductForm:
    return NewProductForm(stores=shown.stores_to_choose(), **({"store": store} if store else {}))


def _is_row(product: Product) -> bool:
    return is_htmx() and is_for(f"product-{product.id}")


def _show(template: str, form: RowForm, **more: Any) -> Response:
    """Show a form with the categories to choose from."""
    return page(template, form.status, form=form, **shown.beside_a_form(), **more)


def _show_edit(product: Product, form: RowForm) -> Response:
    if isinstance(form, ProductForm):
        return _show("products/edit.html", form, product=product)
    return make_response(
        render_template("products/_row_edit.html", form=form, **shown.row(product.id)), form.status
    )


def _saved(message: str, product: Product) -> Response | AnyResponse:
    """Answer with the row where it was edited; elsewhere the dialog closes and the list loads anew."""
    said = with_twin(message, product)
    if not _is_row(product):
        return done(said, to=url_for("products.show", product_id=product.id))
    piece = render_template("products/_row.html", **shown.row(product.id))
    return done(said, to="", piece=piece, events=())
