"""A real catalogue from end to end: who reads which language, plurals, numbers, and what a cache may keep."""

import re

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from portal import words
from portal.extensions import db
from portal.models.actor import OPERATOR
from portal.services import trash
from portal.web import language
from tests.factories import NOW, make_member, make_product, make_store, within
from tests.web.cast import make_cast
from tests.web.conftest import path

FRENCH = {
    "Stores": "Magasins",
    "%(count)s %(things)s": "%(count)s %(things)s",
    "Give the store a name.": "Donnez un nom au magasin.",
    "Sign in": "Entrer",
    "There is nothing here": "Rien ici",
    "Saved %(name)s.": "%(name)s est enregistré.",
    ("store", "stores"): ("magasin", "magasins"),
    ("%(num)s product", "%(num)s products"): ("%(num)s produit", "%(num)s produits"),
}


@pytest.fixture
def french(app, tmp_path, monkeypatch):
    """The app, started with a small French catalogue in a folder of its own."""
    catalogue = Catalog(locale="fr")
    for text, said in FRENCH.items():
        catalogue.add(text, said)
    folder = tmp_path / "fr" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    with (folder / "messages.mo").open("wb") as file:
        write_mo(file, catalogue)
    begin(app, str(tmp_path))
    yield app
    begin(app, "translations")


def begin(app, folder):
    """What create_app does about languages."""
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = folder
    language.babel.domain_instance.cache.clear()
    language.init_app(app)


@pytest.fixture
def cast(french):
    return make_cast()


@pytest.fixture
def as_owner(cast, sign_in):
    return sign_in(cast.owner)


def speak(merchant, locale):
    merchant.locale = locale
    session = db.session()
    session.add(merchant)
    session.expire_on_commit = False  # what the test has made stays readable
    session.commit()
    session.expire_on_commit = True


@pytest.mark.parametrize(
    ("asked", "spoken"),
    [
        ("fr", "fr"),
        ("fr-CA, en;q=0.5", "fr"),
        ("en-GB, fr;q=0.8", "en"),
        ("de, fr;q=0.8, en;q=0.5", "fr"),
        ("fr;q=0, en", "en"),
        ("de", "en"),
        ("*", "en"),
        ("", "en"),
    ],
)
def test_before_sign_in_the_browser_chooses(french, client, asked, spoken):
    answer = client.get("/login", headers={"Accept-Language": asked})
    assert f'<html lang="{spoken}">' in answer.text
    assert ("<h1>Entrer</h1>" in answer.text) == (spoken == "fr")
    assert "Accept-Language" in answer.vary


def test_an_error_page_speaks_it_too(french, client):
    page = client.get("/nowhere", headers={"Accept-Language": "fr"}).text
    assert "<h1>Rien ici</h1>" in page


@pytest.mark.parametrize("locale", ["fr", "fr_LU", "fr_Latn_LU"])
def test_inside_the_merchant_chooses(cast, as_owner, locale):
    speak(cast.merchant, locale)
    answer = as_owner.get(path(cast.merchant, "stores/"), headers={"Accept-Language": "en"})
    assert '<html lang="fr">' in answer.text
    assert "<h1>Magasins</h1>" in answer.text
    assert "2 magasins" in answer.text
    assert "Accept-Language" not in answer.vary


def test_a_language_without_texts_is_english_with_its_own_numbers(cast, as_owner):
    speak(cast.merchant, "de_LU")
    make_product(cast.gare, "Mocha", price_cents=123_450)
    page = as_owner.get(path(cast.merchant, "products/")).text
    assert '<html lang="en">' in page
    assert "<h1>Products</h1>" in page
    assert "1.234,50\xa0€" in page


def test_words_are_those_of_the_page_where_figures_are_the_merchants(cast, as_owner):
    speak(cast.merchant, "de")
    with within(cast.merchant):
        trash.soft_delete_cascade(make_product(cast.gare), by=OPERATOR, now=NOW)
        db.session.commit()
    page = as_owner.get(path(cast.merchant, "trash/")).text
    assert re.search(r"\d+ (second|minute|hour|day|week|month|year)s? ago", page)
    assert not re.search(r"\b(vor|Sekunden?|Tagen?)\b", page)
    assert "14 Mar 2026, " in page  # in German: 14 März


def test_numbers_and_days_follow_the_language(cast, as_owner):
    speak(cast.merchant, "fr")
    product = make_product(cast.gare, "Mocha", price_cents=123_450)
    page = as_owner.get(path(cast.merchant, "products", product.id)).text
    assert "1\u202f234,50\xa0€" in page
    page = as_owner.get(path(cast.merchant, "team", make_member(cast.gare).id)).text
    assert any(month in page for month in ("janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.")) or any(
        month in page for month in ("août", "sept.", "oct.", "nov.", "déc.")
    )


@pytest.mark.parametrize(("count", "said"), [(0, "0 produit<"), (1, "1 produit<"), (2, "2 produits<")])
def test_plurals_are_those_of_the_language(cast, as_owner, count, said):
    """In French nothing is one thing, in English it is many."""
    speak(cast.merchant, "fr")
    for _number in range(count):
        make_product(cast.belval)
    assert said in as_owner.get(path(cast.merchant, "stores", cast.belval.id)).text


def test_refusals_and_messages_speak_it(cast, as_owner):
    speak(cast.merchant, "fr")
    here = path(cast.merchant, "stores", cast.gare.id)
    refused = as_owner.piece(here, method="POST", data={"name": ""})
    assert refused.status_code == 422
    assert "Donnez un nom au magasin." in refused.text
    saved = as_owner.piece(here, method="POST", data={"name": "Gäre & Cie", "store_code": "gare"})
    assert "Gäre &amp; Cie est enregistré." in saved.text


def test_a_page_kept_in_one_language_is_not_shown_in_another(cast, as_owner, french, monkeypatch):
    speak(cast.merchant, "fr")
    here = path(cast.merchant, "stores/")
    kept = {"If-None-Match": as_owner.get(here).headers["ETag"]}
    assert as_owner.get(here, headers=kept).status_code == 304
    monkeypatch.delitem(french.extensions["languages"], "fr")
    assert as_owner.get(here, headers=kept).status_code == 200


def test_an_error_inside_speaks_it_and_asks_the_database_for_nothing_more(cast, as_owner, statements):
    speak(cast.merchant, "fr")
    address = path(cast.merchant, "stores", 999_999)
    with statements() as sent:
        page = as_owner.get(address, headers={"Accept-Language": "en"}).text
    assert "<h1>Rien ici</h1>" in page
    assert "stores" in sent[-1]  # the last one looked for the store


def test_outside_of_a_request_everything_is_english(french):
    assert language.language() == "en"
    assert words.number(1234) == "1,234"
    assert words._("Stores") == "Stores"
    assert words.ngettext("%(num)s product", "%(num)s products", 1200) == "1,200 products"
    assert words.how_many(words.counted("store", "stores"), 1) == "1 store"
    assert words.how_many(words.counted("store", "stores"), 1001, "1,000+") == "1,000+ stores"
    assert str(words.later("Saved %(name)s.", name="Gare")) == "Saved Gare."


def test_a_larger_number_in_a_template_is_written_as_the_reader_does(cast, as_owner, french):
    speak(cast.merchant, "fr")
    with french.test_request_context():
        from flask import g

        g.merchant = cast.merchant
        language.change()
        said = french.jinja_env.from_string('{{ ngettext("%(num)s product", "%(num)s products", 1200) }}')
        assert said.render() == "1\u202f200 produits"


def test_stores_are_named_as_before(cast, as_owner):
    make_store(cast.merchant, "Kirchberg")
    assert "3 stores" in as_owner.get(path(cast.merchant, "stores/")).text
