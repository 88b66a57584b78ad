"""Putting the demo together with the verbs everybody uses."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from random import Random

from sqlalchemy import select

from portal.extensions import db
from portal.models.actor import OPERATOR, Actor, Role
from portal.models.loyalty_reward import LoyaltyReward
from portal.models.merchant import Merchant
from portal.models.product import Product
from portal.models.store import Store
from portal.models.tenancy import PLATFORM, scoped
from portal.models.user import User
from portal.services import merchants, products, programs, rewards, stores, team
from portal.services.accounts import create_user
from portal.services.demo import people, places, shelves
from portal.services.demo.calendar import FOUNDED, PROGRAM, Calendar, at, play
from portal.services.demo.oddities import Oddities
from portal.services.demo.selling import Shop
from portal.services.demo.slips import manager_of, slips
from portal.services.demo.year import Cafe
from portal.services.passwords import hash_password

REWARDS = (("Croissant on us", 220), ("Free espresso", 260), ("Bag of house blend", 1_150))
TIERS = [
    {"key": "guest", "name": "Guest", "threshold": 0, "multiplier_bp": 10_000},
    {"key": "regular", "name": "Regular", "threshold": 500, "multiplier_bp": 12_500},
    {"key": "friend", "name": "Friend of the house", "threshold": 2_000, "multiplier_bp": 15_000},
]


def is_here() -> bool:
    """Whether the demo was built before, even if its café lies in the trash."""
    cafe = select(Merchant.id).where(Merchant.subdomain == places.CAFE.subdomain)
    return db.session.scalar(cafe.limit(1), execution_options={"include_deleted": True}) is not None


def build(*, seed: int, now: datetime, secret: str = people.PASSWORD) -> None:
    """Build the demo; the same seed makes the same customers and sales, counted back from now.

    `secret` is the application's secret key. Raises Conflict("taken") when a name it needs is in use.
    """
    with scoped(db.session, PLATFORM), at(now - FOUNDED):
        password_hash = hash_password(people.PASSWORD)  # made to take its time, so once for all
        crowd = {person: _add(person, password_hash) for person in people.EVERYBODY}
    days = {business: Calendar(now) for business in places.BUSINESSES}
    # All names first: where one is taken, it is said at once.
    founded = [(each, _found(each, crowd, days[each])) for each in places.BUSINESSES]
    for business, merchant in founded:
        with scoped(db.session, merchant.id):
            opened = {place: _open(merchant, place, crowd, days[business]) for place in business.places}
            if business is places.CAFE:
                _live_a_year(merchant, opened, crowd, seed=seed, now=now, secret=secret)


def _live_a_year(
    merchant: Merchant,
    opened: Mapping[places.Place, Store],
    crowd: Mapping[people.Person, User],
    *,
    seed: int,
    now: datetime,
    secret: str,
) -> None:
    with at(now - PROGRAM):
        offered = _start_program(merchant, now - PROGRAM)
    chance = Random(seed)  # noqa: S311 - a demo needs the same luck every time, not a secret
    shops = [_shop(place, store, crowd) for place, store in opened.items()]
    cafe = Cafe(merchant, shops, secret, chance, now, offered)
    sofia = manager_of(crowd[people.SOFIA], *opened.values())
    odd = Oddities(merchant, cafe, sofia, Actor(crowd[people.LEA].id, Role.OWNER), now)
    play([*cafe.deeds(), *odd.deeds(), *slips(opened, crowd, now=now)])
    cafe.write_lines()


def _shop(place: places.Place, store: Store, crowd: Mapping[people.Person, User]) -> Shop:
    where = frozenset({store.id})
    there = [(crowd[person].id, Role.of_word(role)) for person, role in place.team]
    actors = [Actor(user_id, role, where) for user_id, role in there]
    mine = (Product.merchant_id == store.merchant_id, Product.store_id == store.id)
    shelf = db.session.scalars(select(Product).where(*mine).order_by(Product.id)).all()
    return Shop(store, shelf, actors[1:3] or actors, actors[0])


def _found(business: places.Business, crowd: dict[people.Person, User], days: Calendar) -> Merchant:
    first, *others = [crowd[owner] for owner in business.owners]
    with days.next_day():
        merchant = merchants.create_merchant(
            name=business.name, subdomain=business.subdomain, owner=first, by=OPERATOR
        )
        with scoped(db.session, merchant.id):
            for owner in others:
                merchants.add_owner(merchant, owner, by=OPERATOR)
            db.session.flush()
    return merchant


def _add(person: people.Person, password_hash: str) -> User:
    user = create_user(
        display_name=person.name,
        username=person.username or None,
        email=person.email,
        is_platform_admin=person is people.ROBIN,
        by=OPERATOR,
    )
    user.password_hash = password_hash if person.username else None
    return user


def _open(merchant: Merchant, place: places.Place, crowd: dict[people.Person, User], days: Calendar) -> Store:
    where = {"address": place.address, "postal_code": place.postal_code, "city": place.city}
    with days.next_day():
        store = stores.open_store(
            merchant, name=place.name, store_code=place.code, country="LU", by=OPERATOR, **where
        )
        for item in place.shelf:
            _sell(store, item)
    for person, role in place.team:
        with days.next_day():
            team.add_member(store, crowd[person], role=role, position=person.position, by=OPERATOR)
    return store


def _sell(store: Store, item: shelves.Item) -> None:
    products.add_product(
        store,
        name=item.name,
        sku=item.sku,
        category=item.category,
        price_cents=item.cents,
        earns_points=item.earns,
        by=OPERATOR,
    )


def _start_program(merchant: Merchant, now: datetime) -> list[LoyaltyReward]:
    program = programs.create_program(
        merchant,
        by=OPERATOR,
        now=now,
        loyalty_type="hybrid",
        card_name="Carte Lumière",
        card_color="#7C2D12",
        card_secondary_color="#FDE68A",
        stamps_reward_description="Any hot drink",
        welcome_bonus_points=20,
        minimum_redemption_points=200,
        points_per_euro=10,
        point_value_cents=Decimal(1),
        points_expiration_days=180,
        reward_valid_days=60,
        tier_window_days=365,
        adjust_approval_points=500,
        tier_config=TIERS,
    )
    return [
        rewards.add_reward(program, name=name, points_required=points, by=OPERATOR)
        for name, points in REWARDS
    ]
