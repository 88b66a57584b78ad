"""What is written down stays as it was written: the database itself refuses."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from portal.models import AuditEntry, Deletion
from portal.models.actor import OPERATOR
from portal.services import trash
from tests.factories import make_merchant, make_product, make_store, within

pytestmark = pytest.mark.unguarded("raw SQL, to see the database's own refusal")


@pytest.fixture
def merchant(session, now):
    """A merchant with one deletion and its entry in the audit log."""
    merchant = make_merchant()
    product = make_product(make_store(merchant))
    with within(merchant):
        trash.soft_delete(product, by=OPERATOR, now=now)
        session.commit()
    return merchant


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        ("UPDATE", "UPDATE audit_log SET action = 'nothing'"),
        ("DELETE", "DELETE FROM audit_log"),
        ("DELETE", "DELETE FROM deletions"),
    ],
)
def test_the_database_refuses(session, merchant, verb, words):
    with pytest.raises(DatabaseError, match=f"append-only: {verb}"), within(merchant):
        session.execute(text(words))
    session.rollback()


@pytest.mark.parametrize("kind", [AuditEntry, Deletion])
def test_the_session_is_refused_too(session, merchant, kind):
    with within(merchant):
        session.delete(session.scalars(kind.of(merchant)).one())
        with pytest.raises(DatabaseError, match="append-only"):
            session.flush()
    session.rollback()


def test_a_deletion_moves_on(session, merchant):
    with within(merchant):
        assert session.execute(text("UPDATE deletions SET hold = true")).rowcount == 1
    session.rollback()
