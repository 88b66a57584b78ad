"""What the last 90 days would have been by the rules as typed, told before they are saved."""

from collections.abc import Iterator
from typing import NamedTuple

from portal.models.loyalty_program import LoyaltyProgram
from portal.services.ledger.preview import Change, Preview, preview_rules
from portal.web.program.forms import TabForm
from portal.web.scope import now
from portal.words import _, ngettext, number

TABS = ("earning", "tiers")  # whose rules say how much is collected


class Line(NamedTuple):
    """One figure: by today's rules, by the new ones, and how much more or less."""

    label: str
    before: str
    after: str
    difference: str


class Look(NamedTuple):
    """All that is told: figures, and sentences about members and rewards."""

    preview: Preview
    lines: list[Line]
    sentences: list[str]


def look(form: TabForm, program: LoyaltyProgram) -> Look | None:
    """Count the last days again by what was typed; None when that cannot be saved, and the form says why."""
    seen = form.carry_out(lambda: preview_rules(program, form.details(), now=now()))
    if seen is None:
        return None
    form.status = 200
    return Look(seen, list(_lines(seen)), list(_sentences(seen)))


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
