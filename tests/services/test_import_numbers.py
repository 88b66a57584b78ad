"""Receipts whose numbers are those of their store alone."""

from datetime import timedelta

import pytest

from portal.models import ImportRow, LoyaltyTransaction, Order
from portal.models.actor import OPERATOR
from portal.services.stores import delete_store
from tests.factories import NOW, make_card, make_customer, make_merchant, make_program, make_store, within
from tests.services.importing import committed, take_orders, undo

HEADER = "receipt_number,date,store,customer_id,amount\n"
GARE = "7,2026-03-01 09:00,gare,1,10.00\n"
BELAIR = "7,2026-03-01 08:00,belair,1,20.00\n"


@pytest.fixture
def bean(session):
    return make_merchant("Bean")


@pytest.fixture
def gare(bean):
    return make_store(bean, "Gare", external_ref="3")


@pytest.fixture
def belair(bean):
    return make_store(bean, "Belair", external_ref="4")


@pytest.fixture(autouse=True)
def kelly(bean, gare, belair):
    program = make_program(bean, loyalty_type="points", points_per_euro=10)
    customer = make_customer(bean, "Kelly", external_ref="1")
    make_card(program, customer)
    return customer


def take(merchant, rows, header=HEADER, **asked):
    return take_orders(merchant, header + rows, is_earning=True, **asked)


def all_of(session, merchant, model):
    with within(merchant):
        return list(session.scalars(model.of(merchant).order_by(model.id)))


def named(session, merchant):
    return [
        (order.external_ref, order.number, order.total_cents) for order in all_of(session, merchant, Order)
    ]


@pytest.mark.parametrize("apart", [True, False])
@pytest.mark.parametrize("chunk", [1, 500])
def test_two_stores_may_have_the_same_number(session, bean, gare, belair, monkeypatch, apart, chunk):  # noqa: PLR0917 - a table
    monkeypatch.setattr("portal.services.imports.orders.CHUNK", chunk)
    files = [BELAIR, GARE] if apart else [GARE + BELAIR]
    made = sum(take(bean, rows)[0]["new"] for rows in files)
    assert made == 2
    assert named(session, bean) == [("7", "7", 2000), (f"7@{gare.id}", "7", 1000)]
    assert [row.points_delta for row in all_of(session, bean, LoyaltyTransaction)] == [200, 100]
    assert {row.row_key for row in all_of(session, bean, ImportRow)} == {"7", f"7@{gare.id}"}
    for rows in [*files, GARE + BELAIR, GARE]:
        counts, _, batch = take(bean, rows, now=NOW + timedelta(days=1))
        assert (counts["new"], counts["differs"], counts["other_time"], batch) == (0, 0, 0, None)


def test_an_import_that_was_cut_off_knows_both_again(session, bean, gare, monkeypatch):
    monkeypatch.setattr("portal.services.imports.orders.CHUNK", 1)
    take(bean, GARE + BELAIR, stop_after=2)
    counts, _, _ = take(bean, GARE + BELAIR)
    assert (counts["new"], counts["resumed"], counts["points"]) == (2, 2, 300)
    assert len(all_of(session, bean, Order)) == 2


def test_the_other_one_is_known_when_the_first_was_taken_back(session, bean, gare):
    other = f"7@{gare.id}"
    _, _, first = take(bean, BELAIR)
    take(bean, GARE)
    undo(first)
    assert take(bean, GARE)[0]["unchanged"] == 1
    assert take(bean, BELAIR)[0]["new"] == 1
    assert named(session, bean) == [(other, "7", 1000), ("7", "7", 2000)]


def test_an_order_of_a_store_that_is_gone_is_not_made_again_elsewhere(session, bean, gare, belair):
    take(bean, BELAIR)
    with committed(bean.id):
        delete_store(session.merge(belair), by=OPERATOR, now=NOW)
    assert take(bean, BELAIR)[0]["unchanged"] == 1
    assert take(bean, BELAIR.replace("belair", "gare"))[0]["unchanged"] == 1
    assert take(bean, BELAIR.replace("7,", "8,", 1))[0]["refused"] == 1
    assert len(all_of(session, bean, Order)) == 1


def test_a_store_that_is_not_said_again_is_that_of_the_line_before(session, bean, gare):
    take(bean, GARE + "7,,,,5.00\n" + BELAIR + "7,,,,6.00\n")
    assert named(session, bean) == [("7", "7", 2600), (f"7@{gare.id}", "7", 1500)]


@pytest.mark.parametrize("store", ["3", "GARE "])
def test_one_number_twice_in_one_store_under_two_names_is_refused(session, bean, gare, store):
    rows = GARE + GARE.replace("gare", store) if store == "3" else GARE + GARE.replace("gare", "Gare")
    counts, outcomes, _ = take(bean, rows)
    assert counts["refused"] == 1
    told = next(each.reason for each in outcomes if each.outcome == "refused")
    assert "another basket of this number" in told or "disagree" in told


def test_files_of_one_store_each_are_told_apart_by_the_store_they_are_imported_into(session, bean, gare):
    header = "receipt_number,date,customer_id,amount\n"
    first, second = GARE.replace("gare,", ""), BELAIR.replace("belair,", "")
    take(bean, first, header, store="belair")
    assert take(bean, first, header, store="gare")[0]["unchanged"] == 1  # the same moment: the wrong store
    assert take(bean, second, header, store="gare")[0]["new"] == 1
    assert take(bean, second, header, store="gare")[0]["unchanged"] == 1
    assert named(session, bean) == [("7", "7", 1000), (f"7@{gare.id}", "7", 2000)]


def test_with_group_by_the_columns_alone_say_it(session, bean):
    take(bean, GARE + BELAIR, group_by=("receipt_number", "store"))
    assert {ref for ref, *_ in named(session, bean)} == {"7/gare", "7/belair"}
