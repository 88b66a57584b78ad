"""`flask import`."""

import csv

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from portal.extensions import db
from portal.models import AuditEntry, Product, Store
from tests.factories import make_merchant, make_product, make_store, within


@pytest.fixture
def cafe(session):
    cafe = make_merchant("Café", subdomain="cafe")
    make_store(cafe, "Gare", external_ref="3")
    return cafe


@pytest.fixture
def file(tmp_path):
    def write(text, name="in.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def names(session, merchant, model):
    session.rollback()
    with within(merchant):
        return [row.name for row in session.scalars(model.of(merchant).order_by(model.id))]


def sums(result):
    words = [line.split() for line in result.stdout.splitlines()]
    known = {"new", "updated", "unchanged", "skipped", "refused", "warnings"}
    return {w[0]: int(w[1].replace(",", "")) for w in words if w[0] in known and w[1] != "0"}


def test_the_import_says_what_it_matched_and_what_became_of_the_rows(flask, session, cafe, file):
    path = file("id;code;name;colour;kind\n1;one;One;red;shop\n2;two;Two;blue;depot\n")
    result = flask("import", "stores", path, "--merchant", "cafe", "--where", "kind=shop")
    assert result.exit_code == 0
    assert "  external_ref from id\n" in result.stdout
    assert "  not used     colour\n" in result.stdout
    assert sums(result) == {"new": 1}
    assert "left out          1  by --where" in result.stdout
    assert names(session, cafe, Store) == ["Gare", "One"]


@pytest.mark.parametrize("kind", ["stores", "customers", "orders"])
def test_a_filter_that_leaves_nothing_is_told_and_ends_with_1(flask, cafe, file, kind):
    path = file("id,code,name,kind,date,amount,shop\n1,one,One,shop,2026-03-01,2.50,3\n")
    more = ("--map", "number=id") if kind == "orders" else ()
    words = ["import", kind, path, "--merchant", "cafe", *more]
    result = flask(*words, "--where", "kind=SHOPS", "--where", "kind=depot")
    assert result.exit_code == 1
    sentence = "Nothing is left to import: no row has kind = SHOPS or depot. Look at --where and the file.\n"
    assert result.stderr.endswith(sentence)
    assert "  only rows    kind = SHOPS or depot\n" in result.stdout
    assert flask(*words, "--where", "kind=SHOP").exit_code == 0


def test_a_dry_run_writes_nothing(flask, session, cafe, file):
    path = file("name,price\nTea,1\n")
    result = flask("import", "products", path, "--merchant", "cafe", "--store", "gare", "--dry-run")
    assert sums(result) == {"new": 1}
    assert result.stdout.endswith("Dry run: nothing was written.\n")
    assert names(session, cafe, Product) == []


def test_refused_rows_are_told_and_written_to_a_file_that_can_be_mended(flask, session, cafe, file, tmp_path):
    path = file("name,price,note\n=Tea,cheap,x\nMilk,1,\nJam,1\n")
    rejects = tmp_path / "refused.csv"
    result = flask("import", "products", path, "--merchant", "cafe", "--all-stores", "--rejects", rejects)
    assert result.exit_code == 1
    assert sums(result) == {"new": 1, "refused": 2}
    assert "Line 2 refused: “cheap” is no amount of money." in result.stderr
    with rejects.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.reader(lines))
    assert rows[0] == ["refused_line", "refused_reason", "name", "price", "note"]
    assert rows[1] == ["2", "“cheap” is no amount of money. Write it like 4.50.", "'=Tea", "cheap", "x"]
    assert rows[2] == ["4", "The row has 2 cells, the header 3.", "Jam", "1"]
    mended = file(rejects.read_text(encoding="utf-8").replace("cheap,x", "2,x"), "mended.csv")
    assert sums(flask("import", "products", mended, "--merchant", "cafe", "--all-stores")) == {
        "new": 1,
        "refused": 1,
    }
    assert names(session, cafe, Product) == ["Milk", "=Tea"]


def test_values_are_mapped_and_fields_left_out(flask, session, cafe, file):
    path = file("name,price,flag,sku\nTea,1,promo,T\nMilk,1,,M\n")
    words = ["--map", "earns_points=flag", "--map-value", "earns_points:promo=no", "--map", "sku="]
    assert sums(flask("import", "products", path, "--merchant", "cafe", "--store", "gare", *words)) == {
        "new": 2
    }
    with within(cafe):
        found = session.execute(
            select(Product.earns_points, Product.sku)
            .where(Product.merchant_id == cafe.id)
            .order_by(Product.id)
        )
        assert [tuple(row) for row in found] == [(False, None), (True, None)]


def test_warnings_are_told_with_the_number_of_rows(flask, cafe, file):
    path = file("external_ref,sku,name,price\n1,T,Tea,1\n2,T,Milk,1\n3,T,Jam,1\n")
    result = flask("import", "products", path, "--merchant", "cafe", "--store", "gare")
    assert result.exit_code == 0
    assert "Warning (2 rows): The sku “T” is held by Tea; it was left out." in result.stderr
    assert sums(result) == {"new": 3, "warnings": 2}


def test_only_the_first_sentences_are_told(flask, cafe, file, tmp_path):
    with within(cafe):
        gare = cafe.id
    assert gare
    bad = "".join(f"{n},x\n" for n in range(30))
    words = ["--merchant", "cafe", "--store", "gare"]
    path = file(f"name,price\n{bad}")
    assert "... and 10 more refused\n" in flask("import", "products", path, *words).stderr
    rejects = tmp_path / "refused.csv"
    told = flask("import", "products", path, *words, "--rejects", rejects).stderr
    assert f"... and 10 more refused; {rejects} has them all" in told


def test_only_the_first_warnings_are_told(flask, session, cafe, file):
    with within(cafe):
        gare = session.scalars(Store.of(cafe)).one()
        session.expunge(gare)
    session.rollback()
    for n in range(21):
        make_product(gare, f"Old {n}", sku=f"S{n}")
    rows = "".join(f"{n},S{n},New {n},1\n" for n in range(21))
    path = file(f"external_ref,sku,name,price\n{rows}")
    result = flask("import", "products", path, "--merchant", "cafe", "--store", "gare")
    assert sums(result) == {"new": 21, "warnings": 21}
    assert "... and 1 warnings more" in result.stderr


def test_people_are_imported_into_the_store_the_file_names(flask, cafe, file):
    path = file("staff_id,first_name,last_name,location\n7,Kelsey,Cameron,3\n8,Emi,,HQ\n")
    result = flask("import", "team", path, "--merchant", "cafe", "--map", "store=location")
    assert result.exit_code == 1
    assert sums(result) == {"new": 1, "refused": 1}
    assert "Line 3 refused: There is no store “HQ”." in result.stderr


def test_a_file_may_come_through_a_pipe(flask, session, cafe):
    result = flask("import", "stores", "-", "--merchant", "cafe", answers="store_code,name\na,A\n")
    assert sums(result) == {"new": 1}


def test_what_was_imported_is_written_down_once(flask, session, cafe, file):
    path = file("store_code,name\na,A\n")
    for _ in range(2):
        flask("import", "stores", path, "--merchant", "cafe")
    with within(cafe):
        entries = select(AuditEntry).where(
            AuditEntry.merchant_id == cafe.id, AuditEntry.action == "stores.import"
        )
        assert [entry.details for entry in session.scalars(entries)] == [{"new": 1}]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--merchant", "nope"], "There is no merchant “nope”"),
        (["--merchant", "cafe", "--store", "nope"], "There is no store “nope”."),
        (["--merchant", "cafe"], "No column says which store."),
        (["--merchant", "cafe", "--store", "gare", "--map", "prize=name"], "no field “prize”"),
        (["--merchant", "cafe", "--store", "gare", "--map", "price=cost"], "no column “cost”"),
        (["--merchant", "cafe", "--store", "gare", "--where", "kind=x"], "no column “kind”"),
        (["--merchant", "cafe", "--store", "gare", "--map-value", "sku:a=b"], "No column fills “sku”"),
    ],
)
def test_what_is_refused_is_a_sentence(flask, cafe, file, words, sentence):
    result = flask("import", "products", file("name,price\nTea,1\n"), *words)
    assert result.exit_code == 1
    assert sentence in result.stderr


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "The file is empty."),
        (b"name,price\n", "The file has a header, but no rows."),
        ("name,price\nCafé,1\n".encode("latin-1"), "The file is not UTF-8"),
        (b"PK\x03\x04\0\0", "holds NUL bytes: this is no CSV file"),
        (b"name,title\nA,B\n", None),
        (b"title,item\nA,B\n", "Several columns could be “name”"),
    ],
)
def test_files_that_cannot_be_taken_are_refused(flask, cafe, file, data, sentence):
    result = flask("import", "products", file(data), "--merchant", "cafe", "--store", "gare")
    assert result.exit_code == 1
    assert (sentence or "A new product needs a price") in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--merchant", "cafe", "--store", "gare", "--all-stores"],
        ["--merchant", "cafe", "--map", "name"],
        ["--merchant", "cafe", "--map", "=name"],
        ["--merchant", "cafe", "--map", "name=a", "--map", "name=b"],
        ["--merchant", "cafe", "--map-value", "name=b"],
        ["--merchant", "cafe", "--map-value", "name:b"],
        ["--merchant", "cafe", "--where", "kind"],
        ["--merchant", "cafe", "--rejects", "nowhere/x.csv"],
        ["--merchant", "cafe", "--rejects", "SELF"],
    ],
)
def test_what_is_mistyped_ends_with_2(flask, cafe, file, words):
    path = file("name,price\nTea,1\n")
    words = [str(path) if word == "SELF" else word for word in words]
    assert flask("import", "products", path, *words).exit_code == 2
    assert path.read_text() == "name,price\nTea,1\n"


def test_a_file_that_is_not_there_is_a_usage_error(flask, cafe, tmp_path):
    result = flask("import", "stores", tmp_path / "none.csv", "--merchant", "cafe")
    assert result.exit_code == 2
    assert "does not exist" in result.stderr


def test_stores_stand_in_no_store(flask, cafe, file):
    path = file("name,store_code\nA,a\n")
    assert flask("import", "stores", path, "--merchant", "cafe", "--store", "gare").exit_code == 2


def test_a_team_is_not_imported_into_all_stores(flask, session, cafe, file):
    path = file("external_ref,name\n7,Ana\n")
    result = flask("import", "team", path, "--merchant", "cafe", "--all-stores")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Import store by store" in result.stderr


def test_a_chunk_is_written_again_after_a_passing_trouble(flask, session, cafe, file, monkeypatch):
    monkeypatch.setattr("portal.services.trouble.PAUSE_SECONDS", 0)
    real, left = db.session.commit, [OperationalError("", {}, Exception("database is locked"))] * 2

    def hesitant():
        if left:
            raise left.pop()
        real()

    monkeypatch.setattr(db.session, "commit", hesitant)
    path = file("external_ref,name,price\n1,Tea,1\n2,Milk,1\n1,Again,1\n")
    result = flask("import", "products", path, "--merchant", "cafe", "--store", "gare")
    assert sums(result) == {"new": 2, "refused": 1}
    assert names(session, cafe, Product) == ["Tea", "Milk"]


@pytest.mark.parametrize("kind", ["stores", "team", "products"])
def test_an_export_of_nothing_is_imported_and_says_so(flask, session, file, kind):
    make_merchant("Empty", subdomain="empty")
    path = file(flask("export", kind, "--merchant", "empty").stdout)
    result = flask("import", kind, path, "--merchant", "empty")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.endswith("The file has no rows: there is nothing to import.\n")
