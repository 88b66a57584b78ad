"""Rows of the ledger that tests begin with are posted like any other."""

from sqlalchemy import func, select

from portal.extensions import db
from portal.models import LoyaltyTransaction
from tests.factories import (
    give,
    make_card,
    make_customer,
    make_earn,
    make_merchant,
    make_order,
    make_product,
    make_program,
    make_store,
    within,
)


def sums(card):
    row = LoyaltyTransaction
    mine = (row.merchant_id == card.merchant_id, row.card_id == card.id)
    totals = select(func.sum(row.points_delta), func.sum(row.stamps_delta)).where(*mine)
    with within(card.merchant_id):
        return tuple(db.session.execute(totals).one())


def test_what_is_given_is_a_row_and_a_balance(app):
    card = make_card(make_program(make_merchant()))
    row = give(card, points=140, stamps=3)
    assert (row.type, row.points_after, row.stamps_after) == ("import", 140, 3)
    give(card, points=-40, kind="expire", source="system")
    assert (card.points_balance, card.stamps_balance) == sums(card) == (100, 3)


def test_an_order_earns_but_for_its_gift_card(app):
    merchant = make_merchant()
    store, customer = make_store(merchant), make_customer(merchant)
    card = make_card(make_program(merchant, loyalty_type="points", points_per_euro=10), customer)
    gift = make_product(store, price_cents=1000, earns_points=False)
    order = make_order(store, customer, [make_product(store, price_cents=1999), gift])
    row = make_earn(order, card)
    assert (row.points_delta, row.eligible_cents, row.amount_cents) == (199, 1999, 2999)
    assert (card.points_balance, card.stamps_balance) == sums(card)
