"""What the last 90 days would have been by the rules as typed, told before they are saved."""

import hashlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from flask import request
from werkzeug.datastructures import MultiDict

from portal.models.loyalty_program import LoyaltyProgram
from portal.services.ledger.preview import Change, Preview, preview_rules, proposed
from portal.services.ledger.preview_stamps import STAMP_RULES
from portal.web.program.forms import TabForm
from portal.web.scope import now
from portal.words import _, ngettext, number

TABS = ("earning", "tiers")  # whose rules say how much is collected
RULES = (
    *STAMP_RULES,
    "points_per_euro",
    "minimum_purchase_cents",
    "welcome_bonus_points",
    "tier_config",
    "tier_window_days",
)
# A key left empty is made from the name and shown then; it counts nothing.
NOT_TYPED = frozenset({"csrf_token", "seen", "look", "looked", "row", "tier_key"})


class Line(NamedTuple):
    """One figure: by today's rules, by the new ones, and how much more or less."""

    label: str
    before: str
    after: str
    difference: str


class Look(NamedTuple):
    """All that is told: figures, and sentences about members and rewards.

    `looked` goes back with the form and says what was looked at; `is_asking` that somebody wanted to save.
    """

    preview: Preview
    lines: list[Line]
    sentences: list[str]
    looked: str
    is_asking: bool


def before_saving(form: TabForm, program: LoyaltyProgram) -> dict[str, Any] | None:
    """Say what to show before the rules are saved; None once just these were looked at, or none matters."""
    if "look" in request.form:
        return {"look": look(form, program)}
    if request.form.get("looked") == mark_of(request.form):
        return None
    wanted = form.carry_out(lambda: proposed(program, form.details()))
    if wanted is None:
        return {"look": None}
    return {"look": look(form, program)} if _differ(wanted, program) else None


def mark_of(typed: MultiDict[str, str]) -> str:
    """Mark what was typed, so that nothing else is saved by it."""
    told = [(name, value.strip()) for name, value in typed.items(multi=True) if name not in NOT_TYPED]
    told = sorted((each for each in told if each[1]), key=lambda each: each[0])  # rows stay in their order
    return hashlib.sha256(repr(told).encode()).hexdigest()[:32]


def _differ(wanted: LoyaltyProgram, program: LoyaltyProgram) -> bool:
    """Tell whether a rule differs by which something is counted."""
    return any(getattr(wanted, rule) != getattr(program, rule) for rule in RULES)


def look(form: TabForm, program: LoyaltyProgram) -> Look | None:
    """Count the last days again by what was typed; None when that cannot be saved, and the form says why."""
    seen = form.carry_out(lambda: preview_rules(program, form.details(), now=now()))
    if seen is None:
        return None
    form.status = 200
    is_asking = "look" not in request.form
    return Look(seen, list(_lines(seen)), list(_sentences(seen)), mark_of(request.form), is_asking)


def _lines(seen: Preview) -> Iterator[Line]:
    yield _line(_("Points for purchases"), seen.points)
    if any(seen.bonus):
        yield _line(_("Points for joining"), seen.bonus)
        yield _line(_("All points issued"), seen.issued)
    if seen.stamps is not None and seen.full_cards is not None:
        yield _line(_("Stamps put on"), seen.stamps)
        yield _line(_("Cards filled"), seen.full_cards)


def _line(label: str, change: Change) -> Line:
    return Line(label, number(change.before), number(change.after), _signed(change.difference))


def _signed(difference: int) -> str:
    sign = "+" if difference > 0 else "−" if difference else "±"
    return f"{sign}{number(abs(difference))}"


def _sentences(seen: Preview) -> Iterator[str]:
    if seen.up:
        yield ngettext(
            "%(num)s member would stand in a higher tier.",
            "%(num)s members would stand in a higher tier.",
            seen.up,
        )
    if seen.down:
        yield ngettext(
            "%(num)s member would stand in a lower tier, once the time to keep it is over.",
            "%(num)s members would stand in a lower tier, once the time to keep it is over.",
            seen.down,
        )
    if not (seen.up or seen.down):
        yield _("No member would change tier.")
    yield ngettext(
        "%(num)s reward that is ready and not taken stays as it is.",
        "%(num)s rewards that are ready and not taken stay as they are.",
        seen.kept,
    )
