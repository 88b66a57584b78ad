"""`flask trash`."""

from datetime import UTC, datetime, timedelta

import pytest

from portal.models import Customer, LoyaltyProgram, Product, Store
from portal.models.actor import OPERATOR, Actor, Role
from portal.services import accounts, products, programs, stores, trash
from portal.services.ledger.merging import merge_customers
from portal.services.ledger.visits import Visit
from tests.factories import (
    make_customer,
    make_member,
    make_merchant,
    make_order,
    make_product,
    make_program,
    make_store,
    make_user,
    within,
)
from tests.services.importing import committed

NOW = datetime.now(UTC)


@pytest.fixture
def cafe(session):
    return make_merchant("Café", subdomain="cafe")


@pytest.fixture
def gare(cafe):
    return make_store(cafe, "Gare")


def delete(merchant, verb, row, *, ago=0, by=OPERATOR, **options):
    with committed(merchant.id):
        return verb(row, by=by, now=NOW - timedelta(days=ago), **options).id


def living(session, merchant, model):
    with within(merchant):
        return [row.name for row in session.scalars(model.of(merchant).order_by(model.id))]


def test_the_trash_of_a_merchant_is_listed(flask, cafe, gare):
    ana = make_user("Ana")
    tea, milk = make_product(gare, "Tea"), make_product(gare, "Milk")
    manager = Actor(ana.id, Role.MANAGER, frozenset({gare.id}))
    delete(cafe, products.delete_product, tea, ago=3, by=manager, reason="Out of season")
    delete(cafe, products.delete_product, milk, ago=1)
    lines = flask("trash", "list", "--merchant", "cafe").output.splitlines()
    assert "DELETED (Europe/Luxembourg)" in lines[0]
    assert "product Milk" in lines[1]
    assert "operator" in lines[1]
    for word in ("cafe", "product Tea", "Ana", "27 days", "Out of season"):
        assert word in lines[2]


def test_the_list_is_narrowed_by_kind_and_name_and_limited(flask, cafe, gare):
    tea, milk = make_product(gare, "Thé"), make_product(gare, "Milk")
    kiosk = make_store(cafe, "Kiosk")
    make_product(kiosk, "Jam")
    delete(cafe, products.delete_product, tea)
    delete(cafe, products.delete_product, milk)
    delete(cafe, stores.delete_store, kiosk)
    assert "1 product" in flask("trash", "list", "--all", "--kind", "stores").output
    found = flask("trash", "list", "--merchant", "cafe", "--q", "the").output
    assert "Thé" in found
    assert "Milk" not in found
    assert "more than 1" in flask("trash", "list", "--merchant", "cafe", "--limit", "1").output
    assert flask("trash", "list", "--all", "--kind", "people").output == "Nothing found in the trash.\n"


@pytest.mark.parametrize(
    "words",
    [
        ["list"],
        ["list", "--all", "--merchant", "cafe"],
        ["list", "--all", "--kind", "planets"],
        ["show"],
        ["show", "x"],
        ["restore", "0"],
        ["purge", "0"],
        ["purge", "1", "--due"],
        ["hold"],
    ],
)
def test_what_is_mistyped_ends_with_2(flask, cafe, words):
    assert flask("trash", *words).exit_code == 2


@pytest.mark.parametrize(
    "words",
    [["show", 9], ["restore", 9], ["purge", 9], ["hold", 9], ["unhold", 9], ["list", "--merchant", "x"]],
)
def test_what_does_not_exist_is_refused(flask, cafe, words):
    result = flask("trash", *words)
    assert result.exit_code == 1
    assert "There is no " in result.stderr


def test_one_merchants_deletion_is_not_anothers(flask, cafe, gare):
    number = delete(cafe, stores.delete_store, gare)
    make_merchant(subdomain="other")
    result = flask("trash", "restore", number, "--merchant", "other")
    assert result.exit_code == 1
    assert f"There is no deletion {number} of Merchant" in result.stderr
    assert flask("trash", "restore", number, "--merchant", "cafe").exit_code == 0


def test_a_deletion_shows_what_it_took_and_what_a_restore_brings(flask, cafe, gare):
    tea, milk = make_product(gare, "Tea"), make_product(gare, "Milk")
    make_order(gare, lines=[tea])
    del tea
    delete(cafe, products.delete_product, milk, ago=5)
    with within(cafe):
        number = delete(cafe, stores.delete_store, gare, reason="The lease ended")
    text = flask("trash", "show", number).output
    for line in (
        f"Deletion {number}: store Gare",
        "merchant  Café (cafe)",
        "by operator (admin, cli)",
        "why       The lease ended",
        "took      1 store, 1 product",
        "in the trash; stays: 30 days",
        "1 product (Tea)",
        "Deleted earlier, stays: 1 product (Milk)",
        f"Bring it back with: flask trash restore {number}",
    ):
        assert line in text


def test_a_merged_customer_is_told_beforehand_to_stay(flask, session, cafe):
    lea, twin = make_customer(cafe, "Lea"), make_customer(cafe, "Lea M.")
    with committed(cafe.id):
        rows = [session.get(Customer, (cafe.id, each.id)) for each in (lea, twin)]
        act_id = merge_customers(*rows, visit=Visit(by=OPERATOR, now=NOW)).loser_deletion_id
    told = flask("trash", "show", act_id).output
    assert "Lea M. was merged into another customer" in told
    assert "flask trash restore" not in told
    assert "Would bring back" not in told
    refused = flask("trash", "restore", act_id)
    assert refused.exit_code == 1
    assert "Lea M. was merged into another customer" in refused.output + refused.stderr


def test_a_restored_deletion_says_when(flask, cafe, gare):
    number = delete(cafe, stores.delete_store, gare)
    assert "The store Gare is back: 1 store." in flask("trash", "restore", number).output
    assert "restored on " in flask("trash", "show", number).output
    again = flask("trash", "restore", number)
    assert again.exit_code == 0
    assert "was restored before. Nothing was changed." in again.output


def test_an_unfinished_one_says_so(flask, cafe, gare, monkeypatch):
    make_product(gare)
    make_product(gare)
    monkeypatch.setattr("portal.services.trash.throw_away.IN_ONE_TRANSACTION", 1)
    number = delete(cafe, stores.delete_store, gare)
    assert "being deleted, not finished" in flask("trash", "show", number).output


def test_a_deleted_person_is_shown_with_their_parts(flask, session, cafe, gare):
    ana = make_user("Ana", email="ana@example.com")
    make_member(gare, ana)
    number = delete_person(session, ana)
    text = flask("trash", "show", number).output
    assert "above merchants" in text
    assert "1 team member" in text
    assert f"flask trash restore {number}" in text
    assert "person Ana" in flask("trash", "list", "--all").output
    part = flask("trash", "list", "--merchant", "cafe").output.splitlines()[1].split()[0]
    blocked = flask("trash", "restore", part)
    assert blocked.exit_code == 1
    assert f"It is deletion {number}. Restore it too: --with-owners" in blocked.stderr
    assert "is back" in flask("trash", "restore", part, "--with-owners").output


def delete_person(session, person):
    act = accounts.delete_user(person, by=OPERATOR, now=NOW)
    session.commit()
    with within(0):
        number = act.id
        session.rollback()
    return number


def test_a_dead_owner_is_named_with_the_option_that_helps(flask, session, cafe, gare):
    tea = make_product(gare, "Tea")
    first = delete(cafe, products.delete_product, tea)
    with within(cafe):
        second = delete(cafe, stores.delete_store, gare)
    shown = flask("trash", "show", first).output
    assert "The store Gare this belongs to is in the trash." in shown
    result = flask("trash", "restore", first)
    assert result.exit_code == 1
    assert f"It is deletion {second}." in result.stderr
    assert flask("trash", "restore", first, "--with-owners").exit_code == 0
    assert living(session, cafe, Product) == ["Tea"]


def test_a_taken_value_is_told_and_given_anew(flask, session, cafe, gare):
    number = delete(cafe, stores.delete_store, gare)
    make_store(cafe, "New", store_code="gare")
    assert "is taken now by store New" in flask("trash", "show", number).output
    result = flask("trash", "restore", number)
    assert "--set stores-" in result.stderr
    bad = flask("trash", "restore", number, "--set", "store_code=!!")
    assert bad.exit_code == 1
    assert "The store code takes" in bad.stderr
    assert flask("trash", "restore", number, "--set", "store_code=gare-2").exit_code == 0
    assert living(session, cafe, Store) == ["Gare", "New"]


def test_a_living_program_makes_room(flask, session, cafe):
    number = delete(cafe, programs.delete_program, make_program(cafe, card_name="Old"))
    make_program(cafe, card_name="New")
    result = flask("trash", "restore", number)
    assert "Put the living one in the trash: --replace" in result.stderr
    assert flask("trash", "restore", number, "--replace").exit_code == 0
    with within(cafe):
        assert session.scalars(LoyaltyProgram.of(cafe)).one().card_name == "Old"


def test_the_trash_of_a_deleted_merchant_can_still_be_read(flask, cafe, gare):
    tea = make_product(gare, "Tea")
    delete(cafe, products.delete_product, tea)
    flask("merchants", "delete", "cafe", "--yes")
    assert "product Tea" in flask("trash", "list", "--merchant", "cafe").output


def test_what_is_kept_for_ever_says_so(flask, session, gare):
    forever = make_merchant(subdomain="forever", retention_days=0)
    delete(forever, stores.delete_store, make_store(forever, "Kiosk"))
    assert "for ever" in flask("trash", "list", "--merchant", "forever").output


def test_a_healthy_trash_is_well(flask, cafe, gare):
    delete(cafe, stores.delete_store, gare)
    assert flask("trash", "doctor").output == "All is well.\n"
    assert flask("trash", "doctor", "--merchant", "cafe").output == "All is well.\n"
    assert flask("trash", "doctor", "--merchant", "x").exit_code == 1


def test_the_doctor_ends_with_1_and_tells_what_is_wrong(flask, monkeypatch):
    findings = [trash.Finding("live_under_dead", 3, "product 1 lives under the dead store 2")]
    monkeypatch.setattr(trash, "doctor", lambda: [*findings, trash.Finding("wrong_counts", 0, "deletion 5")])
    result = flask("trash", "doctor")
    assert result.exit_code == 1
    assert "merchant 3: product 1 lives under the dead store 2 (live_under_dead)" in result.stderr
    assert "platform: deletion 5" in result.stderr
    assert "2 findings." in result.stderr


def test_the_trash_is_listed_page_by_page_by_person_and_by_day(flask, session):
    merchant = make_merchant("Bar", subdomain="bar", timezone="UTC")
    ana = make_user("Ana", email="ana@example.com")
    numbers = []
    for day, by in ((1, OPERATOR), (2, Actor(ana.id, Role.ADMIN)), (3, OPERATOR)):
        store = make_store(merchant, f"Store {day}")
        with committed(merchant.id):
            moment = datetime(2026, 3, day, 23, 59, tzinfo=UTC)
            numbers.append(stores.delete_store(store, by=by, now=moment).id)

    def listed(*words):
        lines = flask("trash", "list", "--merchant", "bar", *words).stdout.splitlines()
        return [int(line.split()[0]) for line in lines if line[0].isdigit()]

    assert listed() == numbers[::-1]
    assert listed("--after", numbers[1]) == [numbers[0]]
    assert f"--after {numbers[2]}" in flask("trash", "list", "--all", "--limit", "1").stdout
    assert listed("--since", "2026-03-02", "--until", "2026-03-02") == [numbers[1]]
    assert listed("--person", "ana@example.com") == listed("--person", f"#{ana.id}") == [numbers[1]]
    assert "There is no person 999" in flask("trash", "list", "--all", "--person", "#999").stderr
    assert flask("trash", "list", "--all", "--since", "yesterday").exit_code == 2
