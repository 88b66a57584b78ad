"""Which column fills which field."""

from io import BytesIO

import pytest

from portal.errors import Refused
from portal.models import Merchant
from portal.services.imports import Line, open_table, plan

MERCHANT = Merchant(name="Bean", subdomain="bean", public_ref="b")


def planned(header, kind="products", **options):
    width = header.count(",") + 1
    table = open_table(BytesIO(f"{header}\n{','.join('x' * width)}\n".encode()))
    options.setdefault("store", None if kind == "stores" else "gare")
    return plan(kind, MERCHANT, table, **options)


def test_columns_are_matched_by_name_whatever_their_case_and_signs():
    columns = planned("Product ID,NAME,Retail-Price,Earns points").columns
    assert columns == {"external_ref": 0, "name": 1, "price": 2, "earns_points": 3}


def test_a_column_of_the_fields_own_name_goes_before_its_synonyms():
    assert planned("title,name").columns == {"name": 1}


def test_two_synonyms_of_one_field_are_refused():
    with pytest.raises(Refused, match="Several columns could be “name”: title, item"):
        planned("title,item")


def test_two_columns_of_one_name_are_refused():
    with pytest.raises(Refused, match="Several columns could be “name”"):
        planned("name,Name")


def test_a_map_decides_and_may_use_a_column_twice():
    columns = planned("title,item,code", maps={"name": "item", "sku": "code", "external_ref": "Code"}).columns
    assert columns == {"name": 1, "sku": 2, "external_ref": 2}


def test_a_map_to_nothing_leaves_the_field_out():
    assert "name" not in planned("name,price", maps={"name": ""}).columns


def test_a_map_to_a_name_that_two_columns_bear_is_refused():
    with pytest.raises(Refused, match="Several columns are called “item”"):
        planned("item,item", maps={"name": "item"})


def test_unknown_fields_and_columns_are_refused_with_what_there_is():
    with pytest.raises(Refused, match="have no field “prize”"):
        planned("name", maps={"prize": "name"})
    with pytest.raises(Refused, match="has no column “Nmae”"):
        planned("name", maps={"name": "Nmae"})
    with pytest.raises(Refused, match="no field “prize”"):
        planned("name", values=[("prize", "a", "b")])
    with pytest.raises(Refused, match="no column “type”"):
        planned("name", where=[("type", "retail")])


def test_values_of_a_field_without_column_are_refused():
    with pytest.raises(Refused, match="No column fills “sku”"):
        planned("name", values=[("sku", "a", "b")])


def test_without_a_store_a_column_must_say_it():
    with pytest.raises(Refused, match="No column says which store"):
        planned("name", store=None)
    assert planned("name,location", store=None).columns["store"] == 1


def test_the_store_that_was_chosen_goes_before_the_column():
    assert "store" not in planned("name,store").columns


def test_rows_are_chosen_whatever_the_case_of_the_value():
    plan = planned("name,kind", where=[("kind", " Sale"), ("kind", "GIFT ")])
    assert plan.chosen == "kind = Sale or GIFT"
    found = [plan.wants(Line(2, ["Tea", kind])) for kind in ("sale", "SALE", "Gift", "Refund", "")]
    assert found == [True, True, True, False, False]


def test_columns_that_fill_nothing_are_named():
    assert planned("name,colour,kind,", where=[("kind", "x")]).unused == ["colour"]
