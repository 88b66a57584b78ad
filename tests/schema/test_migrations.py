"""Migrations: up, down and up again on a populated database, on both engines."""

import os
import re
import sqlite3
from contextlib import closing

import flask_migrate
import psycopg
import pytest
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.pool import NullPool

from config import from_environment
from portal import create_app
from portal.extensions import db
from portal.models import Deletion
from portal.models.actor import OPERATOR
from portal.models.base import Model
from portal.services import trash
from tests import engines
from tests.factories import make_everything, make_merchant, make_product, within
from tests.fixtures import MIGRATIONS, environment

pytestmark = pytest.mark.unguarded("reads and writes whole tables")
CATALOGUE = {  # what tells two PostgreSQL schemas apart
    "columns": """
        SELECT table_name, column_name, data_type, is_nullable, column_default, collation_name
        FROM information_schema.columns WHERE table_schema = 'public'""",
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'""",
    "indexes": "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "walls": "SELECT tablename, policyname, cmd, qual, with_check FROM pg_policies",
    "forced": """
        SELECT relname FROM pg_class
        WHERE relrowsecurity AND relforcerowsecurity AND relnamespace = 'public'::regnamespace""",
    "triggers": "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    "functions": "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    "rights": """
        SELECT table_name, grantee, privilege_type FROM information_schema.role_table_grants
        WHERE table_schema = 'public' AND grantee = 'carnet_app'""",
}
OF_THE_WALL = {"walls", "forced", "triggers", "functions", "rights"}


@pytest.fixture
def settings(engine_name, tmp_path):
    """An empty database of this test's own."""
    if engine_name == "sqlite":
        yield from_environment(environment(f"sqlite:///{tmp_path}/own.db", tmp_path))
        return
    server, name = engines.need_postgres(), f"carnet_migrations_{os.getpid()}"
    server.create_database(name)
    owner = {"MIGRATION_DATABASE_URL": server.owner_url(name), "DATABASE_APP_ROLE": engines.APP}
    yield from_environment(environment(server.app_url(name), tmp_path, **owner))
    server.drop_database(name)


@pytest.fixture
def app(settings):
    """The app over a database that nobody has migrated yet."""
    app = create_app(settings)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def owner(settings):
    """An engine of the role that owns the tables, looking over all merchants."""
    engine = create_engine(settings["MIGRATION_DATABASE_URL"], poolclass=NullPool)
    yield engine
    engine.dispose()


def up():
    flask_migrate.upgrade(directory=MIGRATIONS)


def down():
    flask_migrate.downgrade(directory=MIGRATIONS, revision="base")


def populate(now):
    """Two merchants with everything, some of it dead, restored and purged."""
    first, second = (make_everything(make_merchant()) for _ in "ab")
    extra = make_product(first.store)
    with within(first.merchant):
        for row in (extra, first.customer):
            trash.soft_delete_cascade(row, by=OPERATOR, now=now)
        trash.restore(db.session.get(Deletion, (first.merchant.id, 1)), by=OPERATOR, now=now)
        db.session.commit()
    with within(second.merchant):
        act = trash.soft_delete_cascade(second.store, by=OPERATOR, now=now)
        trash.purge(act, by=OPERATOR, now=now)
        db.session.commit()
    db.session.remove()
    db.engine.dispose()


def contents(engine):
    """Every row of every table."""
    with engine.connect() as connection:
        see_all(connection)
        return {
            table.name: [dict(r._mapping) for r in connection.execute(table.select())]
            for table in Model.metadata.sorted_tables
        }


def see_all(connection):
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL app.across = 'on'"))


def checksums(rows):
    return {name: hash(tuple(sorted(map(repr, found)))) for name, found in rows.items()}


def put_back(engine, rows):
    with engine.begin() as connection:
        see_all(connection)
        for table in Model.metadata.sorted_tables:
            counted = {column.name for column in table.columns if column.computed is not None}
            given = [{k: v for k, v in row.items() if k not in counted} for row in rows[table.name]]
            if given:
                connection.execute(table.insert(), sorted(given, key=lambda r: r["id"]))


def shape(engine):
    """Everything the database knows about its tables."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            words = "SELECT sql FROM sqlite_master WHERE name NOT IN ('alembic_version', 'sqlite_sequence')"
            found = connection.execute(text(words)).scalars()
            # A column added later stands behind a comma, not on a line of its own; and SQLite keeps no
            # computed value in one: it counts it when it is read.
            lines = {line.strip() for sql in found if sql for line in re.split(r",\s+|\n", sql)}
            return {line.removesuffix(" STORED") for line in lines}
        kept = "alembic_version"
        return {
            kind: sorted(str(row) for row in connection.execute(text(words)) if kept not in str(row))
            for kind, words in CATALOGUE.items()
        }


def test_a_populated_database_goes_down_and_up_again(app, owner, now):
    up()
    before = shape(owner)
    populate(now)
    rows = contents(owner)
    assert min(len(found) for name, found in rows.items() if name in ("products", "users")) > 1
    down()
    assert set(inspect(owner).get_table_names()) == {"alembic_version"}
    up()
    assert shape(owner) == before
    assert {len(found) for found in contents(owner).values()} == {0}
    put_back(owner, rows)
    assert checksums(contents(owner)) == checksums(rows)


def test_nothing_is_left_of_a_database_that_went_down(app, owner):
    up()
    down()
    left = shape(owner)
    if isinstance(left, dict):
        left.pop("rights")
        left = {entry for found in left.values() for entry in found}
    assert left == set()


def test_the_migrations_make_what_the_models_say(app, owner, settings, tmp_path, engine_name):
    up()
    migrated = shape(owner)
    if engine_name == "sqlite":
        other = create_engine(f"sqlite:///{tmp_path}/models.db", poolclass=NullPool)
        Model.metadata.create_all(other)
        assert migrated >= shape(other)
        added = migrated - shape(other)
        assert [line for line in added if not line.startswith(("CREATE TRIGGER", "'"))] == []
        return
    for kind in OF_THE_WALL:
        assert migrated.pop(kind), kind
    down()
    Model.metadata.create_all(owner)
    made = shape(owner)
    assert migrated == {kind: made[kind] for kind in migrated}


# SQLite cannot tell of an index on an expression; PostgreSQL can, and there it is compared.
@pytest.mark.filterwarnings("ignore:.*expression-based index:Warning")
def test_alembic_sees_no_difference(app):
    up()
    flask_migrate.check(directory=MIGRATIONS)  # leaves the program when there is one


@pytest.mark.sqlite
def test_a_migration_that_leaves_orphans_is_refused(app, owner, now, caplog):
    up()
    populate(now)
    with closing(sqlite3.connect(owner.url.database)) as raw:
        raw.execute("DELETE FROM stores")
        raw.commit()
    with pytest.raises(SystemExit):
        up()
    assert "rows pointing at nothing" in caplog.text


@pytest.mark.sqlite
def test_every_row_points_at_something(app, owner, now):
    up()
    populate(now)
    with owner.connect() as connection:
        assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
        assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"


@pytest.mark.postgresql
def test_the_app_role_may_do_its_work_and_no_more(app, settings):
    up()
    url = settings["SQLALCHEMY_DATABASE_URI"].replace("+psycopg", "", 1)
    with psycopg.connect(url, autocommit=True) as connection:
        for words in ("DROP TABLE users", "ALTER TABLE products DISABLE ROW LEVEL SECURITY"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(words)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("TRUNCATE audit_log")
