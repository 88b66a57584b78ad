"""Importing products."""

import pytest
from sqlalchemy import select

from portal.errors import Refused
from portal.models import Product
from portal.models.actor import OPERATOR
from portal.services import products
from portal.services.imports import ALL_STORES
from tests.factories import NOW, make_merchant, make_product, make_store, within
from tests.services.importing import committed, counted, take_in

HEADER = "external_ref,sku,name,price\n"


@pytest.fixture
def bean(session):
    return make_merchant("Bean")


@pytest.fixture
def gare(bean):
    return make_store(bean, "Gare", external_ref="3")


def shelf(session, merchant):
    with within(merchant):
        query = Product.of(merchant).order_by(Product.store_id, Product.id)
        return [(p.external_ref, p.sku, p.name, p.price_cents) for p in session.scalars(query)]


def delete(merchant, *gone):
    with committed(merchant.id):
        for product in gone:
            products.delete_product(product, by=OPERATOR, now=NOW)


def test_products_go_into_the_store_that_is_named(session, bean, gare):
    report, _ = take_in("products", bean, HEADER + '1,T,Tea,€2.50 \n2,,Milk,"1,20"\n', store="gare")
    assert counted(report) == {"new": 2}
    assert shelf(session, bean) == [("1", "T", "Tea", 250), ("2", None, "Milk", 120)]


def test_products_go_into_every_store(session, bean, gare):
    make_store(bean, "Belval")
    report, (fate,) = take_in("products", bean, HEADER + "1,T,Tea,2\n", store=ALL_STORES)
    assert counted(report) == {"new": 2}
    assert fate.outcomes == ["new", "new"]
    assert len(shelf(session, bean)) == 2


def test_a_column_may_say_the_store_by_code_or_reference(session, bean, gare):
    text = "store,name,price\nGARE,Tea,2\n3,Milk,1\nHQ,Jam,3\n,Salt,1\n"
    report, fates = take_in("products", bean, text)
    assert counted(report) == {"new": 2, "refused": 2}
    assert [fate.reason for fate in fates[2:]] == ["There is no store “HQ”.", "The row names no store."]


def test_a_stores_own_code_goes_before_the_reference_of_another(session, bean, gare):
    other = make_store(bean, "Other", store_code="3")
    report, _ = take_in("products", bean, "store,name,price\n3,Tea,2\n")
    assert counted(report) == {"new": 1}
    with within(bean):
        assert (
            session.scalars(select(Product.store_id).where(Product.merchant_id == bean.id)).one() == other.id
        )


def test_an_unknown_store_is_refused_before_the_first_row(bean, gare):
    with pytest.raises(Refused, match="There is no store “nowhere”"):
        take_in("products", bean, HEADER + "1,T,Tea,2\n", store="nowhere")


def test_every_store_of_none_is_refused(bean):
    with pytest.raises(Refused, match="There are no stores yet"):
        take_in("products", bean, HEADER + "1,T,Tea,2\n", store=ALL_STORES)


def test_the_same_file_again_changes_nothing_and_a_changed_one_what_changed(session, bean, gare):
    take_in("products", bean, HEADER + "1,T,Tea,2\n2,M,Milk,1\n", store="gare")
    again, _ = take_in("products", bean, HEADER + "1,T,Tea,2\n2,M,Milk,1\n", store="gare")
    assert counted(again) == {"unchanged": 2}
    changed, _ = take_in("products", bean, HEADER + "1,T,Green tea,2\n2,M,Milk,1\n", store="gare")
    assert counted(changed) == {"unchanged": 1, "updated": 1}
    assert shelf(session, bean)[0][2] == "Green tea"


def test_a_flag_is_read_as_mapped(session, bean, gare):
    text = "name,price,promo\nTea,2,Y\nMilk,2,N\nJam,2,\nSalt,2,perhaps\n"
    values = [("earns_points", "Y", "no"), ("earns_points", "N", "yes")]
    report, fates = take_in(
        "products", bean, text, store="gare", maps={"earns_points": "promo"}, values=values
    )
    assert counted(report) == {"new": 3, "refused": 1}
    assert fates[3].reason == "“perhaps” is neither yes nor no."
    with within(bean):
        earns = session.scalars(select(Product.earns_points).where(Product.merchant_id == bean.id)).all()
    assert sorted(earns) == [False, True, True]


def test_a_foreign_sign_is_refused(bean, gare):
    text = HEADER + "1,,Tea,$2\n2,,Milk,3 USD\n3,,Jam,€1\n4,,Bun,1 EUR\n"
    report, fates = take_in("products", bean, text, store="gare")
    assert counted(report) == {"new": 2, "refused": 2}
    assert fates[0].reason == "The price says $, but the money here is EUR."
    assert fates[1].reason == "The price says USD, but the money here is EUR."


def test_without_reference_the_sku_says_which(session, bean, gare):
    make_product(gare, "Old tea", sku="T", price_cents=100)
    report, _ = take_in("products", bean, "sku,name,price\nT,Tea,1.00\n", store="gare")
    assert counted(report) == {"updated": 1}
    assert shelf(session, bean) == [(None, "T", "Tea", 100)]


def test_without_either_the_name_says_which_if_only_one_bears_it(session, bean, gare):
    make_product(gare, "Tea", sku="T", price_cents=100)
    report, _ = take_in("products", bean, "name,price\ntea,2\n", store="gare")
    assert counted(report) == {"updated": 1}
    assert shelf(session, bean) == [(None, "T", "tea", 200)]


def test_of_several_of_one_name_the_one_with_nothing_else_is_meant(session, bean, gare):
    make_product(gare, "Tea", sku="T", price_cents=100)
    make_product(gare, "Tea", sku=None, price_cents=100)
    report, _ = take_in("products", bean, "name,price\nTea,2\n", store="gare")
    assert counted(report) == {"updated": 1}
    assert shelf(session, bean) == [(None, "T", "Tea", 100), (None, None, "Tea", 200)]


def test_a_name_that_cannot_tell_is_refused(bean, gare):
    make_product(gare, "Tea", sku="T")
    make_product(gare, "Tea", sku="U")
    _, (fate,) = take_in("products", bean, "name,price\nTea,2\n", store="gare")
    assert fate.reason == "Several products here have this name. Give the row an external_ref or a sku."


def test_a_sku_that_another_holds_is_left_out_and_again_changes_nothing(session, bean, gare):
    make_product(gare, "Old tea", sku="T", price_cents=100)
    report, (fate,) = take_in("products", bean, HEADER + "1,T,Tea,2\n", store="gare")
    assert counted(report) == {"new": 1}
    assert fate.warnings == ["The sku “T” is held by Old tea; it was left out."]
    again, _ = take_in("products", bean, HEADER + "1,T,Tea,2\n", store="gare")
    assert counted(again) == {"unchanged": 1}
    assert shelf(session, bean)[1] == ("1", None, "Tea", 200)


def test_a_row_is_refused_in_all_stores_or_in_none(session, bean, gare):
    belval = make_store(bean, "Belval")
    make_product(belval, "Tea", sku="T")
    make_product(belval, "Tea", sku="U")
    report, _ = take_in("products", bean, "name,price\nTea,2\nMilk,1\n", store=ALL_STORES)
    assert counted(report) == {"refused": 1, "new": 2}
    assert [name for _, _, name, _ in shelf(session, bean)] == ["Milk", "Tea", "Tea", "Milk"]


def test_what_lies_in_the_trash_is_skipped_whatever_names_it(session, bean, gare):
    tea = make_product(gare, "Tea", external_ref="1", sku=None)
    delete(bean, tea, make_product(gare, "Milk", sku="M"), make_product(gare, "Jam", sku=None))
    report, _ = take_in("products", bean, HEADER + "1,,Tea,2\n,M,Milk,1\n,,Jam,1\n", store="gare")
    assert counted(report) == {"skipped": 3}
    assert shelf(session, bean) == []


def test_rows_that_lack_something_are_refused(bean, gare):
    rows = '1,,,2\n2,,Tea,\n3,,,\n,,,2\n5,,Jam,"1,234"\n6,,Jam,-1\n7,,Jam,2000000\n'
    report, fates = take_in("products", bean, HEADER + rows, store="gare")
    assert counted(report) == {"refused": 7}
    assert [fate.reason for fate in fates] == [
        "A new product needs a name.",
        "A new product needs a price.",
        "A new product needs a name and a price.",
        "The row has no external_ref, sku or name.",
        "“1,234” may be thousands or decimals. Write it like 1234.00.",
        "“-1” is no amount of money. Write it like 4.50.",
        "A price lies between 0 and 1,000,000.00.",
    ]


def test_a_row_that_cannot_be_read_is_told_its_unknown_store_too(bean, gare):
    _, (fate,) = take_in("products", bean, "store,name,price\nHQ,Tea,cheap\n")
    assert fate.reason == "There is no store “HQ”. “cheap” is no amount of money. Write it like 4.50."


def test_another_merchants_products_are_never_touched(session, bean, gare):
    stranger = make_merchant("Stranger")
    theirs = make_store(stranger, "Gare")
    make_product(theirs, "Tea", external_ref="1", sku="T", price_cents=100)
    report, _ = take_in("products", bean, HEADER + "1,T,Tea,9\n", store="gare")
    assert counted(report) == {"new": 1}
    assert report.warned == 0
    assert shelf(session, stranger)[0][3] == 100
