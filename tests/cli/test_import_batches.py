"""`flask import customers`, `orders`, `list`, `show` and `undo`."""

import csv
import os
import signal
import subprocess
import sys
import time

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from config import ROOT
from portal.cli import importing
from portal.extensions import db
from portal.models import Customer, ImportBatch, ImportRow, LoyaltyCard, LoyaltyTransaction, Order, OrderLine
from tests.factories import make_card, make_customer, make_merchant, make_program, make_store, within

RECEIPTS = "receipt,day,clock,shop,who,amount,qty,price\n"
ASKED = (
    *("--map", "number=receipt", "--map", "date=day", "--map", "time=clock", "--map", "store=shop"),
    *("--map", "customer=who", "--group-by", "receipt,day,shop"),
)


@pytest.fixture
def cafe(session):
    cafe = make_merchant("Café", subdomain="cafe")
    make_store(cafe, "Gare", external_ref="3")
    return cafe


@pytest.fixture
def kelly(cafe):
    program = make_program(cafe, loyalty_type="points", points_per_euro=10)
    customer = make_customer(cafe, "Kelly", external_ref="1")
    make_card(program, customer)
    return customer


@pytest.fixture
def file(tmp_path):
    def write(text, name="in.csv"):
        path = tmp_path / name
        path.write_bytes(text.encode())
        return path

    return write


def count(session, merchant, model):
    session.rollback()
    with within(merchant):
        found = session.scalar(select(func.count()).select_from(model.of(merchant).subquery()))
    session.rollback()
    return found


def test_customers_are_imported_with_a_batch_to_take_back(flask, session, cafe, kelly, file):
    path = file("id,name,card_number,colour\n7,Emi,A1,red\n8,,,\n")
    result = flask("import", "customers", path, "--merchant", "cafe", "--rejects", path.with_name("no.csv"))
    assert result.exit_code == 1
    assert "  external_ref from id\n" in result.stdout
    assert "  card_number  from card_number\n" in result.stdout
    assert "  not used     colour\n" in result.stdout
    assert "new               1\n" in result.stdout
    assert "Batch 1. To take it back: flask import undo 1 --merchant cafe\n" in result.stdout
    assert "Line 3 refused: A new customer needs a name, or else an e-mail" in result.stderr
    assert path.with_name("no.csv").read_text(encoding="utf-8").splitlines()[1].startswith("3,")


def test_a_dry_run_writes_nothing(flask, session, cafe, kelly, file):
    people, receipts = file("id,name\n7,Emi\n"), file(RECEIPTS + "R1,2026-03-01,9:00,3,1,2.50,,\n", "r.csv")
    result = flask("import", "customers", people, "--merchant", "cafe", "--dry-run")
    assert result.stdout.endswith("Dry run: nothing was written.\n")
    result = flask("import", "orders", receipts, "--merchant", "cafe", *ASKED, "--earn", "--dry-run")
    assert "1 earned 25 points on 1 card; 0 are anonymous." in result.stdout
    assert result.stdout.endswith("Dry run: nothing was written.\n")
    models = (Order, OrderLine, LoyaltyTransaction, ImportBatch, ImportRow)
    assert [count(session, cafe, model) for model in models] == [0] * 5
    assert count(session, cafe, Customer) == 1


def test_receipts_are_told_in_words_and_refused_baskets_written_whole(flask, session, cafe, kelly, file):
    rows = (
        "R1,2026-03-01,9:00,3,1,2.50,1,2.50\n"
        "R1,2026-03-01,9:00,3,1,1.00,1,3.75\n"
        "R2,2026-03-01,9:10,3,0,2.50,,\n"
        "R3,2026-03-01,9:20,3,99,2.50,,\n"
        "R4,2026-03-01,9:30,3,1,=free,,\n"
        "R4,2026-03-01,9:30,3,1,2.50,,\n"
        "R5,2026-03-01,9:40,4,1,2.50,,\n"
    )
    rejects = file("").with_name("no.csv")
    words = ["import", "orders", file(RECEIPTS + rows), "--merchant", "cafe", *ASKED, "--earn"]
    result = flask(*words, "--where", "shop=3", "--rejects", rejects)
    assert result.exit_code == 1
    assert result.stdout.splitlines()[10:] == [
        "new               3",
        "unchanged         0",
        "skipped           0",
        "refused           1",
        "left out          1  lines, by --where",
        "6 lines are 4 baskets; 3 became orders.",
        "1 earned 35 points on 1 card; 1 is anonymous.",
        "1 line has an amount that is not quantity × price less discount; the printed amount was kept.",
        "1 basket has a customer who is not known here; the order was kept without one.",
        "Batch 1. To take it back: flask import undo 1 --merchant cafe",
    ]
    assert "Line 3: 1 × 3.75 is not 1.00; the printed amount was kept." in result.stderr
    assert "Line 5: There is no customer “99”; the order is kept without one." in result.stderr
    assert "Line 6 refused: “=free” is no amount of money." in result.stderr
    with rejects.open(newline="", encoding="utf-8") as lines:
        told = list(csv.reader(lines))
    assert [row[0] for row in told] == ["refused_line", "6", "7"]
    assert told[1][2:8] == ["R4", "2026-03-01", "9:30", "3", "1", "'=free"]
    again = flask(*words, "--where", "shop=3")
    assert "6 lines are 4 baskets; 0 became orders." in again.stdout
    assert "Batch" not in again.stdout


@pytest.mark.usefixtures("kelly")
def test_sales_that_were_voided_are_counted_named_and_written_with_the_rejects(flask, cafe, file):
    rows = (
        "R1,2026-03-01,9:00,3,1,2.50,,,paid,\n"
        "R2,2026-03-01,9:10,3,1,2.50,,,Voided,\n"
        "R3,2026-03-01,9:20,3,1,2.50,,,cancelled,\n"
        "R4,2026-03-01,9:30,3,1,-2.50,,,paid,\n"
    )
    path = file(RECEIPTS.replace("price", "price,payment status,Refunded amount") + rows)
    rejects = path.with_name("no.csv")
    words = ["import", "orders", path, "--merchant", "cafe", *ASKED, "--rejects", rejects]
    result = flask(*words)
    assert result.exit_code == 0
    assert "  refunded_amount from Refunded amount\n" in result.stdout
    assert "  sale_status  from payment status\n" in result.stdout
    assert "not sold          3\n" in result.stdout
    assert "\n2 baskets were voided or cancelled, and left out.\n" in result.stdout
    assert "\n1 basket was left out: money given back." in result.stdout
    assert "Line 3 left out: It was voided or cancelled where it comes from.\n" in result.stderr
    with rejects.open(newline="", encoding="utf-8") as lines:
        assert [row[0] for row in csv.reader(lines)] == ["refused_line", "3", "4", "5"]
    shown = flask("import", "show", "1", "--merchant", "cafe").stdout.splitlines()
    assert shown[1].startswith("3,R2/2026-03-01/3,refused,voided,It was voided or cancelled")
    assert len(shown) == 4
    assert "Batch" not in flask(*words).stdout


def test_only_the_first_sentences_are_told(flask, cafe, file, tmp_path):
    rows = "".join(f"R{n},2026-03-01,9:00,3,0,free,,\n" for n in range(30))
    rejects = tmp_path / "no.csv"
    words = ["import", "orders", file(RECEIPTS + rows), "--merchant", "cafe", *ASKED]
    result = flask(*words, "--rejects", rejects)
    assert f"... and 10 more; {rejects} has them all" in result.stderr


def test_a_header_that_was_mended_is_told(flask, cafe, file):
    header = '"receipt,""day"",""clock"",""shop"",""who"",""amount"",""qty"",""price"""\n'
    path = file(header + "R1,2026-03-01,9:00,3,,2.50,,\n")
    result = flask("import", "orders", path, "--merchant", "cafe", *ASKED)
    assert "Warning: The header is one cell in quotation marks. It was read as 8 columns." in result.stderr
    assert "  a basket is  receipt, day, shop\n" in result.stdout
    assert "1 became an order" in result.stdout


def test_without_earn_nothing_is_earned(flask, session, cafe, kelly, file):
    path = file(RECEIPTS + "R1,2026-03-01,9:00,3,1,2.50,,\nR2,2026-03-01,9:00,3,,2.50,,\n")
    result = flask("import", "orders", path, "--merchant", "cafe", *ASKED)
    assert "1 is anonymous. Nothing was earned: there was no --earn." in result.stdout
    assert count(session, cafe, LoyaltyTransaction) == 0
    late = flask("import", "orders", path, "--merchant", "cafe", *ASKED, "--earn").stdout
    assert "unchanged         1\n" in late
    assert "updated           1  earned now\n" in late
    assert "1 earned 25 points on 1 card; 0 are anonymous.\n" in late
    assert "1 order was here already without points, and earned now.\n" in late
    assert "Batch 2. To take it back:" in late
    again = flask("import", "orders", path, "--merchant", "cafe", *ASKED, "--earn").stdout
    assert "updated" not in again
    assert "Batch" not in again


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("orders", "--earn"), "There is no program yet."),
        (("orders", "--group-by", "nothing"), "The file has no column “nothing”."),
        (("orders", "--format", "smile"), "smile exports no orders. It exports: customers."),
        (("orders", "--format", "square"), "This is no export of square: it has no column Transaction ID"),
        (("orders", "--map", "date=a", "--map", "date=b"), "--map date=… is given 2 times."),
        (("customers", "--map", "name=shop"), "No column says who is who."),
        (
            ("customers", "--format", "tally"),
            "'tally' is not one of 'square', 'shopify'",
        ),
        (("customers", "--dates", "ymd"), "'ymd' is not one of 'mdy', 'dmy'"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(flask, cafe, file, words, sentence):
    path = file(RECEIPTS + "R1,2026-03-01,9:00,3,1,2.50,,\n")
    kind, *more = words
    asked = ASKED if kind == "orders" and not more[0].startswith(("--map", "--format")) else ()
    result = flask("import", kind, path, "--merchant", "cafe", *asked, *more)
    assert result.exit_code != 0
    assert sentence in result.stderr


def test_an_unknown_merchant_and_an_unreadable_file_are_told(flask, cafe, file):
    path = file("id,name\n7,Emi\n")
    assert "There is no merchant “tea”" in flask("import", "customers", path, "--merchant", "tea").stderr
    assert "The file is empty." in flask("import", "orders", file(""), "--merchant", "cafe").stderr


def test_imports_are_listed_shown_and_taken_back(flask, session, cafe, kelly, file):
    assert flask("import", "list", "--merchant", "cafe").stdout == "Nothing was imported yet.\n"
    flask("import", "customers", file("id,name\n7,Emi\n1,Kelly Key\n", "people.csv"), "--merchant", "cafe")
    rows = "R1,2026-03-01,9:00,3,1,2.50,,\nR2,2026-03-01,9:00,3,99,2.50,,\n"
    flask("import", "orders", file(RECEIPTS + rows, "march.csv"), "--merchant", "cafe", *ASKED, "--earn")
    listed = flask("import", "list", "--merchant", "cafe").stdout.splitlines()
    assert listed[1].split()[:3] == ["2", "orders", "march.csv"]
    assert listed[1].split()[5:] == ["done", "2", "0", "0", "25"]
    assert listed[2].split()[:3] == ["1", "customers", "people.csv"]
    shown = flask("import", "show", "2", "--merchant", "cafe").stdout
    assert shown.splitlines()[1] == (
        "3,R2/2026-03-01/3,kept_anonymous,unknown_customer,"
        "There is no customer “99”; the order is kept without one."
    )
    result = flask("import", "undo", "2", "--merchant", "cafe")
    assert result.stdout == (
        "The points of 1 orders were taken back.\n2 went to the trash.\nImport 2 is taken back.\n"
    )
    assert count(session, cafe, Order) == 0
    assert "taken back already" in flask("import", "undo", "2", "--merchant", "cafe").stderr
    assert "1 became what they were" in flask("import", "undo", "1", "--merchant", "cafe").stdout
    assert "There is no import 9 of Café." in flask("import", "undo", "9", "--merchant", "cafe").stderr
    for act in ("show", "undo"):
        assert flask("import", act, str(2**63), "--merchant", "cafe").exit_code == 2


def test_a_batch_of_another_merchant_is_not_there(flask, session, cafe, kelly, file):
    make_merchant("Tea", subdomain="tea")
    flask("import", "customers", file("id,name\n7,Emi\n"), "--merchant", "cafe")
    for verb in ("show", "undo"):
        result = flask("import", verb, "1", "--merchant", "tea")
        assert (result.exit_code, result.stderr) == (1, "There is no import 1 of Tea.\n")


def test_files_come_through_a_pipe(flask, session, cafe, kelly):
    text = RECEIPTS + "R1,2026-03-01,9:00,3,1,2.50,,\n"
    result = flask("import", "orders", "-", "--merchant", "cafe", *ASKED, answers=text)
    assert "1 became an order" in result.stdout


def test_a_chunk_is_done_again_when_somebody_wrote_the_same_a_moment_before(app):
    tries = []

    def work():
        tries.append(1)
        if len(tries) == 1:
            raise IntegrityError("INSERT", {}, Exception("duplicate"))
        return ["done"]

    assert importing.committed(work) == ["done"]
    db.session.rollback()


MANY = 9_000


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("kelly")
def test_killed_in_the_middle_the_same_line_goes_on_and_doubles_nothing(flask, session, cafe, file, database):
    rows = "".join(
        f"R{n},2026-03-{1 + n % 28:02},{n % 24:02}:{n % 60:02},3,{n % 2},2.50,,\n" for n in range(MANY)
    )
    path = file(RECEIPTS + rows)
    words = ["import", "orders", str(path), "--merchant", "cafe", *ASKED, "--earn"]
    session.rollback()
    before = {**os.environ, **database.environment, "FLASK_APP": "wsgi.py", "TMPDIR": str(path.parent)}
    flask_ = [sys.executable, "-m", "flask", *words]
    running = subprocess.Popen(flask_, cwd=ROOT, env=before, stdout=subprocess.DEVNULL)
    wait_for_some(session, cafe, running)
    running.send_signal(signal.SIGKILL)
    running.wait(30)
    assert list(path.parent.iterdir()) == [path]  # nothing is left where the lines were sorted
    made = count(session, cafe, Order)
    assert 0 < made < MANY
    assert made % 500 == 0  # whole chunks, with all that belongs to them
    assert count(session, cafe, LoyaltyTransaction) > 0
    check_told_as_unfinished(flask, session, cafe, words, made)
    result = flask(*words)
    assert f"{made:,} of them were made before this import was cut off." in result.stdout
    assert f"{MANY:,} lines are {MANY:,} baskets; {MANY:,} became orders." in result.stdout
    models = (Order, OrderLine, ImportRow, LoyaltyTransaction, ImportBatch)
    assert [count(session, cafe, model) for model in models] == [MANY, MANY, MANY, MANY // 2, 1]
    with within(cafe):
        card = session.scalars(LoyaltyCard.of(cafe)).one()
        last = LoyaltyTransaction.of(cafe).order_by(LoyaltyTransaction.id.desc()).limit(1)
        assert card.points_balance == session.scalars(last).one().points_after == MANY // 2 * 25


def check_told_as_unfinished(flask, session, cafe, words, made):
    """It is listed with what it made, and nothing else begins beside it."""
    listed = flask("import", "list", "--merchant", "cafe")
    earned = count(session, cafe, LoyaltyTransaction)
    assert listed.stdout.splitlines()[1].split()[5:] == ["not", "finished", *_sums(made, earned)]
    assert f"Import 1 is not finished, or is running: {made:,} new, 0 updated, 0 refused, " in listed.stderr
    shown = flask("import", "show", "1", "--merchant", "cafe")
    assert shown.stderr == listed.stderr
    assert "To go on when it was cut off: flask import orders in.csv --merchant cafe --map " in shown.stderr
    other = flask(*words[:-1])  # without --earn
    assert (other.exit_code, count(session, cafe, Order)) == (1, made)
    assert "Import 1 is not finished, and this one is another." in other.stderr


def _sums(made, earned):
    return [str(made), "0", "0", str(earned * 25)]


def wait_for_some(session, merchant, running):
    """Wait until a chunk or two are written."""
    for _ in range(600):
        if count(session, merchant, ImportRow) >= 500:
            return
        assert running.poll() is None, "the import ended before it could be killed"
        time.sleep(0.02)
    raise AssertionError("the import never began")
