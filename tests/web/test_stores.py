"""Stores as people meet them."""

import csv
import html
import io
import json
import re

import pytest
from sqlalchemy import select

from portal.extensions import db
from portal.models import Deletion, Store
from portal.services import stores
from tests.factories import (
    NOW,
    make_customer,
    make_member,
    make_order,
    make_product,
    make_store,
    owner_of,
    within,
)
from tests.web.cast import make_cast
from tests.web.conftest import path


@pytest.fixture
def cast(app):
    return make_cast()


@pytest.fixture
def as_owner(cast, sign_in):
    return sign_in(cast.owner)


def read(store):
    """Read the store again, dead or alive."""
    with within(store.merchant_id):
        db.session.expunge_all()
        mine = select(Store).where(Store.merchant_id == store.merchant_id, Store.id == store.id)
        row = db.session.scalars(mine, execution_options={"include_deleted": True}).one()
        db.session.expunge_all()
        db.session.rollback()
    return row


def by_code(merchant, code):
    with within(merchant):
        found = db.session.scalar(select(Store).where(Store.store_code == code))
        db.session.expunge_all()
        db.session.rollback()
    return found


def throw_away(cast, store, by=None):
    db.session.expunge_all()  # the cast stays readable
    with within(cast.merchant):
        row = db.session.get(Store, (store.merchant_id, store.id))
        act = stores.delete_store(row, by=by or owner_of(cast.merchant), now=NOW)
        db.session.commit()
        return act.id


def events(answer):
    return json.loads(answer.headers["HX-Trigger"]).keys()


def test_the_list_shows_what_each_store_has(as_owner, cast):
    make_product(cast.gare)
    text = as_owner.get(path(cast.merchant, "stores/")).text
    assert "Gare" in text
    assert "Belval" in text
    assert re.search(r'data-label="Products" class="num">1<', text)
    assert re.search(r'data-label="Team" class="num">2<', text)


@pytest.mark.parametrize("q", ["gar", "GARE", "luxem"])
def test_a_store_is_found_by_name_code_and_city(as_owner, cast, q):
    text = as_owner.get(path(cast.merchant, f"stores/?q={q}")).text
    assert "Gare" in text
    assert "Belval" not in text


@pytest.mark.parametrize(
    ("sort", "first"), [("name", "Belval"), ("code", "Belval"), ("city", "Belval"), ("products", "Belval")]
)
def test_the_list_sorts(as_owner, cast, sort, first):
    make_product(cast.gare)
    text = as_owner.get(path(cast.merchant, f"stores/?sort={sort}")).text
    assert (text.index("Belval") < text.index("Gare")) == (first == "Belval")
    text = as_owner.get(path(cast.merchant, f"stores/?sort={sort}&direction=desc")).text
    assert (text.index("Belval") > text.index("Gare")) == (first == "Belval")


def test_a_manager_sees_their_stores_only(sign_in, cast):
    text = sign_in(cast.manager).get(path(cast.merchant, "stores/")).text
    assert "Gare" in text
    assert "Belval" not in text
    assert "New store" not in text
    assert "Edit…" in text
    assert "Delete…" not in text


def test_staff_may_look_and_no_more(sign_in, cast):
    browser = sign_in(cast.staff)
    assert "Edit…" not in browser.get(path(cast.merchant, "stores/")).text
    assert "Edit store" not in browser.get(path(cast.merchant, "stores", cast.gare.id)).text


GUARDED = [  # method, address, least role
    ("get", "", "staff"),
    ("get", "export.csv", "staff"),
    ("get", "{id}", "staff"),
    ("get", "{id}/edit", "manager"),
    ("post", "{id}", "manager"),
    ("get", "new", "owner"),
    ("post", "", "owner"),
    ("get", "{id}/deletion", "owner"),
    ("post", "{id}/deletion", "owner"),
]


@pytest.mark.parametrize("door", GUARDED)
def test_every_door_asks_who_it_is(sign_in, client, cast, door):
    method, address, least = door
    here = path(cast.merchant, "stores/") + address.format(id=cast.gare.id)
    assert getattr(client, method)(here).status_code == 302
    for role in ("staff", "manager"):
        may = least in (role, "staff")
        status = getattr(sign_in(getattr(cast, role)), method)(here).status_code
        assert (status != 403) == may
    assert getattr(sign_in(cast.stranger), method)(here).status_code == 404
    assert not read(cast.gare).is_deleted


@pytest.mark.parametrize(("method", "address"), [(m, a) for m, a, _ in GUARDED if "{id}" in a])
def test_another_merchants_store_is_not_there(as_owner, cast, method, address):
    theirs = make_store(cast.elsewhere, "Hidden")
    for number in (theirs.id, 2**63, 2**70):
        here = path(cast.merchant, "stores/") + address.format(id=number)
        assert getattr(as_owner, method)(here, data={"name": "Mine"}).status_code == 404
    assert read(theirs).name == "Hidden"


@pytest.mark.parametrize(("method", "address"), [("get", "{id}"), ("get", "{id}/edit"), ("post", "{id}")])
def test_a_managers_other_store_is_not_there(sign_in, cast, method, address):
    here = path(cast.merchant, "stores/") + address.format(id=cast.belval.id)
    assert getattr(sign_in(cast.manager), method)(here, data={"name": "Mine"}).status_code == 404
    assert read(cast.belval).name == "Belval"


def test_opening_a_store_leads_to_its_page(as_owner, cast):
    typed = {"name": "Café Étoile", "city": "Paris", "timezone": "Europe/Paris"}
    answer = as_owner.post(path(cast.merchant, "stores/"), data=typed)
    assert answer.status_code == 303
    opened = by_code(cast.merchant, "cafe-etoile")
    assert (opened.name, opened.city, opened.timezone) == ("Café Étoile", "Paris", "Europe/Paris")
    assert answer.location.endswith(f"/stores/{opened.id}")
    assert "Opened Café Étoile." in as_owner.get(answer.location).text


def test_in_the_dialog_a_new_store_closes_it_and_refreshes_the_list(as_owner, cast):
    form = as_owner.piece(path(cast.merchant, "stores/new")).text
    assert "<html" not in form
    assert 'hx-target="closest .sheet"' in form
    answer = as_owner.piece(path(cast.merchant, "stores/"), method="POST", data={"name": "Kirchberg"})
    assert answer.status_code == 200
    assert set(events(answer)) == {"dialog:close", "list:changed"}
    assert "Opened Kirchberg." in answer.text


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"name": "", "city": "Wiltz"}, "Give the store a name."),
        ({"name": "   ", "city": "Wiltz"}, "Give a name."),
        ({"name": "x" * 121, "city": "Wiltz"}, "at most 120 characters"),
        ({"name": "A\x00B", "city": "Wiltz"}, "control character"),
        ({"name": "A", "city": "Wiltz", "store_code": "no spaces"}, "letters a-z"),
        ({"name": "A", "city": "Wiltz", "subdomain": "admin"}, "reserved"),
        ({"name": "A", "city": "Wiltz", "timezone": "Mars/Base"}, "Choose one from the list"),
        ({"name": "東京", "city": "Wiltz"}, "letters a-z"),
    ],
)
def test_a_bad_form_comes_back_with_what_was_typed(as_owner, cast, typed, sentence):
    for ask in (as_owner.post, lambda to, data: as_owner.piece(to, method="POST", data=data)):
        answer = ask(path(cast.merchant, "stores/"), data=typed)
        assert answer.status_code == 422
        assert sentence in answer.text
        assert 'value="Wiltz"' in answer.text
        assert answer.text.count('aria-invalid="true"') == 1


def test_a_code_in_use_names_its_holder_beside_the_field(as_owner, cast):
    answer = as_owner.post(path(cast.merchant, "stores/"), data={"name": "GARE", "city": "Wiltz"})
    assert answer.status_code == 409
    assert "“gare” is taken by Gare" in answer.text
    assert re.search(r'aria-invalid="true"[^>]*name="store_code"[^>]*value="gare"', answer.text)
    assert 'value="Wiltz"' in answer.text


def test_a_strangers_subdomain_is_taken_by_nobody_in_particular(as_owner, cast):
    make_store(cast.elsewhere, "Secret", subdomain="corner")
    answer = as_owner.post(path(cast.merchant, "stores/"), data={"name": "New", "subdomain": "corner"})
    assert answer.status_code == 409
    assert "“corner” is taken. Choose another." in answer.text
    assert "Secret" not in answer.text


def test_an_owner_changes_everything(as_owner, cast):
    here = path(cast.merchant, "stores", cast.gare.id)
    assert 'value="Luxembourg"' in as_owner.get(f"{here}/edit").text
    typed = {
        "name": "Gare 2",
        "store_code": "gare-2",
        "subdomain": "gare-two",
        "city": "",
        "external_ref": "77",
    }
    answer = as_owner.post(here, data=typed)
    assert answer.status_code == 303
    changed = read(cast.gare)
    assert (changed.name, changed.store_code, changed.subdomain) == ("Gare 2", "gare-2", "gare-two")
    assert (changed.city, changed.external_ref) == (None, "77")


def test_a_manager_changes_the_details_but_no_codes(sign_in, cast):
    browser = sign_in(cast.manager)
    here = path(cast.merchant, "stores", cast.gare.id)
    assert "store_code" not in browser.get(f"{here}/edit").text
    answer = browser.post(here, data={"name": "Gare Sud", "store_code": "stolen", "subdomain": "stolen"})
    assert answer.status_code == 303
    changed = read(cast.gare)
    assert (changed.name, changed.store_code, changed.subdomain) == ("Gare Sud", "gare", None)


def test_changing_to_a_code_in_use_is_a_conflict_in_the_form(as_owner, cast):
    here = path(cast.merchant, "stores", cast.gare.id)
    answer = as_owner.piece(here, method="POST", data={"name": "Gare X", "store_code": "belval"})
    assert answer.status_code == 409
    assert "taken by Belval" in answer.text
    assert 'value="Gare X"' in answer.text
    assert read(cast.gare).name == "Gare"


def test_the_page_of_a_store_counts_and_leads_on(as_owner, cast):
    make_product(cast.gare)
    text = as_owner.get(path(cast.merchant, "stores", cast.gare.id)).text
    assert "1 product<" in text
    assert "2 people<" in text
    assert cast.gare.join_code in text
    assert f"products/?store={cast.gare.id}" in text


def test_the_page_of_a_store_shows_what_was_deleted_there(sign_in, cast):
    product = make_product(cast.gare, "Old cake")
    browser = sign_in(cast.manager)
    browser.post(path(cast.merchant, "products", product.id, "deletion"))
    here = path(cast.merchant, "stores", cast.gare.id)
    assert "Old cake" in browser.get(here).text
    assert "Old cake" not in sign_in(cast.staff).get(here).text


def test_the_preview_counts_what_goes_and_what_stays(as_owner, cast):
    product = make_product(cast.gare, "Espresso")
    make_product(cast.gare, "Latte")
    make_member(cast.gare)
    make_order(cast.gare, make_customer(cast.merchant), [product])
    text = as_owner.get(path(cast.merchant, "stores", cast.gare.id, "deletion")).text
    assert "2 products" in text
    assert "Espresso" in text
    assert "3 team members" in text
    assert "1 order stays in reports" in text
    assert not read(cast.gare).is_deleted


def test_deleting_says_so_and_offers_undo(as_owner, cast):
    here = path(cast.merchant, "stores", cast.gare.id, "deletion")
    answer = as_owner.post(here, data={"reason": "  closed for good  "})
    assert answer.status_code == 303
    assert answer.location == path(cast.merchant, "stores/")
    page = as_owner.get(answer.location).text
    assert "Deleted store Gare." in page
    act = read(cast.gare).deletion_id
    assert path(cast.merchant, "trash", act, "undo") in page
    with within(cast.merchant):
        assert db.session.get(Deletion, (cast.merchant.id, act)).reason == "closed for good"
        db.session.rollback()
    assert as_owner.post(path(cast.merchant, "trash", act, "undo")).status_code == 303
    assert not read(cast.gare).is_deleted


def test_from_the_list_a_deletion_is_a_toast_with_undo(as_owner, cast):
    here = path(cast.merchant, "stores", cast.gare.id, "deletion")
    current = {"HX-Current-URL": f"http://localhost{path(cast.merchant, 'stores/')}?q=gare"}
    answer = as_owner.piece(here, method="POST", headers=current)
    assert answer.status_code == 200
    assert set(events(answer)) == {"dialog:close", "list:changed"}
    assert f"/trash/{read(cast.gare).deletion_id}/undo" in answer.text


def test_from_its_own_page_a_deletion_leads_to_the_list(as_owner, cast):
    here = path(cast.merchant, "stores", cast.gare.id)
    current = {"HX-Current-URL": f"http://localhost{here}"}
    answer = as_owner.piece(f"{here}/deletion", method="POST", headers=current)
    assert answer.headers["HX-Redirect"] == path(cast.merchant, "stores/")
    assert "Deleted store Gare." in as_owner.get(path(cast.merchant, "stores/")).text


def test_a_deleted_store_tells_its_own_people_that_it_is_in_the_trash(as_owner, sign_in, client, app, cast):
    act = throw_away(cast, cast.gare)
    here = path(cast.merchant, "stores", cast.gare.id)
    for address in (here, f"{here}/edit", f"{here}/deletion"):
        answer = as_owner.get(address)
        assert answer.status_code == 404
        assert "The store Gare is in the trash" in answer.text
        assert f"/trash/{act}" in answer.text
    answer = as_owner.piece(here, method="POST", data={"name": "Ghost"})
    assert answer.status_code == 404
    assert "The store Gare is in the trash." in answer.text
    assert sign_in(cast.stranger, app.test_client()).get(here).status_code == 404


def test_a_purged_store_is_not_there_for_anybody(as_owner, cast):
    throw_away(cast, cast.gare)
    with within(cast.merchant):
        row = read(cast.gare)
        db.session.add(row)
        row.purged_at = NOW
        db.session.commit()
    answer = as_owner.get(path(cast.merchant, "stores", cast.gare.id))
    assert answer.status_code == 404
    assert "trash" not in answer.text.partition("<main")[2].partition("</main>")[0]


def test_a_new_store_with_a_dead_ones_code_is_opened_with_a_hint(as_owner, cast):
    act = throw_away(cast, cast.gare)
    answer = as_owner.piece(path(cast.merchant, "stores/"), method="POST", data={"name": "Gare"})
    assert answer.status_code == 200
    assert f'href="{path(cast.merchant, "trash", act)}"' in answer.text
    again = by_code(cast.merchant, "gare")
    assert "had one of these codes" in as_owner.get(path(cast.merchant, "stores", again.id)).text


def test_without_a_twin_there_is_no_hint(as_owner, cast):
    assert "these codes" not in as_owner.get(path(cast.merchant, "stores", cast.gare.id)).text


def test_the_file_holds_what_the_list_shows(as_owner, sign_in, cast):
    make_store(cast.merchant, "=cmd()", city="Luxembourg", store_code="formula")
    answer = as_owner.get(path(cast.merchant, "stores/export.csv?q=luxembourg"))
    assert answer.content_type == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["Content-Disposition"]
    assert answer.headers["Cache-Control"] == "no-store"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["name"] for row in rows] == ["Gare", "'=cmd()"]
    assert "Belval" not in sign_in(cast.manager).get(path(cast.merchant, "stores/export.csv")).text


def test_reading_writes_nothing(as_owner, cast):
    """A reading session refuses to write: every GET would fail if it tried."""
    for address in (
        "",
        "new",
        "export.csv",
        str(cast.gare.id),
        f"{cast.gare.id}/edit",
        f"{cast.gare.id}/deletion",
    ):
        assert as_owner.get(path(cast.merchant, "stores/") + address).status_code == 200
        assert as_owner.piece(path(cast.merchant, "stores/") + address).status_code == 200


def test_the_list_costs_the_same_however_long_it_is(as_owner, cast, statements):
    def cost():
        with statements() as sent:
            as_owner.piece(path(cast.merchant, "stores/?sort=products"))
        return len([one for one in sent if " stores" in one])

    few = cost()
    for n in range(20):
        make_member(make_store(cast.merchant, f"S{n}"))
    assert cost() == few <= 6


def test_a_city_leaves_the_stores_in_it(cast, as_owner):
    at = path(cast.merchant, "stores/")
    assert 'id="filter-city"' not in as_owner.get(at).text  # there is one city only
    make_store(cast.merchant, "Nord", city="Diekirch")
    whole = as_owner.get(at).text
    assert '<option value="Diekirch"' in whole
    assert '<option value="">All cities' in whole or ">All cities</option>" in whole
    text = as_owner.get(f"{at}?city=Diekirch").text
    assert "Nord" in text
    assert "Gare" not in text.split('id="list"')[1]
    exported = as_owner.get(path(cast.merchant, "stores/export.csv?city=Diekirch")).text
    assert len(exported.splitlines()) == 2


def test_a_phone_that_somebody_else_saved_meanwhile_stays(cast, as_owner):
    here = path(cast.merchant, "stores", cast.gare.id)
    seen = html.unescape(re.search(r'name="seen"\s+value="([^"]*)"', as_owner.get(f"{here}/edit").text)[1])
    theirs = {"name": "Gare", "phone": "+352 1", "timezone": "Europe/Paris"}
    as_owner.post(here, data=theirs)
    as_owner.post(here, data={"name": "Gare 2", "phone": "", "timezone": "", "seen": seen})
    kept = read(cast.gare)
    assert (kept.name, kept.phone, kept.timezone) == ("Gare 2", "+352 1", "Europe/Paris")
