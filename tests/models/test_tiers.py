"""Tiers: rising, each with a name and a key of its own."""

import pytest

from portal.errors import Refused
from portal.models import LoyaltyProgram
from portal.models.tiers import MOST_TIERS, checked_tiers, faults_in


def tier(key="guest", threshold=0, multiplier_bp=10_000, name=""):
    return {"key": key, "name": name or key.title(), "threshold": threshold, "multiplier_bp": multiplier_bp}


GOOD = [tier(), tier("gold", 300, 15_000)]


def test_rising_tiers_are_kept_as_they_are():
    assert LoyaltyProgram(tier_config=GOOD).tier_config == GOOD
    assert LoyaltyProgram(tier_config=[]).tier_config == []
    assert checked_tiers([GOOD[0] | {"colour": "red"}]) == [GOOD[0]]


@pytest.mark.parametrize(
    ("tiers", "row", "cell", "sentence"),
    [
        ([tier(threshold=1)], 0, "threshold", "The first tier begins at 0"),
        ([tier(), tier("gold", 0)], 1, "threshold", "more than the 0 of the tier before"),
        ([tier(), tier("a", 300), tier("b", 300)], 2, "threshold", "more than the 300"),
        ([tier(), tier("gold", -1)], 1, "threshold", "from 0 to 1,000,000,000"),
        ([tier(), tier("gold", 10**10)], 1, "threshold", "from 0 to 1,000,000,000"),
        ([tier(), tier("gold", 2.5)], 1, "threshold", "whole number"),
        ([tier(), tier("gold", True)], 1, "threshold", "whole number"),
        ([tier(), tier("guest", 5, name="Other")], 1, "key", "Another tier has this key"),
        ([tier(), tier("Gold", 5)], 1, "key", "letters a-z"),
        ([tier(key="x" * 41, name="Long")], 0, "key", "letters a-z"),
        ([tier(key=7, name="Seven")], 0, "key", "letters a-z"),
        ([tier(), tier("gold", 5, name="GUEST")], 1, "name", "Another tier has this name"),
        ([tier(name=" ")], 0, "name", "Give the tier a name"),
        ([tier(name=7)], 0, "name", "Give the tier a name"),
        ([tier(name="x" * 41)], 0, "name", "at most 40"),
        ([tier(name="a\x00b")], 0, "name", "at most 40"),
        ([tier(multiplier_bp=999)], 0, "multiplier_bp", "from 0.1 to 100"),
        ([tier(multiplier_bp=1_000_001)], 0, "multiplier_bp", "from 0.1 to 100"),
        ([tier(multiplier_bp=1.5)], 0, "multiplier_bp", "from 0.1 to 100"),
        ([tier(multiplier_bp=True)], 0, "multiplier_bp", "from 0.1 to 100"),
    ],
)
def test_what_a_tier_cannot_be_is_told_with_its_row(tiers, row, cell, sentence):
    with pytest.raises(Refused, match=f"Tier {row + 1}: ") as no:
        LoyaltyProgram(tier_config=tiers)
    assert sentence in no.value.message
    assert (no.value.details["row"], no.value.details["cell"]) == (row, cell)


def test_every_fault_is_found_at_once():
    found = faults_in([tier(threshold=5, name=" "), tier("gold", 5, 0)])
    assert [(f.row, f.cell) for f in found] == [
        (0, "name"),
        (0, "threshold"),
        (1, "threshold"),
        (1, "multiplier_bp"),
    ]


def test_a_cell_that_is_not_known_yet_is_left_out():
    assert faults_in([tier() | {"key": None, "threshold": None}, tier("gold", 5)]) == []


def test_nobody_needs_a_hundred_tiers():
    many = [tier(f"t{n}", n) for n in range(MOST_TIERS + 1)]
    assert checked_tiers(many[:-1])
    with pytest.raises(Refused, match=f"at most {MOST_TIERS} tiers"):
        checked_tiers(many)
