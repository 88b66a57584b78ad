"""The doors of stores: see, open, change, delete."""

from flask import Blueprint, Response, url_for
from werkzeug.wrappers import Response as AnyResponse

from portal.extensions import db
from portal.models.actor import Role
from portal.models.store import Store
from portal.services import exports, stores
from portal.services.trash.names import named
from portal.web.access import allow
from portal.web.listing import conditions_of, csv_file
from portal.web.page import done, page
from portal.web.removal import asked_reason, back_to, find_living, removed, show_preview, with_twin
from portal.web.scope import actor, current_merchant, now
from portal.web.stores import shown
from portal.web.stores.forms import OwnersStoreForm, StoreForm
from portal.words import _

bp = Blueprint("stores", __name__, url_prefix="/m/<merchant>/stores")


@bp.get("/")
@allow("staff")
def index() -> Response:
    """List the stores."""
    return page("stores/index.html", listing=shown.listed(), offered_cities=shown.cities(), may=shown.may())


@bp.get("/export.csv")
@allow("staff")
def export() -> Response:
    """Hand out what the list shows as a CSV file."""
    rows = exports.stores(current_merchant(), where=conditions_of(shown.chosen()))
    return csv_file(rows, f"{current_merchant().subdomain}-stores")


@bp.get("/new")
@allow("owner")
def new() -> Response:
    """Ask for a new store."""
    return page("stores/new.html", form=_form())


@bp.post("/")
@allow("owner")
def create() -> Response | AnyResponse:
    """Open a store."""
    form = _form()
    opened = form.carry_out(lambda: stores.open_store(current_merchant(), by=actor(), **form.details()))
    if opened is None:
        return page("stores/new.html", form.status, form=form)
    db.session.commit()
    return _saved(_("Opened %(name)s.", name=opened.name), opened)


@bp.get("/<int:store_id>")
@allow("staff")
def show(store_id: int) -> Response:
    """Show one store."""
    return page("stores/show.html", **shown.detail(find_living(Store, store_id)))


@bp.get("/<int:store_id>/edit")
@allow("manager")
def edit(store_id: int) -> Response:
    """Show the store to be changed."""
    store = find_living(Store, store_id)
    return page("stores/edit.html", store=store, form=_form(store))


@bp.post("/<int:store_id>")
@allow("manager")
def update(store_id: int) -> Response | AnyResponse:
    """Change the store; codes are the owner's."""
    store = find_living(Store, store_id)
    form = _form(store)
    if form.carry_out(lambda: stores.change_store(store, by=actor(), **form.details())) is None:
        return page("stores/edit.html", form.status, store=store, form=form)
    db.session.commit()
    return _saved(_("Saved %(name)s.", name=store.name), store)


@bp.get("/<int:store_id>/deletion")
@allow("owner")
def preview_deletion(store_id: int) -> Response:
    """Show what deleting the store would take."""
    store = find_living(Store, store_id)
    return show_preview(
        store,
        action=url_for("stores.delete", store_id=store_id),
        cancel_href=url_for("stores.show", store_id=store_id),
        list_href=url_for("stores.index"),
    )


@bp.post("/<int:store_id>/deletion")
@allow("owner")
def delete(store_id: int) -> Response | AnyResponse:
    """Put the store, its team and its products in the trash."""
    store = find_living(Store, store_id)
    name = named("stores", store.name)
    act = stores.delete_store(store, by=actor(), now=now(), reason=asked_reason())
    db.session.commit()
    return removed(act, name, to=back_to(url_for("stores.index")))


def _form(store: Store | None = None) -> StoreForm:
    kind = OwnersStoreForm if actor().role >= Role.OWNER else StoreForm
    return kind(merchant=current_merchant(), obj=store)


def _saved(message: str, store: Store) -> Response | AnyResponse:
    return done(with_twin(message, store), to=url_for("stores.show", store_id=store.id))
