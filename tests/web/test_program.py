"""The program as people meet it: started, changed tab by tab, switched off, deleted."""

import html
import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from portal.extensions import db
from portal.models import LoyaltyProgram, ProgramVersion
from portal.services import programs
from portal.services.ledger.earning import earn
from portal.services.ledger.stamping import stamp
from portal.services.ledger.visits import Visit
from portal.web.program.fields import TIMES
from tests.factories import give, make_card, make_member, make_program, make_user, owner_of, within
from tests.web.cast import make_cast
from tests.web.conftest import looked, path

TIERS = [
    {"key": "guest", "name": "Guest", "threshold": 0, "multiplier_bp": 10_000},
    {"key": "gold", "name": "Gold", "threshold": 300, "multiplier_bp": 15_000},
]
SETTINGS = ("earning", "tiers", "limits", "branding", "wallet", "terms")


@pytest.fixture
def cast(app):
    return make_cast()


@pytest.fixture
def as_owner(cast, sign_in):
    return sign_in(cast.owner)


@pytest.fixture
def program(cast):
    return start(cast.merchant, card_name="Carte Lumière")


def start(merchant, **rules):
    """Start a program as an owner does, with its first version."""
    by, session = owner_of(merchant), db.session()
    with within(merchant):
        made = programs.create_program(merchant, by=by, now=datetime.now(UTC), **rules)
        session.expire_on_commit = False
        session.commit()
        session.expire_on_commit = True
        session.expunge_all()
    return made


def read(merchant, *, dead=False):
    """Read the program again; None when there is none."""
    with within(merchant):
        db.session.expunge_all()
        query = LoyaltyProgram.of(merchant).order_by(LoyaltyProgram.id.desc()).limit(1)
        row = db.session.scalar(query, execution_options={"include_deleted": dead})
        db.session.expunge_all()
        db.session.rollback()
    return row


def to(cast, *parts):
    return path(cast.merchant, "program", *parts)


def earning(**changes):
    """What the earning tab sends as it is shown first."""
    return {
        "loyalty_type": "points",
        "points_per_euro": "1",
        "minimum_purchase": "0.00",
        "welcome_bonus_points": "0",
        "points_expiration_days": "",
        "point_value": "",
        "stamps_target": "10",
        "stamps_reward_description": "Free item",
        "stamps_reward_value": "",
        "cooldown_minutes": "15",
        "max_daily_stamps": "5",
        "max_stamps_per_transaction": "10",
    } | changes


def rows(*tiers):
    """What the rows of the tiers send: (name, key, threshold, multiplier)."""
    columns = zip(*tiers, strict=True) if tiers else ((), (), (), ())
    names = ("tier_name", "tier_key", "tier_threshold", "tier_multiplier")
    return {"tiers": "1", **{n: list(c) for n, c in zip(names, columns, strict=True)}}


def bad(answer):
    """The names of the fields that are told to be wrong."""
    return re.findall(
        r'aria-invalid="true"[^>]*name="(\w+)"|name="(\w+)"[^>]*aria-invalid="true"', answer.text
    )


# no program yet


def test_without_a_program_its_owner_is_asked_to_start_one(as_owner, cast):
    answer = as_owner.get(to(cast, ""))
    assert answer.status_code == 200
    assert "Start your program" in answer.text
    for words in ("Ten stamps fill a card", "One point for each unit spent", "One card for both"):
        assert words in answer.text
    for tab in (*SETTINGS, "rewards/", "rewards/new", "rewards/rules", "history", "activation", "deletion"):
        assert as_owner.get(to(cast, tab)).location == to(cast, ""), tab
    assert as_owner.get(to(cast, "history/1")).status_code == 404
    assert as_owner.get(path(cast.merchant, "brand-1.css")).status_code == 404


@pytest.mark.parametrize("kind", ["stamps", "points", "hybrid"])
def test_a_program_is_started_with_one_choice(as_owner, cast, kind):
    answer = as_owner.post(to(cast, ""), data={"loyalty_type": kind, "card_name": " Carte "})
    assert (answer.status_code, answer.location) == (303, to(cast, "earning"))
    started = read(cast.merchant)
    assert (started.loyalty_type, started.card_name, started.version) == (kind, "Carte", 1)
    assert started.is_active
    assert started.activated_at is not None
    assert "Your program runs." in as_owner.get(answer.location).text
    assert as_owner.get(to(cast, "")).location == to(cast, "earning")


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"loyalty_type": "", "card_name": "Kept"}, "Choose one of the three."),
        (
            {"loyalty_type": "cash", "card_name": "Kept"},
            "Choose one of these: Stamps, Points, Stamps and points.",
        ),
        ({"loyalty_type": "points", "card_name": "Kept" * 40}, "at most 120 letters"),
    ],
)
def test_a_bad_start_keeps_what_was_typed(as_owner, cast, typed, sentence):
    answer = as_owner.post(to(cast, ""), data=typed)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert 'value="Kept' in answer.text
    assert read(cast.merchant) is None


def test_a_second_program_is_refused_in_words(as_owner, cast, program):
    answer = as_owner.post(to(cast, ""), data={"loyalty_type": "points"})
    assert answer.status_code == 409
    assert "There is a program already" in answer.text


def test_who_does_not_own_sees_that_an_owner_starts_it(sign_in, cast):
    answer = sign_in(cast.manager).get(to(cast, ""))
    assert "An owner starts it." in answer.text
    assert "Start the program" not in answer.text


@pytest.mark.parametrize(
    "tab", [*SETTINGS, "activation", "deactivation", "deletion", "rewards/", "rewards/rules"]
)
def test_saving_without_a_program_says_that_it_is_gone(as_owner, cast, tab):
    for answer in (as_owner.post(to(cast, tab)), as_owner.piece(to(cast, tab), method="POST")):
        assert answer.status_code == 409
        assert "There is no program any more" in answer.text


# who may

LOOK = [*SETTINGS, "rewards/", "history", "history/1"]
CHANGE = [
    ("get", "activation"),
    ("post", "activation"),
    ("get", "deactivation"),
    ("post", "deactivation"),
    ("get", "deletion"),
    ("post", "deletion"),
    ("get", "rewards/new"),
    ("post", "rewards/"),
    ("get", "rewards/rules"),
    ("post", "rewards/rules"),
    ("post", "branding/logo"),
    ("post", "branding/hero/removal"),
    *(("post", tab) for tab in SETTINGS),
    ("post", ""),
]


@pytest.mark.parametrize("tab", LOOK)
def test_managers_look_and_cannot_change(sign_in, cast, program, tab):
    answer = sign_in(cast.manager).get(to(cast, tab))
    assert answer.status_code == 200
    for words in ('id="save"', "Delete…", "Switch off…", "New reward", "Take it off", 'type="file"'):
        assert words not in answer.text
    assert sign_in(cast.staff).get(to(cast, tab)).status_code == 403
    assert sign_in(cast.stranger).get(to(cast, tab)).status_code == 404


@pytest.mark.parametrize("door", CHANGE)
def test_only_owners_change(sign_in, client, cast, program, door):
    method, tab = door
    assert getattr(client, method)(to(cast, tab)).location.startswith("/login")
    for person, status in ((cast.staff, 403), (cast.manager, 403), (cast.stranger, 404)):
        assert (
            getattr(sign_in(person), method)(to(cast, tab), data=earning(points_per_euro="9")).status_code
            == status
        )
    assert (read(cast.merchant).version, read(cast.merchant).is_active) == (1, True)


def test_the_program_stands_in_the_navigation_of_those_who_may(sign_in, cast):
    here = f'href="{to(cast, "")}"'
    assert here in sign_in(cast.manager).get(path(cast.merchant, "stores/")).text
    assert here not in sign_in(cast.staff).get(path(cast.merchant, "stores/")).text


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


# on, off, gone


def day(days, zone="Europe/Luxembourg"):
    from zoneinfo import ZoneInfo

    return (datetime.now(ZoneInfo(zone)) + timedelta(days=days)).date()


def test_switching_off_asks_until_when_and_says_what_stops(as_owner, cast, program):
    page = as_owner.get(to(cast, "deactivation")).text
    assert "nobody enrols and nobody earns" in page
    assert f'value="{day(30)}"' in page
    until = day(10)
    answer = as_owner.post(to(cast, "deactivation"), data={"redeem_until": str(until)})
    assert (answer.status_code, answer.location) == (303, to(cast, "earning"))
    off = read(cast.merchant)
    assert not off.is_active
    assert off.redeem_until.astimezone(cast.merchant.zone) == datetime.combine(
        until + timedelta(days=1), datetime.min.time(), tzinfo=cast.merchant.zone
    )
    page = as_owner.get(answer.location).text
    assert "The program is off." in page
    assert f"{until.day} {until:%b %Y}" in page
    assert f'value="{until}"' in as_owner.get(to(cast, "deactivation")).text
    assert as_owner.post(to(cast, "deactivation"), data={"redeem_until": ""}).status_code == 303
    assert read(cast.merchant).redeem_until is None
    assert "cannot be redeemed either" in as_owner.get(to(cast, "earning")).text


@pytest.mark.parametrize(
    "typed", ["yesterday", "2020-01-01", "2099-01-01", "1999-12-31", "9999-12-31", "26-12-24"]
)
def test_a_day_that_cannot_be_is_told(as_owner, cast, program, typed):
    answer = as_owner.post(to(cast, "deactivation"), data={"redeem_until": typed})
    assert answer.status_code == 422
    assert [name or other for name, other in bad(answer)] == ["redeem_until"]
    assert f'value="{typed}"' in answer.text
    assert read(cast.merchant).is_active


def test_switched_on_again_it_runs_as_before(as_owner, cast, program):
    began = read(cast.merchant).activated_at
    as_owner.post(to(cast, "deactivation"), data={"redeem_until": str(day(0))})
    assert "can enrol, collect and redeem again" in as_owner.get(to(cast, "activation")).text
    assert as_owner.post(to(cast, "activation")).status_code == 303
    on = read(cast.merchant)
    assert (on.is_active, on.redeem_until, on.activated_at, on.version) == (True, None, began, 3)
    answer = as_owner.post(to(cast, "activation"))
    assert "It was active already." in as_owner.get(answer.location).text
    assert read(cast.merchant).version == 3


def test_deleting_shows_before_what_goes(as_owner, cast, program):
    make_card(program)
    text = as_owner.get(to(cast, "deletion")).text
    assert "Delete the program Carte Lumière?" in text
    assert "1 card<" in text
    answer = as_owner.post(to(cast, "deletion"), data={"reason": "a better one"})
    assert (answer.status_code, answer.location) == (303, to(cast, ""))
    page = as_owner.get(answer.location).text
    assert "The program Carte Lumière is in the trash" in page
    assert "Start a new one" in page
    act = read(cast.merchant, dead=True).deletion_id
    undo = path(cast.merchant, "trash", act, "undo")
    assert page.count(f'action="{undo}"') == 2  # the message's Undo, and the page's own
    answer = as_owner.post(undo, headers={"Referer": f"http://localhost{to(cast, '')}"})
    assert answer.location == to(cast, "")
    assert read(cast.merchant).deletion_id is None


def test_who_may_not_restore_is_told_who_may(as_owner, sign_in, cast, program):
    as_owner.post(to(cast, "deletion"))
    page = sign_in(cast.manager).get(to(cast, "")).text
    assert "Restore it" not in page
    assert "No program yet" in page


def test_an_earlier_program_can_take_the_place_of_the_current(as_owner, cast, program):
    as_owner.post(to(cast, "deletion"))
    act = read(cast.merchant, dead=True).deletion_id
    as_owner.post(to(cast, ""), data={"loyalty_type": "stamps", "card_name": "New one"})
    page = as_owner.get(to(cast, "history")).text
    back = path(cast.merchant, "trash", act, "restoration")
    assert f'action="{back}"' in page
    answer = as_owner.post(back)
    assert answer.status_code == 409
    assert "Replace the current program" in answer.text
    assert "New one" in answer.text
    assert as_owner.post(back, data={"replace": "1"}).status_code == 303
    assert read(cast.merchant).card_name == "Carte Lumière"


# history


def test_the_history_says_who_changed_what(as_owner, cast, program):
    as_owner.post(to(cast, "earning"), data=looked(earning(points_per_euro="2", points_expiration_days="90")))
    as_owner.post(to(cast, "branding"), data={"card_color": "#112233", "card_name": "Carte Lumière"})
    as_owner.post(to(cast, "tiers"), data=looked(rows(("Guest", "", "0", "1"), ("Gold", "", "1000", "1.5"))))
    as_owner.post(to(cast, "limits"), data={"clawback_policy": "clamp_to_zero"})
    as_owner.post(to(cast, "deactivation"), data={"redeem_until": ""})
    text = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", as_owner.get(to(cast, "history")).text)).split())
    for said in (
        "Version 6 Counts now",
        "Active was yes is no",
        "was the balance goes below zero is the balance stops at zero",
        f"Tiers was not used is Guest from 0 ({TIMES}1), Gold from 1,000 ({TIMES}1.5)",
        "Colour of the card was #4F46E5 is #112233",
        "Points per unit spent was 1 point is 2 points",
        "Points expire after was not used is 90 days",
        "The program was started.",
        "Olga Owner",
    ):
        assert said in text, said
    assert "Stamps on a full card" not in text


def test_one_version_is_shown_in_full_with_its_own_colours(as_owner, sign_in, cast, program):
    as_owner.post(to(cast, "branding"), data={"card_color": "#112233"})
    answer = as_owner.get(to(cast, "history/1"))
    assert answer.status_code == 200
    assert "brand-1.css" in answer.text
    assert "#4F46E5" in answer.text
    assert "Pause between two stamps" in answer.text
    assert as_owner.get(to(cast, "history/3")).status_code == 404
    assert as_owner.get(to(cast, f"history/{2**63 - 1}")).status_code == 404


def test_a_long_history_has_pages(as_owner, cast, program):
    for n in range(2, 24):
        as_owner.post(to(cast, "earning"), data=looked(earning(points_per_euro=str(n))))
    first = as_owner.get(to(cast, "history")).text
    assert first.count('id="version-') == 20
    older = re.search(r'href="([^"]+)"\s+id="older"', first).group(1)
    second = as_owner.get(html.unescape(older)).text
    assert re.findall(r'id="version-(\d+)"', second) == ["3", "2", "1"]
    assert 'id="older"' not in second
    assert as_owner.get(to(cast, "history?before=x")).text.count('id="version-') == 20


def test_a_program_from_before_versions_has_an_empty_history(as_owner, cast):
    make_program(cast.merchant)
    assert "No versions here" in as_owner.get(to(cast, "history")).text
    assert "Pause between two stamps" in as_owner.get(to(cast, "history/1")).text
    as_owner.post(to(cast, "earning"), data=looked(earning(points_per_euro="2")))
    assert "What was before is not kept." in as_owner.get(to(cast, "history")).text


def test_who_saved_stays_named_after_leaving(as_owner, sign_in, cast, program):
    paul = make_user("Paul Past")
    from tests.factories import make_owner

    make_owner(cast.merchant, paul)
    sign_in(paul).post(to(cast, "earning"), data=looked(earning(points_per_euro="2")))
    with within(cast.merchant):
        from portal.services import accounts
        from tests.factories import ADMIN, NOW

        accounts.delete_user(db.session.merge(paul), by=ADMIN, now=NOW)
        db.session.commit()
    assert "Paul Past" in sign_in(cast.owner).get(to(cast, "history")).text


# how it asks the database


@pytest.mark.parametrize("tab", LOOK)
def test_a_tab_asks_the_database_little(as_owner, cast, statements, tab):
    from tests.factories import make_reward

    made = start(cast.merchant, tier_config=TIERS)
    as_owner.get(to(cast, tab))

    def asked():
        with statements() as sent:
            assert as_owner.get(to(cast, tab)).status_code == 200
        return len([s for s in sent if s.lstrip().upper().startswith(("SELECT", "WITH"))])

    few = asked()
    for n in range(12):
        make_reward(made, tier_key="gold", position=n)
        as_owner.post(to(cast, "earning"), data=looked(earning(points_per_euro=str(n + 2))))
    assert asked() == few <= 6


def test_versions_belong_to_their_program(as_owner, cast, program):
    """A new program counts from 1 again; the versions of the old one are not its own."""
    for n in (2, 3):
        as_owner.post(to(cast, "earning"), data=looked(earning(points_per_euro=str(n))))
    as_owner.post(to(cast, "deletion"))
    as_owner.post(to(cast, ""), data={"loyalty_type": "stamps"})
    assert as_owner.get(to(cast, "history/2")).status_code == 404
    assert as_owner.get(to(cast, "history")).text.count('id="version-') == 1
    with within(cast.merchant):
        assert len(db.session.scalars(select(ProgramVersion)).all()) == 4
        db.session.rollback()


def test_a_member_of_two_merchants_sees_each_ones_own(as_owner, sign_in, cast, program):
    both = SimpleNamespace(user=make_user("Luca"))
    make_member(cast.gare, both.user, role="manager")
    other = start(cast.elsewhere, card_name="Elsewhere Card")
    assert "Elsewhere Card" not in sign_in(both.user).get(to(cast, "earning")).text
    assert sign_in(both.user).get(path(cast.elsewhere, "program/earning")).status_code == 404
    assert other.version == 1


@pytest.mark.parametrize(
    ("address", "tab"),
    [
        ("branding/logo", "branding"),
        ("branding/hero/removal", "branding"),
    ],
)
def test_an_address_that_a_refusal_left_in_the_bar_leads_to_its_tab(as_owner, cast, program, address, tab):
    assert as_owner.get(to(cast, address)).location == to(cast, tab)


def test_a_wrong_method_is_nobodys_fault(as_owner, cast):
    answer = as_owner.put(to(cast, "tiers"))
    assert answer.status_code == 405
    assert "That does not work here" in answer.text
    assert "broke" not in answer.text


def test_switching_on_what_is_on_says_so(as_owner, cast, program):
    answer = as_owner.get(to(cast, "activation"))
    assert answer.location == to(cast, "earning")
    assert "It was active already." in as_owner.get(answer.location).text


def bought(cast, program, *cents):
    """Let a member of the program buy, an hour ago."""
    with within(cast.merchant):
        for spent in cents:
            visit = Visit(by=owner_of(cast.merchant), now=datetime.now(UTC) - timedelta(hours=1))
            earn(make_card(program).id, spent_cents=spent, visit=visit)
        db.session.commit()


def seen_rows(answer):
    """Read the figures of what would change."""
    cells = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", answer.text.partition('id="rules-look"')[2], re.DOTALL)
    words = [re.sub(r"<[^>]+>", "", cell).strip() for cell in cells][4:]
    return {words[i]: words[i + 1 : i + 4] for i in range(0, len(words), 4)}


def test_what_would_change_is_told_before_it_is_saved(cast, as_owner):
    program = start(cast.merchant, points_per_euro=10)
    bought(cast, program, 1999, 1000)
    form = earning(points_per_euro="20", welcome_bonus_points="0", look="1")
    answer = as_owner.post(to(cast, "earning"), data=form)
    assert answer.status_code == 200
    assert seen_rows(answer) == {"Points for purchases": ["299", "599", "+300"]}
    assert "Counted again from 2 purchases" in answer.text
    assert 'value="20"' in answer.text
    assert (read(cast.merchant).points_per_euro, read(cast.merchant).version) == (10, 1)


def test_tiers_tell_who_would_move(cast, as_owner):
    program = start(cast.merchant, points_per_euro=10, tier_config=TIERS)
    bought(cast, program, 2000, 3000)
    rows = {"tier_name": ["Guest", "Gold"], "tier_key": ["guest", "gold"], "tier_multiplier": ["1", "1.5"]}
    rest = {"tiers": "1", "tier_window_days": "", "tier_grace_days": "30", "look": "1"}
    for threshold, said in (
        ("200", "1 member would stand in a higher"),
        ("301", "1 member would stand in a l"),
    ):
        answer = as_owner.post(to(cast, "tiers"), data=rows | rest | {"tier_threshold": ["0", threshold]})
        assert said in answer.text
    assert read(cast.merchant).tier_config == TIERS


def test_joining_and_stamps_are_told_where_they_count(cast, as_owner):
    program = start(cast.merchant, loyalty_type="hybrid", cooldown_minutes=0)
    with within(cast.merchant):
        card = make_card(program)
        give(card, kind="enrol", at=datetime.now(UTC) - timedelta(hours=2))
        stamp(card.id, visit=Visit(by=owner_of(cast.merchant), now=datetime.now(UTC)), quantity=4)
        db.session.commit()
    form = earning(loyalty_type="hybrid", welcome_bonus_points="25", stamps_target="2", look="1")
    rows = seen_rows(as_owner.post(to(cast, "earning"), data=form))
    assert rows["Points for joining"] == ["0", "25", "+25"]
    assert rows["All points issued"] == ["0", "25", "+25"]
    assert rows["Cards filled"] == ["0", "2", "+2"]
    assert rows["Stamps put on"] == ["4", "4", "±0"]


def test_what_cannot_be_saved_cannot_be_looked_at(cast, as_owner):
    start(cast.merchant)
    answer = as_owner.post(to(cast, "earning"), data=earning(points_per_euro="many", look="1"))
    assert answer.status_code == 422
    assert "rules-look-title" not in answer.text


def test_tabs_that_change_nothing_about_collecting_have_nothing_to_look_at(cast, as_owner):
    start(cast.merchant)
    assert 'id="look"' in as_owner.get(to(cast, "earning")).text
    assert 'id="look"' not in as_owner.get(to(cast, "limits")).text


def test_only_owners_look_at_what_would_change(cast, sign_in):
    start(cast.merchant)
    manager = sign_in(cast.manager)
    assert 'id="look"' not in manager.get(to(cast, "earning")).text
    assert manager.post(to(cast, "earning"), data=earning(look="1")).status_code == 403
