"""The tabs of the program: earning, tiers, safeguards, branding, wallet, terms."""

import html
import json
import re
from decimal import Decimal

import pytest

from portal.web.program.fields import TIMES
from tests.web.cast import make_cast
from tests.web.conftest import looked, path
from tests.web.programs import TIERS, bad, earning, read, rows, start, to


@pytest.fixture
def cast(app):
    return make_cast()


@pytest.fixture
def as_owner(cast, sign_in):
    return sign_in(cast.owner)


@pytest.fixture
def program(cast):
    return start(cast.merchant, card_name="Carte Lumière")


# earning


def test_a_save_makes_a_new_version(as_owner, cast, program):
    typed = earning(
        loyalty_type="hybrid",
        points_per_euro="1 000",
        minimum_purchase="2,50",
        points_expiration_days="365",
        point_value="0,005",
        stamps_reward_value="3.9",
    )
    answer = as_owner.post(to(cast, "earning"), data=looked(typed))
    assert (answer.status_code, answer.location) == (303, to(cast, "earning"))
    saved = read(cast.merchant)
    assert (saved.loyalty_type, saved.points_per_euro, saved.minimum_purchase_cents) == ("hybrid", 1_000, 250)
    assert (saved.points_expiration_days, saved.stamps_reward_value_cents) == (365, 390)
    assert (saved.point_value_cents, saved.version) == (Decimal("0.5"), 2)
    page = as_owner.get(answer.location).text
    assert "Version 2 counts from now on." in page
    for value in ("1000", "2.50", "365", "0.005", "3.90"):
        assert f'value="{value}"' in page


def test_saving_nothing_new_says_so_and_makes_no_version(as_owner, cast, program):
    answer = as_owner.post(to(cast, "earning"), data=looked(earning()))
    assert answer.status_code == 303
    assert "Nothing differs" in as_owner.get(answer.location).text
    assert read(cast.merchant).version == 1


def test_what_is_not_sent_stays_as_it_is(as_owner, cast, program):
    assert as_owner.post(to(cast, "earning"), data=looked({"points_per_euro": "3"})).status_code == 303
    saved = read(cast.merchant)
    assert (saved.points_per_euro, saved.stamps_target, saved.loyalty_type) == (3, 10, "points")


@pytest.mark.parametrize(
    "wrong",
    [
        ("points_per_euro", "", "Write a number; 0 is one."),
        ("points_per_euro", "1.5", "whole number from 0 to 10,000"),
        ("points_per_euro", "-1", "whole number from 0 to 10,000"),
        ("points_per_euro", "10001", "whole number from 0 to 10,000"),
        ("points_per_euro", "9" * 400, "whole number from 0 to 10,000"),
        ("points_per_euro", "\u0661", "whole number from 0 to 10,000"),
        ("stamps_target", "0", "whole number from 1 to 100"),
        ("stamps_target", "101", "whole number from 1 to 100"),
        ("cooldown_minutes", "ten", "whole number from 0 to 525,600"),
        ("points_expiration_days", "0", "whole number from 1 to 3,650"),
        ("points_expiration_days", "1" * 41, "whole number from 1 to 3,650"),
        ("minimum_purchase", "", "Write a number; 0 is one."),
        ("minimum_purchase", "2.505", "at most two decimals"),
        ("minimum_purchase", "1.2.34", "in figures, like 4.50"),
        ("minimum_purchase", "1.234", "Write 1234.00, or"),
        ("minimum_purchase", "-1", "amount from 0 to 1,000,000"),
        ("minimum_purchase", "1e5", "in figures"),
        ("minimum_purchase", "99999999", "amount from 0 to 1,000,000"),
        ("point_value", "half", "in figures, like 0.005"),
        ("point_value", "NaN", "in figures, like 0.005"),
        ("point_value", "0.0000001", "at most six decimals"),
        ("point_value", "99999999", "amount from 0 to 10,000"),
        ("stamps_reward_description", "x" * 121, "at most 120 letters"),
        ("stamps_reward_description", "a\x00b", "control character"),
    ],
)
def test_a_bad_rule_is_told_beside_it_and_nothing_is_saved(as_owner, cast, program, wrong):
    field, typed, sentence = wrong
    sent = earning(welcome_bonus_points="77") | {field: typed}
    for ask in (as_owner.post, lambda where, data: as_owner.piece(where, method="POST", data=data)):
        answer = ask(to(cast, "earning"), data=sent)
        assert answer.status_code == 422
        assert sentence in html.unescape(answer.text)
        assert [name or other for name, other in bad(answer)] == [field]
        assert 'value="77"' in answer.text
    assert read(cast.merchant).version == 1


def test_every_bad_rule_is_told_at_once(as_owner, cast, program):
    answer = as_owner.post(
        to(cast, "earning"), data=looked(earning(points_per_euro="x", stamps_target="0", point_value="x"))
    )
    assert len(bad(answer)) == 3


def test_what_somebody_else_saved_meanwhile_stays(as_owner, cast, program):
    page = as_owner.get(to(cast, "earning")).text
    seen = html.unescape(re.search(r'name="seen"\s+value="([^"]*)"', page).group(1))
    assert json.loads(seen)["welcome_bonus_points"] == "0"
    as_owner.post(to(cast, "earning"), data=looked(earning(welcome_bonus_points="50")))
    answer = as_owner.post(to(cast, "earning"), data=looked(earning(points_per_euro="4") | {"seen": seen}))
    assert answer.status_code == 303
    saved = read(cast.merchant)
    assert (saved.points_per_euro, saved.welcome_bonus_points) == (4, 50)
    answer = as_owner.post(
        to(cast, "earning"), data=looked(earning(welcome_bonus_points="60") | {"seen": seen})
    )
    assert answer.status_code == 409
    assert "Somebody changed this meanwhile: “50”" in html.unescape(answer.text)
    assert 'value="60"' in answer.text


# tiers


def test_tiers_are_saved_as_basis_points(as_owner, cast, program):
    typed = rows(
        ("Guest", "", "0", "1"),
        ("Gold", "", "300", f"{TIMES}1,25"),
        ("", "", "", ""),
        ("Gold two", "vip", "1 000", "x2"),
    )
    answer = as_owner.post(
        to(cast, "tiers"), data=looked(typed | {"tier_window_days": "365", "tier_grace_days": "0"})
    )
    assert answer.status_code == 303
    saved = read(cast.merchant)
    assert [(t["key"], t["threshold"], t["multiplier_bp"]) for t in saved.tier_config] == [
        ("guest", 0, 10_000),
        ("gold", 300, 12_500),
        ("vip", 1_000, 20_000),
    ]
    assert (saved.tier_window_days, saved.tier_grace_days) == (365, 0)
    page = as_owner.get(to(cast, "tiers")).text
    assert 'value="1.25"' in page


def test_without_rows_there_are_no_tiers(as_owner, cast):
    start(cast.merchant, tier_config=TIERS)
    assert as_owner.post(to(cast, "tiers"), data=looked({"tier_grace_days": "7"})).status_code == 303
    assert read(cast.merchant).tier_config == TIERS
    assert as_owner.post(to(cast, "tiers"), data=looked({"tiers": "1"})).status_code == 303
    assert read(cast.merchant).tier_config == []
    assert "everybody collects alike" in as_owner.get(to(cast, "tiers")).text


def test_keys_are_made_from_names_and_never_twice(as_owner, cast, program):
    typed = rows(
        ("Gold", "gold-2", "0", "1"), ("Göld!", "", "5", "1"), ("gold.", "", "6", "1"), ("東京", "", "7", "1")
    )
    assert as_owner.post(to(cast, "tiers"), data=looked(typed)).status_code == 303
    assert [t["key"] for t in read(cast.merchant).tier_config] == ["gold-2", "gold", "gold-3", "tier"]


@pytest.mark.parametrize(
    "wrong",
    [
        ((("Guest", "", "5", "1"),), "tier-0-threshold", "begins at 0"),
        ((("Guest", "", "0", "1"), ("Gold", "", "0", "1")), "tier-1-threshold", "more than the 0"),
        ((("Guest", "", "0", "1"), ("Gold", "", "-5", "1")), "tier-1-threshold", "from 0 to"),
        ((("Guest", "", "0", "1"), ("Gold", "", "1.5", "1")), "tier-1-threshold", "from 0 to"),
        ((("Guest", "", "0", "one"),), "tier-0-multiplier", "from 0.1 to 100"),
        ((("Guest", "", "0", "1.00001"),), "tier-0-multiplier", "from 0.1 to 100"),
        ((("Guest", "", "0", "0"),), "tier-0-multiplier", "from 0.1 to 100"),
        ((("", "guest", "0", "1"),), "tier-0-name", "Give the tier a name"),
        ((("Guest", "Not a key", "0", "1"),), "tier-0-key", "letters a-z"),
        ((("A", "a", "0", "1"), ("B", "a", "1", "1")), "tier-1-key", "Another tier has this key"),
    ],
)
def test_a_bad_tier_is_told_in_its_row(as_owner, cast, program, wrong):
    tiers, cell, sentence = wrong
    answer = as_owner.post(to(cast, "tiers"), data=looked(rows(*tiers)))
    assert answer.status_code == 422
    assert sentence in html.unescape(answer.text)
    assert re.search(rf'id="{cell}-error"', answer.text)
    assert answer.text.count('aria-invalid="true"') == 1
    assert read(cast.merchant).tier_config == []


def test_too_many_tiers_are_told_above_the_rows(as_owner, cast, program):
    many = [(f"T{n}", "", str(n), "1") for n in range(13)]
    answer = as_owner.post(to(cast, "tiers"), data=looked(rows(*many)))
    assert answer.status_code == 422
    assert "at most 12 tiers" in answer.text


def test_rows_come_and_go_without_saving(as_owner, cast):
    start(cast.merchant, tier_config=TIERS)
    typed = rows(("Guest", "guest", "0", "1"), ("Typed", "", "abc", "?"))
    answer = as_owner.post(to(cast, "tiers"), data=looked(typed | {"row": "add"}))
    assert answer.status_code == 200
    assert 'id="tier-2-name"' in answer.text
    assert 'value="Typed"' in answer.text
    answer = as_owner.post(to(cast, "tiers"), data=looked(typed | {"row": "remove-0"}))
    assert 'value="Guest"' not in answer.text
    assert 'value="Typed"' in answer.text
    for nonsense in ("remove-9", "remove-x", "remove-", "other"):
        assert as_owner.post(to(cast, "tiers"), data=looked(typed | {"row": nonsense})).status_code in (
            200,
            422,
        )
    assert read(cast.merchant).tier_config == TIERS
    answer = as_owner.post(to(cast, "tiers"), data=looked({"tiers": "1", "row": "add"}))
    assert re.search(r'id="tier-0-threshold"[^>]*value="0"', answer.text)


def seen_in(answer):
    """What a page sends along as seen."""
    return html.unescape(re.search(r'name="seen" value="([^"]*)"', answer.text)[1])


def test_another_owners_tiers_are_told_beside_a_bad_cell_too(as_owner, cast, program):
    seen = seen_in(as_owner.get(to(cast, "tiers")))
    as_owner.post(to(cast, "tiers"), data=looked(rows(("Theirs", "theirs", "0", "2"))))
    answer = as_owner.post(to(cast, "tiers"), data=looked(rows(("Mine", "", "abc", "1")) | {"seen": seen}))
    assert answer.status_code == 409
    text = html.unescape(answer.text)
    assert "Somebody changed this meanwhile: “Theirs" in text
    assert 'id="tier-0-threshold-error"' in text
    again = rows(("Mine", "", "0", "1")) | {"seen": seen_in(answer)}
    assert as_owner.post(to(cast, "tiers"), data=looked(again)).status_code == 303


@pytest.mark.parametrize("button", ["add", "remove-1"])
def test_another_owners_tiers_are_told_after_a_row_came_or_went(as_owner, cast, program, button):
    seen = seen_in(as_owner.get(to(cast, "tiers")))
    as_owner.post(to(cast, "tiers"), data=looked(rows(("Theirs", "theirs", "0", "2"))))
    typed = rows(("Mine", "", "0", "1"), ("", "", "", "")) | {"seen": seen}
    between = as_owner.post(to(cast, "tiers"), data=looked(typed | {"row": button}))
    assert seen_in(between) == seen
    late = as_owner.post(to(cast, "tiers"), data=looked(typed | {"seen": seen_in(between)}))
    assert late.status_code == 409
    assert "Somebody changed this meanwhile: “Theirs" in html.unescape(late.text)
    assert read(cast.merchant).tier_config[0]["key"] == "theirs"


def test_a_long_name_of_a_tier_is_kept_as_typed(as_owner, cast, program):
    long = "Gold" * 60
    answer = as_owner.post(to(cast, "tiers"), data=looked(rows((long, "", "0", "1"))))
    assert answer.status_code == 422
    assert f'value="{long}"' in answer.text


# the other tabs


def test_safeguards_are_saved(as_owner, cast, program):
    typed = {"void_window_hours": "48", "adjust_approval_points": "500", "clawback_policy": "clamp_to_zero"}
    assert as_owner.post(to(cast, "limits"), data=typed).status_code == 303
    saved = read(cast.merchant)
    assert (saved.require_staff_pin, saved.void_window_hours) == (False, 48)
    assert (saved.adjust_approval_points, saved.clawback_policy) == (500, "clamp_to_zero")
    as_owner.post(to(cast, "limits"), data=typed | {"require_staff_pin": "y", "adjust_approval_points": ""})
    saved = read(cast.merchant)
    assert (saved.require_staff_pin, saved.adjust_approval_points) == (True, None)


def test_the_card_gets_its_name_and_colours(as_owner, cast, program):
    typed = {"card_name": "Café", "card_color": "#0f766e", "card_secondary_color": "#FDE68A"}
    assert as_owner.post(to(cast, "branding"), data=typed).status_code == 303
    saved = read(cast.merchant)
    assert (saved.card_name, saved.card_color, saved.card_secondary_color) == ("Café", "#0f766e", "#FDE68A")
    as_owner.post(to(cast, "branding"), data=typed | {"card_name": "", "card_secondary_color": ""})
    saved = read(cast.merchant)
    assert (saved.card_name, saved.card_secondary_color) == (None, None)
    assert "Loyalty Card" in as_owner.get(to(cast, "branding")).text


@pytest.mark.parametrize("typed", ["", "red", "#12345", "#12345g", "expression(1)"])
def test_what_is_no_colour_is_told_beside_it(as_owner, cast, program, typed):
    answer = as_owner.post(to(cast, "branding"), data={"card_color": typed, "card_name": "Kept"})
    assert answer.status_code == 422
    assert [name or other for name, other in bad(answer)] == ["card_color"]
    assert 'value="Kept"' in answer.text


def test_the_colours_come_from_a_style_sheet_of_the_version(as_owner, sign_in, cast):
    start(cast.merchant, card_color="#112233")
    as_owner.post(to(cast, "branding"), data={"card_color": "#FFEEDD", "card_secondary_color": "#000001"})
    old, new = (as_owner.get(path(cast.merchant, f"brand-{n}.css")) for n in (1, 2))
    assert new.content_type == "text/css; charset=utf-8"
    assert "--brand: #112233; --brand-ink: #FFFFFF;" in old.text
    assert "--brand: #FFEEDD; --brand-ink: #000000; --brand-stamp: #000001;" in new.text
    assert as_owner.get(path(cast.merchant, "brand-3.css")).status_code == 404
    assert sign_in(cast.staff).get(path(cast.merchant, "brand-2.css")).status_code == 200
    assert sign_in(cast.stranger).get(path(cast.merchant, "brand-2.css")).status_code == 404


def test_ids_of_wallets_are_saved_and_checked(as_owner, cast, program):
    good = {
        "google_issuer_id": "3388000000022123456",
        "google_class_id": "3388000000022123456.loyalty",
        "apple_pass_type_id": "pass.com.example.loyalty",
        "apple_team_id": "A1B2C3D4E5",
    }
    assert as_owner.post(to(cast, "wallet"), data=good).status_code == 303
    saved = read(cast.merchant)
    assert {name: getattr(saved, name) for name in good} == good
    for name in good:
        answer = as_owner.post(to(cast, "wallet"), data=good | {name: "wrong"})
        assert answer.status_code == 422
        assert "Write it like" in answer.text
        assert [one or other for one, other in bad(answer)] == [name]


def test_terms_in_every_script_fit_into_their_form(as_owner, cast, program):
    long = "東" * 19_999 + "\r\n京"
    page = as_owner.get(to(cast, "terms")).text
    assert 'enctype="multipart/form-data"' in page
    sent = {"terms_text": long[:20_000], "privacy_url": "https://example.com/privacy"}
    seen = html.unescape(re.search(r'name="seen"\s+value="([^"]*)"', page).group(1))
    answer = as_owner.post(to(cast, "terms"), data=sent | {"seen": seen}, content_type="multipart/form-data")
    assert answer.status_code == 303
    saved = read(cast.merchant)
    assert saved.terms_text == "東" * 19_999
    page = as_owner.get(to(cast, "terms")).text
    seen = html.unescape(re.search(r'name="seen"\s+value="([^"]*)"', page).group(1))
    assert len(seen) < 1_000
    sent |= {"privacy_url": "", "seen": seen}
    assert as_owner.post(to(cast, "terms"), data=sent, content_type="multipart/form-data").status_code == 303
    saved = read(cast.merchant)
    assert (saved.terms_text, saved.privacy_url) == ("東" * 19_999, None)


def test_two_who_write_the_terms_are_told(as_owner, cast, program):
    page = as_owner.get(to(cast, "terms")).text
    seen = html.unescape(re.search(r'name="seen"\s+value="([^"]*)"', page).group(1))
    as_owner.post(to(cast, "terms"), data={"terms_text": "Theirs " * 100})
    answer = as_owner.post(to(cast, "terms"), data={"terms_text": "Mine", "seen": seen})
    assert answer.status_code == 409
    assert "Somebody changed this meanwhile: “Theirs Theirs" in html.unescape(answer.text)
    assert "…”" in html.unescape(answer.text)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"terms_text": "x" * 20_001}, "at most 20,000 characters"),
        ({"privacy_url": "http://example.com"}, "whole address with https://"),
        ({"privacy_url": "javascript:alert(1)"}, "whole address with https://"),
        ({"privacy_url": "https://x.com/" + "a" * 500}, "at most 500 letters"),
    ],
)
def test_bad_terms_are_told(as_owner, cast, program, typed, sentence):
    answer = as_owner.post(to(cast, "terms"), data=typed)
    assert answer.status_code == 422
    assert sentence in answer.text
