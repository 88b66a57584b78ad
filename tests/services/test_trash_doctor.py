"""The doctor: finds each of the four faults, made here by hand, and nothing in good health."""

from contextlib import closing

import psycopg
import pytest
from sqlalchemy import text

from portal.extensions import db
from portal.models import User
from portal.models.tenancy import across_merchants
from portal.services import trash
from tests.factories import within
from tests.services.trash_stage import bring, change, findings, stage, throw

pytestmark = pytest.mark.unguarded("harms rows by raw SQL")
KEY_TO_DELETIONS = """
    SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE conrelid = 'products'::regclass AND confrelid = 'deletions'::regclass
"""


@pytest.fixture
def things(app):
    return stage()


@pytest.fixture
def harm(database, app):
    """Run raw SQL, past keys and triggers where the engine allows the owner that."""

    def run(words, *, past_keys=False):
        with across_merchants(db.session, "a test"):
            if past_keys and database.name == "sqlite":
                db.session.rollback()
                raw = db.engine.raw_connection()
                raw.execute("PRAGMA foreign_keys=OFF")
                raw.execute(words)
                raw.execute("PRAGMA foreign_keys=ON")
                raw.close()
            elif past_keys:
                db.session.rollback()
                url = database.settings["MIGRATION_DATABASE_URL"].replace("+psycopg", "", 1)
                with closing(psycopg.connect(url)) as owner, owner.transaction():
                    owner.execute("SET LOCAL app.across = 'on'")
                    name, definition = owner.execute(KEY_TO_DELETIONS).fetchone()
                    owner.execute(f"ALTER TABLE products DROP CONSTRAINT {name}")
                    owner.execute(words)
                    owner.execute(f"ALTER TABLE products ADD CONSTRAINT {name} {definition} NOT VALID")
            else:
                db.session.execute(text(words))
                db.session.commit()

    return run


def test_a_healthy_trash_has_no_findings(things):
    throw(things.product)
    bring(throw(things.store))
    throw(things.customer)
    assert findings() == []


def test_live_under_dead(things, harm):
    throw(things.merchant)
    harm(f"UPDATE stores SET deleted_at = NULL, deletion_id = NULL WHERE id = {things.store.id}")
    found = [f for f in findings() if f.rule == "live_under_dead"]
    assert [f.sentence for f in found] == [
        f"store {things.store.id} lives under the dead merchant {things.merchant.id}"
    ]
    assert found[0].merchant_id == things.merchant.id


def test_live_under_a_dead_person(things, harm):
    throw(db.session.get(User, things.member.user_id))
    harm(
        "UPDATE store_users SET deleted_at = NULL, deletion_id = NULL, deleted_by_id = NULL"
        f" WHERE id = {things.member.id}"
    )
    assert "live_under_dead" in {f.rule for f in findings()}


def test_dead_without_deletion(things, harm):
    throw(things.product)
    harm(f"UPDATE products SET deletion_id = 999 WHERE id = {things.product.id}", past_keys=True)
    rules = {f.rule: f.sentence for f in findings()}
    assert rules["dead_without_deletion"] == (
        f"product {things.product.id} is dead by a deletion that does not exist"
    )


def test_a_person_dead_without_deletion(things, harm):
    user = db.session.get(User, things.member.user_id)
    throw(user)
    harm(f"UPDATE users SET deletion_id = 999 WHERE id = {user.id}")
    assert ("dead_without_deletion", 0) in {(f.rule, f.merchant_id) for f in findings()}


def test_dead_though_restored(things, harm):
    act = throw(things.product)
    harm(f"UPDATE deletions SET status = 'restored' WHERE id = {act}")
    (found,) = findings()
    assert found.rule == "dead_though_restored"
    assert found.sentence == f"product {things.product.id} is dead though deletion {act} was restored"


@pytest.mark.parametrize(
    ("book", "wanted"), [("counts", "2 products"), ("departed", "0 products"), ("received", "2 products")]
)
def test_wrong_counts(things, book, wanted):
    act = throw(things.product)
    change(act, **{book: {"products": 2 if book == "counts" else 1}})
    (found,) = findings()
    assert found.rule == "wrong_counts"
    assert found.sentence == f"deletion {act} should hold {wanted}, holds 1"


def test_a_kind_the_books_do_not_know(things, harm):
    act, other = throw(things.product), throw(things.device)
    harm(f"UPDATE till_devices SET deletion_id = {act} WHERE id = {things.device.id}")
    assert sorted(f.sentence for f in findings()) == sorted(
        [
            f"deletion {act} should hold 0 tablets, holds 1",
            f"deletion {other} should hold 1 tablet, holds 0",
        ]
    )


@pytest.mark.parametrize("status", ["running", "restoring", "purging"])
def test_what_is_under_way_is_not_ill(things, harm, status):
    act = throw(things.store)
    harm(f"UPDATE products SET deleted_at = NULL, deletion_id = NULL WHERE id = {things.product.id}")
    assert findings() != []
    change(act, status=status)
    assert findings() == []


def test_the_doctor_looks_at_one_merchant_when_asked_to(things, harm):
    other = stage()
    for ill in (things, other):
        change(throw(ill.product), counts={"products": 5})
    with within(other.merchant.id):
        assert {f.merchant_id for f in trash.doctor()} == {other.merchant.id}
        db.session.rollback()
    with across_merchants(db.session, "a test"):
        assert len(trash.doctor()) == 2
        db.session.rollback()
