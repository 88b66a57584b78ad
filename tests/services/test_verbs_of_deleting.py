"""The deletions people know by name: a customer, an order, a program."""

import pytest

from portal.errors import Conflict
from portal.models import Customer, LoyaltyCard, LoyaltyProgram, Order, ProgramVersion
from portal.models.actor import OPERATOR
from portal.services import customers, orders, programs, trash
from tests.factories import (
    make_card,
    make_customer,
    make_merchant,
    make_order,
    make_program,
    make_store,
    within,
)


def test_a_customer_goes_with_their_cards_and_their_orders_stay(session, now):
    merchant = make_merchant()
    store, customer = make_store(merchant), make_customer(merchant)
    make_card(make_program(merchant), customer)
    order = make_order(store, customer)
    with within(merchant):
        act = customers.delete_customer(session.get(Customer, customer.id), by=OPERATOR, now=now)
        assert act.counts == {"customers": 1, "loyalty_cards": 1}
        assert session.get(Order, order.id).customer.is_deleted
        session.commit()


def test_an_order_goes_and_comes_back(session, now):
    merchant = make_merchant()
    order = make_order(make_store(merchant))
    with within(merchant):
        act = orders.delete_order(session.get(Order, order.id), by=OPERATOR, now=now)
        assert session.get(Order, order.id) is None
        trash.restore(act, by=OPERATOR, now=now)
        assert session.get(Order, order.id) is not None
        session.commit()


def test_a_program_makes_room_for_a_new_one(session, now):
    merchant = make_merchant()
    with within(merchant):
        first = programs.create_program(merchant, by=OPERATOR, now=now, loyalty_type="hybrid")
        with pytest.raises(Conflict):
            programs.create_program(merchant, by=OPERATOR, now=now)
        programs.delete_program(first, by=OPERATOR, now=now)
        second = programs.create_program(merchant, by=OPERATOR, now=now, is_active=False)
        assert second.activated_at is None
        session.commit()


def test_a_save_of_the_rules_keeps_their_version(session, now):
    merchant = make_merchant()
    with within(merchant):
        program = programs.create_program(merchant, by=OPERATOR, now=now, stamps_target=8)
        kept = session.get(ProgramVersion, (merchant.id, 1))
        assert (kept.version, kept.rules["stamps_target"], program.activated_at) == (1, 8, now)
        assert session.get(LoyaltyCard, 1) is None
        assert session.get(LoyaltyProgram, program.id) is program
        session.commit()
