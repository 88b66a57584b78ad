"""An import that was cut off goes on with the same line, and with no other."""

import pytest

from portal.errors import Refused
from portal.models import ImportBatch, LoyaltyTransaction, Order
from portal.services.imports import batches, resuming, undoing
from tests.factories import make_card, make_customer, make_merchant, make_program, make_store, within
from tests.services.importing import take_customers, take_orders, undo

HEADER = "receipt,date,store,customer_id,amount,kind\n"
ROWS = HEADER + "".join(f"R{n},2026-03-0{n},gare,1,10.00,a sale\n" for n in range(1, 6))
ASKED = {"maps": [("number", "receipt")], "is_earning": True, "file_name": "march receipts.csv"}


@pytest.fixture
def bean(session):
    merchant = make_merchant("Bean", subdomain="bean")
    make_store(merchant, "Gare")
    program = make_program(merchant, loyalty_type="points", points_per_euro=10)
    make_card(program, make_customer(merchant, "Kelly", external_ref="1"))
    return merchant


@pytest.fixture
def cut_off(bean, monkeypatch):
    monkeypatch.setattr("portal.services.imports.orders.CHUNK", 2)
    take_orders(bean, ROWS, stop_after=1, **ASKED)
    return bean


def all_of(session, merchant, model):
    with within(merchant):
        return list(session.scalars(model.of(merchant).order_by(model.id)))


@pytest.mark.parametrize("text", [ROWS, HEADER + "R9,2026-03-09,gare,1,10.00,a sale\n"])
def test_another_import_is_refused_beside_one_that_was_cut_off(session, cut_off, text):
    with pytest.raises(Refused) as refused:
        take_orders(cut_off, text, **(ASKED | {"is_earning": False}))
    assert refused.value.code == "unfinished_import"
    assert refused.value.message == (
        "Import 1 is not finished, and this one is another. Finish that one:"
        " flask import orders 'march receipts.csv' --merchant bean --map number=receipt --earn"
        " -- or take it back: flask import undo 1 --merchant bean"
    )
    session.rollback()
    assert len(all_of(session, cut_off, Order)) == 2


def test_the_line_that_was_told_finishes_it_with_all_its_points(session, cut_off):
    with pytest.raises(Refused):
        take_orders(cut_off, ROWS, **(ASKED | {"is_earning": False}))
    session.rollback()
    counts, _, batch = take_orders(cut_off, ROWS, **ASKED)
    assert (counts["new"], counts["resumed"], counts["points"], batch.id) == (5, 2, 500, 1)
    assert len(all_of(session, cut_off, LoyaltyTransaction)) == 5


def test_when_it_was_taken_back_another_import_may_begin(session, cut_off):
    (batch,) = all_of(session, cut_off, ImportBatch)
    undo(batch)
    counts, _, _ = take_orders(cut_off, ROWS, **(ASKED | {"is_earning": False}))
    assert counts["new"] == 5


def test_imports_of_another_kind_and_of_another_merchant_go_on(session, cut_off):
    assert take_customers(cut_off, "id,name\n7,Emi\n")[0].counts["new"] == 1
    other = make_merchant("Tea")
    make_store(other, "Gare")
    assert take_orders(other, ROWS, maps=ASKED["maps"])[0]["new"] == 5


def test_of_two_that_begin_in_the_same_moment_one_is_refused(session, bean, monkeypatch):
    monkeypatch.setattr("portal.services.imports.orders.CHUNK", 2)
    monkeypatch.setattr("portal.services.imports.settling.refuse_beside_unfinished", lambda _plan: None)
    take_orders(bean, ROWS, stop_after=1, **ASKED)
    with pytest.raises(Refused, match="Import 1 is not finished"):
        take_orders(bean, ROWS, **(ASKED | {"is_earning": False}))
    session.rollback()
    assert len(all_of(session, bean, ImportBatch)) == 1


def test_columns_of_card_numbers_are_part_of_the_line(session, bean, monkeypatch):
    text = "id,name,Old,Older\n7,Emi,A1,A2\n"
    with monkeypatch.context() as cut:
        cut.setattr("portal.services.imports.finish", lambda *_args, **_more: None)
        take_customers(bean, text, maps=[("card_number", "Old")])
    with pytest.raises(Refused, match="customers - --merchant bean --map card_number=Old -- or"):
        take_customers(bean, text, maps=[("card_number", "Older")])
    session.rollback()


def test_the_line_has_all_that_was_typed(bean):
    said = {
        "earn": True,
        "format": "square",
        "dates": "dmy",
        "store": "gare",
        "maps": [["number", "Receipt no"], ["sku", ""]],
        "where": [["kind", "a sale"]],
        "values": [["store", "Gare 1", "gare"]],
        "group_by": ["receipt", "date"],
    }
    batch = ImportBatch(kind="orders", file_name="it's.csv", options=said)
    assert resuming.line_of(batch, bean) == (
        "flask import orders 'it'\"'\"'s.csv' --merchant bean --format square --dates dmy --store gare"
        " --map 'number=Receipt no' --map sku= --where 'kind=a sale' --map-value 'store:Gare 1=gare'"
        " --group-by receipt,date --earn"
    )


def test_what_an_unfinished_import_made_is_counted_by_its_rows(session, bean, monkeypatch):
    monkeypatch.setattr("portal.services.imports.orders.CHUNK", 3)
    rows = (
        HEADER
        + "R1,2026-03-01,gare,1,10.00,x\nR2,2026-03-02,gare,9,10.00,x\nR3,2026-03-03,gare,1,free,x\n"
        + "R4,2026-03-04,gare,1,-2.00,x\nR5,2026-03-05,gare,1,10.00,x\n"
    )
    take_orders(bean, rows, stop_after=2, **ASKED)
    (batch,) = all_of(session, bean, ImportBatch)
    with within(bean):
        counts = batches.counts_of(batch)
        assert counts == {"new": 3, "updated": 0, "refused": 1, "points": 200}
        assert undoing.made_count(batch) == 3
    undo(batch)
    (batch,) = all_of(session, bean, ImportBatch)
    with within(bean):
        assert batches.counts_of(batch)["new"] == 3
    take_orders(bean, rows, **ASKED)
    with within(bean):
        done = batches.batches_of(bean)[0]
        assert batches.counts_of(done) == done.counts
