"""All that is kept about a person, to hand over to them."""

import pytest
from sqlalchemy import select

from portal.extensions import db
from portal.models import Customer, ImportBatch, ImportRow, OrderRefund, ReviewItem
from portal.services.personal_records import as_rows, records_of
from tests.factories import (
    NOW,
    make_card,
    make_customer,
    make_merchant,
    make_order,
    make_program,
    make_store,
    within,
)


@pytest.fixture
def shop(app):
    return make_merchant()


@pytest.fixture
def lea(shop):
    return make_customer(shop, "Léa Martin", phone="+352621123456", email="lea@example.com")


@pytest.fixture
def take(shop):
    """Take rows of a file in, as an import leaves them."""

    def make(*rows):
        with within(shop):
            batch = ImportBatch(merchant_id=shop.id, kind="customers", source_hash="h", file_name="april.csv")
            db.session.add(batch)
            db.session.flush()
            keys = {"merchant_id": shop.id, "batch_id": batch.id}
            db.session.add_all(ImportRow(line=n, **keys, **row) for n, row in enumerate(rows, 2))
            db.session.commit()

    return make


@pytest.fixture
def records(shop, lea):
    def read():
        with within(shop):
            return records_of(db.session.scalars(select(Customer).where(Customer.name == "Léa Martin")).one())

    return read


def lines(records):
    return [row["line"] for row in records["import_rows"]]


def test_rows_of_imports_are_handed_over(shop, lea, take, records):
    order_id = make_order(make_store(shop), lea).id
    toms = {"made_kind": "customers", "made_id": make_customer(shop, "Tom Weber").id}
    before = {"notes": ["likes tea", None]}
    own = {"made_kind": "customers", "made_id": lea.id}
    take(
        {"row_key": "c-1", "fate": "changed", "before": before, **own},
        {"row_key": "r-1", "fate": "new", "made_kind": "orders", "made_id": order_id},
        {"row_key": "lea@example.com", "fate": "refused", "code": "twice"},
        {"row_key": "c-3", "fate": "refused", "message": "“621 123 456” is taken."},
        {
            "row_key": "c-4",
            "fate": "new",
            "message": "lea@example.com is taken",
            **toms,
        },
        {"row_key": "c-5", "fate": "refused", "message": "Tom has no e-mail"},
        {"row_key": "r-2", "fate": "new", "made_kind": "orders", "made_id": order_id + 1},
    )
    found = records()
    assert lines(found) == [2, 3, 4, 5]  # not what is kept of Tom
    assert found["import_rows"][0]["before"] == before
    assert [each["file_name"] for each in found["import_files"]] == ["april.csv"]
    cells = {tuple(row[:3]): row[3] for row in as_rows(found)}
    assert cells["import_rows", 1, "before"] == '{"notes": ["likes tea", null]}'


def test_of_somebody_without_contact_no_refused_row_is_theirs(shop, take, records, lea):
    with within(shop):
        row = db.session.merge(lea, load=False)
        row.phone = row.email = None
        db.session.commit()
    take({"row_key": "c-9", "fate": "refused", "message": "No name"})
    assert lines(records()) == []


def test_refunds_and_what_was_looked_at_are_handed_over(shop, lea, records):
    order = make_order(make_store(shop), lea, number="R-7", total_cents=900)
    card = make_card(make_program(shop), lea)
    with within(shop):
        db.session.add(OrderRefund(merchant_id=shop.id, order_id=order.id, amount_cents=300, occurred_at=NOW))
        db.session.add(
            ReviewItem(merchant_id=shop.id, kind="adjustment", reason_code="large", card_id=card.id)
        )
        db.session.commit()
    found = records()
    assert [row["amount_cents"] for row in found["refunds"]] == [300]
    assert [row["reason_code"] for row in found["reviews"]] == ["large"]
