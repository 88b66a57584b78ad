"""The poster of a store: who may see it, what it says, and where its code leads."""

import re

import pytest
import segno

from tests.factories import make_program, make_store
from tests.web.cast import make_cast
from tests.web.conftest import path

PUBLIC = "https://cards.example.com"


@pytest.fixture
def cast(app):
    app.config["PUBLIC_URL"] = PUBLIC
    return make_cast()


@pytest.fixture
def as_staff(cast, sign_in):
    return sign_in(cast.staff)


def poster(browser, cast, **query):
    answer = browser.get(path(cast.merchant, "stores", cast.gare.id, "poster"), query_string=query)
    assert answer.status_code == 200
    return answer.text.partition("<main")[2].partition("</main>")[0]


def dark_dots(text):
    """Read the dots of the drawn code, without the quiet border of four."""
    drawn = re.search(r'stroke="#000" d="([^"]+)"', text)[1]
    dots, x, y = set(), 0.0, 0.0
    for way, numbers in re.findall(r"([Mmh])([^Mmh]+)", drawn):
        amounts = [float(n) for n in re.findall(r"-?[\d.]+", numbers)]
        if way == "h":
            dots |= {(int(x + step) - 4, int(y) - 4) for step in range(int(amounts[0]))}
            x += amounts[0]
        elif way == "M":
            x, y = amounts
        else:
            x, y = x + amounts[0], y + amounts[1]
    return dots


def test_the_code_leads_to_the_join_address(as_staff, cast):
    text = poster(as_staff, cast)
    address = f"{PUBLIC}/j/{cast.gare.join_code}"
    expected = segno.make(address, error="q", boost_error=False, micro=False)
    rows = enumerate(expected.matrix)
    assert dark_dots(text) == {(x, y) for y, row in rows for x, dot in enumerate(row) if dot}
    assert f'<p class="poster-address">{address}</p>' in text


def test_the_code_is_black_on_white(as_staff, cast):
    code = poster(as_staff, cast).partition('class="qr"')[2].partition("</svg>")[0]
    assert 'fill="#fff"' in code
    assert 'stroke="#000"' in code
    assert "style=" not in code


@pytest.mark.parametrize(
    ("kind", "call"),
    [
        ("stamps", "Collect stamps with every visit"),
        ("points", "Collect points with every visit"),
        ("hybrid", "Collect stamps and points with every visit"),
    ],
)
def test_it_promises_what_the_program_gives(as_staff, cast, kind, call):
    make_program(
        cast.merchant, loyalty_type=kind, stamps_reward_description="Free coffee", card_color="#12AB34"
    )
    text = poster(as_staff, cast)
    assert f">{call}<" in text
    assert ("10 stamps: Free coffee" in text) == (kind != "points")
    assert 'fill="#12AB34"' in text
    assert "No program is running" not in text
    for said in ("Café Lumière", "Gare", "Scan to join"):
        assert f">{said}<" in text


def test_without_a_program_it_says_so_on_the_screen(as_staff, cast):
    text = poster(as_staff, cast)
    assert "Join our loyalty program" in text
    assert "No program is running at the moment." in text
    assert "poster-band" not in text


def test_a_stopped_program_is_told_of(as_staff, cast):
    make_program(cast.merchant, is_active=False)
    assert "No program is running at the moment." in poster(as_staff, cast)


@pytest.mark.parametrize(
    ("asked", "paper"), [("A4", "a4"), ("a5", "a5"), ("A6", "a6"), ("B1", "a4"), ("", "a4")]
)
def test_the_paper_can_be_chosen(as_staff, cast, asked, paper):
    text = poster(as_staff, cast, paper=asked)
    assert f"poster-sheet poster-{paper}" in text
    assert re.search(rf'paper={paper.upper()}"\s+aria-current="true"', text)


def test_an_address_of_this_computer_is_warned_of(app, as_staff, cast):
    assert "works on this computer only" not in poster(as_staff, cast)
    app.config["PUBLIC_URL"] = "http://127.0.0.1:8000"
    assert "works on this computer only" in poster(as_staff, cast)


def test_the_page_of_the_store_leads_there(as_staff, cast):
    here = path(cast.merchant, "stores", cast.gare.id)
    assert f'href="{here}/poster"' in as_staff.get(here).text


def test_only_its_own_people_see_it(sign_in, client, cast):
    here = path(cast.merchant, "stores", cast.gare.id, "poster")
    assert client.get(here).status_code == 302
    assert sign_in(cast.stranger).get(here).status_code == 404
    theirs = make_store(cast.elsewhere, "Hidden")
    assert sign_in(cast.owner).get(path(cast.merchant, "stores", theirs.id, "poster")).status_code == 404


def test_a_manager_sees_the_posters_of_their_stores_only(sign_in, cast):
    browser = sign_in(cast.manager)
    assert browser.get(path(cast.merchant, "stores", cast.gare.id, "poster")).status_code == 200
    assert browser.get(path(cast.merchant, "stores", cast.belval.id, "poster")).status_code == 404


def test_it_asks_little_of_the_database(as_staff, cast, statements):
    make_program(cast.merchant)
    with statements() as sent:
        poster(as_staff, cast)
    assert len([each for each in sent if each.lstrip().upper().startswith("SELECT")]) <= 6
