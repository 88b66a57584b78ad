"""`flask trash purge`, `hold` and `unhold`."""

from datetime import UTC, datetime, timedelta

import pytest

from portal.errors import Refused
from portal.models import Deletion
from portal.models.actor import OPERATOR
from portal.services import accounts, products, stores, trash
from tests.factories import (
    make_member,
    make_merchant,
    make_product,
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


def act(session, merchant, number):
    session.rollback()
    with within(merchant):
        return session.get(Deletion, (merchant.id, number), populate_existing=True).status


def test_a_hold_keeps_a_deletion_from_being_purged(flask, session, cafe, gare):
    number = delete(cafe, stores.delete_store, gare, ago=40)
    assert "is kept until: flask trash unhold" in flask("trash", "hold", number).output
    assert "on hold" in flask("trash", "list", "--merchant", "cafe").output
    assert flask("trash", "purge", "--due").output == ""
    assert "on hold" in flask("trash", "purge", number, "--yes").stderr
    assert "no longer on hold" in flask("trash", "unhold", number).output
    assert "Purged: store Gare" in flask("trash", "purge", "--due").output
    assert flask("trash", "hold", number).stderr == "This is not in the trash any more.\n"


def test_only_what_is_due_is_purged_and_a_dry_run_purges_nothing(flask, session, cafe, gare):
    tea, milk = make_product(gare, "Tea"), make_product(gare, "Milk")
    old = delete(cafe, products.delete_product, tea, ago=31)
    new = delete(cafe, products.delete_product, milk, ago=29)
    dry = flask("trash", "purge", "--due", "--dry-run", "--merchant", "cafe")
    assert (
        f"Would purge: product Tea (deletion {old}): 1 product\n1 to purge. Nothing was changed."
        in dry.output
    )
    assert act(session, cafe, old) == "done"
    result = flask("trash", "purge", "--due")
    assert result.output == f"Purged: product Tea (deletion {old})\n"
    assert act(session, cafe, old) == "purged"
    assert act(session, cafe, new) == "done"
    assert "purged for good on" in flask("trash", "show", old).output
    assert flask("trash", "purge", "--due").output == ""
    assert "purged for good" in flask("trash", "restore", old).stderr


def test_purging_goes_merchant_by_merchant_and_takes_people_too(flask, session, cafe, gare):
    other = make_merchant(subdomain="other")
    kiosk = make_store(other, "Kiosk")
    ana = make_user("Ana")
    make_member(gare, ana)
    with within(0):
        accounts.delete_user(ana, by=OPERATOR, now=NOW - timedelta(days=31))
        session.commit()
    delete(cafe, stores.delete_store, gare, ago=31)
    delete(other, stores.delete_store, kiosk, ago=31)
    text = flask("trash", "purge", "--due", "--merchant", "other").output
    assert "Kiosk" in text
    assert "Gare" not in text
    text = flask("trash", "purge", "--due").output
    assert "store Gare" in text
    assert "Purged: person" in text


def test_an_interrupted_purge_goes_on(flask, session, cafe, gare):
    number = delete(cafe, stores.delete_store, gare)
    with within(cafe):
        trash.start_purge(session.get(Deletion, (cafe.id, number)), by=OPERATOR)
        session.commit()
    assert f"Purged: store Gare (deletion {number})" in flask("jobs", "run", "purge").output


def test_purging_one_wants_its_name_typed(flask, session, cafe, gare):
    number = delete(cafe, stores.delete_store, gare)
    dry = flask("trash", "purge", number, "--dry-run")
    assert dry.output == "Would purge store Gare for good: 1 store.\n"
    wrong = flask("trash", "purge", number, answers="gare\n")
    assert wrong.exit_code == 1
    assert "That is not Gare. Nothing was purged." in wrong.stderr
    assert act(session, cafe, number) == "done"
    assert flask("trash", "purge", number, answers="Gare\n").exit_code == 0
    assert act(session, cafe, number) == "purged"


def test_a_part_on_hold_keeps_its_owner_and_fails_no_night(flask, session, cafe, gare):
    tea = make_product(gare, "Tea")
    part = delete(cafe, products.delete_product, tea, ago=40)
    whole = delete(cafe, stores.delete_store, gare, ago=35)
    flask("trash", "hold", part)
    line = f"Kept, on hold: store Gare (deletion {whole}): Some of its products are on hold."
    for words in (["jobs", "run", "purge"], ["trash", "purge", "--due"]):
        result = flask(*words)
        assert (result.exit_code, result.stderr) == (0, "")
        assert line in result.stdout
    dry = flask("trash", "purge", "--due", "--dry-run")
    assert dry.exit_code == 0
    assert line in dry.stdout
    assert "0 to purge." in dry.stdout
    assert act(session, cafe, whole) == "done"
    assert flask("trash", "purge", whole, "--yes").exit_code == 1


def test_a_bare_purge_takes_what_is_due(flask, session, cafe, gare):
    number = delete(cafe, stores.delete_store, gare, ago=31)
    assert flask("trash", "purge", "--dry-run").output.endswith("1 to purge. Nothing was changed.\n")
    assert flask("trash", "purge").output == f"Purged: store Gare (deletion {number})\n"
    assert flask("trash", "purge", number, "--due").exit_code == 2


def test_what_is_refused_does_not_keep_the_others_from_being_purged(flask, session, cafe, gare, monkeypatch):
    tea = make_product(gare, "Tea")
    milk = make_product(gare, "Milk")
    first = delete(cafe, products.delete_product, tea, ago=33)
    second = delete(cafe, products.delete_product, milk, ago=31)
    real = trash.start_purge

    def hesitant(act, *, by):
        if act.id == first:
            raise Refused("protected", "Cups still need it.")
        real(act, by=by)

    monkeypatch.setattr(trash, "start_purge", hesitant)
    result = flask("trash", "purge", "--due")
    assert result.exit_code == 1
    assert result.stderr == "Cups still need it.\n"
    assert act(session, cafe, second) == "purged"
