"""The SQL guard itself: what it catches, and what it lets pass."""

import pytest
from sqlalchemy import select, text, update

from portal.models import Order, Product, Store, User
from portal.models.soft_delete import including_deleted
from portal.models.tenancy import Person, across_merchants, scoped
from tests.factories import make_everything, make_merchant, make_order, make_store, within
from tests.guard import MORTAL, Said, leaks

ALL_DEAD = Said(dead=MORTAL)
ACROSS = Said(scope="all")
MINE = "p.merchant_id = %(merchant_id_1)s::BIGINT"

LEAKS = {
    "no condition at all": ("SELECT id FROM users", ["the dead of users"]),
    "both forgotten": ("SELECT id FROM products", ["the dead of products", "whose products"]),
    "only the merchant": (
        f"SELECT p.id FROM products AS p WHERE {MINE}",
        ["the dead of products"],
    ),
    "only the death": (
        "SELECT p.id FROM products AS p WHERE p.deleted_at IS NULL",
        ["whose products"],
    ),
    "deleted_at only selected, not asked": (
        f"SELECT p.deleted_at FROM products AS p WHERE {MINE}",
        ["the dead of products"],
    ),
    "asked of another alias": (
        (
            "SELECT p.id FROM products AS p JOIN stores AS s ON s.id = p.store_id"
            " AND s.merchant_id = p.merchant_id"
            f" WHERE s.deleted_at IS NULL AND {MINE}"
        ),
        ["the dead of products"],
    ),
    "a join that names no merchant": (
        (
            "SELECT p.id FROM products AS p JOIN stores AS s ON s.id = p.store_id"
            f" WHERE s.deleted_at IS NULL AND p.deleted_at IS NULL AND {MINE}"
        ),
        ["whose stores"],
    ),
    "two tables tied to each other and to nobody": (
        (
            "SELECT p.id FROM products AS p JOIN stores AS s ON s.merchant_id = p.merchant_id"
            " WHERE s.deleted_at IS NULL AND p.deleted_at IS NULL"
        ),
        ["whose products", "whose stores"],
    ),
    "a subquery": (
        (
            "SELECT u.id FROM users AS u WHERE u.deleted_at IS NULL AND EXISTS"
            " (SELECT 1 FROM store_users AS su WHERE su.user_id = u.id)"
        ),
        ["the dead of store_users", "whose store_users"],
    ),
    "a common table expression": (
        "WITH x AS (SELECT id FROM users) SELECT id FROM x",
        ["the dead of users"],
    ),
    "an arm of a union": (
        "SELECT id FROM users WHERE deleted_at IS NULL UNION SELECT id FROM users",
        ["the dead of users"],
    ),
    "an update": (
        "UPDATE products SET name = 'x' WHERE merchant_id = 1",
        ["the dead of products"],
    ),
    "a delete": ("DELETE FROM order_lines WHERE id = 3", ["whose order_lines"]),
    "the source of an insert": (
        "INSERT INTO users (display_name) SELECT display_name FROM users",
        ["the dead of users"],
    ),
    "a row read by its key": ("SELECT id FROM users WHERE id = 5", ["the dead of users"]),
}
PASSES = {
    "both named": f"SELECT p.id FROM products AS p WHERE p.deleted_at IS NULL AND {MINE}",
    "the deletion named": f"SELECT p.id FROM products AS p WHERE p.deletion_id = 3 AND {MINE}",
    "tied to a bound table": (
        "SELECT p.id FROM products AS p JOIN stores AS s ON s.id = p.store_id"
        " AND s.merchant_id = p.merchant_id AND s.deleted_at IS NULL"
        f" WHERE p.deleted_at IS NULL AND {MINE}"
    ),
    "tied from a subquery": (
        "SELECT s.id FROM stores AS s WHERE s.merchant_id = ? AND s.deleted_at IS NULL AND EXISTS"
        " (SELECT 1 FROM products AS p WHERE p.store_id = s.id AND p.merchant_id = s.merchant_id"
        " AND p.deleted_at IS NULL)"
    ),
    "a row changed by its key": "UPDATE users SET display_name = 'x' WHERE id = 5",
    "an insert": "INSERT INTO products (merchant_id, name) VALUES (1, 'x')",
    "a mortal table no more than named": "SAVEPOINT products",
    "a table of nobody": "SELECT id FROM sign_in_attempts",
    "a setting": "SET LOCAL app.merchant_id = '1'; SET LOCAL app.across = ''",
}


@pytest.mark.parametrize("case", LEAKS)
def test_the_guard_catches(case):
    statement, forgotten = LEAKS[case]
    assert sorted(leaks(statement, "postgresql")) == forgotten


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
@pytest.mark.parametrize("case", PASSES)
def test_the_guard_lets_pass(case, dialect):
    statement = PASSES[case]
    if dialect == "sqlite":
        statement = statement.replace("%(merchant_id_1)s::BIGINT", "?")
    assert leaks(statement, dialect) == ()


def test_a_statement_that_wants_the_dead_still_names_its_merchant():
    assert leaks("SELECT id FROM products", "sqlite", ALL_DEAD) == ("whose products",)


def test_a_statement_over_all_merchants_still_hides_the_dead():
    assert leaks("SELECT id FROM products", "sqlite", ACROSS) == ("the dead of products",)


def test_seeing_the_dead_of_one_kind_shows_no_other():
    both = "SELECT id FROM products, stores WHERE products.merchant_id = 1 AND stores.merchant_id = 1"
    assert leaks(both, "sqlite", Said(dead=frozenset({"products"}))) == ("the dead of stores",)


def test_a_person_is_held_to_the_own_memberships():
    person = Said(scope="own")
    mine = "SELECT id FROM store_users WHERE deleted_at IS NULL AND user_id = ?"
    assert leaks(mine, "sqlite", person) == ()
    assert leaks(mine.replace("user_id", "store_id"), "sqlite", person) == ("whose store_users",)
    assert leaks("SELECT id FROM deletions", "sqlite", person) == ("whose deletions",)


def test_a_refresh_reads_by_key():
    row = "SELECT name FROM products WHERE merchant_id = ? AND id = ?"
    assert leaks(row, "sqlite", Said(is_refresh=True)) == ()
    some = "SELECT name FROM products WHERE merchant_id = ? AND store_id = ?"
    assert leaks(some, "sqlite", Said(is_refresh=True)) == ("the dead of products",)


@pytest.mark.unguarded("it leaks on purpose")
def test_raw_sql_of_a_test_is_seen(session, guard):
    session.execute(text("SELECT id FROM users"))
    assert [f.forgets for f in guard] == [("the dead of users",)]


@pytest.mark.unguarded("it leaks on purpose")
def test_core_tables_are_seen(session, guard):
    merchant = make_merchant()
    with within(merchant):
        session.execute(select(Product.__table__.c.id))
        session.execute(update(Store.__table__).values(name="x"))
    found = [set(f.forgets) for f in guard]
    assert found == [
        {"the dead of products", "whose products"},
        {"the dead of stores", "whose stores"},
    ]


@pytest.mark.unguarded("it leaks on purpose")
def test_a_connection_of_its_own_is_seen(app, session, guard):
    session.connection().execute(select(User.__table__.c.id))
    assert [f.forgets for f in guard] == [("the dead of users",)]


def test_the_sessions_own_work_passes(session, guard):
    things = make_everything(make_merchant())
    with within(things.merchant):
        assert session.scalars(select(Product)).one().store.name
        assert session.scalars(select(Order)).one().lines[0].product.name
        with including_deleted(session, {Product}):
            session.scalars(select(Product).join(Product.store)).all()
        session.refresh(session.scalars(select(Store)).one())
    with across_merchants(session, "a test"):
        session.scalars(select(Store)).all()
    with scoped(session, Person(things.member.user_id)):
        session.scalars(select(type(things.member))).all()
    assert guard == []


def test_a_to_one_reads_history(session, guard):
    merchant = make_merchant()
    make_order(make_store(merchant))
    with within(merchant):
        order = session.scalars(select(Order)).one()
        assert order.store.name
        assert order.customer is None
    assert guard == []
