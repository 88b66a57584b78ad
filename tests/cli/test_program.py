"""`flask program`."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from portal.extensions import db
from portal.models import LoyaltyProgram, ProgramVersion
from portal.models.actor import OPERATOR
from portal.services import programs
from tests.factories import make_merchant, make_program, within
from tests.services.importing import committed

NOW = datetime.now(UTC)


@pytest.fixture
def cafe(app):
    return make_merchant("Café Lux", subdomain="cafe-lux")


@pytest.fixture
def change(flask, cafe):
    return lambda *words: flask("program", "set", "--merchant", "cafe-lux", *words)


def program_of(cafe) -> LoyaltyProgram:
    with within(cafe):
        found = db.session.scalars(LoyaltyProgram.of(cafe)).one()
        db.session.refresh(found)
        db.session.expunge(found)
    db.session.rollback()
    return found


def test_a_merchant_without_a_program_gets_one(change, cafe):
    result = change("loyalty_type=points", "points_per_euro=10", "minimum_purchase=0", "welcome_bonus=0")
    assert (result.exit_code, result.output) == (
        0,
        "Started the program “Loyalty Card” of Café Lux, version 1.\n",
    )
    made = program_of(cafe)
    rules = (made.loyalty_type, made.points_per_euro, made.minimum_purchase_cents, made.is_active)
    assert rules == ("points", 10, 0, True)
    with within(cafe):
        kept = db.session.scalars(select(ProgramVersion).where(ProgramVersion.merchant_id == cafe.id)).one()
        assert kept.version == 1
    db.session.rollback()


def test_saving_again_raises_the_version_once(change, cafe):
    change()
    said = change("points_per_euro=10", "minimum_purchase=4,50", "card_name=Lux Club").output
    assert said == "Changed: card_name, minimum_purchase_cents, points_per_euro. It is version 2 now.\n"
    assert program_of(cafe).minimum_purchase_cents == 450
    assert change("points_per_euro=10").output == "Nothing differs; nothing was changed.\n"
    assert program_of(cafe).version == 2


@pytest.mark.parametrize(
    ("typed", "field", "value"),
    [
        ("type=hybrid", "loyalty_type", "hybrid"),
        ("minimum_purchase_cents=450", "minimum_purchase_cents", 450),
        ("stamps_reward_value=3.20", "stamps_reward_value_cents", 320),
        ("point_value=0.005", "point_value_cents", Decimal("0.5")),
        ("point_value_cents=0.5", "point_value_cents", Decimal("0.5")),
        ("convert_rate=12,5", "convert_rate", Decimal("12.5")),
        ("points_expiration=365", "points_expiration_days", 365),
        ("points_expiration_days=", "points_expiration_days", None),
        ("require_staff_pin=no", "require_staff_pin", False),
        ("require_staff_pin=Yes", "require_staff_pin", True),
        ("clawback_policy=clamp_to_zero", "clawback_policy", "clamp_to_zero"),
        ("card_name=", "card_name", None),
        ("tiers=", "tier_config", []),
        ("card_color=#112233", "card_color", "#112233"),
    ],
)
def test_each_kind_of_value_is_read(change, cafe, typed, field, value):
    assert change(typed).exit_code == 0
    assert getattr(program_of(cafe), field) == value


def test_tiers_are_given_as_json(change, cafe):
    tiers = '[{"key": "gold", "name": "Gold", "threshold": 0, "multiplier_bp": 15000}]'
    assert change(f"tier_config={tiers}").exit_code == 0
    assert program_of(cafe).tier_config[0]["name"] == "Gold"


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("points=5", "Write FIELD=VALUE with one of adjust_approval_points, "),
        ("points_per_euro", "Write FIELD=VALUE with one of"),
        ("version=5", "Write FIELD=VALUE with one of"),
        ("points_per_euro=1.5", "points_per_euro is a whole number"),
        ("points_per_euro=", "points_per_euro needs a value."),
        ("is_active=", "is_active needs a value."),
        ("is_active=perhaps", "is_active is yes or no"),
        ("minimum_purchase=4.505", "minimum_purchase: "),
        ("convert_rate=much", "convert_rate is a number"),
        ("convert_rate=0.00001", "convert_rate keeps four decimals"),
        ("point_value=cheap", "point_value is a number"),
        ("tiers=gold", "tier_config is a list of tiers in JSON"),
        ('tiers={"key": 1}', "tier_config is a list of tiers in JSON"),
        ('tiers=[{"key": "gold"}]', "tier_config is a list of tiers in JSON"),
        ("card_name=\udcff", "no readable text"),
    ],
)
def test_what_is_mistyped_is_a_usage_error(change, cafe, typed, says):
    result = change(typed)
    assert result.exit_code == 2
    assert says in result.stderr
    with within(cafe):
        assert db.session.scalars(LoyaltyProgram.of(cafe)).all() == []
    db.session.rollback()


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("points_per_euro=99999", "between 0 and 10,000"),
        ("loyalty_type=coins", "collects stamps, points or both"),
        ("card_color=red", "for example #4F46E5"),
    ],
)
def test_what_the_rules_forbid_is_refused(change, typed, says):
    result = change(typed)
    assert (result.exit_code, says in result.stderr) == (1, True)


def test_a_program_is_paused_and_started(change, cafe):
    change()
    assert change("is_active=no").output == (
        "Changed: is_active. It is version 2 now. Rewards cannot be redeemed any more.\n"
    )
    assert change("is_active=no").output == "Nothing differs; nothing was changed.\n"
    assert not program_of(cafe).is_active
    assert change("is_active=yes", "points_per_euro=7").output == (
        "Changed: is_active, points_per_euro. It is version 4 now.\n"
    )
    assert change("is_active=yes").output == "Nothing differs; nothing was changed.\n"


def test_a_paused_program_says_until_when_rewards_can_be_redeemed(change, flask, cafe):
    make_program(cafe)
    day = (NOW + timedelta(days=40)).date()
    assert change("is_active=no", f"redeem_until={day}").output == (
        f"Changed: is_active, redeem_until. It is version 2 now. Rewards can be redeemed until {day}.\n"
    )
    assert f"redeem_until={day}" in flask("program", "show", "--merchant", "cafe-lux").output.split("\n")
    end = program_of(cafe).redeem_until.astimezone(cafe.zone)
    assert (end.date(), end.hour, end.minute) == (day + timedelta(days=1), 0, 0)
    assert change("is_active=no", f"redeem_until={day}").output == "Nothing differs; nothing was changed.\n"
    assert "It is version 3 now. Rewards cannot be redeemed any more." in change("redeem_until=").output
    assert "Changed: redeem_until. It is version 4 now." in change(f"redeem_until={day}").output
    assert "Changed: is_active." in change("is_active=yes", "redeem_until=").output
    assert program_of(cafe).redeem_until is None


@pytest.mark.parametrize("words", [[], ["is_active=yes"]])
@pytest.mark.parametrize("has_program", [True, False])
def test_while_it_runs_a_program_has_no_end_of_redeeming(change, cafe, words, has_program):
    if has_program:
        make_program(cafe)
    result = change(*words, "redeem_until=2026-12-31")
    assert result.exit_code == 2
    assert "redeem_until is for a program that is paused: is_active=no pauses it." in result.output


def test_redeeming_ends_on_a_day_to_come(change, cafe):
    make_program(cafe)
    result = change("is_active=no", "redeem_until=2020-01-01")
    assert (result.exit_code, program_of(cafe).is_active) == (1, True)
    assert "Choose today or a day to come, within ten years." in result.output
    assert "redeem_until: “soon” is not a day." in change("redeem_until=soon").output


def test_a_program_may_begin_paused(change, cafe):
    change("is_active=no")
    assert (program_of(cafe).is_active, program_of(cafe).activated_at) == (False, None)


def test_an_unknown_merchant_is_refused(flask, app):
    for words in (("set", "--merchant", "nobody"), ("show", "--merchant", "nobody")):
        result = flask("program", *words)
        assert (result.exit_code, "There is no merchant “nobody”" in result.stderr) == (1, True)


# show


def test_what_is_shown_can_be_set(flask, change, cafe):
    tiers = '[{"key": "gold", "name": "Ol\'", "threshold": 0, "multiplier_bp": 15000}]'
    change(f"tiers={tiers}", "card_name=Lux Club", "convert_rate=0.5", "points_expiration_days=365")
    lines = flask("program", "show", "--merchant", "cafe-lux").output.splitlines()
    assert lines[0].startswith("# Lux Club, version 1, runs since ")
    from shlex import split

    words = [word for line in lines[1:] for word in split(line)]
    assert "convert_rate=0.5" in words
    assert "card_name=Lux Club" in words
    assert "is_active=yes" in words
    assert "terms_text=" in words
    assert change(*words).output == "Nothing differs; nothing was changed.\n"


def test_a_paused_program_says_so(flask, cafe):
    program = make_program(cafe)
    with committed(cafe.id):
        programs.deactivate_program(program, redeem_until=None, by=OPERATOR, now=NOW)
    assert ", paused\n" in flask("program", "show", "--merchant", "cafe-lux").output
    with committed(cafe.id):
        until = datetime(2099, 5, 1, 10, tzinfo=UTC)
        programs.activate_program(program, by=OPERATOR, now=NOW)
        programs.deactivate_program(
            program, redeem_until=min(until, NOW + timedelta(days=100)), by=OPERATOR, now=NOW
        )
    assert "paused; rewards can be taken until 2" in flask("program", "show", "--merchant", "cafe-lux").output


def test_a_merchant_without_a_program_is_told_how_to_start_one(flask, cafe):
    result = flask("program", "show", "--merchant", "cafe-lux")
    assert result.exit_code == 1
    assert "flask program set --merchant cafe-lux" in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("points_per_euro=10", "points_per_euro=10"),
        ("minimum_purchase=4.50", "minimum_purchase_cents=450"),
        ("type=points", "loyalty_type=stamps"),
    ],
)
def test_a_field_given_twice_is_refused_for_which_would_count(change, cafe, words):
    result = change(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "is given twice. Say once what it is to be." in result.stderr
    with within(cafe):
        assert db.session.scalars(LoyaltyProgram.of(cafe)).all() == []
    db.session.rollback()
