"""The dashboard: what each role sees, over which time, in which store."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from sqlalchemy import insert

from portal.extensions import db
from portal.models import AuditEntry, LoyaltyProgram, Order, Product, Store
from portal.models.actor import OPERATOR
from portal.services import audit, products, programs, reviews, stores
from portal.web.dashboard import figures, shown
from tests.factories import (
    give,
    make_card,
    make_customer,
    make_earn,
    make_member,
    make_merchant,
    make_order,
    make_product,
    make_program,
    make_reward,
    make_store,
    make_user,
    manager_of,
    owner_of,
    within,
)
from tests.web.cast import make_cast
from tests.web.conftest import path

TILE = re.compile(r'<li class="tile">.*?tile-figure">([^<]*)<.*?tile-label"[^>]*>([^<]*)<', re.DOTALL)
STORE = re.compile(r'<td class="title">\s*<a[^>]*>([^<]+)</a>.*?</tr>', re.DOTALL)
LATELY = re.compile(r'aria-labelledby="lately-title">(.*?)</section>', re.DOTALL)
TODAY = datetime(2026, 4, 15, 10, 0, tzinfo=UTC)  # Luxembourg: 12:00, summer time since 29 March


@pytest.fixture
def cast(app):
    return make_cast()


@pytest.fixture
def here(cast):
    return path(cast.merchant, "")


@pytest.fixture
def today():
    """It is noon on 15 April 2026 in Luxembourg."""
    with time_machine.travel(TODAY, tick=False):
        yield TODAY


@pytest.fixture
def as_owner(cast, today, sign_in):
    """The owner's browser at that time."""
    return sign_in(cast.owner)


def tiles(answer):
    """The figures of a page by their names."""
    assert answer.status_code == 200
    return {name.strip(): int(figure) for figure, name in TILE.findall(answer.text)}


def rows(answer):
    """The stores of the table: products, team and orders of each."""
    found = {}
    for row in STORE.finditer(answer.text):
        found[row[1]] = [int(n) for n in re.findall(r">\s*(\d+)\s*<", row[0])]
    return found


def text_of(answer, heading):
    part = re.search(rf'aria-labelledby="{heading}-title">(.*?)</section>', answer.text, re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", part[1]).split()) if part else None


def lately(cast, sign_in, here, **asked):
    return text_of(sign_in(cast.owner).get(f"{here}lately", query_string=asked), "lately")


def wrote(cast, work):
    db.session.expunge_all()
    with within(cast.merchant):
        answer = work()
        db.session.commit()
    db.session.remove()
    return answer


def alive(cast, row):
    return db.session.get(type(row), (cast.merchant.id, row.id))


@pytest.fixture
def filled(cast):
    """Products, customers with cards, and orders in both stores, one of them without a customer."""
    program = make_program(cast.merchant, card_name="Carte", loyalty_type="hybrid", activated_at=TODAY)
    make_reward(program)
    make_product(cast.gare)
    make_product(cast.gare)
    make_product(cast.belval)
    ana = make_customer(cast.merchant, home_store_id=cast.gare.id, created_at=TODAY - timedelta(days=40))
    ben = make_customer(cast.merchant, home_store_id=cast.belval.id, created_at=TODAY)
    make_customer(cast.merchant, created_at=TODAY)
    make_card(program, ana)
    make_card(program, ben)
    make_order(cast.gare, ana, occurred_at=TODAY)
    make_order(cast.gare, occurred_at=TODAY - timedelta(days=20))
    make_order(cast.belval, ben, occurred_at=TODAY - timedelta(days=80))
    return cast


def test_who_may_arrive(cast, client, sign_in, here):
    assert client.get(here).status_code == 302
    for person, status in (("staff", 200), ("manager", 200), ("owner", 200), ("stranger", 404)):
        assert sign_in(getattr(cast, person)).get(here).status_code == status


def test_owners_see_all_of_it(filled, sign_in, here, today):
    answer = sign_in(filled.owner).get(here)
    assert tiles(answer) == {
        "Stores": 2,
        "Team": 2,
        "Products": 3,
        "Customers": 3,
        "Cards": 2,
        "New customers": 2,
        "Orders": 2,
    }
    assert rows(answer) == {"Belval": [1, 0, 0], "Gare": [2, 2, 2]}
    assert "Audit" in answer.text


@pytest.mark.parametrize("person", ["staff", "manager"])
def test_others_see_their_stores(filled, sign_in, here, today, person):
    answer = sign_in(getattr(filled, person)).get(here)
    mine = {
        "Stores": 1,
        "Team": 2,
        "Products": 2,
        "Customers": 1,
        "Cards": 1,
        "New customers": 0,
        "Orders": 2,
    }
    assert tiles(answer) == mine
    assert rows(answer) == {"Gare": [2, 2, 2]}
    assert "Belval" not in answer.text
    assert text_of(answer, "lately") is None
    assert (text_of(answer, "deletions") is None) == (person == "staff")


def test_the_figures_lead_to_their_lists(filled, sign_in, here, today):
    text = sign_in(filled.owner).get(f"{here}?store={filled.gare.id}").text
    for address in (
        f"products/?store={filled.gare.id}",
        f"team/?store={filled.gare.id}",
        f"stores/{filled.gare.id}",
    ):
        assert f'href="{path(filled.merchant, address)}"' in text


@pytest.mark.parametrize(
    ("span", "orders", "newcomers"), [("7", 1, 2), ("30", 2, 2), ("90", 3, 3), ("month", 1, 2), ("x", 2, 2)]
)
def test_the_time_narrows_what_has_a_time(filled, as_owner, span, orders, newcomers):
    found = tiles(as_owner.get(path(filled.merchant, f"?range={span}")))
    assert (found["Orders"], found["New customers"], found["Products"]) == (orders, newcomers, 3)


# The first of seven days begins at midnight in Luxembourg: on 9 April that is 22:00 UTC the day before.
@pytest.mark.parametrize(
    ("query", "moment", "counted"),
    [
        ("range=7", "2026-04-08T21:59:59", 0),
        ("range=7", "2026-04-08T22:00:00", 1),
        ("range=30", "2026-03-16T22:59:59", 0),  # winter time then
        ("range=30", "2026-03-16T23:00:00", 1),
        ("range=month", "2026-03-31T21:59:59", 0),
        ("range=month", "2026-03-31T22:00:00", 1),
    ],
)
def test_a_time_begins_at_the_merchants_midnight(cast, as_owner, query, moment, counted):
    make_order(cast.gare, occurred_at=datetime.fromisoformat(moment).replace(tzinfo=UTC))
    assert tiles(as_owner.get(path(cast.merchant, f"?{query}")))["Orders"] == counted


def test_a_store_narrows_what_has_a_store(filled, sign_in, here, today):
    answer = sign_in(filled.owner).get(f"{here}?range=90&store={filled.belval.id}")
    narrowed = {"Team": 0, "Products": 1, "Customers": 1, "Cards": 1, "New customers": 1, "Orders": 1}
    assert tiles(answer) == narrowed
    assert rows(answer) == {"Belval": [1, 0, 1]}
    assert re.search(rf'<option value="{filled.belval.id}"\s+selected', answer.text)


def test_a_store_that_is_not_there_leads_to_all_of_them(filled, sign_in, here, today):
    theirs = make_store(filled.elsewhere, "Hidden")
    for person, number in (("owner", theirs.id), ("owner", 10**17), ("manager", filled.belval.id)):
        answer = sign_in(getattr(filled, person)).get(f"{here}?store={number}")
        assert (answer.status_code, answer.location) == (302, here)


def test_sales_of_a_deleted_store_stay_in_the_totals(filled, sign_in, here, today):
    wrote(filled, lambda: stores.delete_store(alive(filled, filled.belval), by=OPERATOR, now=TODAY))
    answer = sign_in(filled.owner).get(f"{here}?range=90")
    assert tiles(answer)["Orders"] == 3
    assert tiles(answer)["Products"] == 2
    assert rows(answer) == {"Gare": [2, 2, 2]}
    assert sign_in(filled.owner).get(f"{here}?store={filled.belval.id}").status_code == 302


def test_the_dead_are_not_counted(filled, sign_in, here, today):
    product = make_product(filled.gare)
    wrote(filled, lambda: products.delete_product(alive(filled, product), by=OPERATOR, now=TODAY))
    assert tiles(sign_in(filled.owner).get(here))["Products"] == 3


def test_the_program_is_told_at_a_glance(filled, sign_in, here, today):
    told = text_of(sign_in(filled.owner).get(here), "program")
    for words in (
        "Active",
        "Carte",
        "Stamps and points",
        "10 stamps: Free item",
        "1 point per EUR",
        "Active since 15 Apr 2026",
        "Rewards 1",
        "Version 1",
    ):
        assert words in told


def test_a_paused_program_says_since_when(filled, sign_in, here):
    def pause():
        program = db.session.scalars(LoyaltyProgram.of(filled.merchant)).one()
        until = TODAY + timedelta(days=30)
        programs.deactivate_program(program, redeem_until=until, by=OPERATOR, now=TODAY)

    with time_machine.travel(TODAY, tick=False):
        wrote(filled, pause)
        told = text_of(sign_in(filled.owner).get(here), "program")
    assert "Paused since 15 Apr 2026" in told
    assert "Redeem until 15 May 2026" in told


def test_a_program_of_one_kind_speaks_of_that_kind(cast, sign_in, here):
    make_program(cast.merchant, loyalty_type="stamps", is_active=False)
    told = text_of(sign_in(cast.staff).get(here), "program")
    assert "Loyalty card" in told
    assert "10 stamps" in told
    assert "point" not in told
    assert "since" not in told


def test_without_a_program_it_says_what_to_do(cast, sign_in, here):
    assert "An owner starts it." in text_of(sign_in(cast.staff).get(here), "program")
    assert "Start one" in text_of(sign_in(cast.owner).get(here), "program")


def steps(answer):
    return re.findall(r"<li\s*(class=\"is-done\")?>\s*<span class=\"step-mark\">", answer.text)


def test_a_new_merchant_is_led_step_by_step(app, sign_in):
    person = make_user()
    merchant = make_merchant("Fresh", owner=person)
    browser, here = sign_in(person), path(merchant, "")
    answer = browser.get(here)
    assert [bool(done) for done in steps(answer)] == [False, False, False]
    assert 'class="tile"' not in answer.text
    assert re.search(r'id="next-step"', answer.text)
    assert f'href="{path(merchant, "stores/new")}"' in answer.text
    store = make_store(merchant)
    answer = browser.get(here)
    assert [bool(done) for done in steps(answer)] == [True, False, False]
    assert f'href="{path(merchant, "team/invitations/new")}"' in answer.text
    make_member(store)
    assert [bool(done) for done in steps(browser.get(here))] == [True, True, False]
    make_program(merchant)
    assert steps(browser.get(here)) == []


def test_only_owners_are_led(cast, sign_in, here):
    assert len(steps(sign_in(cast.owner).get(here))) == 3
    assert steps(sign_in(cast.manager).get(here)) == []


def test_what_was_deleted_last_is_shown_to_who_may_see_it(cast, sign_in, here, today):
    mine, others = make_product(cast.gare, "Old tea"), make_product(cast.gare, "Old cake")
    mia = manager_of(cast.gare, user=cast.manager)
    wrote(cast, lambda: products.delete_product(alive(cast, mine), by=mia, now=TODAY))
    wrote(cast, lambda: products.delete_product(alive(cast, others), by=owner_of(cast.merchant), now=TODAY))
    told = text_of(sign_in(cast.owner).get(here), "deletions")
    assert "Old tea" in told
    assert "Old cake" in told
    assert "30 days left" in told
    told = text_of(sign_in(cast.manager).get(here), "deletions")
    assert "Old tea" in told
    assert "Old cake" not in told
    other = text_of(sign_in(cast.owner).get(f"{here}?store={cast.belval.id}"), "deletions")
    assert "Nothing was deleted" in other


def test_deletions_before_that_time_are_not_shown(cast, sign_in, here, today):
    product = make_product(cast.gare, "Old tea")
    before = TODAY - timedelta(days=10)
    wrote(cast, lambda: products.delete_product(alive(cast, product), by=OPERATOR, now=before))
    assert "Old tea" in text_of(sign_in(cast.owner).get(here), "deletions")
    assert "Old tea" not in text_of(sign_in(cast.owner).get(f"{here}?range=7"), "deletions")


def test_what_happened_lately_folds_what_is_alike(cast, sign_in, here, today):
    def work():
        by, gare = owner_of(cast.merchant), alive(cast, cast.gare)
        for name in ("Tea", "Cake", "Pie"):
            products.add_product(gare, name=name, price_cents=1, by=by)
        stores.change_store(gare, city="Esch", by=by)

    wrote(cast, work)
    told = lately(cast, sign_in, here)
    assert "Olga Owner changed store Gare : city" in told
    assert "Olga Owner added product Pie , and 2 more like it" in told
    assert "Tea" not in told
    of_another = lately(cast, sign_in, here, store=cast.belval.id)
    assert "Nothing was done in this time." in of_another
    of_this = lately(cast, sign_in, here, store=cast.gare.id)
    assert "changed store Gare" in of_this


def test_what_happened_before_that_time_is_not_told(cast, sign_in, here, today):
    entry = {"actor_role": "owner", "channel": "portal", "action": "stores.change", "subject_kind": "stores"}
    entry |= {"merchant_id": cast.merchant.id, "subject_id": cast.gare.id, "details": {}}
    wrote(
        cast,
        lambda: db.session.execute(insert(AuditEntry), [entry | {"occurred_at": TODAY - timedelta(days=10)}]),
    )
    assert "changed store Gare" in lately(cast, sign_in, here)
    assert "Nothing was done" in lately(cast, sign_in, here, range=7)


def test_many_stores_are_cut_short_and_lead_to_the_list(cast, sign_in, here, monkeypatch):
    monkeypatch.setattr(shown, "LISTED", 2)
    monkeypatch.setattr(figures, "MOST_STORES", 3)
    for name in ("Alzette", "Zolver", "Pétange"):
        make_store(cast.merchant, name)
    browser = sign_in(cast.owner)
    answer = browser.get(here)
    assert list(rows(answer)) == ["Alzette", "Belval"]
    assert "All 5 stores" in answer.text
    # One beyond the end of the list can still be chosen.
    last = wrote(
        cast, lambda: db.session.scalars(Store.of(cast.merchant).where(Store.name == "Zolver")).one().id
    )
    assert list(rows(browser.get(f"{here}?store={last}"))) == ["Zolver"]


def test_another_merchant_counts_for_nothing(cast, sign_in, here, today):
    before = tiles(sign_in(cast.owner).get(here))
    store = make_store(cast.elsewhere)
    make_product(store)
    make_order(store, make_customer(cast.elsewhere), occurred_at=TODAY)
    make_program(cast.elsewhere, card_name="Theirs")
    db.session.expunge_all()
    with within(cast.elsewhere):
        audit.record("change", store, by=OPERATOR, fields=["name"])
        db.session.commit()
    answer = sign_in(cast.owner).get(here)
    assert tiles(answer) == before
    assert "Theirs" not in answer.text
    assert "Nothing was done" in lately(cast, sign_in, here)


def test_the_piece_is_the_page_without_its_frame(cast, sign_in, here):
    browser = sign_in(cast.owner)
    piece = browser.piece(f"{here}?range=7").text
    assert 'id="dashboard"' in piece
    assert "<html" not in piece


def test_it_costs_the_same_however_much_there_is(cast, sign_in, here, statements):
    browser = sign_in(cast.owner)

    def cost():
        with statements() as sent:
            assert browser.piece(here).status_code == 200
        return len([one for one in sent if one.lstrip().startswith(("SELECT", "WITH"))])

    program = make_program(cast.merchant)
    few = cost()
    fallen = []
    for n in range(12):
        store = make_store(cast.merchant, f"S{n}")
        fallen.append(make_product(store))
        make_card(program, make_customer(cast.merchant))
        make_order(store)

    def throw_away():
        for product in fallen:
            row = db.session.get(Product, (cast.merchant.id, product.id))
            products.delete_product(row, by=OPERATOR, now=datetime.now(UTC))

    wrote(cast, throw_away)
    assert cost() == few <= 6


def ledger(answer):
    """The figures of the program by their names: figure, and what is said under it."""
    part = answer.text.partition('id="loyalty-title"')[2].partition("</section>")[0]
    found = re.findall(
        r'tile-figure">([^<]*)<.*?tile-label"[^>]*>([^<]*)<.*?tile-over">([^<]*)<', part, re.DOTALL
    )
    return {name: (figure, note) for figure, name, note in found}


@pytest.fixture
def collecting(cast, today):
    """Two members who bought today, one of them twice, and one of them in Belval."""
    terms = {"points_per_euro": 10, "point_value_cents": Decimal(1), "points_expiration_days": 10}
    program = make_program(cast.merchant, **terms)
    for store, cents in ((cast.gare, (1000, 500)), (cast.belval, (300,))):
        card = make_card(program)
        for spent in cents:
            make_earn(make_order(store, total_cents=spent, occurred_at=TODAY), card)
    return cast


def test_owners_see_what_the_program_did_and_owes(collecting, sign_in, here, today):
    answer = sign_in(collecting.owner).get(here)
    assert ledger(answer) == {
        "Active members": ("2", "0 joined"),
        "Came again": ("50 %", "Last 30 days"),
        "Points issued": ("180", "Last 30 days"),
        "Points redeemed": ("0", "Last 30 days"),
        "Not redeemed yet": ("€1.80", "180 points"),
        "Expire within 30 days": ("180", "points on 2 cards"),
        "To review": ("0", "all stores"),
    }
    assert "2 today" in answer.text


def test_managers_see_what_their_stores_did(collecting, sign_in, here, today):
    figures = ledger(sign_in(collecting.manager).get(here))
    assert figures["Points issued"] == ("150", "Last 30 days")
    assert "Not redeemed yet" not in figures
    assert ledger(sign_in(collecting.staff).get(here)) == {}


def test_a_store_chosen_narrows_what_was_done(collecting, sign_in, here, today):
    figures = ledger(sign_in(collecting.owner).get(f"{here}?store={collecting.belval.id}"))
    assert (figures["Points issued"][0], figures["Came again"][0]) == ("30", "0 %")


def test_points_without_a_value_are_told_as_points(cast, sign_in, here, today):
    give(make_card(make_program(cast.merchant)), points=7)
    figures = ledger(sign_in(cast.owner).get(here))
    assert figures["Points not redeemed yet"] == ("7", "all stores")
    assert figures["Came again"] == ("\N{EN DASH}", "Last 30 days")


def test_points_are_drawn_day_by_day_and_told_in_figures(collecting, sign_in, here, today):
    owner = sign_in(collecting.owner)
    assert f'hx-get="{here}trend?range=7"' in owner.get(f"{here}?range=7").text
    text = owner.get(f"{here}trend?range=7").text
    assert 'viewBox="0 0 70 100"' in text
    assert 'x="61" y="0" width="4" height="100"' in text  # today, the last of seven
    row = re.search(r"15 Apr 2026</td>\s*<td[^>]*>180</td>\s*<td[^>]*>0</td>", text)
    assert row
    assert "style=" not in text.partition('id="trend"')[2].partition("</section>")[0]


def test_a_manager_sees_the_days_of_their_stores_alone(collecting, sign_in, here, today):
    manager = sign_in(collecting.manager)
    assert ">150</td>" in manager.get(f"{here}trend").text
    assert manager.get(f"{here}trend?store={collecting.belval.id}").status_code == 404
    assert sign_in(collecting.staff).get(f"{here}trend").status_code == 403
    of_belval = sign_in(collecting.owner).get(f"{here}trend?store={collecting.belval.id}").text
    assert ">30</td>" in of_belval


def test_days_of_nothing_are_said(cast, sign_in, here, today):
    assert "No points were issued or redeemed" in sign_in(cast.owner).get(f"{here}trend").text


def hrefs(answer):
    found = re.findall(r'<li class="tile">.*?</li>', answer.text, re.DOTALL)
    links = {re.search(r'tile-label"[^>]*>([^<]*)<', li)[1]: re.search(r'href="([^"]*)"', li) for li in found}
    return {label: link and link[1] for label, link in links.items()}


def test_a_tile_leads_to_what_it_counts_or_nowhere(cast, sign_in):
    here, owner = path(cast.merchant, ""), sign_in(cast.owner)
    assert hrefs(owner.get(here))["Customers"].endswith("/customers/")
    assert hrefs(owner.get(here))["Cards"].endswith("/cards/")
    narrowed = hrefs(owner.get(f"{here}?store={cast.belval.id}"))
    assert (narrowed["Customers"].endswith(f"store={cast.belval.id}"), narrowed["Cards"]) == (True, None)
    manager = sign_in(cast.manager)
    mine = hrefs(manager.get(here))
    assert (mine["Customers"].endswith(f"store={cast.gare.id}"), mine["Cards"]) == (True, None)
    make_member(cast.belval, cast.manager, role="manager")
    db.session.commit()
    assert hrefs(manager.get(here))["Customers"] is None


def throw_program_away(cast):
    def work():
        program = db.session.scalars(LoyaltyProgram.of(cast.merchant)).one()
        programs.delete_program(program, by=OPERATOR, now=TODAY)

    wrote(cast, work)


def test_a_program_in_the_trash_takes_no_figure_along(collecting, sign_in, here, today):
    before = ledger(sign_in(collecting.owner).get(here))
    throw_program_away(collecting)
    answer = sign_in(collecting.owner).get(here)
    after = ledger(answer)
    assert after.pop("Expire within 30 days")[0] == "0"  # nothing expires in the trash
    assert after == {name: told for name, told in before.items() if name in after}
    assert set(before) - set(after) == {"Expire within 30 days"}
    told = text_of(answer, "program")
    assert "The program is in the trash" in told
    assert "There is no program yet" not in told
    assert "Start the program" in answer.text  # what to do next is said still


def test_the_program_that_lives_is_told_after_another_went_to_the_trash(collecting, sign_in, here, today):
    throw_program_away(collecting)
    make_program(collecting.merchant, card_name="Anew")
    answer = sign_in(collecting.owner).get(here)
    assert "Anew" in text_of(answer, "program")
    assert "in the trash" not in text_of(answer, "program")
    assert ledger(answer)["Points issued"][0] == "180"
    assert len(rows(answer)) == 2


def test_the_stores_and_what_is_in_none_of_them_add_up(filled, sign_in, here, today):
    nowhere = {"number": "R-nowhere", "occurred_at": TODAY, "total_cents": 100, "store_id": None}
    wrote(filled, lambda: db.session.add(Order(merchant_id=filled.merchant.id, **nowhere)))
    wrote(filled, lambda: stores.delete_store(alive(filled, filled.belval), by=OPERATOR, now=TODAY))
    answer = sign_in(filled.owner).get(f"{here}?range=90")
    others = re.findall(
        r'<tr class="elsewhere">.*?title">\s*([^<]+?)\s*<.*?num">\s*(\d+)\s*</td>', answer.text, re.DOTALL
    )
    assert others == [("Deleted stores", "1"), ("No store", "1")]
    assert tiles(answer)["Orders"] == rows(answer)["Gare"][2] + 2
    assert "elsewhere" not in sign_in(filled.manager).get(f"{here}?range=90").text


def test_a_store_that_is_gone_leaves_the_time_as_it_was(filled, sign_in, here, today):
    browser = sign_in(filled.owner)
    answer = browser.get(f"{here}?range=90&store=99999")
    assert answer.location == f"{here}?range=90"
    assert (
        "That store is not there any more: these are the figures of all." in browser.get(answer.location).text
    )


def test_managers_see_how_much_they_are_to_review(collecting, sign_in, here, today):
    def flagged():
        for store in (collecting.gare, collecting.belval, None):
            store_id = store.id if store else None
            reviews.flag("odd", "goodwill", merchant_id=collecting.merchant.id, now=TODAY, store_id=store_id)
        db.session.commit()

    wrote(collecting, flagged)
    assert ledger(sign_in(collecting.manager).get(here))["To review"] == ("2", "your stores")
    assert ledger(sign_in(collecting.owner).get(here))["To review"] == ("3", "all stores")
