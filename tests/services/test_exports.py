"""Taking data away as CSV."""

import csv
from io import StringIO

import pytest

from portal.models import Product, Store, StoreUser
from portal.models.actor import OPERATOR
from portal.services import exports, products, trash
from portal.services.imports import ALL_STORES
from tests.factories import (
    NOW,
    make_member,
    make_merchant,
    make_order,
    make_product,
    make_store,
    make_user,
    within,
)
from tests.services.importing import committed, counted, take_in


@pytest.fixture
def bean(session):
    return make_merchant("Bean")


@pytest.fixture
def gare(bean):
    return make_store(bean, "Gare", external_ref="3", phone="+352 1", address="=1+1", city="@home")


def delete(product):
    with committed(product.merchant_id):
        return products.delete_product(product, by=OPERATOR, now=NOW)


def read(text):
    return list(csv.reader(StringIO(text)))


def test_stores_are_listed(bean, gare):
    make_store(make_merchant("Stranger"))
    header, row = exports.stores(bean)
    assert dict(zip(header, row, strict=True)) == {
        "external_ref": "3",
        "store_code": "gare",
        "name": "Gare",
        "subdomain": None,
        "address": "=1+1",
        "postal_code": None,
        "city": "@home",
        "country": None,
        "phone": "+352 1",
        "timezone": None,
    }


def test_the_team_is_listed_and_may_be_of_one_store(bean, gare):
    make_member(gare, make_user("Ana", email="ana@example.com"), role="manager", external_ref="7")
    make_member(make_store(bean, "Belval"), make_user("Bo"))
    assert list(exports.team(bean, store=gare)) == [
        ["external_ref", "store", "name", "email", "role", "position"],
        ["7", "gare", "Ana", "ana@example.com", "manager", None],
    ]
    assert len(list(exports.team(bean))) == 3


def test_products_are_listed_with_prices_as_numbers(bean, gare):
    make_product(gare, "Tea", sku="T", price_cents=250, earns_points=False)
    _, row = exports.products(bean)
    assert [str(cell or "") for cell in row] == ["", "gare", "T", "", "Tea", "", "2.50", "no"]


def test_ids_and_conditions_narrow_it_down(bean, gare):
    tea, milk = make_product(gare, "Tea"), make_product(gare, "Milk")
    jam = make_product(gare, "Jam")
    names = [row[4] for row in exports.products(bean, ids=[milk.id, tea.id])]
    assert names == ["name", "Tea", "Milk"]
    names = [row[4] for row in exports.products(bean, where=[Product.name_key == "jam"])]
    assert names == ["name", "Jam"]
    assert [row[4] for row in exports.products(bean, ids=[jam.id + 1])] == ["name"]


def test_large_tables_are_read_in_pieces(bean, gare, monkeypatch):
    monkeypatch.setattr(exports, "PIECE", 2)
    made = [make_product(gare, f"P{n}") for n in range(5)]
    assert len(list(exports.products(bean))) == 6
    assert len(list(exports.products(bean, ids=[p.id for p in made]))) == 6


def test_deleted_rows_are_told_when_asked_for(session, bean, gare):
    delete(make_product(gare, "Tea"))
    assert len(list(exports.products(bean))) == 1
    header, row = exports.products(bean, include_deleted=True)
    assert (header[-1], row[-1]) == ("deleted_at", "2026-03-14T09:30:00+00:00")
    living = list(exports.stores(bean, include_deleted=True))
    assert living[1][-1] is None


def test_what_was_purged_and_kept_for_history_is_not_told(session, bean, gare):
    tea = make_product(gare, "Tea")
    make_order(gare, lines=[tea])
    act = delete(tea)
    with within(bean):
        trash.purge(act, by=OPERATOR, now=NOW)
        session.commit()
    assert len(list(exports.products(bean, include_deleted=True))) == 1


@pytest.mark.parametrize("text", ["=1+1", "+352", "-5", "@home", "\tx", "\rx", "'=1", "''+1"])
def test_text_that_a_spreadsheet_would_run_is_quoted_and_comes_back(text):
    assert exports.safe(text) == f"'{text}"
    assert exports.unsafe(f"'{text}") == text


@pytest.mark.parametrize("cell", ["Hell's", "'tis", "a=1", "", None, 5, -5])
def test_everything_else_stands_as_it_is(cell):
    assert exports.safe(cell) == cell


def test_an_apostrophe_of_ones_own_stays():
    assert exports.unsafe("'tis") == "'tis"


def test_lines_are_csv():
    lines = list(exports.csv_lines([["name", "n"], ['a "b", c', 2], ["two\nlines", None]]))
    assert lines[1] == '"a ""b"", c",2\r\n'
    assert read("".join(lines))[2] == ["two\nlines", ""]


def test_what_is_exported_is_imported_unchanged(session, bean, gare):
    make_product(gare, "Tea", sku=None, category="-", price_cents=250, earns_points=False)
    make_product(gare, "'=Milk", sku="=M", external_ref="+1", price_cents=100_000_000)
    make_product(gare, "Tea", sku="T", price_cents=1)
    make_member(gare, make_user("Ana", email="ana@example.com"), role="manager")
    make_member(gare, make_user("@Bo", email=None), position="=Boss")
    delete(make_product(gare, "Jam"))
    for kind, model in (("stores", Store), ("team", StoreUser), ("products", Product)):
        text = "".join(exports.csv_lines(getattr(exports, kind)(bean, include_deleted=True)))
        with within(bean):
            count = len(session.scalars(model.of(bean)).all())
        report, fates = take_in(kind, bean, text)
        assert report.counts["unchanged"] == count, [fate.reason for fate in fates]
        assert counted(report).keys() <= {"unchanged", "skipped"}
        assert report.warned == 0


def test_an_export_of_one_store_fills_another(session, bean, gare):
    make_store(bean, "Belval")
    make_product(gare, "Tea", sku="T")
    text = "".join(exports.csv_lines(exports.products(bean, store=gare)))
    report, _ = take_in("products", bean, text, store="belval")
    assert counted(report) == {"new": 1}
    report, _ = take_in("products", bean, text, store=ALL_STORES)
    assert counted(report) == {"unchanged": 2}
