"""`flask merchants`."""

import pytest
from sqlalchemy import select

from portal.models import Product, Store
from portal.models.actor import OPERATOR
from portal.services import merchants, products
from tests.factories import NOW, make_merchant, make_product, make_store, make_user, within


def test_a_merchant_is_founded_with_its_owner(flask):
    make_user("Ana", email="ana@example.com")
    words = ["--name", "Bean & Co", "--subdomain", "Bean", "--owner", "ana@example.com"]
    place = ["--timezone", "America/New_York", "--currency", "usd", "--country", "US"]
    result = flask("merchants", "create", *words, *place)
    assert result.exit_code == 0, result.output
    assert "Founded Bean & Co, owned by Ana." in result.output
    bean = merchants.find_merchant("bean")
    assert (bean.timezone, bean.currency, bean.country) == ("America/New_York", "USD", "US")


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--owner", "nobody"], "Nobody signs in as “nobody”"),
        (["--owner", "ana@example.com", "--timezone", "Moon"], "“Moon” is no IANA time zone"),
        (["--owner", "ana@example.com", "--currency", "Euro"], "currency as 3 letters"),
        (["--owner", "ana@example.com", "--subdomain", "taken"], "“taken” is taken"),
        (["--owner", "ana@example.com", "--subdomain", "www"], "“www” is reserved"),
    ],
)
def test_what_is_refused_is_a_sentence(flask, more, sentence):
    make_user("Ana", email="ana@example.com")
    make_merchant(subdomain="taken")
    result = flask("merchants", "create", "--name", "B", "--subdomain", "b", *more)
    assert result.exit_code == 1
    assert sentence in result.stderr


def test_merchants_are_listed_with_owners_and_stores(flask):
    cafe = make_merchant("Café", subdomain="cafe", owner=make_user("Ana"))
    make_store(cafe)
    make_store(cafe)
    make_merchant("Bakery", subdomain="bakery")
    lines = flask("merchants", "list").output.splitlines()
    assert [line.split()[1] for line in lines] == ["SUBDOMAIN", "bakery", "cafe"]
    assert lines[2].split()[2:5] == ["Café", "Ana", "2"]
    assert "bakery" not in flask("merchants", "list", "--q", "caf").output
    assert flask("merchants", "list", "--q", "x").output == "No merchant found.\n"


@pytest.fixture
def cafe(session):
    cafe = make_merchant("Café", subdomain="cafe")
    store = make_store(cafe, "Gare", subdomain="cafe-gare")
    make_product(store, "Tea")
    return cafe


def test_deleting_shows_what_goes_and_wants_the_subdomain_typed(flask, cafe):
    wrong = flask("merchants", "delete", "cafe", answers="caf\n")
    assert wrong.exit_code == 1
    assert "1 store (Gare)" in wrong.output
    assert "That is not cafe. Nothing was deleted." in wrong.stderr
    assert merchants.find_merchant("cafe")
    right = flask("merchants", "delete", "CAFE", answers="cafe\n")
    assert "Café is in the trash" in right.output
    assert merchants.find_merchant("cafe") is None
    assert "cafe" not in flask("merchants", "list").output
    assert "cafe" in flask("merchants", "list", "--include-deleted").output


def test_a_merchant_comes_back_with_all_that_went(flask, cafe, session):
    flask("merchants", "delete", "cafe", "--yes")
    result = flask("merchants", "restore", "cafe")
    assert "The merchant Café is back: 1 merchant, 1 owner, 1 store, 1 product." in result.output
    with within(cafe):
        assert len(session.scalars(Store.of(cafe)).all()) == 1


def test_a_taken_subdomain_is_told_with_the_option_that_helps(flask, cafe):
    flask("merchants", "delete", "cafe", "--yes")
    make_merchant("New café", subdomain="cafe")
    result = flask("merchants", "restore", "cafe")
    assert result.exit_code == 1
    assert "is taken now by merchant New café" in result.stderr
    assert f"--set merchants-{cafe.id}-subdomain=VALUE" in result.stderr
    assert flask("merchants", "restore", "cafe", "--set", "subdomain=old-cafe").exit_code == 0
    assert merchants.find_merchant("old-cafe").name == "Café"


def test_a_value_of_what_went_with_it_is_given_anew(flask, cafe, session):
    with within(cafe):
        store_id = session.scalars(Store.of(cafe)).one().id
    flask("merchants", "delete", "cafe", "--yes")
    make_store(make_merchant(), subdomain="cafe-gare")
    result = flask("merchants", "restore", "cafe")
    assert f"or none: --set stores-{store_id}-subdomain=" in result.stderr
    assert flask("merchants", "restore", "cafe", "--set", f"stores-{store_id}-subdomain=").exit_code == 0


def test_of_several_the_deletion_must_be_named(flask, cafe):
    flask("merchants", "delete", "cafe", "--yes")
    make_merchant("Second", subdomain="cafe")
    flask("merchants", "delete", "cafe", "--yes")
    result = flask("merchants", "restore", "cafe")
    assert result.exit_code == 1
    number = result.stderr.split()[-1].rstrip(".")
    assert f"--deletion {number}" in result.stderr
    assert "The merchant Second is back" in flask("merchants", "restore", "--deletion", number).output


def test_a_subdomain_of_digits_is_no_number_of_a_deletion(flask, cafe):
    digits = make_merchant("Digits", subdomain="1")
    flask("merchants", "delete", "cafe", "--yes")
    flask("merchants", "delete", "1", "--yes")
    assert "The merchant Digits is back" in flask("merchants", "restore", "1").output
    assert "“1” is not in the trash" in flask("merchants", "restore", digits.subdomain).stderr
    assert merchants.find_merchant("cafe") is None


def test_only_a_merchants_deletion_is_restored_by_its_number(flask, cafe, session):
    with within(cafe):
        product = session.scalars(select(Product).where(Product.merchant_id == cafe.id)).one()
        act = products.delete_product(product, by=OPERATOR, now=NOW)
        session.commit()
        number = act.id
    result = flask("merchants", "restore", "--deletion", number)
    assert result.exit_code == 1
    assert f"Deletion {number} is no merchant's." in result.stderr
    assert "no deletion 999" in flask("merchants", "restore", "--deletion", 999).stderr


@pytest.mark.parametrize("words", [[], ["cafe", "--deletion", "1"]])
def test_a_restore_names_one_merchant_in_one_way(flask, cafe, words):
    assert flask("merchants", "restore", *words).exit_code == 2


@pytest.mark.parametrize(
    ("which", "sentence"),
    [
        ("cafe", "“cafe” is not in the trash"),
        ("nope", "There is no merchant “nope”"),
        ("999", "There is no merchant “999”"),
    ],
)
def test_what_is_not_in_the_trash_cannot_be_restored(flask, cafe, which, sentence):
    result = flask("merchants", "restore", which)
    assert result.exit_code == 1
    assert sentence in result.stderr


@pytest.mark.parametrize("setting", ["subdomain", "=x", ""])
def test_a_setting_that_is_none_is_a_usage_error(flask, cafe, setting):
    flask("merchants", "delete", "cafe", "--yes")
    assert flask("merchants", "restore", "cafe", "--set", setting).exit_code == 2


def test_a_huge_merchant_is_deleted_in_parts(flask, cafe, monkeypatch):
    monkeypatch.setattr("portal.services.trash.throw_away.IN_ONE_TRANSACTION", 1)
    result = flask("merchants", "delete", "cafe", "--yes")
    assert "the rest follows with: flask jobs run deletions" in result.output
    assert "still in progress" in flask("merchants", "restore", "cafe").stderr
    assert "Done: merchant Café" in flask("jobs", "run", "deletions").output


def test_a_merchant_is_changed_field_by_field(flask):
    make_merchant(subdomain="lux")
    result = flask("merchants", "set", "lux", "retention_days=90", "name=Lux")
    assert result.output == "Changed: name, retention_days.\n"
    assert flask("merchants", "set", "lux", "name=Lux").output == "Nothing differs; nothing was changed.\n"
    lux = merchants.find_merchant("lux")
    assert (lux.name, lux.retention_days) == ("Lux", 90)


@pytest.mark.parametrize("change", ["retention_days", "retention_days=soon", "owner=ana", "name"])
def test_a_senseless_change_of_a_merchant_is_a_usage_error(flask, change):
    make_merchant(subdomain="lux")
    assert flask("merchants", "set", "lux", change).exit_code == 2


def test_a_field_given_twice_is_refused(flask, session):
    make_merchant("Café", subdomain="cafe")
    result = flask("merchants", "set", "cafe", "name=A", "name=B")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "name is given twice. Say once what it is to be." in result.stderr
