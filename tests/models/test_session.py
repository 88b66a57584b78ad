"""The session: owners stay alive under what is written, readers only read, moments are in UTC."""

import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import event, func, insert, select, text, update
from sqlalchemy.exc import DatabaseError, StatementError
from sqlalchemy.orm import joinedload

from portal.errors import Conflict
from portal.extensions import db
from portal.models import Customer, LoyaltyCard, Order, Product, Store, User
from portal.models.actor import OPERATOR
from portal.models.base import Model
from portal.models.ownership import Rule
from portal.models.tenancy import across_merchants
from portal.services import trash
from tests.factories import (
    make_card,
    make_customer,
    make_everything,
    make_member,
    make_merchant,
    make_owner,
    make_pin,
    make_product,
    make_reward,
    make_store,
    make_token,
    make_user,
    within,
)
from tests.ownership_rules import classified

# owners

DEAD_OWNERS = {
    "a product in a store": ("store", lambda t: make_product(t.store)),
    "a member in a store": ("store", lambda t: make_member(t.store)),
    "a PIN in a store": ("store", lambda t: make_pin(t.store, t.owner)),
    "a member who is gone": ("user", lambda t: make_member(t.store, t.user)),
    "an owner who is gone": ("user", lambda t: make_owner(t.merchant, t.user)),
    "a PIN of somebody who left": ("member", lambda t: make_pin(t.store, t.member)),
    "a reward in a program": ("program", lambda t: make_reward(t.program)),
    "a card in a program": ("program", lambda t: make_card(t.program, make_customer(t.merchant))),
    "a card of a customer": ("customer", lambda t: make_card(t.program, t.customer)),
    "a token of a card": ("card", lambda t: make_token(t.card)),
    "a customer of a merchant": ("merchant", lambda t: make_customer(t.merchant)),
    "a store of a merchant": ("merchant", lambda t: make_store(t.merchant)),
}


@pytest.fixture
def things(app):
    things = make_everything(make_merchant())
    things.user = make_user()
    return things


def kill(row, merchant, now):
    with within(merchant):
        trash.soft_delete_cascade(row, by=OPERATOR, now=now)
        db.session.commit()


@pytest.mark.parametrize("what", DEAD_OWNERS)
def test_nothing_is_made_under_a_dead_owner(session, things, now, what):
    owner, make = DEAD_OWNERS[what]
    kill(getattr(things, owner), things.merchant, now)
    with pytest.raises(Conflict) as no, across_merchants(session, "a test"):
        make(things)
    session.rollback()
    assert no.value.code == "owner_deleted"


BULK_ROWS = {
    "store": (Product, lambda t: {"store_id": t.store.id, "name": "x", "name_key": "x", "price_cents": 1}),
    "merchant": (Customer, lambda t: {"name": "x", "name_key": "x"}),
    "program": (LoyaltyCard, lambda t: {"program_id": t.program.id, "customer_id": t.customer.id}),
}


@pytest.mark.parametrize("named", [True, False], ids=["merchant named", "merchant by default"])
@pytest.mark.parametrize("owner", BULK_ROWS)
def test_no_bulk_rows_are_made_under_a_dead_owner(session, things, now, owner, named):
    model, row = BULK_ROWS[owner]
    mine = {"merchant_id": things.merchant.id} if named else {}
    rows = [row(things) | mine]
    merchant_id = things.merchant.id
    kill(getattr(things, owner), things.merchant, now)
    with within(merchant_id), pytest.raises(Conflict) as no:
        session.execute(insert(model), rows)
    session.rollback()
    assert (no.value.code, no.value.details["kind"]) == ("owner_deleted", owner_table(owner))


def owner_table(owner):
    return {"store": "stores", "merchant": "merchants", "program": "loyalty_programs"}[owner]


def test_the_refusal_says_what_to_do(session, things, now):
    kill(things.store, things.merchant, now)
    sentence = r"The store this belongs to was deleted\. Restore it first\."
    with across_merchants(session, "a test"), pytest.raises(Conflict, match=sentence):
        make_product(things.store)
    session.rollback()


@pytest.mark.parametrize("by", ["key", "relationship"])
def test_a_row_is_not_moved_under_a_dead_owner(session, things, now, by):
    other = make_store(things.merchant)
    merchant_id, other_id, product_id = things.merchant.id, other.id, things.product.id
    kill(other, things.merchant, now)
    with within(merchant_id):
        product = session.get(Product, product_id)
        if by == "key":
            product.store_id = other_id
        else:
            dead_too = {"include_deleted": True}
            product.store = session.get(Store, other_id, execution_options=dead_too)
        with pytest.raises(Conflict):
            session.flush()
        session.rollback()


def test_a_row_is_moved_under_a_living_owner(session, things):
    other = make_store(things.merchant)
    with within(things.merchant):
        session.get(Product, things.product.id).store_id = other.id
        session.commit()
        assert [p.id for p in session.scalars(select(Product).where(Product.store_id == other.id))] == [
            things.product.id
        ]


def test_other_changes_of_a_row_do_not_ask_its_owners(session, things, guard):
    with within(things.merchant):
        product = session.get(Product, things.product.id)
        statements = []
        with watched(session, statements):
            product.category = "x"
            session.flush()
        assert [s.split()[0] for s in statements] == ["UPDATE"]
        session.rollback()


def test_owners_are_asked_once_per_kind(session, things):
    rows = [Product(store_id=things.store.id, name=f"p{n}", price_cents=1, sku=f"n{n}") for n in range(20)]
    with within(things.merchant):
        statements = []
        with watched(session, statements):
            session.add_all(rows)
            session.flush()
        asked = [s for s in statements if s.startswith("SELECT")]
        assert len(asked) == 2  # the merchant and the store
        session.rollback()


@pytest.mark.postgresql
def test_owners_are_locked_in_share_by_merchant_and_id(session, things):
    statements = []
    with within(things.merchant):
        session.connection()
        with watched(session, statements):
            session.add(Product(store_id=things.store.id, name="x", price_cents=1))
            session.flush()
        session.rollback()
    (asked,) = [s for s in statements if "FROM stores" in s]
    assert asked.endswith("FOR SHARE")
    assert "stores.merchant_id" in asked


def test_an_owner_made_in_the_same_flush_is_alive(session, things):
    with within(things.merchant):
        store = Store(name="x", store_code="x", join_code="x")
        session.add(store)
        store.products.append(Product(name="x", price_cents=1))
        session.commit()
        assert session.scalar(select(func.count(Product.id)).where(Product.store_id == store.id)) == 1


def test_history_may_point_at_the_dead(session, things, now):
    kill(things.store, things.merchant, now)
    with within(things.merchant.id):
        session.add(Order(store_id=things.store.id, number="late", occurred_at=now))
        session.commit()
        assert session.scalars(select(Order).where(Order.number == "late")).one().store.is_deleted


def test_a_protecting_row_is_not_made_for_a_dead_one(session, things, now):
    kill(things.store, things.merchant, now)
    with classified("orders", "store_id", Rule.PROTECT), within(things.merchant.id):
        session.add(Order(store_id=things.store.id, number="late", occurred_at=now))
        with pytest.raises(Conflict, match="The store this belongs to was deleted"):
            session.flush()
        session.rollback()


def test_the_database_refuses_a_reference_to_another_merchants_row(session, things):
    other = make_everything(make_merchant())
    with within(things.merchant):
        for row in (
            Product(store_id=other.store.id, name="x", price_cents=1),
            Order(store_id=other.store.id, number="x", occurred_at=other.order.occurred_at),
        ):
            session.add(row)
            with pytest.raises(DatabaseError, match=r"(?i)foreign key"):
                session.flush()
            session.rollback()


def watched(session, statements):
    """Write down what the session sends, begin and settings apart."""
    engine = db.engine

    def look(_connection, _cursor, statement, *_):
        if statement.split()[0] in ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH"):
            statements.append(statement)

    @contextmanager
    def watching():
        event.listen(engine, "before_cursor_execute", look)
        try:
            yield
        finally:
            event.remove(engine, "before_cursor_execute", look)

    return watching()


# readers


@pytest.fixture
def reader(elsewhere):
    """Run work in another session that only reads."""

    def start(work):
        def read_only():
            db.session().info["read_only"] = True
            return work()

        return elsewhere(read_only)

    return start


def count_users():
    return db.session.scalar(select(func.count(User.id)))


def test_a_reader_does_not_wait_for_a_writer(session, reader):
    session.add(User(display_name="Writing"))
    session.flush()  # on SQLite this holds the one write lock
    started = time.monotonic()
    assert reader(count_users).result() == 0
    assert time.monotonic() - started < 5
    session.commit()
    assert reader(count_users).result() == 1


WRITINGS = {
    "objects": lambda: (db.session.add(User(display_name="x")), db.session.flush()),
    "changes": lambda: (
        setattr(db.session.scalars(select(User)).one(), "display_name", "x"),
        db.session.flush(),
    ),
    "bulk rows": lambda: db.session.execute(insert(User), [{"display_name": "x", "name_key": "x"}]),
    "an update": lambda: db.session.execute(update(User).values(display_name="x")),
    "a table": lambda: db.session.execute(insert(User.__table__).values(display_name="x", name_key="x")),
}


@pytest.mark.parametrize("what", WRITINGS)
def test_a_reading_session_does_not_write(session, reader, what):
    make_user()
    with pytest.raises(RuntimeError, match="reading session"):
        reader(WRITINGS[what]).result()


@pytest.mark.postgresql
def test_postgresql_itself_refuses_a_reader_that_writes(session, reader):
    make_user()
    raw = text("UPDATE users SET email = 'x' WHERE id = 1")
    with pytest.raises(DatabaseError, match="read-only transaction"):
        reader(lambda: db.session.execute(raw)).result()


def test_a_reader_is_in_its_scope_too(things, reader):
    merchant_id = things.merchant.id

    def read():
        with within(merchant_id):
            return [p.id for p in db.session.scalars(select(Product))]

    assert reader(read).result() == [things.product.id]


def test_writers_wait_for_each_other(session, elsewhere):
    """Two read, add one and write: with the lock taken at the first statement none is lost."""
    user = make_user("0")

    def add_one():
        for _ in range(10):
            row = db.session.get(User, user.id, with_for_update=True)
            row.display_name = str(int(row.display_name) + 1)
            db.session.commit()

    for thread in [elsewhere(add_one) for _ in range(3)]:
        thread.result()
    assert session.get(User, user.id, populate_existing=True).display_name == "30"
    session.rollback()


# moments

LUXEMBOURG = timezone(timedelta(hours=2))


def test_a_moment_comes_back_in_utc(session, now):
    noon = datetime(2026, 6, 1, 12, tzinfo=LUXEMBOURG)
    user = make_user(created_at=noon)
    session.expire_all()
    assert user.created_at == noon
    assert user.created_at.tzinfo is UTC
    assert session.scalar(select(User.created_at).where(User.created_at == noon)).hour == 10
    session.rollback()


def test_a_naive_moment_is_refused(session):
    with pytest.raises(StatementError, match="naive datetime"):
        make_user(created_at=datetime(2026, 6, 1))  # noqa: DTZ001 - what must be refused
    session.rollback()


def test_no_moment_stays_none(session):
    user = make_user()
    session.expire_all()
    assert user.deleted_at is None
    session.rollback()


# what the house forbids


def test_no_relationship_joins_by_itself():
    lazy = {r.lazy for m in Model.registry.mappers for r in m.relationships}
    assert lazy == {"select"}


def test_a_to_one_by_a_join_would_forget_the_dead(session, things, now):
    """Why it is forbidden: this is what it does."""
    kill(things.store, things.merchant, now)
    with within(things.merchant.id):
        joined = select(Order).options(joinedload(Order.store))
        assert session.scalars(joined).one().store is None
        session.rollback()
