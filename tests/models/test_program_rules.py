"""What the rules of a program, and its rewards, may say."""

from datetime import timedelta
from decimal import Decimal

import pytest

from portal.errors import Refused
from portal.models import LoyaltyProgram, LoyaltyReward
from portal.models.loyalty_reward import check_dates
from portal.models.program_rules import CEILING, LIMITS, OPTIONAL_LIMITS, limits_of


@pytest.mark.parametrize("field", [*LIMITS, *OPTIONAL_LIMITS])
def test_every_number_has_a_highest(field):
    lowest, highest = limits_of(field)
    assert getattr(LoyaltyProgram(**{field: lowest}), field) == lowest
    assert getattr(LoyaltyProgram(**{field: highest}), field) == highest
    assert highest <= CEILING
    for wrong in (lowest - 1, highest + 1):
        with pytest.raises(Refused, match="must be between") as no:
            LoyaltyProgram(**{field: wrong})
        assert no.value.details["field"] == field


def test_a_part_of_a_cent_is_a_number_but_nothing_is_not():
    assert LoyaltyProgram(point_value_cents=Decimal("0.25")).point_value_cents == Decimal("0.25")
    for wrong in (Decimal("NaN"), Decimal("Infinity")):
        with pytest.raises(Refused, match="whole number"):
            LoyaltyProgram(point_value_cents=wrong)


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("google_issuer_id", "3388000000022123456", "33880 not"),
        ("google_class_id", "3388000000022123456.loyalty-1", "loyalty"),
        ("apple_pass_type_id", "pass.com.example.loyalty", "com.example.loyalty"),
        ("apple_team_id", "A1B2C3D4E5", "a1b2c3d4e5"),
    ],
)
def test_ids_of_wallets_look_like_ids(field, good, bad):
    assert getattr(LoyaltyProgram(**{field: f" {good} "}), field) == good
    assert getattr(LoyaltyProgram(**{field: " "}), field) is None
    with pytest.raises(Refused, match="Write it like"):
        LoyaltyProgram(**{field: bad})


@pytest.mark.parametrize(
    "bad",
    ["http://example.com", "https://", "https://localhost", "https://a b.com", "https://x.com/" + "a" * 500],
)
def test_an_address_elsewhere_is_whole_and_https(bad):
    assert LoyaltyProgram(privacy_url=" https://example.com/privacy?x=1 ").privacy_url == (
        "https://example.com/privacy?x=1"
    )
    with pytest.raises(Refused, match="Write the whole address"):
        LoyaltyProgram(privacy_url=bad)


def test_a_policy_is_one_of_two():
    assert LoyaltyProgram(clawback_policy="clamp_to_zero").clawback_policy == "clamp_to_zero"
    with pytest.raises(Refused, match="one of the two"):
        LoyaltyProgram(clawback_policy="forget_it")


def test_an_empty_second_colour_is_none():
    assert LoyaltyProgram(card_secondary_color="").card_secondary_color is None
    with pytest.raises(Refused):
        LoyaltyProgram(card_secondary_color="red")


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        ("name", " "),
        ("name", "x" * 121),
        ("description", "x" * 501),
        ("points_required", 0),
        ("points_required", None),
        ("points_required", 10**9),
        ("points_required", True),
        ("points_required", "80"),
        ("discount_cents", -1),
        ("stock", -1),
        ("stock", 1.5),
        ("per_customer_limit", 0),
    ],
)
def test_a_reward_refuses_what_it_cannot_be(field, bad):
    with pytest.raises(Refused) as no:
        LoyaltyReward(**{field: bad})
    assert no.value.details["field"] == field


def test_a_reward_may_leave_most_things_open():
    reward = LoyaltyReward(name=" Tea ", points_required=1, description="", discount_cents=None, stock=None)
    assert (reward.name, reward.description, reward.discount_cents, reward.stock) == ("Tea", None, None, None)


def test_a_reward_ends_after_it_begins(now):
    check_dates(now, now + timedelta(days=1))
    check_dates(None, now)
    check_dates(now, None)
    with pytest.raises(Refused, match="last day"):
        check_dates(now, now)


def test_a_reward_says_how_it_stands(now):
    day = timedelta(days=1)
    assert LoyaltyReward().standing(now) == "offered"
    assert LoyaltyReward(valid_from=now, valid_until=now + day, stock=1).standing(now) == "offered"
    assert LoyaltyReward(valid_from=now + day).standing(now) == "early"
    assert LoyaltyReward(valid_until=now).standing(now) == "over"
    assert LoyaltyReward(stock=0).standing(now) == "gone"
