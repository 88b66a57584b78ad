"""What every list does: search, sort, turn pages, count honestly."""

import base64
import json
import re
from types import SimpleNamespace

import pytest
from flask import g

from portal.web import listing
from tests.factories import make_product
from tests.web.cast import make_cast
from tests.web.conftest import path

NAME = re.compile(r'class="name"[^>]*>([^<]+)<')
NEXT = re.compile(r'id="page-next"\s+href="([^"]+)"')
PREVIOUS = re.compile(r'id="page-previous"\s+href="([^"]+)"')


@pytest.fixture
def cast(app):
    return make_cast()


@pytest.fixture
def as_owner(cast, sign_in):
    return sign_in(cast.owner)


@pytest.fixture
def small_pages(monkeypatch):
    monkeypatch.setattr("portal.services.keyset.PAGE_SIZE", 2)


@pytest.fixture
def products(cast):
    return path(cast.merchant, "products/")


def names(answer):
    assert answer.status_code == 200
    return NAME.findall(answer.text)


def link(pattern, answer):
    found = pattern.search(answer.text)
    return found.group(1).replace("&amp;", "&") if found else None


def cursor(*parts):
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def all_pages(as_owner, address, pattern=NEXT):
    seen = []
    while address:
        answer = as_owner.get(address)
        seen.append(names(answer))
        address = link(pattern, answer)
    return seen


def test_the_search_ignores_case_and_accents(as_owner, cast, products):
    for name in ("Crème brûlée", "Café crème", "Tea"):
        make_product(cast.gare, name)
    assert names(as_owner.get(f"{products}?q=CREME")) == ["Café crème", "Crème brûlée"]


def test_every_word_of_the_search_must_occur_somewhere(as_owner, cast, products):
    make_product(cast.gare, "Green tea", sku="T-9")
    make_product(cast.gare, "Black tea", sku="T-8")
    assert names(as_owner.get(f"{products}?q=tea+t-9")) == ["Green tea"]


@pytest.mark.parametrize(("q", "found"), [("50%", ["50% off"]), ("_", []), ("%", ["50% off"])])
def test_signs_of_the_database_are_searched_for_as_they_stand(as_owner, cast, products, q, found):
    make_product(cast.gare, "50% off", sku="A")
    make_product(cast.gare, "500 off", sku="B")
    assert names(as_owner.get(products, query_string={"q": q})) == found


@pytest.mark.parametrize("q", ["\x00", "a\x00b", "\ud800".encode("utf-8", "surrogatepass"), "x" * 5000, "  "])
def test_no_search_breaks_the_list(as_owner, products, q):
    assert as_owner.get(products, query_string={"q": q}).status_code == 200


@pytest.mark.parametrize("sort", ["name", "sku", "category", "store", "price"])
def test_the_pages_show_every_row_once_and_in_order(as_owner, cast, products, small_pages, sort):
    for n, category in enumerate(["Tea", None, "Tea", "Coffee", None]):
        store = cast.gare if n % 2 else cast.belval
        make_product(store, f"P{n}", sku=f"s{n}", category=category, price_cents=100 * (n // 2))
    forth = all_pages(as_owner, f"{products}?sort={sort}&direction=asc")
    assert [len(page) for page in forth] == [2, 2, 1]
    rising = [name for page in forth for name in page]
    assert sorted(rising) == ["P0", "P1", "P2", "P3", "P4"]
    back = all_pages(as_owner, f"{products}?sort={sort}&direction=desc")
    assert [name for page in back for name in page] == rising[::-1]


def test_previous_leads_back_over_the_same_pages(as_owner, cast, products, small_pages):
    for n in range(5):
        make_product(cast.gare, f"P{n}")
    last = link(NEXT, as_owner.get(link(NEXT, as_owner.get(products))))
    assert all_pages(as_owner, last, PREVIOUS) == [["P4"], ["P2", "P3"], ["P0", "P1"]]


def test_a_page_that_was_emptied_gives_way_to_the_last_one(as_owner, cast, products, small_pages):
    for n in range(3):
        make_product(cast.gare, f"P{n}")
    beyond = as_owner.get(f"{products}?sort=name&after={cursor('name', 'zzz', 1)}")
    assert names(beyond) == ["P1", "P2"]
    assert link(NEXT, beyond) is None
    assert link(PREVIOUS, beyond)


def test_too_few_rows_before_show_the_first_page(as_owner, cast, products, small_pages):
    for n in range(3):
        make_product(cast.gare, f"P{n}")
    answer = as_owner.get(f"{products}?sort=name&before={cursor('name', 'p1', 1)}")
    assert names(answer) == ["P0", "P1"]
    assert link(PREVIOUS, answer) is None


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "%00",
        cursor("name", 7, 1),
        cursor("price", 7, 1),
        cursor("name", "a", "b"),
        cursor("name", "a", True),
        cursor("name", "a", 2**63),
        cursor("name", "a\x00", 1),
        cursor("name", "\ud800", 1),
        cursor("name", "a"),
        cursor(*range(9)),
        "W" * 9000,
    ],
)
def test_a_cursor_of_somebody_elses_making_shows_the_first_page(as_owner, cast, products, text):
    make_product(cast.gare, "P")
    assert names(as_owner.get(f"{products}?sort=name&after={text}")) == ["P"]


def test_a_price_beyond_all_numbers_is_no_cursor(as_owner, cast, products):
    make_product(cast.gare, "P")
    for value in (2**63, "7", True, None, 1.5):
        assert names(as_owner.get(f"{products}?sort=price&after={cursor('price', value, 1)}")) == ["P"]


def test_the_count_is_honest_and_stops_at_some_point(as_owner, cast, products, monkeypatch):
    monkeypatch.setattr(listing, "COUNTED", 2)
    make_product(cast.gare, "A")
    assert "1 product\n" in as_owner.get(products).text
    make_product(cast.gare, "B")
    assert "2 products" in as_owner.get(products).text
    make_product(cast.gare, "C")
    assert "2+ products" in as_owner.get(products).text


def test_the_links_of_the_list_keep_search_and_filters(as_owner, cast, products, small_pages):
    for n in range(3):
        make_product(cast.gare, f"Tea {n}", category="Tea")
    text = as_owner.get(f"{products}?q=tea&category=Tea&sort=price").text
    assert f"{products}?q=tea&amp;category=Tea&amp;sort=price&amp;direction=desc" in text
    assert f"{products}export.csv?q=tea&amp;category=Tea" in text
    assert "q=tea&amp;category=Tea&amp;sort=price&amp;direction=asc&amp;after=" in text


def test_nothing_yet_and_no_match_are_told_apart(as_owner, cast, products):
    assert "No products yet" in as_owner.get(products).text
    make_product(cast.gare, "Tea")
    assert "Nothing matches" in as_owner.get(f"{products}?q=coffee").text


def test_a_constant_amount_is_shown_to_each_as_their_own(app):
    template = app.jinja_env.from_string("{{ 123450|money }}")
    with app.test_request_context():
        g.merchant = SimpleNamespace(currency="GBP", locale="en")
        assert template.render() == "£1,234.50"
    with app.test_request_context():
        g.merchant = SimpleNamespace(currency="EUR", locale="en")
        assert template.render() == "€1,234.50"
