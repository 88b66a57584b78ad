"""The filter of the deleted and of the tenant together, against a WHERE written by hand."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event, select

from benchmarks.measuring import Figure, ratio
from benchmarks.worlds import fill, found_merchant, world
from portal.extensions import db
from portal.models import Product, Store
from portal.models.session import PortalSession
from portal.models.tenancy import scoped
from portal.models.visible import see_the_visible

GOAL, GET_GOAL = 1.1, 1.3


def figures(engine: str) -> Iterator[Figure]:
    """Measure selects built per call, and get."""
    with world(engine):
        merchant_id = found_merchant("filter")
        store_id = fill(merchant_id, in_stores=1, products=200)[0]
        with scoped(db.session, merchant_id):
            for what, ours, by_hand in _pairs(merchant_id, store_id):
                goal = GET_GOAL if what == "get" else GOAL
                got, base = ratio(ours, by_hand, theirs_in=unlistened, rounds=15, times=200)
                yield Figure(
                    "filter",
                    engine,
                    f"{what} ({base:.0f} µs by hand)",
                    f"{got:.2f}×",
                    f"≤ {goal}×",
                    got <= goal,
                )


def _pairs(merchant_id: int, store_id: int) -> Iterator[tuple[str, Callable[[], Any], Callable[[], Any]]]:
    live = (Product.deleted_at.is_(None), Product.merchant_id == merchant_id)
    live_store = (Store.deleted_at.is_(None), Store.merchant_id == merchant_id)
    session = db.session()

    def columns(*more: Any) -> Any:
        query = select(Product.id, Product.sku).where(Product.store_id == store_id, *more).limit(20)
        return session.execute(query).all()

    def entities(*more: Any) -> Any:
        return session.scalars(select(Product).where(Product.store_id == store_id, *more).limit(50)).all()

    def joined(*more: Any) -> Any:
        query = select(Product.sku, Store.name).join(Product.store).where(Product.price_cents < 500, *more)
        return session.execute(query.limit(20)).all()

    yield "20 columns' rows", columns, lambda: columns(*live)
    yield "50 objects", entities, lambda: entities(*live)
    yield "join of two", joined, lambda: joined(*live, *live_store)
    first = session.scalars(select(Product.id).limit(1)).one()
    plain = super(PortalSession, session)
    yield (
        "get",
        lambda: _fresh(session) or session.get(Product, first),
        lambda: _fresh(session) or plain.get(Product, (merchant_id, first)),
    )


def _fresh(session: Any) -> None:
    session.expunge_all()


@contextmanager
def unlistened() -> Iterator[None]:
    """Take the listener off while the query written by hand runs."""
    event.remove(PortalSession, "do_orm_execute", see_the_visible)
    yield
    event.listen(PortalSession, "do_orm_execute", see_the_visible)
