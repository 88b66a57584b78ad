"""Databases to measure in: migrated like the real one, and filled with plain SQL."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import insert, make_url, select, text

from config import ROOT, from_environment
from portal import create_app
from portal.extensions import db
from portal.models import Merchant, Product
from portal.models.actor import OPERATOR
from portal.models.tenancy import across_merchants, scoped
from portal.services import accounts, merchants, stores
from tests import engines

PASSWORD = "three slow measured snails"  # noqa: S105 - of a database thrown away after the run
NOW = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
BATCH = 20_000


@contextmanager
def world(engine: str) -> Iterator[Flask]:
    """Open an app over a fresh, migrated database of the engine, with its context pushed."""
    with tempfile.TemporaryDirectory() as folder:
        name = f"bench_{Path(folder).name.replace('-', '_').lower()}"
        environment = {"CARNET_ENV": "testing", "INSTANCE_PATH": folder, "LOG_LEVEL": "error"}
        environment["DATABASE_URL"] = f"sqlite:///{folder}/bench.db"
        server = engines.postgres() if engine == "postgresql" else None
        if server:
            server.create_database(name)
            environment["DATABASE_URL"] = server.app_url(name)
            environment["MIGRATION_DATABASE_URL"] = server.owner_url(name)
        app = create_app(from_environment(environment) | {"RATELIMIT_ENABLED": False})
        with app.app_context():
            upgrade(directory=str(ROOT / "migrations"))
            yield app
            db.session.remove()
            db.engine.dispose()
        if server:
            server.drop_database(name)


def found_merchant(name: str) -> int:
    """Found a merchant with an owner who can sign in; returns its id."""
    owner = accounts.create_user(
        display_name=f"Owner {name}", username=f"owner-{name}", password=PASSWORD, by=OPERATOR
    )
    merchant = merchants.create_merchant(name=name, subdomain=name, owner=owner, by=OPERATOR)
    db.session.commit()
    return merchant.id


def fill(merchant_id: int, *, in_stores: int, products: int) -> list[int]:
    """Give the merchant stores and products; returns the ids of the stores."""
    with scoped(db.session, merchant_id):
        merchant = db.session.scalars(select(Merchant).where(Merchant.id == merchant_id)).one()
        ids = [
            stores.open_store(merchant, name=f"Store {n}", store_code=f"s{n}", by=OPERATOR).id
            for n in range(in_stores)
        ]
        for start in range(0, products, BATCH):
            numbers = range(start, min(start + BATCH, products))
            db.session.execute(insert(Product), [_product(merchant_id, ids, n) for n in numbers])
        db.session.commit()
    tidy()
    return ids


def tidy() -> None:
    """Give every run the same start: no dead row versions left over, statistics as they are now."""
    db.session.commit()
    if db.engine.dialect.name == "sqlite":
        with db.engine.begin() as connection:
            connection.execute(text("ANALYZE"))
        return
    server = engines.postgres()
    address = make_url(server.admin_url(db.engine.url.database)).set(drivername="postgresql")
    with psycopg.connect(address.render_as_string(hide_password=False), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def everybody() -> Any:
    """Work over all merchants of the measured database."""
    return across_merchants(db.session, "a benchmark")


def _product(merchant_id: int, store_ids: list[int], number: int) -> dict[str, Any]:
    name = f"Product {number:07}"
    return {
        "merchant_id": merchant_id,
        "store_id": store_ids[number % len(store_ids)],
        "name": name,
        "name_key": name.lower(),
        "sku": f"K{number:07}",
        "price_cents": 100 + number % 900,
    }
