"""`flask demo`."""

from sqlalchemy import func, select

from portal.models import Merchant, User
from portal.services import demo
from tests.factories import make_merchant


def count(session, model):
    session.rollback()
    return session.scalar(select(func.count()).select_from(model))


def test_the_demo_is_loaded_once_and_prints_who_may_sign_in(flask, session):
    first = flask("demo")
    assert first.exit_code == 0
    assert "Loaded Café Lumière, Boulangerie Moulin and Librairie Papyrus." in first.output
    assert "three warm croissants" in first.output
    assert "lea" in first.output
    assert "for trying out only" in first.output
    people = count(session, User)
    for words in ([], ["--if-empty"], ["--seed", "7"]):
        again = flask("demo", *words)
        assert "The demo is here already: nothing was changed." in again.output
        assert "three warm croissants" in again.output
    assert (count(session, Merchant), count(session, User)) == (3, people)


def test_it_is_not_loaded_beside_real_merchants_when_asked_so(flask, session):
    make_merchant()
    result = flask("demo", "--if-empty")
    assert result.output == "There are merchants already: the demo was not loaded.\n"
    assert count(session, Merchant) == 1


def test_it_is_loaded_into_an_empty_database(flask, session, monkeypatch):
    built = []
    monkeypatch.setattr(demo, "build", lambda **given: built.append(given["seed"]))  # it takes its time
    assert "Loaded" in flask("demo", "--if-empty", "--seed", "7").output
    assert built == [7]


def test_it_is_refused_whole_when_a_name_is_taken(flask, session):
    make_merchant(subdomain="librairie-papyrus")
    result = flask("demo")
    assert result.exit_code == 1
    assert "“librairie-papyrus” is taken" in result.stderr
    assert count(session, Merchant) == 1


def test_a_seed_is_a_number(flask):
    assert flask("demo", "--seed", "x").exit_code == 2


def test_it_is_refused_in_production(flask, app, session, monkeypatch):
    monkeypatch.setitem(app.config, "CARNET_ENV", "production")
    result = flask("demo")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "a password everybody knows" in result.stderr
    assert count(session, User) == 0
