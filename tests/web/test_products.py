"""Products as people meet them."""

import csv
import html
import io
import json
import re

import pytest
from sqlalchemy import select, update

from portal.extensions import db
from portal.models import AuditEntry, Deletion, Merchant, Product
from portal.web import listing
from tests.factories import make_product, make_store, within
from tests.web.cast import make_cast
from tests.web.conftest import path


@pytest.fixture
def cast(app):
    cast = make_cast()
    coffee = {"sku": "E-1", "barcode": "4017000", "category": "Coffee", "price_cents": 250}
    cast.espresso = make_product(cast.gare, "Espresso", **coffee)
    cast.tea = make_product(cast.belval, "Green tea", sku="T-1", category="Tea", price_cents=300)
    return cast


@pytest.fixture
def as_owner(cast, sign_in):
    return sign_in(cast.owner)


@pytest.fixture
def as_manager(cast, sign_in):
    return sign_in(cast.manager)


def read(product):
    """Read the product again, dead or alive."""
    with within(product.merchant_id):
        db.session.expunge_all()
        mine = select(Product).where(Product.merchant_id == product.merchant_id, Product.id == product.id)
        row = db.session.scalars(mine, execution_options={"include_deleted": True}).one()
        db.session.expunge_all()
        db.session.rollback()
    return row


def costs(cast, cents, *, locale):
    """Let Espresso cost so much, at a merchant who writes like this."""
    db.session.expunge_all()
    db.session.execute(update(Merchant).where(Merchant.id == cast.merchant.id).values(locale=locale))
    with within(cast.merchant):
        mine = (Product.merchant_id == cast.merchant.id, Product.id == cast.espresso.id)
        db.session.scalars(select(Product).where(*mine)).one().price_cents = cents
        db.session.commit()


def by_name(merchant, name):
    with within(merchant):
        row = db.session.scalar(select(Product).where(Product.name == name))
        db.session.expunge_all()
        db.session.rollback()
    return row


def events(answer):
    return json.loads(answer.headers["HX-Trigger"]).keys()


def in_row(product):
    return {"HX-Target": f"tr#product-{product.id}"}


def main_of(answer):
    """What the screen itself shows, without the frame around it."""
    return answer.text.partition("<main")[2].partition("</main>")[0]


def at(cast, *parts):
    return path(cast.merchant, "products", *parts)


GUARDED = [  # method, address, least role
    ("get", "", "staff"),
    ("get", "export.csv", "staff"),
    ("get", "{id}", "staff"),
    ("get", "{id}/row", "staff"),
    ("get", "{id}/edit", "manager"),
    ("post", "{id}", "manager"),
    ("get", "new", "manager"),
    ("post", "", "manager"),
    ("get", "{id}/deletion", "manager"),
    ("post", "{id}/deletion", "manager"),
    ("post", "deletions/preview", "manager"),
    ("post", "deletions", "manager"),
]


@pytest.mark.parametrize("door", GUARDED)
def test_every_door_asks_who_it_is(sign_in, client, cast, door):
    method, address, least = door
    here = path(cast.merchant, "products/") + address.format(id=cast.espresso.id)
    assert getattr(client, method)(here).status_code == 302
    assert (getattr(sign_in(cast.staff), method)(here).status_code == 403) == (least == "manager")
    assert getattr(sign_in(cast.stranger), method)(here).status_code == 404
    assert getattr(sign_in(cast.manager), method)(here).status_code not in (403, 404, 500)


@pytest.mark.parametrize(("method", "address"), [(m, a) for m, a, _ in GUARDED if "{id}" in a])
def test_what_is_not_theirs_is_not_there(as_manager, cast, method, address):
    theirs = make_product(make_store(cast.elsewhere), "Hidden")
    for number in (theirs.id, cast.tea.id, 2**63, 2**70):
        here = path(cast.merchant, "products/") + address.format(id=number)
        assert getattr(as_manager, method)(here, data={"name": "X", "price": "1"}).status_code == 404
    assert (read(theirs).name, read(cast.tea).name) == ("Hidden", "Green tea")
    assert not read(theirs).is_deleted


def test_the_list_shows_all_their_stores(as_owner, cast):
    text = as_owner.get(at(cast, "")).text
    assert "Espresso" in text
    assert "Green tea" in text
    assert "€2.50" in text
    assert "2 products" in text


def test_a_manager_sees_the_products_of_their_stores(as_manager, cast):
    text = as_manager.get(at(cast, "")).text
    assert "Espresso" in text
    assert "Green tea" not in text
    assert "All stores" not in text
    assert "New product" in text
    assert "Tea" not in main_of(as_manager.get(at(cast, f"?store={cast.belval.id}")))


def test_staff_see_the_list_without_its_tools(sign_in, cast):
    text = sign_in(cast.staff).get(at(cast, "")).text
    assert "Espresso" in text
    for tool in ("New product", 'name="ids"', "/edit", "/deletion"):
        assert tool not in text
    assert "/edit" not in sign_in(cast.staff).get(at(cast, cast.espresso.id)).text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=green", ["Green tea"]),
        ("q=t-1", ["Green tea"]),
        ("q=40170", ["Espresso"]),
        ("category=Coffee", ["Espresso"]),
        ("category=coffee", []),
        ("store={belval}", ["Green tea"]),
        ("store=x", []),
        ("store=99999999999999999999", []),
        ("store={belval}&category=Coffee", []),
    ],
)
def test_search_and_filters_combine(as_owner, cast, query, found):
    text = as_owner.get(at(cast, "?" + query.format(belval=cast.belval.id))).text
    assert re.findall(r'class="name"[^>]*>([^<]+)<', text) == found


def test_a_product_shows_its_page(as_owner, cast):
    text = as_owner.get(at(cast, cast.espresso.id)).text
    assert "€2.50" in text
    assert "E-1" in text
    assert path(cast.merchant, "stores", cast.gare.id) in text


def test_the_row_is_edited_in_place(as_manager, cast):
    here = at(cast, cast.espresso.id)
    form = as_manager.piece(f"{here}/edit", headers=in_row(cast.espresso)).text
    assert form.strip().startswith(f'<tr id="product-{cast.espresso.id}" class="editing">')
    assert 'value="2.50"' in form
    typed = {"name": "Ristretto", "sku": "R-1", "category": "", "price": "2,80"}
    answer = as_manager.piece(here, method="POST", headers=in_row(cast.espresso), data=typed)
    assert answer.status_code == 200
    assert answer.text.strip().startswith(f'<tr id="product-{cast.espresso.id}">')
    assert "€2.80" in answer.text
    assert "Saved Ristretto." in answer.text
    assert "HX-Trigger" not in answer.headers
    changed = read(cast.espresso)
    assert (changed.name, changed.sku, changed.category, changed.price_cents) == (
        "Ristretto",
        "R-1",
        None,
        280,
    )
    assert changed.earns_points


def test_the_same_address_gives_the_dialog_the_whole_form(as_manager, cast):
    here = at(cast, cast.espresso.id, "edit")
    row = as_manager.piece(here, headers=in_row(cast.espresso))
    whole = as_manager.piece(here, headers={"HX-Target": "dialog#dialog"})
    assert "<tr" in row.text
    assert 'id="sheet"' in whole.text
    assert row.headers["Cache-Control"] == whole.headers["Cache-Control"] == "no-store"


def test_leaving_a_row_shows_it_as_it_was(as_manager, cast):
    here = at(cast, cast.espresso.id, "row")
    assert "Espresso" in as_manager.piece(here, headers=in_row(cast.espresso)).text
    assert as_manager.get(here).location == at(cast, cast.espresso.id)


@pytest.mark.parametrize(
    ("price", "sentence"),
    [
        ("", "Give it a price"),
        ("four", "Write the amount in figures"),
        ("4.5.0", "Write the amount in figures, like 4.50."),
        ("4,500", "Write 4500.00, or at most two decimals"),
        ("4.505", "at most two decimals"),
        ("-1", "between 0 and 1,000,000.00"),
        ("1000000.01", "between 0 and 1,000,000.00"),
        ("1e999999", "Write the amount in figures"),
        ("1_0", "Write the amount in figures"),
        ("NaN", "Write the amount in figures"),
        ("--", "Write the amount in figures"),
        ("\u0661", "Write the amount in figures"),
        ("9" * 121, "at most 120 characters"),
        ("9" * 120, "between 0 and 1,000,000.00"),
    ],
)
def test_a_bad_price_comes_back_as_it_was_typed(as_manager, cast, price, sentence):
    typed = {"name": "Changed", "price": price}
    for headers in (in_row(cast.espresso), {"HX-Target": "section#sheet"}):
        answer = as_manager.piece(at(cast, cast.espresso.id), method="POST", headers=headers, data=typed)
        assert answer.status_code == 422
        assert sentence in answer.text
        assert f'value="{price}"' in answer.text
        assert 'value="Changed"' in answer.text
        assert re.search(r'aria-invalid="true"[^>]*name="price"', answer.text)
    assert (read(cast.espresso).name, read(cast.espresso).price_cents) == ("Espresso", 250)


@pytest.mark.parametrize(
    ("price", "cents"),
    [("4,50", 450), ("4.5", 450), ("0", 0), (" 1 234,50 ", 123450), ("1,234.50", 123450), ("7", 700)],
)
def test_a_price_is_read_as_people_write_it(as_manager, cast, price, cents):
    assert as_manager.post(at(cast, cast.espresso.id), data={"name": "E", "price": price}).status_code == 303
    assert read(cast.espresso).price_cents == cents


@pytest.mark.parametrize("locale", ["en", "de", "fr", "de-CH"])
@pytest.mark.parametrize("cents", [0, 5, 3490, 123450, 99_999_999])
def test_a_price_typed_back_as_it_is_shown_stays_the_same(as_owner, cast, locale, cents):
    costs(cast, cents, locale=locale)
    shown = re.search(r"<dt>Price</dt>\s*<dd>\s*(.+)", as_owner.get(at(cast, cast.espresso.id)).text)[1]
    form = as_owner.get(f"{at(cast, cast.espresso.id)}/edit").text
    filled_in = re.search(r'name="price"[^>]*value="([^"]*)"', form)[1]
    for typed in (re.sub("€|EUR", "", html.unescape(shown)), html.unescape(filled_in)):
        for before in (1, cents):  # as a change, and as what is there
            costs(cast, before, locale=locale)
            answer = as_owner.post(at(cast, cast.espresso.id), data={"name": "E", "price": typed})
            assert answer.status_code == 303, typed
            assert read(cast.espresso).price_cents == cents


@pytest.mark.parametrize("headers", [{}, {"HX-Target": "section#sheet"}, "row"])
def test_a_sku_in_use_names_its_holder(as_manager, cast, headers):
    make_product(cast.gare, "Latte", sku="L-1")
    headers = in_row(cast.espresso) if headers == "row" else headers
    typed = {"name": "Espresso", "sku": "L-1", "price": "2"}
    answer = as_manager.piece(at(cast, cast.espresso.id), method="POST", headers=headers, data=typed)
    assert answer.status_code == 409
    assert "“L-1” is taken by Latte" in answer.text
    assert re.search(r'aria-invalid="true"[^>]*name="sku"[^>]*value="L-1"', answer.text)
    assert read(cast.espresso).sku == "E-1"


def test_the_whole_form_changes_the_rest(as_manager, cast):
    here = at(cast, cast.espresso.id)
    assert "Barcode" in as_manager.get(f"{here}/edit").text
    typed = {"name": "Gift card", "price": "20", "barcode": "123", "external_ref": "x9"}
    answer = as_manager.post(here, data=typed)
    assert answer.status_code == 303
    assert answer.location == here
    changed = read(cast.espresso)
    assert (changed.barcode, changed.external_ref, changed.earns_points) == ("123", "x9", False)
    assert changed.sku == "E-1", "what was not sent stays"
    assert "No points" in as_manager.get(at(cast, "")).text


def test_a_new_product_goes_to_the_chosen_store(as_owner, cast):
    form = as_owner.get(at(cast, f"new?store={cast.gare.id}")).text
    assert f'<option selected value="{cast.gare.id}">Gare' in form
    typed = {"store": cast.gare.id, "name": "Mocha", "price": "4,20", "sku": "M-1", "earns_points": "y"}
    answer = as_owner.post(at(cast, ""), data=typed)
    assert answer.status_code == 303
    added = by_name(cast.merchant, "Mocha")
    assert (added.store_id, added.price_cents, added.sku, added.earns_points) == (
        cast.gare.id,
        420,
        "M-1",
        True,
    )
    assert answer.location == at(cast, added.id)


def test_in_the_dialog_a_new_product_closes_it(as_owner, cast):
    typed = {"store": cast.gare.id, "name": "Mocha", "price": "4,20"}
    answer = as_owner.piece(at(cast, ""), method="POST", data=typed)
    assert set(events(answer)) == {"dialog:close", "list:changed"}
    assert "Added Mocha." in answer.text


def test_a_manager_adds_to_their_own_stores_only(as_manager, cast):
    assert "Belval" not in as_manager.get(at(cast, "new")).text
    theirs = make_store(cast.elsewhere)
    for store in (cast.belval.id, theirs.id, "", "x"):
        answer = as_manager.post(at(cast, ""), data={"store": store, "name": "Smuggled", "price": "1"})
        assert answer.status_code == 422
        assert 'value="Smuggled"' in answer.text
    assert by_name(cast.merchant, "Smuggled") is None


def test_a_new_product_with_a_sku_in_use_is_a_conflict(as_owner, cast):
    typed = {"store": cast.gare.id, "name": "Copy", "price": "1", "sku": "E-1"}
    answer = as_owner.post(at(cast, ""), data=typed)
    assert answer.status_code == 409
    assert "taken by Espresso" in answer.text


def test_a_new_product_with_a_dead_ones_sku_is_added_with_a_hint(as_manager, cast):
    as_manager.post(at(cast, cast.espresso.id, "deletion"))
    act = read(cast.espresso).deletion_id
    typed = {"store": cast.gare.id, "name": "Espresso", "price": "1", "sku": "E-1"}
    answer = as_manager.post(at(cast, ""), data=typed)
    assert answer.status_code == 303
    assert f'href="{path(cast.merchant, "trash", act)}"' in as_manager.get(answer.location).text


def test_the_hint_is_not_for_those_who_may_not_see_the_trash_entry(as_owner, as_manager, sign_in, cast):
    sign_in(cast.owner).post(at(cast, cast.espresso.id, "deletion"))
    typed = {"store": cast.gare.id, "name": "Espresso", "price": "1", "sku": "E-1"}
    answer = sign_in(cast.manager).piece(at(cast, ""), method="POST", data=typed)
    assert answer.status_code == 200
    assert "trash" not in answer.text


def test_deleting_one_shows_a_preview_and_offers_undo(as_manager, cast):
    here = at(cast, cast.espresso.id, "deletion")
    assert "Delete product Espresso?" in as_manager.get(here).text
    assert not read(cast.espresso).is_deleted
    answer = as_manager.post(here, data={"reason": "sold out"})
    assert answer.status_code == 303
    act = read(cast.espresso).deletion_id
    page = as_manager.get(answer.location).text
    assert "Deleted product Espresso." in page
    assert path(cast.merchant, "trash", act, "undo") in page
    as_manager.post(path(cast.merchant, "trash", act, "undo"))
    assert not read(cast.espresso).is_deleted


def test_a_deleted_product_is_in_the_trash_for_its_own_people(sign_in, cast):
    sign_in(cast.owner).post(at(cast, cast.espresso.id, "deletion"))
    here = at(cast, cast.espresso.id)
    by_owner = sign_in(cast.owner).get(here)
    assert by_owner.status_code == 404
    assert "Look at it in the trash" in by_owner.text
    by_manager = sign_in(cast.manager).get(here)
    assert by_manager.status_code == 404
    assert "An owner can bring it back." in by_manager.text
    assert "The product Espresso" not in sign_in(cast.stranger).get(here).text


def test_a_product_that_went_with_its_store_says_so(as_owner, cast):
    as_owner.post(path(cast.merchant, "stores", cast.gare.id, "deletion"))
    assert "together with the store Gare" in as_owner.get(at(cast, cast.espresso.id)).text


def test_many_are_previewed_then_deleted_with_one_undo(as_owner, cast):
    ids = [cast.espresso.id, cast.tea.id]
    preview = as_owner.post(at(cast, "deletions/preview"), data={"ids": ids})
    assert preview.status_code == 200
    assert "Delete 2 products?" in preview.text
    assert "Espresso at Gare, Green tea at " in preview.text
    assert not read(cast.tea).is_deleted
    sent = re.search(r'name="ids" value="([^"]+)"', preview.text).group(1)
    answer = as_owner.post(at(cast, "deletions"), data={"ids": sent, "reason": "season over"})
    assert answer.status_code == 303
    assert read(cast.espresso).is_deleted
    assert read(cast.tea).is_deleted
    assert read(cast.espresso).deletion_id != read(cast.tea).deletion_id
    page = as_owner.get(answer.location).text
    assert "Deleted 2 products." in page
    undo = re.search(r'action="([^"]+/batches/\d+/undo)"', page).group(1)
    assert as_owner.post(undo).status_code == 303
    assert not read(cast.espresso).is_deleted
    assert not read(cast.tea).is_deleted


def test_everything_means_all_that_the_filters_match(as_owner, cast):
    for n in range(3):
        make_product(cast.gare, f"Mug {n}", category="Merchandise")
    chosen = {"everything": "1", "category": "Merchandise", "q": "mug", "ids": cast.tea.id}
    preview = as_owner.piece(at(cast, "deletions/preview"), method="POST", data=chosen)
    assert "Delete 3 products?" in preview.text
    assert "<html" not in preview.text


def test_of_too_many_the_first_go_and_the_preview_says_so(as_owner, cast, monkeypatch):
    monkeypatch.setattr(listing, "ALL_MATCHING", 1)
    text = as_owner.post(at(cast, "deletions/preview"), data={"everything": "1"}).text
    assert "Delete 1 product?" in text
    assert "the first 1 of what matches" in text


def test_all_that_fit_go_without_a_word(as_owner, cast):
    text = as_owner.post(at(cast, "deletions/preview"), data={"everything": "1"}).text
    assert "Delete 2 products?" in text
    assert "what matches" not in text


@pytest.mark.parametrize("ids", ["", "0", "x", "1,,;", "99999999999999999999", "-1"])
@pytest.mark.parametrize("door", ["deletions/preview", "deletions"])
def test_nothing_chosen_is_refused(as_owner, cast, ids, door):
    plain = as_owner.post(at(cast, door), data={"ids": ids if ids != "1,,;" else "0,,;"})
    assert plain.status_code == 303
    assert "Choose at least one product." in as_owner.get(plain.location).text
    piece = as_owner.piece(at(cast, door), method="POST", data={"ids": "0"})
    assert piece.status_code == 422
    assert "data-toast" in piece.text


def test_nothing_chosen_leads_back_to_the_list_as_it_was_filtered(as_owner, cast):
    back = as_owner.post(at(cast, "deletions/preview"), data={"q": "tea", "category": "Hot & cold"})
    assert back.location == path(cast.merchant, "products/?q=tea&category=Hot+%26+cold")


def test_a_deletion_leads_back_to_the_list_as_it_was_filtered(as_owner, cast):
    index = path(cast.merchant, "products/")
    before = {"Referer": f"http://localhost{index}?q=esp"}
    one = as_owner.get(at(cast, cast.espresso.id, "deletion"), headers=before)
    assert "Delete product Espresso at Gare?" in one.text
    assert "Past orders keep their names and prices" in one.text
    assert f'name="back" value="{index}?q=esp"' in one.text
    gone = as_owner.post(at(cast, cast.espresso.id, "deletion"), data={"back": f"{index}?q=esp"})
    assert gone.location == f"{index}?q=esp"
    for evil in ("https://evil.example/", f"//evil.example{index}?q=1", f"{index}../?q=1", "javascript:x"):
        many = as_owner.post(at(cast, "deletions"), data={"ids": cast.tea.id, "back": evil})
        assert many.location == index
        with within(cast.merchant):
            act = db.session.scalar(select(Deletion.id).order_by(Deletion.id.desc()))
            db.session.rollback()
        as_owner.post(path(cast.merchant, "trash", act, "undo"))


def test_many_never_reach_beyond_their_own(as_manager, cast):
    theirs = make_product(make_store(cast.elsewhere), "Hidden")
    ids = [cast.espresso.id, cast.tea.id, theirs.id]
    assert as_manager.post(at(cast, "deletions"), data={"ids": ids}).status_code == 303
    assert read(cast.espresso).is_deleted
    assert not read(cast.tea).is_deleted
    assert not read(theirs).is_deleted


def test_each_of_many_is_an_act_of_its_own_with_its_reason(as_owner, cast):
    ids = [cast.espresso.id, cast.tea.id]
    as_owner.post(at(cast, "deletions"), data={"ids": ids, "reason": "season over"})
    with within(cast.merchant):
        acts = db.session.scalars(select(Deletion).order_by(Deletion.root_id)).all()
        told = [(a.root_kind, a.root_id, a.root_label, a.reason, a.counts, a.store_id) for a in acts]
        entries = db.session.scalars(select(AuditEntry.action)).all()
        db.session.rollback()
    assert told == [
        ("products", cast.espresso.id, "Espresso", "season over", {"products": 1}, cast.gare.id),
        ("products", cast.tea.id, "Green tea", "season over", {"products": 1}, cast.belval.id),
    ]
    assert sorted(entries) == ["products.delete", "products.delete", "products.delete_many"]


def test_the_file_holds_what_the_list_shows(as_owner, as_manager, sign_in, cast):
    make_product(cast.gare, "=1+1", sku="F-1", category="Coffee", price_cents=199)
    answer = sign_in(cast.owner).get(at(cast, "export.csv?category=Coffee"))
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(r["store"], r["name"], r["price"]) for r in rows] == [
        ("gare", "Espresso", "2.50"),
        ("gare", "'=1+1", "1.99"),
    ]
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Green tea" not in sign_in(cast.manager).get(at(cast, "export.csv")).text


def test_reading_writes_nothing(as_owner, cast):
    """A reading session refuses to write: every GET would fail if it tried."""
    here = cast.espresso.id
    for address in ("", "new", "export.csv", here, f"{here}/edit", f"{here}/deletion", f"{here}/row"):
        assert as_owner.get(at(cast, address)).status_code in (200, 302)
        assert as_owner.piece(at(cast, address)).status_code == 200


def test_a_merchant_without_stores_is_sent_to_open_one(sign_in, cast):
    text = main_of(sign_in(cast.stranger).get(path(cast.elsewhere, "products/")))
    assert "Open a store first." in text
    assert "New product" not in text


def test_the_list_costs_the_same_however_long_it_is(as_owner, cast, statements):
    def cost():
        with statements() as sent:
            as_owner.piece(at(cast, "?sort=store"))
        return len([one for one in sent if " products" in one or " stores" in one])

    few = cost()
    for n in range(20):
        make_product(make_store(cast.merchant, f"S{n}"), category=f"C{n}")
    assert cost() == few <= 6


# Two people at once


def seen_in(text):
    return html.unescape(re.search(r'name="seen"\s+value="([^"]*)"', text)[1])


@pytest.mark.parametrize("is_row", [True, False], ids=["row", "dialog"])
def test_what_somebody_else_saved_meanwhile_stays(as_owner, cast, is_row):
    headers = {"HX-Target": f"tr#product-{cast.espresso.id}"} if is_row else {}
    here = at(cast, cast.espresso.id)
    form = {"name": "Espresso", "sku": "E-1", "category": "Hot", "price": "2.50", "earns_points": "y"}
    form["seen"] = seen_in(as_owner.piece(f"{here}/edit", headers=headers).text)
    as_owner.piece(here, method="POST", data={"name": "Espresso", "price": "2.80", "earns_points": "y"})
    saved = as_owner.piece(here, method="POST", headers=headers, data=form)
    assert saved.status_code == 200
    product = read(cast.espresso)
    assert (product.price_cents, product.category) == (280, "Hot")


@pytest.mark.parametrize("is_row", [True, False], ids=["row", "dialog"])
def test_who_typed_over_it_is_asked_once(as_owner, cast, is_row):
    headers = {"HX-Target": f"tr#product-{cast.espresso.id}"} if is_row else {}
    here = at(cast, cast.espresso.id)
    form = {"name": "Espresso", "price": "3", "earns_points": "y"}
    form["seen"] = seen_in(as_owner.piece(f"{here}/edit", headers=headers).text)
    as_owner.piece(here, method="POST", data={"name": "Espresso", "price": "2.80", "earns_points": "y"})
    asked = as_owner.piece(here, method="POST", headers=headers, data=form)
    assert asked.status_code == 409
    assert "Somebody changed this meanwhile: “2.80”. Save again to keep yours." in asked.text
    assert 'value="3"' in asked.text
    assert read(cast.espresso).price_cents == 280
    again = as_owner.piece(here, method="POST", headers=headers, data=form | {"seen": seen_in(asked.text)})
    assert again.status_code == 200
    assert read(cast.espresso).price_cents == 300


@pytest.mark.parametrize("seen", ["", "x", "[]", "1", '{"nonsense": 1, "csrf_token": 2}', "[" * 5_000])
def test_a_form_that_saw_nothing_known_is_taken_as_it_is(as_owner, cast, seen):
    answer = as_owner.post(at(cast, cast.espresso.id), data={"name": "Ristretto", "price": "1", "seen": seen})
    assert answer.status_code == 303
    assert read(cast.espresso).name == "Ristretto"
