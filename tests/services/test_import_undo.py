"""Taking imports back."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.errors import Refused
from portal.models import (
    AuditEntry,
    CardToken,
    Customer,
    Deletion,
    ImportBatch,
    LoyaltyCard,
    LoyaltyTransaction,
    Order,
)
from portal.models.actor import OPERATOR
from portal.services import imports, orders
from portal.services.ledger.earning import earn
from portal.services.ledger.merging import merge_customers
from portal.services.ledger.refunding import reverse_earn
from portal.services.ledger.visits import Visit
from portal.services.ledger.voiding import void
from tests.factories import NOW, make_merchant, make_program, make_store, within
from tests.services.importing import committed, take_customers, take_orders, undo

PEOPLE = "id,name,email,card_number,points\n1,Kelly,k@example.com,A1,100\n2,Emi,,A2,\n"
RECEIPTS = "receipt_number,date,store,customer_id,amount\n" + "".join(
    f"R{n},2026-03-0{n},gare,{1 + n % 2},10.00\n" for n in range(1, 6)
)
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def bean(session):
    merchant = make_merchant("Bean")
    make_store(merchant, "Gare")
    make_program(merchant, loyalty_type="points", points_per_euro=10)
    return merchant


@pytest.fixture
def members(bean):
    return take_customers(bean, PEOPLE)[2]


@pytest.fixture
def receipts(bean, members):
    return take_orders(bean, RECEIPTS, is_earning=True)[2]


def all_of(session, merchant, model, *, dead=False):
    with within(merchant):
        query = model.of(merchant).order_by(model.id)
        return list(session.scalars(query, execution_options={"include_deleted": dead}))


def balances(session, merchant):
    return [card.points_balance for card in all_of(session, merchant, LoyaltyCard)]


def rows_of(session, merchant, kind):
    return [row for row in all_of(session, merchant, LoyaltyTransaction) if row.type == kind]


def status(session, merchant):
    return [batch.status for batch in all_of(session, merchant, ImportBatch)]


def test_orders_go_to_the_trash_and_their_points_are_taken_back(session, bean, receipts):
    assert balances(session, bean) == [300, 300]
    counts = undo(receipts, now=LATER)
    assert (counts["taken_back"], counts["voided"]) == (5, 5)
    assert balances(session, bean) == [100, 0]
    assert all_of(session, bean, Order) == []
    assert len(all_of(session, bean, Order, dead=True)) == 5
    assert len(rows_of(session, bean, "earn")) == 5  # nothing of the ledger is removed
    voids = rows_of(session, bean, "void")
    assert {(row.reason_code, row.batch_id, row.source) for row in voids} == {
        ("import_undone", receipts.id, "import")
    }
    act = all_of(session, bean, Deletion)[0]
    assert (act.root_kind, act.reason) == ("orders", f"Import {receipts.id} was taken back.")
    assert status(session, bean) == ["done", "undone"]


def test_an_undo_is_noted_with_a_phrase(session, bean, receipts):
    undo(receipts)
    with within(bean):
        noted = AuditEntry.of(bean).where(AuditEntry.action == "orders.undo_import")
        assert session.scalars(noted).one().details == {
            "batch_id": receipts.id,
            "taken_back": 5,
            "voided": 5,
        }


def test_what_was_taken_back_is_not_taken_back_twice(bean, receipts):
    undo(receipts)
    with pytest.raises(Refused, match="taken back already"):
        undo(receipts)


def test_what_was_taken_back_can_be_imported_again(session, bean, receipts):
    undo(receipts)
    counts, _, batch = take_orders(bean, RECEIPTS, is_earning=True)
    assert (counts["new"], counts["earned"], batch.id) == (5, 5, receipts.id + 1)
    assert balances(session, bean) == [300, 300]


def test_an_undo_that_was_cut_off_goes_on(session, bean, receipts, monkeypatch):
    monkeypatch.setattr("portal.services.imports.undoing_orders.CHUNK", 2)
    with committed(bean.id):
        steps = imports.undo(session.merge(receipts), by=OPERATOR, now=LATER, unit=imports.at_once)
        next(steps), next(steps)
        session.commit()
        steps.close()
    assert status(session, bean)[1] == "undoing"
    assert len(all_of(session, bean, Order)) == 3
    words = f"Finish that first: flask import undo {receipts.id} --merchant {bean.subdomain}"
    with pytest.raises(Refused, match=words):
        take_orders(bean, RECEIPTS, is_earning=True)
    with pytest.raises(Refused, match=words):
        take_customers(bean, PEOPLE)
    session.rollback()
    counts = undo(receipts)
    assert (counts["taken_back"], status(session, bean)[1]) == (3, "undone")
    assert balances(session, bean) == [100, 0]


def test_an_earn_that_was_voided_before_is_left_alone(session, bean, receipts):
    with committed(bean.id):
        void(rows_of(session, bean, "earn")[0], visit=Visit(by=OPERATOR, now=LATER))
    counts = undo(receipts)
    assert (counts["taken_back"], counts["voided"]) == (5, 4)
    assert balances(session, bean) == [100, 0]


def test_orders_that_were_refunded_since_cannot_be_taken_back(session, bean, receipts):
    with committed(bean.id):
        orders.refund_order(
            all_of(session, bean, Order)[0], visit=Visit(by=OPERATOR, now=LATER), amount_cents=500
        )
    with pytest.raises(Refused, match="1 refund was made for these orders since"):
        undo(receipts)
    session.rollback()
    assert status(session, bean)[1] == "done"
    assert len(all_of(session, bean, Order)) == 5


def test_points_that_were_refunded_alone_count_as_well(session, bean, receipts):
    with committed(bean.id):
        reverse_earn(rows_of(session, bean, "earn")[0], 500, visit=Visit(by=OPERATOR, now=LATER))
    with pytest.raises(Refused, match="1 refund was made"):
        undo(receipts)


def test_points_that_were_given_anew_since_are_voided_first(session, bean, receipts):
    visit = Visit(by=OPERATOR, now=LATER)
    with committed(bean.id):
        row = rows_of(session, bean, "earn")[0]
        void(row, visit=visit)
        again = earn(row.card_id, spent_cents=1_000, order_id=row.order_id, visit=visit).rows[0]
    with pytest.raises(Refused, match="given anew since"):
        undo(receipts)
    session.rollback()
    with committed(bean.id):
        void(session.merge(again), visit=visit)
    assert undo(receipts)["taken_back"] == 5


def test_points_that_were_spent_leave_the_card_owing(session, bean, receipts):
    with committed(bean.id):
        card = all_of(session, bean, LoyaltyCard)[1]
        from portal.services.ledger.adjusting import adjust

        adjust(card.id, points=-250, reason_code="correction", visit=Visit(by=OPERATOR, now=LATER))
    undo(receipts)
    assert balances(session, bean) == [100, -250]


def test_new_customers_go_to_the_trash_with_card_and_numbers(session, bean, members):
    counts = undo(members)
    assert counts["taken_back"] == 2
    for model in (Customer, LoyaltyCard, CardToken):
        assert all_of(session, bean, model) == []
    given, back = rows_of(session, bean, "import")
    assert (given.points_delta, back.points_delta, back.linked_id) == (100, -100, given.id)
    assert [card.points_balance for card in all_of(session, bean, LoyaltyCard, dead=True)] == [0, 0]


def test_new_customers_can_be_imported_again_after_that(session, bean, members):
    undo(members)
    report, _, _ = take_customers(bean, PEOPLE)
    assert report.counts["new"] == 2
    assert balances(session, bean) == [100, 0]


def test_customers_who_bought_since_cannot_be_taken_back(session, bean, members, receipts):
    with pytest.raises(Refused, match="2 of these customers bought or collected since"):
        undo(members)
    session.rollback()
    undo(receipts)
    assert undo(members)["taken_back"] == 2
    assert [card.points_balance for card in all_of(session, bean, LoyaltyCard, dead=True)] == [0, 0]


def test_customers_who_collected_since_cannot_be_taken_back(session, bean, members):
    with committed(bean.id):
        earn(all_of(session, bean, LoyaltyCard)[0].id, spent_cents=100, visit=Visit(by=OPERATOR, now=LATER))
    with pytest.raises(Refused, match="1 of these customers bought or collected since"):
        undo(members)


def test_customers_who_were_merged_since_cannot_be_taken_back(session, bean):
    batch = take_customers(bean, "id,name\n1,Kelly\n2,Kelly K\n")[2]
    with committed(bean.id):
        survivor, loser = all_of(session, bean, Customer)
        merge_customers(survivor, loser, visit=Visit(by=OPERATOR, now=LATER))
        for row in all_of(session, bean, LoyaltyTransaction):
            assert row.type in ("merge_in", "merge_out")
    with pytest.raises(Refused, match="merged with others since"):
        undo(batch)


def test_changed_customers_become_what_they_were(session, bean, members):
    text = "id,name,email,birthday,card_number,points\n2,Emi E,e@example.com,1990-05-01,A3,50\n"
    batch = take_customers(bean, text)[2]
    with committed(bean.id):
        all_of(session, bean, Customer)[1].notes = "touched"
    counts = undo(batch)
    assert counts["set_back"] == 1
    emi = all_of(session, bean, Customer)[1]
    assert (emi.name, emi.email, emi.birthday, emi.notes) == ("Emi", None, None, "touched")
    assert [token.value for token in all_of(session, bean, CardToken)] == ["A1", "A2"]
    assert balances(session, bean) == [100, 0]


def test_what_was_touched_since_stays(session, bean, members):
    batch = take_customers(bean, "id,name,email\n1,Kelly Key,kelly@example.com\n")[2]
    with committed(bean.id):
        kelly, emi = all_of(session, bean, Customer)
        kelly.name = "Kelly Keys"
        session.flush()
        emi.email = "k@example.com"  # somebody else took the old one
    undo(batch)
    kelly = all_of(session, bean, Customer)[0]
    assert (kelly.name, kelly.email) == ("Kelly Keys", "kelly@example.com")


def test_a_birthday_is_set_back(session, bean):
    take_customers(bean, "id,name,birthday\n1,Kelly,1990-05-01\n")
    batch = take_customers(bean, "id,name,birthday\n1,Kelly,1991-05-01\n")[2]
    undo(batch)
    assert all_of(session, bean, Customer)[0].birthday.year == 1990


def test_a_customer_who_died_since_is_passed_over(session, bean, members):
    batch = take_customers(bean, "id,name\n2,Emi E\n")[2]
    with committed(bean.id):
        from portal.services.customers import delete_customer

        delete_customer(all_of(session, bean, Customer)[1], by=OPERATOR, now=NOW)
    undo(batch)
    assert all_of(session, bean, Customer, dead=True)[1].name == "Emi E"


@pytest.mark.parametrize("is_used", [False, True])
def test_a_card_given_to_somebody_who_was_here_goes_when_it_is_unused(session, is_used):
    merchant = make_merchant("Late")
    take_customers(merchant, "id,name\n1,Kelly\n")
    make_program(merchant)
    batch = take_customers(merchant, "id,name\n1,Kelly\n")[2]
    if is_used:
        with committed(merchant.id):
            card = all_of(session, merchant, LoyaltyCard)[0]
            earn_later = Visit(by=OPERATOR, now=LATER)
            from portal.services.ledger.adjusting import adjust

            adjust(card.id, points=5, reason_code="goodwill", visit=earn_later)
    undo(batch)
    assert len(all_of(session, merchant, LoyaltyCard)) == int(is_used)


def test_a_batch_is_found_by_its_number_in_its_own_merchant(session, bean, members):
    other = make_merchant("Stranger")
    with within(other), pytest.raises(Refused, match="There is no import"):
        imports.batch_numbered(other, members.id)
    with within(bean):
        found = imports.batch_numbered(bean, members.id)
        assert imports.made_count(found) == 2
        assert session.scalar(select(ImportBatch.id).where(ImportBatch.merchant_id == bean.id)) == found.id
