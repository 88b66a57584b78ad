"""The trash among many at once: real processes, real transactions, both engines.

TRASH_ROUNDS repeats each race that often, WRITERS says how many write at once.
"""

import os

import pytest
from sqlalchemy import func, select

from portal.extensions import db
from portal.models import Deletion, LoyaltyCard, Store
from portal.models.tenancy import across_merchants
from tests.chaos.sides import Side, at_once
from tests.factories import (
    first_owner,
    make_card,
    make_customer,
    make_merchant,
    make_owner,
    make_product,
    make_program,
    make_store,
    make_user,
    within,
)
from tests.services.test_trash_delete import TAKES
from tests.services.trash_stage import bare, everything, findings, lives, look, stage, throw

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]
ROUNDS = int(os.environ.get("TRASH_ROUNDS", "40"))
FEW = max(1, ROUNDS // 4)
WRITERS = int(os.environ.get("WRITERS", "8"))


@pytest.fixture
def two(app, database):
    """Two others."""
    sides = [Side(database.settings) for _ in "ab"]
    yield sides
    for side in sides:
        side.close()


@pytest.fixture
def merchant(app):
    merchant = make_merchant()
    db.session.expunge_all()
    return merchant


def make(maker, *args, **how):
    row = maker(*args, **how)
    db.session.expunge_all()
    return row


def test_delete_against_insert_below(two, merchant):
    said = set()
    for n in range(ROUNDS):
        store = make(make_store, merchant)
        kill = {"kind": "stores", "merchant": merchant.id, "row": store.id}
        put = {"merchant": merchant.id, "store": store.id, "sku": f"late{n}"}
        act, answer = at_once((two[0], "delete", kill), (two[1], "put_product", put))
        assert isinstance(act, int)
        said.add(answer)
    assert said <= {"done", "owner_deleted"}
    assert findings() == []
    assert all(r.deletion_id for r in everything()["products"])


def test_delete_against_delete(two, merchant):
    for _ in range(FEW):
        store = make(make_store, merchant)
        make(make_product, store)
        kill = {"kind": "stores", "merchant": merchant.id, "row": store.id}
        first, second = at_once(*((side, "delete", kill) for side in two))
        assert first == second
    with across_merchants(db.session, "a test"):
        assert db.session.scalar(select(func.count(Deletion.id))) == FEW
        db.session.rollback()
    assert findings() == []


def test_delete_of_an_owner_against_delete_of_what_it_owns(two, merchant):
    for _ in range(FEW):
        store = make(make_store, merchant)
        product = make(make_product, store)
        answers = at_once(
            (two[0], "delete", {"kind": "stores", "merchant": merchant.id, "row": store.id}),
            (two[1], "delete", {"kind": "products", "merchant": merchant.id, "row": product.id}),
        )
        assert bare("products", product.id).deletion_id in answers
    assert findings() == []


def test_restore_against_create_of_the_same_value(two, merchant):
    said = []
    for n in range(ROUNDS):
        store = make(make_store, merchant, f"Shop {n}")
        act = throw(store)
        back, new = at_once(
            (two[0], "restore", {"merchant": merchant.id, "act": act}),
            (two[1], "put_store", {"merchant": merchant.id, "code": store.store_code}),
        )
        said.append((back, new))
        with within(merchant.id):
            same = select(func.count(Store.id)).where(Store.store_code == store.store_code)
            assert db.session.scalar(same) == 1
            db.session.rollback()
    assert set(said) <= {("done", "taken"), ("value_taken", "done")}
    assert findings() == []


def test_restore_against_delete_of_the_owner(two, merchant):
    """Either it comes back and dies again with the store, or it is told that the store is gone."""
    for _ in range(FEW):
        store = make(make_store, merchant)
        product = make(make_product, store)
        own = throw(product)
        back, act = at_once(
            (two[0], "restore", {"merchant": merchant.id, "act": own}),
            (two[1], "delete", {"kind": "stores", "merchant": merchant.id, "row": store.id}),
        )
        held = bare("products", product.id).deletion_id
        assert (back, held) in {("done", act), ("owner_deleted", own)}
    assert findings() == []


def test_restore_against_delete_of_another_owner(two, merchant):
    for _ in range(FEW):
        program = make(make_program, merchant)
        customer = make(make_customer, merchant)
        card = make(make_card, program, customer)
        own = throw(customer)
        back, act = at_once(
            (two[0], "restore", {"merchant": merchant.id, "act": own}),
            (two[1], "delete", {"kind": "loyalty_programs", "merchant": merchant.id, "row": program.id}),
        )
        assert back == "done"
        assert isinstance(act, int)
        assert lives(customer)
        assert not lives(card)
    assert findings() == []


def test_restore_against_restore_of_two_owners(two, merchant):
    for _ in range(FEW):
        program = make(make_program, merchant)
        customer = make(make_customer, merchant)
        card = make(make_card, program, customer)
        acts = throw(customer), throw(program)
        answers = at_once(
            *(
                (side, "restore", {"merchant": merchant.id, "act": act})
                for side, act in zip(two, acts, strict=True)
            )
        )
        assert answers == ["done", "done"]
        assert lives(card)
        throw(program)
    assert findings() == []


def test_restore_against_restore_of_one_act(two, merchant):
    for _ in range(FEW):
        act = throw(make(make_store, merchant))
        how = {"merchant": merchant.id, "act": act}
        assert at_once(*((side, "restore", how) for side in two)) == ["done", "done"]
        assert look(act).status == "restored"
    assert findings() == []


@pytest.mark.parametrize("kind", ["merchant_owners", "users"])
def test_two_owners_remove_each_other_at_once(two, app, kind):
    for _ in range(FEW):
        merchant = make(make_merchant)
        people = [make(make_user) for _ in two]
        owners = [make(make_owner, merchant, user) for user in people]
        throw(make(first_owner, merchant))
        rows, home = (owners, merchant.id) if kind == "merchant_owners" else (people, 0)
        answers = at_once(
            *(
                (side, "delete", {"kind": kind, "merchant": home, "row": row.id})
                for side, row in zip(two, rows, strict=True)
            )
        )
        assert answers.count("last_owner") == 1
    assert findings() == []


def test_a_person_goes_while_somebody_makes_them_an_owner(two, app):
    for _ in range(FEW):
        merchant, user = make(make_merchant), make(make_user)
        gone, made = at_once(
            (two[0], "delete", {"kind": "users", "merchant": 0, "row": user.id}),
            (two[1], "put_owner", {"merchant": merchant.id, "user": user.id}),
        )
        assert isinstance(gone, int)
        assert made in ("done", "owner_deleted")
    assert findings() == []


# killed


STATEMENTS = ["INSERT INTO deletions", "UPDATE store_users", "UPDATE products", "INSERT INTO audit_log"]


@pytest.mark.parametrize("words", [*STATEMENTS, "COMMIT"])
def test_a_deletion_that_is_killed_leaves_nothing(app, database, words):
    things = stage()
    before = everything()
    side = Side(database.settings)
    how = {"kind": "stores", "merchant": things.merchant.id, "row": things.store.id}
    side.start("die_at", words=words, then="delete", **how)
    side.process.join(30)
    assert side.process.exitcode == -9
    side.close()
    assert everything() == before
    with across_merchants(db.session, "a test"):
        assert db.session.scalars(select(Deletion)).all() == []
        db.session.rollback()
    assert look(throw(things.store)).counts == TAKES["store"]
    assert findings() == []


@pytest.mark.parametrize("words", ["UPDATE products", "UPDATE deletions", "COMMIT"])
def test_a_restore_that_is_killed_leaves_all_in_the_trash(app, database, words):
    things = stage()
    act = throw(things.store)
    before = everything()
    side = Side(database.settings)
    side.start("die_at", words=words, then="restore", merchant=things.merchant.id, act=act)
    side.process.join(30)
    assert side.process.exitcode == -9
    side.close()
    assert everything() == before
    assert look(act).status == "done"
    assert findings() == []


# many writers


def test_many_writers_lose_nothing(app, database, merchant):
    """Read, add one, write: with many processes at once every point arrives and none waits long."""
    card = make(make_card, make(make_program, merchant), make(make_customer, merchant))
    sides = [Side(database.settings) for _ in range(WRITERS)]
    how = {"merchant": merchant.id, "card": card.id, "times": 12}
    longest = at_once(*((side, "add_points", how) for side in sides))
    for side in sides:
        side.close()
    assert [answer for answer in longest if not isinstance(answer, float)] == []
    with within(merchant.id):
        assert db.session.scalars(select(LoyaltyCard.points_balance)).one() == 12 * WRITERS
        db.session.rollback()
    assert max(longest) < 10
