"""PostgreSQL's own wall: the app role sees one merchant's rows, also when a query forgets to ask.

Raw text only: the query layer has its own tests.
"""

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from portal.models.base import Model
from portal.models.session import PortalSession
from portal.models.tenancy import Person, across_merchants, scoped
from tests.factories import make_everything, make_merchant, make_user, within

pytestmark = [pytest.mark.postgresql, pytest.mark.unguarded("raw SQL, to see the wall alone")]
PLATFORM = {"users", "merchants", "login_sessions", "sign_in_attempts", "api_keys"}
WALLED = sorted(Model.metadata.tables.keys() - PLATFORM)
MERCHANTS = text("SELECT DISTINCT merchant_id FROM products")
MINE = text("SELECT current_setting('app.merchant_id', true)")


@pytest.fixture
def two(app):
    """Two merchants with everything."""
    first, second = (make_everything(make_merchant()) for _ in "ab")
    return first, second


@pytest.fixture
def owner(database):
    """A connection of the role that owns the tables."""
    url = database.settings["MIGRATION_DATABASE_URL"].replace("+psycopg", "", 1)
    with psycopg.connect(url) as connection:
        yield connection


def test_the_app_is_no_owner_and_no_superuser(session):
    asked = text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
    assert session.scalar(asked) is False
    owned = text("SELECT count(*) FROM pg_tables WHERE tableowner = current_user")
    assert session.scalar(owned) == 0


@pytest.mark.parametrize("table", WALLED)
def test_every_tenant_table_stands_behind_the_wall(session, table):
    forced = text("SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE relname = :t")
    assert session.scalar(forced, {"t": table}) is True


@pytest.mark.parametrize("table", sorted(PLATFORM))
def test_the_platforms_tables_have_no_wall(session, table):
    walled = text("SELECT relrowsecurity FROM pg_class WHERE relname = :t")
    assert session.scalar(walled, {"t": table}) is False


def test_one_merchants_scope_shows_one_merchants_rows(session, two):
    for things in two:
        with within(things.merchant):
            assert session.scalars(MERCHANTS).all() == [things.merchant.id]


@pytest.mark.parametrize("table", ["orders", "customers", "deletions", "audit_log", "order_lines"])
def test_every_kind_of_row_is_hidden(session, two, table):
    with within(two[0].merchant):
        foreign = text(f"SELECT count(*) FROM {table} WHERE merchant_id = :m")
        assert session.scalar(foreign, {"m": two[1].merchant.id}) == 0


def test_no_scope_shows_nothing(session, two):
    assert session.scalars(MERCHANTS).all() == []
    assert session.scalar(text("SELECT count(*) FROM merchants")) == 2


def test_across_shows_everything(session, two):
    with across_merchants(session, "a test"):
        assert set(session.scalars(MERCHANTS)) == {t.merchant.id for t in two}
    assert session.scalars(MERCHANTS).all() == []


def test_a_scope_inside_another_gives_it_back(session, two):
    with within(two[0].merchant):
        with across_merchants(session, "a test"):
            assert len(session.scalars(MERCHANTS).all()) == 2
        assert session.scalars(MERCHANTS).all() == [two[0].merchant.id]
        with within(two[1].merchant):
            assert session.scalars(MERCHANTS).all() == [two[1].merchant.id]
        assert session.scalars(MERCHANTS).all() == [two[0].merchant.id]


def test_a_scope_given_back_inside_a_savepoint_is_given_back(session, two):
    with within(two[0].merchant):
        with session.begin_nested(), across_merchants(session, "a test"):
            pass
        assert session.scalars(MERCHANTS).all() == [two[0].merchant.id]


def test_a_savepoint_rolled_back_keeps_the_scope(session, two):
    with within(two[0].merchant):
        with session.begin_nested() as savepoint, across_merchants(session, "a test"):
            savepoint.rollback()
        assert session.scalars(MERCHANTS).all() == [two[0].merchant.id]


def test_a_row_for_another_merchant_is_refused(session, two):
    row = "INSERT INTO customers (merchant_id, name, name_key, created_at, updated_at) VALUES"
    with pytest.raises(ProgrammingError, match="row-level security"), within(two[0].merchant):
        session.execute(text(f"{row} ({two[1].merchant.id}, 'x', 'x', now(), now())"))
    session.rollback()


def test_a_row_handed_to_another_merchant_is_refused(session, two):
    move = text("UPDATE orders SET merchant_id = :m")
    with pytest.raises(ProgrammingError, match="row-level security"), within(two[0].merchant):
        session.execute(move, {"m": two[1].merchant.id})
    session.rollback()


@pytest.mark.parametrize("words", ["UPDATE products SET name = 'x'", "DELETE FROM card_tokens"])
def test_changes_reach_one_merchants_rows(session, two, words):
    with within(two[0].merchant):
        assert session.execute(text(words)).rowcount == 1
    session.rollback()


def test_the_chooser_sees_the_persons_own_memberships(session, two):
    user = two[0].member.user_id
    with scoped(session, Person(user)):
        assert session.scalars(text("SELECT user_id FROM store_users")).all() == [user]
        assert session.scalars(text("SELECT user_id FROM merchant_owners")).all() == []
        assert session.scalars(MERCHANTS).all() == []


def test_at_the_door_the_database_knows_the_person_and_that_merchant(session, two):
    mine, other = two
    with scoped(session, Person(mine.member.user_id, other.merchant.id)):
        both = {mine.member.user_id, other.member.user_id}
        assert set(session.scalars(text("SELECT user_id FROM store_users"))) == both
        assert session.scalars(MERCHANTS).all() == [other.merchant.id]
    assert session.scalars(MERCHANTS).all() == []


def test_the_same_scope_again_tells_the_database_nothing(session, two, monkeypatch):
    with within(two[0].merchant):
        session.scalars(MERCHANTS).all()
        with monkeypatch.context() as patched:
            patched.setattr(PortalSession, "tell_database", None)
            with within(two[0].merchant):
                assert session.scalars(MERCHANTS).all() == [two[0].merchant.id]


def test_the_chooser_changes_nothing(session, two):
    with scoped(session, Person(two[0].member.user_id)):
        assert session.execute(text("UPDATE store_users SET position = 'x'")).rowcount == 0
    session.rollback()


def test_settings_do_not_outlive_their_transaction(session, two):
    with within(two[0].merchant):
        assert session.scalar(MINE) == str(two[0].merchant.id)
        connection = session.connection()
        session.execute(text("COMMIT"))  # by hand: the same connection is asked again
        assert connection.exec_driver_sql(str(MINE)).scalar() == ""
        session.rollback()
    assert session.scalar(MINE) == ""
    assert session.scalars(MERCHANTS).all() == []


def test_a_rollback_takes_the_settings_along(session, two):
    with within(two[0].merchant):
        session.scalar(MINE)
        session.rollback()
        assert session.scalar(MINE) == str(two[0].merchant.id)  # told again: still in scope


def test_the_owner_of_the_tables_is_held_too(owner, two):
    assert owner.execute("SELECT count(*) FROM products").fetchone() == (0,)
    owner.execute(f"SET LOCAL app.merchant_id = '{two[0].merchant.id}'")
    assert owner.execute("SELECT count(*) FROM products").fetchone() == (1,)


def test_a_stranger_at_the_chooser_sees_no_memberships(session, two):
    with scoped(session, Person(make_user().id)):
        assert session.scalars(text("SELECT user_id FROM store_users")).all() == []
