"""How many statements a screen sends: at most six in all, however many rows there are.

Generated from the app's own map: a new screen is in it by itself. What opens a transaction is not
counted, for it asks nothing; telling PostgreSQL whose rows are asked for is.
"""

import re
from html import unescape

import pytest
from sqlalchemy import select

from portal.extensions import db
from portal.models import LoyaltyCard, LoyaltyProgram, OrderRefund, RewardIssue, Store
from portal.models.actor import Role
from portal.services import reviews, team, trash
from tests.factories import (
    NOW,
    give,
    make_card,
    make_customer,
    make_device,
    make_member,
    make_merchant,
    make_order,
    make_owner,
    make_pin,
    make_product,
    make_reward,
    make_store,
    make_token,
    make_user,
    manager_of,
    owner_of,
    within,
)
from tests.test_matrix import address, ids_of, portal_rules
from tests.web.conftest import HTMX

MOST = 6
FEW, MANY = 3, 60
# Endpoint -> how many it may send instead, and why.
EXCEPTIONS: dict[str, tuple[int, str]] = {
    "customers.export_person": (20, "a file with fourteen kinds of rows, asked for once in a while"),
    "customers.export_person_table": (20, "the same as a table"),
}


@pytest.fixture
def people(app):
    """An owner of everything, and a manager of one store in each world."""
    return {"owner": make_user(), "manager": make_user()}


def world_of(size, people, role):
    """A merchant with so many of everything, in one store and in the trash; and one id of each kind."""
    merchant = make_merchant(owner=people["owner"])
    ids = ids_of(merchant)
    with within(merchant):
        store = db.session.get(Store, (merchant.id, ids["store_id"]))
        program = db.session.scalars(select(LoyaltyProgram)).one()
        db.session.expunge_all()
        db.session.rollback()
    make_member(store, people["manager"], role="manager")
    by = owner_of(merchant, people["owner"]) if role == "owner" else manager_of(store, user=people["manager"])
    for n in range(size):
        fill(merchant, store, program, n)
    move(merchant, ids, size)
    fallen = [make_product(store) for _ in range(size)]
    doomed = make_store(merchant)
    for _ in range(size):
        make_product(doomed)
        make_member(doomed)
    db.session.remove()
    with within(merchant):
        acts = trash.soft_delete_many([db.session.merge(each) for each in fallen], by=by, now=NOW)
        if role == "owner":
            acts.append(trash.soft_delete_cascade(db.session.merge(doomed), by=by, now=NOW))
        ids["deletion_id"] = acts[-1].id
        for _ in range(size):
            team.invite(merchant, by=by, now=NOW, display_name="Ina", role="staff", store=store)
        db.session.commit()
    db.session.remove()
    return merchant, ids


def fill(merchant, store, program, n):
    make_store(merchant, city=f"City {n}")
    make_owner(merchant)
    member, customer = make_member(store), make_customer(merchant)
    make_device(store)
    make_pin(store, member)
    make_token(make_card(program, customer))
    make_reward(program)
    make_order(store, customer, [make_product(store, category=f"Category {n}")])


def move(merchant, ids, size):
    """Fill a card's statement, its rewards, the refunds of an order and the review list."""
    with within(merchant):
        card = db.session.scalars(select(LoyaltyCard).where(LoyaltyCard.id == ids["card_id"])).one()
        db.session.expunge_all()
        db.session.rollback()
    keys = {"merchant_id": merchant.id, "card_id": card.id}
    for _ in range(size):
        give(card, points=5, order_id=ids["order_id"])
        with within(merchant):
            db.session.add(RewardIssue(points_price=100, issued_at=NOW, **keys))
            reviews.flag("negative_stamps", "mistake", now=NOW, **keys)
            refund = {"merchant_id": merchant.id, "order_id": ids["order_id"], "amount_cents": 1}
            db.session.add(OrderRefund(occurred_at=NOW, **refund))
            db.session.commit()
    db.session.remove()


def screens(app, merchant, ids, role):
    for rule, method in portal_rules(app):
        least = Role.of_word(app.view_functions[rule.endpoint].allowed)
        if method == "GET" and Role.of_word(role) >= least:
            yield rule.endpoint, address(app, rule, merchant, ids)


def counted(browser, statements, target, headers):
    """Ask twice: the first time a process may have something to look up for good."""
    browser.get(target, headers=headers)
    with statements() as sent:
        answer = browser.get(target, headers=headers)
        answer.get_data()
    assert answer.status_code in (200, 302, 303), f"{target} answered {answer.status_code}"
    return [each for each in sent if not each.startswith("BEGIN")]


@pytest.mark.parametrize("role", ["owner", "manager"])
def test_a_screen_sends_at_most_six_statements(app, people, sign_in, statements, role):
    browser = sign_in(people[role])
    few, many = world_of(FEW, people, role), world_of(MANY, people, role)
    big = dict(screens(app, *many, role))
    told = []
    for endpoint, target in screens(app, *few, role):
        for headers in ({}, HTMX):
            for_few = counted(browser, statements, target, headers)
            for_many = counted(browser, statements, big[endpoint], headers)
            told += complaints(endpoint, for_few, for_many)
    assert not told, "\n".join(told)


def complaints(endpoint, for_few, for_many):
    most, _ = EXCEPTIONS.get(endpoint, (MOST, ""))
    if len(for_few) != len(for_many) or len(for_many) > most:
        sent = "\n    ".join(" ".join(each.split())[:200] for each in for_many)
        yield f"{endpoint}: {len(for_few)} for few, {len(for_many)} for many\n    {sent}"


def test_a_deep_page_stays_within_six(app, people, sign_in, statements):
    merchant, _ = world_of(MANY, people, "owner")
    browser = sign_in(people["owner"])
    for place in ("products", "team", "stores", "customers", "trash"):
        first = browser.get(f"/m/{merchant.subdomain}/{place}/").text
        after = unescape(re.search(r'href="([^"]*[?&;]after=[^"]*)"', first)[1])
        assert len(counted(browser, statements, after, {})) <= MOST
        # A page that was emptied meanwhile is read once more: the last one that has rows.
        assert len(counted(browser, statements, f"{after}&q=nothing-of-the-kind", {})) <= MOST + 1
