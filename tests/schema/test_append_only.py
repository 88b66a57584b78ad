"""What is written down stays as it was written: the database itself refuses."""

import flask_migrate
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import NullPool

from portal import create_app
from portal.extensions import db
from portal.models import AuditEntry, ConsentEvent, Deletion, LoyaltyTransaction, TierChange
from portal.models.actor import OPERATOR
from portal.services import trash
from tests.factories import (
    give,
    make_card,
    make_customer,
    make_merchant,
    make_product,
    make_program,
    make_store,
    within,
)
from tests.fixtures import MIGRATIONS
from tests.schema.test_migrations import settings  # noqa: F401 - a database of the test's own

pytestmark = pytest.mark.unguarded("raw SQL, to see the database's own refusal")
# Table -> what nobody may do to its rows.
FORBIDDEN = {
    "audit_log": {"UPDATE", "DELETE"},
    "deletions": {"DELETE"},
    "program_versions": {"UPDATE"},
    "loyalty_transactions": {"UPDATE", "DELETE"},
    "tier_changes": {"UPDATE", "DELETE"},
    "consent_events": {"UPDATE", "DELETE"},
}
TRIGGERS = {
    "sqlite": "SELECT tbl_name, sql FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": """
        SELECT tgrelid::regclass::text, pg_get_triggerdef(oid) FROM pg_trigger
        WHERE NOT tgisinternal AND tgenabled = 'O'""",
}


@pytest.fixture
def merchant(session, now):
    """A merchant with a row in every table that only grows."""
    merchant = make_merchant()
    product = make_product(make_store(merchant))
    card = make_card(make_program(merchant), make_customer(merchant))
    give(card, points=5)
    with within(merchant):
        keys = {"merchant_id": merchant.id, "card_id": card.id}
        session.add(TierChange(**keys, to_key="gold", qualifying_points=5, program_version=1, changed_at=now))
        session.add(
            ConsentEvent(customer_id=card.customer_id, is_given=True, source="portal", occurred_at=now)
        )
        trash.soft_delete(product, by=OPERATOR, now=now)
        session.commit()
    return merchant


WORDS = [
    ("UPDATE", "UPDATE audit_log SET action = 'nothing'"),
    ("DELETE", "DELETE FROM audit_log"),
    ("DELETE", "DELETE FROM deletions"),
    ("UPDATE", "UPDATE loyalty_transactions SET points_delta = 500"),
    ("UPDATE", "UPDATE loyalty_transactions SET id = id"),
    ("UPDATE", "UPDATE loyalty_transactions SET reason_code = 'other' WHERE id = 1"),
    ("DELETE", "DELETE FROM loyalty_transactions"),
    ("DELETE", "DELETE FROM loyalty_transactions WHERE id = 1"),
    ("UPDATE", "UPDATE tier_changes SET to_key = 'base'"),
    ("DELETE", "DELETE FROM tier_changes"),
    ("UPDATE", "UPDATE consent_events SET is_given = false"),
    ("DELETE", "DELETE FROM consent_events"),
]


@pytest.mark.parametrize(("verb", "words"), WORDS)
def test_the_database_refuses(session, merchant, verb, words):
    with pytest.raises(DatabaseError, match=f"append-only: {verb}"), within(merchant):
        session.execute(text(words))
    session.rollback()


def copied(table, verb, end=""):
    """Insert a copy of the first row over itself."""
    name, columns = table.__tablename__, ", ".join(column.name for column in table.__table__.columns)
    return f"{verb} INTO {name} ({columns}) SELECT {columns} FROM {name} WHERE id = 1 {end}"


@pytest.mark.parametrize("table", [LoyaltyTransaction, TierChange, ConsentEvent, AuditEntry])
def test_an_insert_does_not_overwrite_either(session, merchant, table):
    """ON CONFLICT DO UPDATE is an update; SQLite's REPLACE is a deletion."""
    upsert = copied(table, "INSERT", "ON CONFLICT (id) DO UPDATE SET merchant_id = excluded.merchant_id")
    both = {"sqlite": [upsert, copied(table, "REPLACE")], "postgresql": [upsert]}
    for words in both[session.get_bind().dialect.name]:
        with pytest.raises(DatabaseError, match="append-only"), within(merchant):
            session.execute(text(words))
        session.rollback()


@pytest.mark.parametrize("kind", [AuditEntry, Deletion, LoyaltyTransaction, TierChange, ConsentEvent])
def test_the_session_is_refused_too(session, merchant, kind):
    with within(merchant):
        session.delete(session.scalars(kind.of(merchant)).first())
        with pytest.raises(DatabaseError, match="append-only"):
            session.flush()
    session.rollback()


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        (LoyaltyTransaction, "points_delta", 6),
        (TierChange, "to_key", "base"),
        (ConsentEvent, "is_given", False),
    ],
)
def test_a_changed_object_is_refused_too(session, merchant, kind, field, value):
    with within(merchant):
        setattr(session.scalars(kind.of(merchant)).first(), field, value)
        with pytest.raises(DatabaseError, match="append-only: UPDATE"):
            session.flush()
    session.rollback()


def test_a_deletion_moves_on(session, merchant):
    with within(merchant):
        assert session.execute(text("UPDATE deletions SET hold = true")).rowcount == 1
    session.rollback()


@pytest.mark.postgresql
@pytest.mark.parametrize("table", FORBIDDEN)
def test_the_app_role_cannot_empty_a_table_at_once(session, merchant, table):
    with pytest.raises(DatabaseError, match="permission denied"), within(merchant):
        session.execute(text(f"TRUNCATE {table} CASCADE"))
    session.rollback()


def standing(engine):
    """What the triggers of the database forbid, table by table."""
    with engine.connect() as connection:
        found = connection.execute(text(TRIGGERS[engine.dialect.name])).all()
    forbids = {}
    for table, words in found:
        verb = next(verb for verb in ("UPDATE", "DELETE") if f"BEFORE {verb} ON" in words)
        forbids.setdefault(table, set()).add(verb)
    return forbids


def test_the_refusals_still_stand_after_every_migration(settings):  # noqa: F811 - the fixture
    """A rebuilt table has lost its triggers, silently: every revision is looked at, up, down and up."""
    app, owner = create_app(settings), create_engine(settings["MIGRATION_DATABASE_URL"], poolclass=NullPool)
    revisions = [r.revision for r in ScriptDirectory(MIGRATIONS).walk_revisions()][::-1]
    seen = []
    with app.app_context():
        for step in [*revisions, *revisions[-2::-1], *revisions[1:]]:
            move = flask_migrate.upgrade if not seen or step > seen[-1] else flask_migrate.downgrade
            move(directory=MIGRATIONS, revision=step)
            seen.append(step)
            tables = set(inspect(owner).get_table_names())
            assert standing(owner) == {t: verbs for t, verbs in FORBIDDEN.items() if t in tables}, step
        db.session.remove()
        db.engine.dispose()
    owner.dispose()
    assert standing(owner) == FORBIDDEN
