"""What was deleted in the demo, by several people at several times, for the trash to be tried."""

from collections.abc import Mapping
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
from portal.services.demo.calendar import at


def throw_away_a_few(
    opened: Mapping[places.Place, Store], crowd: Mapping[people.Person, User], *, now: datetime
) -> None:
    """Delete a store, a team member and two products, all within the time they are kept."""
    gare, grund, kiosk = opened[places.GARE], opened[places.GRUND], opened[places.KIOSK]
    lea, marc = (Actor(crowd[p].id, Role.OWNER) for p in (people.LEA, people.MARC))
    sofia, tom = _manager(crowd[people.SOFIA], gare), _manager(crowd[people.TOM], grund)
    with at(now - timedelta(days=12)):
        stores.delete_store(kiosk, by=lea, now=now - timedelta(days=12), reason="The lease ended")
    helper = _member(gare, crowd[people.JONAS])
    with at(now - timedelta(days=6)):
        team.remove_member(helper, by=sofia, now=now - timedelta(days=6), reason="Moved to Belval")
    pumpkin = _product(grund, shelves.PUMPKIN.sku)
    with at(now - timedelta(days=3)):
        products.delete_product(pumpkin, by=tom, now=now - timedelta(days=3), reason="Out of season")
    gift_card = _product(gare, shelves.GIFT_CARD.sku)
    with at(now - timedelta(hours=20)):
        products.delete_product(gift_card, by=marc, now=now - timedelta(hours=20))


def _manager(user: User, store: Store) -> Actor:
    return Actor(user.id, Role.MANAGER, frozenset({store.id}))


def _member(store: Store, user: User) -> StoreUser:
    mine = (StoreUser.merchant_id == store.merchant_id, StoreUser.store_id == store.id)
    return db.session.scalars(select(StoreUser).where(*mine, StoreUser.user_id == user.id)).one()


def _product(store: Store, sku: str) -> Product:
    mine = (Product.merchant_id == store.merchant_id, Product.store_id == store.id)
    return db.session.scalars(select(Product).where(*mine, Product.sku == sku)).one()
