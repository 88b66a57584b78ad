"""The map of who owns whom: complete, in one order, and a gap stops the start."""

import subprocess
import sys

import pytest

from config import ROOT
from portal import create_app
from portal.models.base import Model
from portal.models.ownership import (
    Rule,
    below,
    edges,
    edges_to,
    is_mortal,
    needs_of,
    outermost_first,
    owners_of,
    table_of,
)
from tests.ownership_rules import classified

OWNS = {  # written by hand from the specification of soft delete, section 2; the order counts
    "users": [],
    "merchants": [],
    "merchant_owners": ["merchants", "users"],
    "stores": ["merchants"],
    "store_users": ["merchants", "stores", "users"],
    "staff_pins": ["merchants", "merchant_owners", "stores", "store_users"],
    "till_devices": ["merchants", "stores"],
    "products": ["merchants", "stores"],
    "customers": ["merchants"],
    "loyalty_programs": ["merchants"],
    "loyalty_rewards": ["merchants", "loyalty_programs"],
    "loyalty_cards": ["merchants", "customers", "loyalty_programs"],
    "card_tokens": ["merchants", "loyalty_cards"],
    "orders": [],
}
PARTS = {
    ("order_lines", "orders"),
    ("program_versions", "loyalty_programs"),
    ("invitations", "merchants"),
    ("invitations", "stores"),
    ("media", "merchants"),
    ("media", "loyalty_programs"),
    ("login_sessions", "users"),
    ("api_keys", "users"),
}
PRINT_THE_MAP = """
from portal import models
from portal.models.ownership import edges, outermost_first
print([(e.child.name, e.column, e.parent.name, e.rule.name) for e in edges()])
print([t.name for t in outermost_first()])
"""


def test_every_mortal_table_has_the_owners_the_specification_names():
    found = {t.name: [e.parent.name for e in owners_of(t)] for t in outermost_first()}
    assert {k: sorted(v) for k, v in found.items()} == {k: sorted(v) for k, v in OWNS.items()}


def test_the_owners_stand_in_the_order_of_their_columns():
    for table in outermost_first():
        columns = [edge.column for edge in owners_of(table)]
        assert columns == sorted(columns, key=lambda c: (c != "merchant_id", c))


def test_orders_outlive_their_store_customer_and_merchant():
    rules = {e.parent.name: e.rule for e in edges() if e.child.name == "orders"}
    assert set(rules) == {"users", "merchants", "stores", "customers"}
    assert set(rules.values()) == {Rule.HISTORY}


def test_parts_are_what_has_no_life_of_its_own():
    parts = {(e.child.name, e.parent.name) for e in edges() if e.rule is Rule.PART}
    assert parts >= PARTS
    assert [c for c, _ in parts if is_mortal(table_of(c))] == []


def test_owners_come_before_what_they_own():
    order = list(outermost_first())
    for table in order:
        for edge in owners_of(table):
            assert order.index(edge.parent) < order.index(table)
    assert {t.name for t in order} == OWNS.keys()


def test_what_is_below_a_store_is_what_dies_with_it():
    assert {t.name for t in below(table_of("stores"))} == {
        "stores",
        "store_users",
        "staff_pins",
        "till_devices",
        "products",
    }


def test_needs_are_owners_and_protectors():
    stores = table_of("stores")
    assert needs_of(stores) == owners_of(stores)
    with classified("orders", "store_id", Rule.PROTECT):
        assert [e.parent.name for e in needs_of(table_of("orders"))] == ["stores"]
        assert owners_of(table_of("orders")) == ()


def test_every_edge_is_found_from_its_owner():
    for edge in edges():
        assert edge in edges_to(edge.parent)
    assert sum(len(edges_to(t)) for t in Model.metadata.sorted_tables) == len(edges())


@pytest.mark.parametrize(
    ("table", "column"), [("products", "store_id"), ("store_users", "user_id"), ("media", "program_id")]
)
def test_an_unclassified_key_stops_the_start(table, column):
    with (
        classified(table, column, None),
        pytest.raises(RuntimeError, match=f"fk_{table}_.*{column}: say OWNS, HISTORY, PROTECT or"),
    ):
        create_app({"SQLALCHEMY_DATABASE_URI": "sqlite://", "SECRET_KEY": "k" * 40})


@pytest.mark.parametrize(
    ("table", "column", "rule"),
    [("order_lines", "order_id", Rule.OWNS), ("products", "store_id", Rule.PART)],
)
def test_a_rule_that_does_not_fit_its_table_is_refused(table, column, rule):
    with classified(table, column, rule), pytest.raises(RuntimeError, match="does not fit"):
        edges()


def test_the_map_reads_the_same_in_every_process():
    told = {
        subprocess.run(
            [sys.executable, "-c", PRINT_THE_MAP],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(told) == 1
