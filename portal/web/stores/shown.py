"""What the screens of stores show."""

from collections.abc import Sequence
from typing import Any

from flask import url_for
from sqlalchemy import Row, Select, func, select, true

from portal.extensions import db
from portal.models.actor import Role
from portal.models.deletion import Deletion
from portal.models.product import Product
from portal.models.store import Store
from portal.models.store_user import StoreUser
from portal.services.searching import containing
from portal.services.twins import deleted_twin
from portal.web.listing import Listing, Sorting, asked, list_of
from portal.web.removal import twin_of
from portal.web.scope import actor, current_merchant, in_own_stores, now
from portal.words import _, counted

LATEST = 3
MOST_CITIES = 300


def listed() -> Listing:
    """Read one page of the stores, as the address asks for it."""
    return list_of(
        _with_counts(chosen()),
        Sorting(_orders(), Store.id, "name"),
        nouns=counted("store", "stores"),
        base_href=url_for("stores.index"),
        filters=asked("city"),
        export_href=url_for("stores.export"),
    )


def chosen() -> Select[Any]:
    """Select the stores this person has and the search leaves."""
    mine = in_own_stores(Store.of(current_merchant()), Store.id)
    plain = (Store.store_code, func.coalesce(Store.city, ""))
    found = mine.where(containing(asked("q")["q"], folded=(Store.name_key,), plain=plain))
    city = asked("city")["city"]
    return found.where(Store.city == city) if city else found


def cities() -> list[tuple[str, str]]:
    """Name the cities their stores are in, and all of them together first."""
    mine = in_own_stores(Store.of(current_merchant()), Store.id).with_only_columns(Store.city)
    named = mine.where(Store.city != "").distinct().order_by(Store.city).limit(MOST_CITIES)
    return [("", _("All cities")), *((city, city) for city in db.session.scalars(named) if city)]


def detail(store: Store) -> dict[str, Any]:
    """Gather what the page of one store shows."""
    acting = actor()
    may_see = acting.role > Role.STAFF
    twin = deleted_twin(store, acting) if may_see else None
    found = _counts_and_latest_deletions(store)
    return {
        "store": store,
        "counts": found[0],
        "latest": [row for row in found if row.id is not None and may_see],
        "twin": twin_of(twin) if twin else None,
        "now": now(),
        "may": may(),
    }


def may() -> dict[str, bool]:
    """Say what this person may do with the stores they see."""
    role = actor().role
    return {"open": role >= Role.OWNER, "edit": role >= Role.MANAGER, "delete": role >= Role.OWNER}


def _with_counts(query: Select[Any]) -> Select[Any]:
    products, members = _count(Product), _count(StoreUser)
    columns = (Store.id, Store.name, Store.store_code, Store.city, Store.address, Store.postal_code)
    return query.with_only_columns(*columns, products.label("products"), members.label("members"))


def _count(model: Any) -> Any:
    inside = (model.merchant_id == Store.merchant_id, model.store_id == Store.id)
    return select(func.count(model.id)).where(*inside).correlate(Store).scalar_subquery()


def _orders() -> dict[str, Any]:
    return {
        "name": Store.name_key,
        "code": Store.store_code,
        "city": func.lower(func.coalesce(Store.city, "")),
        "products": _count(Product),
    }


def _counts_and_latest_deletions(store: Store) -> Sequence[Row[Any]]:
    """Read in one statement how many things the store has, and its last acts in the trash beside that.

    Only acts this person may see; a row without an act when there is none.
    """
    columns = (Deletion.id, Deletion.root_kind, Deletion.root_id, Deletion.root_label, Deletion.deleted_at)
    acts = select(*columns).where(Deletion.merchant_id == store.merchant_id, Deletion.store_id == store.id)
    seen = acts.where(Deletion.status == "done", Deletion.seen_by(actor()))
    newest = seen.order_by(Deletion.deleted_at.desc(), Deletion.id.desc()).limit(LATEST).subquery()
    one = Store.of(current_merchant()).where(Store.id == store.id).outerjoin(newest, true())
    counted = one.with_only_columns(
        _count(Product).label("products"), _count(StoreUser).label("members"), *newest.c
    )
    return db.session.execute(counted.order_by(newest.c.deleted_at.desc(), newest.c.id.desc())).all()
