"""A walk through every screen of the demo: each address a person may look at, with ids that exist."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from flask import Flask, url_for
from sqlalchemy import select
from werkzeug.routing import Rule

from portal.extensions import db
from portal.models.actor import Actor, Role
from portal.models.base import Model
from portal.models.customer import Customer
from portal.models.deletion import Deletion
from portal.models.loyalty_card import LoyaltyCard
from portal.models.loyalty_reward import LoyaltyReward
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.models.merchant import Merchant, MerchantOwner
from portal.models.order import Order
from portal.models.product import Product
from portal.models.records import AuditEntry
from portal.models.review_item import ReviewItem
from portal.models.reward_issue import RewardIssue
from portal.models.store import Store
from portal.models.store_user import StoreUser
from portal.models.tenancy import scoped
from portal.services import demo, merchants, team

# What stands in an address -> whose id that is.
ROWS: dict[str, type[Model]] = {
    "store_id": Store,
    "product_id": Product,
    "member_id": StoreUser,
    "owner_id": MerchantOwner,
    "reward_id": LoyaltyReward,
    "customer_id": Customer,
    "deletion_id": Deletion,
    "entry_id": AuditEntry,
    "order_id": Order,
    "item_id": ReviewItem,
}
MERCHANT = "cafe-lumiere"


@dataclass(frozen=True)
class Stop:
    """One screen: the name of its view, its address, and the least role that may see it."""

    endpoint: str
    address: str
    allowed: str


def build_demo() -> None:
    """Load the demo, and one thing of every kind it lacks."""
    now = datetime.now(UTC)
    demo.build(seed=1, now=now)
    merchant = merchants.find_merchant(MERCHANT)
    assert merchant is not None
    with scoped(db.session, merchant.id):
        owner = db.session.scalars(select(MerchantOwner)).first()
        asked = {"display_name": "Ina Weber", "role": "owner"}
        team.invite(merchant, by=Actor(owner.user_id, Role.OWNER), now=now, **asked)
        db.session.commit()
        first = owner.user
    by = Actor(first.id, Role.OWNER)
    kiosk = merchants.create_merchant(name="Kiosk", subdomain="kiosk", owner=first, by=by)
    merchants.delete_merchant(kiosk, by=by, now=now)
    db.session.commit()
    db.session.remove()


def load_demo(kept: Path) -> None:
    """Load the demo into an SQLite that is empty: from where it is kept, or built and kept for the next."""
    here = Path(str(db.engine.url.database))
    if kept.exists():
        copy(kept, here)
    else:
        build_demo()
        copy(here, kept)


def copy(source: Path, target: Path) -> None:
    """Copy an SQLite database over another that may be open."""
    with closing(sqlite3.connect(source)) as here, closing(sqlite3.connect(target)) as there:
        here.backup(there)


def stops(app: Flask) -> Iterator[Stop]:
    """Name every screen of the demo's café that answers GET, with rows that exist in its address."""
    merchant = merchants.find_merchant(MERCHANT)
    assert merchant is not None
    values, lost = ids_of(merchant), {"deletion_id": _deleted_business()}
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        if "GET" in rule.methods and rule.endpoint != "static" and rule.arguments <= set(values):
            yield Stop(
                rule.endpoint,
                _address(app, rule, values | lost if _is_lost(rule) else values),
                app.view_functions[rule.endpoint].allowed,
            )


def ids_of(merchant: Merchant) -> dict[str, object]:
    """One living row for every id an address may take."""
    values: dict[str, object] = {"merchant": merchant.subdomain}
    with scoped(db.session, merchant.id):
        for name, model in ROWS.items():
            rows = select(model.id).where(model.merchant_id == merchant.id)
            if model is Deletion:
                rows = rows.where(Deletion.status == "done")
            values[name] = db.session.scalars(rows.order_by(model.id)).first()
        people = select(Customer.id).where(Customer.merchant_id == merchant.id).order_by(Customer.id)
        values["other_id"] = db.session.scalars(people.offset(1).limit(1)).first()
        values |= _ids_of_a_card(merchant)
        db.session.rollback()
    return {name: value for name, value in values.items() if value is not None}


def _ids_of_a_card(merchant: Merchant) -> dict[str, object]:
    """A card that has a reward to take, with that reward and a movement of it."""
    ready = select(RewardIssue).where(
        RewardIssue.merchant_id == merchant.id,
        RewardIssue.status == "issued",
        RewardIssue.card_id.in_(select(LoyaltyCard.id).where(LoyaltyCard.merchant_id == merchant.id)),
    )
    issue = db.session.scalars(ready.order_by(RewardIssue.id)).first()
    if issue is None:
        return {}
    row = LoyaltyTransaction
    moved = select(row.id).where(row.merchant_id == merchant.id, row.card_id == issue.card_id)
    movement = db.session.scalars(moved.order_by(row.id.desc())).first()
    return {"card_id": issue.card_id, "issue_id": issue.id, "movement_id": movement}


def _deleted_business() -> int:
    """The act that took the business in the trash, whose owner finds it at the chooser."""
    dead = select(Merchant.deletion_id).where(Merchant.deletion_id.is_not(None))
    found = db.session.scalars(dead, execution_options={"include_deleted": True}).one()
    db.session.rollback()
    return found


def _is_lost(rule: Rule) -> bool:
    return rule.endpoint.startswith("lost.")


def _address(app: Flask, rule: Rule, values: dict[str, object]) -> str:
    with app.test_request_context():
        return url_for(rule.endpoint, **{name: values[name] for name in rule.arguments})
