"""Tiers: what a member reaches by collecting, and how much faster they collect there."""

import re
from typing import Any, NamedTuple

from portal.errors import Refused
from portal.models.text import SLUG
from portal.words import _, number

MOST_TIERS = 12
LONGEST_TIER_NAME = 40
LONGEST_TIER_KEY = 40
HIGHEST_THRESHOLD = 1_000_000_000
BASIS = 10_000  # basis points of a multiplier of 1
LOWEST_BP, HIGHEST_BP = BASIS // 10, BASIS * 100
CELLS = ("name", "key", "threshold", "multiplier_bp")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class TierFault(NamedTuple):
    """What is wrong with one cell of one tier, counted from 0."""

    row: int
    cell: str
    sentence: str


def checked_tiers(tiers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Hold tiers to their rules (specification of loyalty, section 9); raises Refused("bad_tiers")."""
    if len(tiers) > MOST_TIERS:
        raise Refused("bad_tiers", _("There can be at most %(most)s tiers.", most=MOST_TIERS), field="tiers")
    faults = faults_in(tiers)
    if faults:
        row, cell, sentence = faults[0]
        message = _("Tier %(row)s: %(sentence)s", row=row + 1, sentence=sentence)
        raise Refused("bad_tiers", message, field="tiers", row=row, cell=cell)
    return [{cell: tier[cell] for cell in ("key", "name", "threshold", "multiplier_bp")} for tier in tiers]


def faults_in(tiers: list[dict[str, Any]]) -> list[TierFault]:
    """Find what is wrong, at most one fault for each cell; a cell that is None is left out."""
    return [
        TierFault(row, cell, sentence)
        for row in range(len(tiers))
        for cell in CELLS
        if (sentence := _fault(tiers, row, cell))
    ]


def _fault(tiers: list[dict[str, Any]], row: int, cell: str) -> str:
    value = tiers[row].get(cell)
    if value is None:
        return ""
    return {"name": _name, "key": _key, "threshold": _threshold, "multiplier_bp": _multiplier}[cell](
        tiers, row, value
    )


def _name(tiers: list[dict[str, Any]], row: int, name: Any) -> str:
    if not isinstance(name, str) or not name.strip():
        return _("Give the tier a name.")
    if len(name) > LONGEST_TIER_NAME or CONTROL.search(name):
        return _("A name has at most %(longest)s plain letters.", longest=LONGEST_TIER_NAME)
    others = {str(tier.get("name")).casefold() for tier in tiers[:row]}
    return _("Another tier has this name.") if name.casefold() in others else ""


def _key(tiers: list[dict[str, Any]], row: int, key: Any) -> str:
    if not isinstance(key, str) or not SLUG.fullmatch(key) or len(key) > LONGEST_TIER_KEY:
        return _("A key is made of letters a-z, digits and inner hyphens, like gold.")
    return _("Another tier has this key.") if key in {tier.get("key") for tier in tiers[:row]} else ""


def _threshold(tiers: list[dict[str, Any]], row: int, threshold: Any) -> str:
    if isinstance(threshold, bool) or not isinstance(threshold, int):
        return _("Write a whole number of points, 0 or more.")
    if not 0 <= threshold <= HIGHEST_THRESHOLD:
        return _("Write a number of points from 0 to %(highest)s.", highest=number(HIGHEST_THRESHOLD))
    if row == 0:
        return _("The first tier begins at 0: every member is in it.") if threshold else ""
    before = tiers[row - 1].get("threshold")
    is_higher = not isinstance(before, int) or threshold > before
    return "" if is_higher else _("This must be more than the %(before)s of the tier before.", before=before)


def _multiplier(_tiers: list[dict[str, Any]], _row: int, multiplier_bp: Any) -> str:
    good = isinstance(multiplier_bp, int) and not isinstance(multiplier_bp, bool)
    if not good or not LOWEST_BP <= multiplier_bp <= HIGHEST_BP:
        return _("Write how many times the points, from 0.1 to 100, like 1.5.")
    return ""
