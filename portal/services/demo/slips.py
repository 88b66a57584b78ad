"""What was deleted in the demo, by several people at several times, for the trash to be tried."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from sqlalchemy import select

from portal.extensions import db
from portal.models.actor import Actor, Role
from portal.models.product import Product
from portal.models.store import Store
from portal.models.store_user import StoreUser
from portal.models.user import User
from portal.services import products, stores, team
from portal.services.demo import people, places, shelves
from portal.services.demo.calendar import Deed


def slips(
    opened: Mapping[places.Place, Store], crowd: Mapping[people.Person, User], *, now: datetime
) -> Iterator[Deed]:
    """Delete a store, a team member and two products, all within the time they are kept."""
    gare, grund, kiosk = opened[places.GARE], opened[places.GRUND], opened[places.KIOSK]
    lea, marc = (Actor(crowd[p].id, Role.OWNER) for p in (people.LEA, people.MARC))
    sofia, tom = manager_of(crowd[people.SOFIA], gare), manager_of(crowd[people.TOM], grund)
    yield Deed(
        now - timedelta(days=12),
        lambda when: stores.delete_store(kiosk, by=lea, now=when, reason="The lease ended"),
    )
    yield Deed(
        now - timedelta(days=6),
        lambda when: team.remove_member(
            _member(gare, crowd[people.JONAS]), by=sofia, now=when, reason="Moved to Belval"
        ),
    )
    yield Deed(
        now - timedelta(days=3),
        lambda when: products.delete_product(
            _product(grund, shelves.PUMPKIN.sku), by=tom, now=when, reason="Out of season"
        ),
    )
    yield Deed(
        now - timedelta(hours=20),
        lambda when: products.delete_product(_product(gare, shelves.GIFT_CARD.sku), by=marc, now=when),
    )


def manager_of(user: User, *runs: Store) -> Actor:
    """Name somebody who runs these stores."""
    return Actor(user.id, Role.MANAGER, frozenset(store.id for store in runs))


def _member(store: Store, user: User) -> StoreUser:
    mine = (StoreUser.merchant_id == store.merchant_id, StoreUser.store_id == store.id)
    return db.session.scalars(select(StoreUser).where(*mine, StoreUser.user_id == user.id)).one()


def _product(store: Store, sku: str) -> Product:
    mine = (Product.merchant_id == store.merchant_id, Product.store_id == store.id)
    return db.session.scalars(select(Product).where(*mine, Product.sku == sku)).one()
