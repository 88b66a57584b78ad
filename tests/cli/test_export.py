"""`flask export`."""

import pytest

from portal.models.actor import OPERATOR
from portal.services import products
from tests.factories import NOW, make_member, make_merchant, make_product, make_store, make_user
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
