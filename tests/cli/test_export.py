"""`flask export`."""

import csv
import re
from io import StringIO

import pytest

from portal.models import Customer
from portal.models.actor import OPERATOR
from portal.services import customer_exports, customers, order_exports, orders, products
from tests.factories import (
    NOW,
    give,
    make_card,
    make_customer,
    make_earn,
    make_member,
    make_merchant,
    make_order,
    make_product,
    make_program,
    make_store,
    make_token,
    make_user,
)
from tests.services.importing import committed


@pytest.fixture
def gare(session):
    cafe = make_merchant("Café", subdomain="cafe")
    gare = make_store(cafe, "Gare", external_ref="3")
    make_product(gare, "=Tea", sku="T", price_cents=250)
    make_member(gare, make_user("Ana", email="ana@example.com"))
    make_product(make_store(cafe, "Belval"), "Milk")
    return gare


def test_products_go_to_stdout_with_the_count_on_stderr(flask, gare):
    result = flask("export", "products", "--merchant", "cafe", "--store", "GARE")
    assert result.stdout.splitlines() == [
        "external_ref,store,sku,barcode,name,category,price,earns_points",
        ",gare,T,,'=Tea,,2.50,yes",
    ]
    assert result.stderr == "1 row.\n"


def test_team_and_stores_go_to_a_file(flask, gare, tmp_path):
    for kind, word in (("team", "Ana"), ("stores", "Gare")):
        file = tmp_path / f"{kind}.csv"
        assert flask("export", kind, "--merchant", "cafe", "--output", file).exit_code == 0
        assert word in file.read_text(encoding="utf-8")


def test_the_deleted_come_when_asked_for(flask, gare):
    tea = make_product(gare, "Jam")
    with committed(gare.merchant_id):
        products.delete_product(tea, by=OPERATOR, now=NOW)
    assert "Jam" not in flask("export", "products", "--merchant", "cafe").stdout
    assert "Jam" in flask("export", "products", "--merchant", "cafe", "--include-deleted").stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--merchant", "nope"], "There is no merchant “nope”"),
        (["--merchant", "cafe", "--store", "x"], "Café has no store “x”. Its stores: belval, gare."),
    ],
)
def test_unknown_names_are_refused(flask, gare, words, sentence):
    result = flask("export", "team", *words)
    assert (result.exit_code, result.stdout) == (1, "")
    assert sentence in result.stderr


def test_a_merchant_must_be_named(flask, gare):
    assert flask("export", "team").exit_code == 2
    assert flask("export", "planets", "--merchant", "cafe").exit_code == 2


@pytest.fixture
def people(gare):
    """Two customers with cards, and one without who lies in the trash."""
    cafe = make_merchant("Bean", subdomain="bean")
    home, program = make_store(cafe, "Home"), make_program(cafe, points_expiration_days=None)
    ana = make_customer(
        cafe, "=Ana", email="ana@example.com", external_ref="1", home_store_id=home.id, notes="likes, tea"
    )
    cards = [make_card(program, who) for who in (ana, make_customer(cafe, "Bo", phone="+352621999999"))]
    make_token(cards[0], kind="legacy", value="A-1")
    give(cards[0], points=95, stamps=3)
    gone = make_customer(cafe, "Cem", email="cem@example.com")
    with committed(cafe.id):
        customers.delete_customer(gone, by=OPERATOR, now=NOW)
    return cafe


def read(result):
    assert result.exit_code == 0, result.stderr
    return list(csv.DictReader(StringIO(result.stdout)))


def test_customers_go_out_and_come_in_again_unchanged(flask, people, session, tmp_path):
    file = tmp_path / "customers.csv"
    told = flask("export", "customers", "--merchant", "bean", "-o", file)
    assert (told.exit_code, told.stderr) == (0, "2 rows.\n")
    back = flask("import", "customers", file, "--merchant", "bean")
    assert back.exit_code == 0, back.stderr
    assert re.search(r"new +0\nupdated +0\nunchanged +2\n", back.output)


def test_customers_come_into_another_merchant_as_they_are(flask, people, session, tmp_path):
    other = make_merchant("Copy", subdomain="copy")
    make_store(other, "Home")
    make_program(other, points_expiration_days=None)
    flask("export", "customers", "--merchant", "bean", "-o", tmp_path / "customers.csv")
    back = flask("import", "customers", tmp_path / "customers.csv", "--merchant", "copy")
    assert back.exit_code == 0, back.stderr
    out = [read(flask("export", "customers", "--merchant", name)) for name in ("bean", "copy")]
    assert [row["name"] for row in out[0]] == ["'=Ana", "Bo"]
    kept = {name for name in out[0][0] if name != "card_number"}  # Bo gets a number of the new program
    assert [{k: row[k] for k in kept} for row in out[0]] == [{k: row[k] for k in kept} for row in out[1]]
    assert (out[1][0]["card_number"], out[1][0]["points"], out[1][0]["stamps"]) == ("A-1", "95", "3")


def test_customers_in_the_trash_come_when_asked_for_with_their_cards(flask, people, session):
    with committed(people.id):
        ana = session.scalars(Customer.of(people).where(Customer.external_ref == "1")).one()
        customers.delete_customer(ana, by=OPERATOR, now=NOW)
    assert [row["name"] for row in read(flask("export", "customers", "--merchant", "bean"))] == ["Bo"]
    rows = read(flask("export", "customers", "--merchant", "bean", "--include-deleted"))
    told = [(row["name"], row["points"], bool(row["deleted_at"])) for row in rows]
    assert told == [("'=Ana", "95", True), ("Bo", "0", False), ("Cem", "", True)]


def test_orders_go_out_by_store_with_the_points_they_give(flask, gare, session):
    cafe = gare.merchant
    who = make_customer(cafe, "Dana")
    card = make_card(make_program(cafe, minimum_purchase_cents=0), who)
    tea = make_product(gare, "Tea pot", price_cents=1_000)
    make_earn(make_order(gare, who, [tea], number="R-1"), card)
    gone = make_order(make_store(cafe, "Nord"), lines=[tea], number="R-2")
    with committed(cafe.id):
        orders.delete_order(gone, by=OPERATOR, now=NOW)
    (row,) = read(flask("export", "orders", "--merchant", "cafe"))
    assert (row["number"], row["store"], row["customer"]) == ("R-1", "gare", "Dana")
    assert (row["total"], row["refunded"], row["points"]) == ("10.00", "0.00", "10")
    assert len(read(flask("export", "orders", "--merchant", "cafe", "--store", "belval"))) == 0
    both = read(flask("export", "orders", "--merchant", "cafe", "--include-deleted"))
    assert [(each["number"], bool(each["deleted_at"])) for each in both] == [("R-1", False), ("R-2", True)]


@pytest.mark.parametrize("kind", ["customers", "orders"])
def test_long_lists_are_read_piece_by_piece(flask, people, session, monkeypatch, kind):
    monkeypatch.setattr(customer_exports, "PIECE", 1)
    monkeypatch.setattr(order_exports, "PIECE", 1)
    store = make_store(people, "Sud")
    for _ in range(2):
        make_order(store)
    assert len(read(flask("export", kind, "--merchant", "bean"))) == 2
