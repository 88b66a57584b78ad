"""What the screens of the program show."""

from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

import segno
from flask import redirect, url_for
from markupsafe import Markup
from sqlalchemy import select
from werkzeug.wrappers import Response as AnyResponse

from portal.errors import Conflict
from portal.extensions import db
from portal.models.actor import Role
from portal.models.colour import CardColours, card_colours
from portal.models.deletion import Deletion
from portal.models.loyalty_program import LoyaltyProgram, ProgramVersion
from portal.services import programs
from portal.web.days import midnight, today
from portal.web.program.fields import day_typed
from portal.web.program.forms import StopForm
from portal.web.scope import actor, current_merchant, now
from portal.words import _, later

# name of the tab and of its view, label
TABS = (
    ("earning", later("Earning")),
    ("rewards", later("Rewards")),
    ("tiers", later("Tiers")),
    ("limits", later("Safeguards")),
    ("branding", later("Card")),
    ("wallet", later("Wallet")),
    ("terms", later("Terms")),
    ("history", later("History")),
)
MOST_DOTS = 20
DAYS_TO_REDEEM = 30
SAMPLE_POINTS = 240
SAMPLE_NUMBER = "4217 8830"


class Sample(NamedTuple):
    """A card as a member may have it, for the preview."""

    program: Any
    stamped: int
    dots: int
    tier: str

    @property
    def is_small(self) -> bool:
        """Whether every stamp of a full card has its own dot."""
        return bool(self.dots == self.program.stamps_target)

    @property
    def dots_stamped(self) -> int:
        """How many of the dots are stamped."""
        return self.stamped if self.is_small else self.dots * 2 // 3


def living() -> LoyaltyProgram | None:
    """Find the merchant's program, to look at."""
    return programs.find_program(current_merchant())


def to_change() -> LoyaltyProgram:
    """Find the merchant's program and hold it, so that two who save at once do so one after the other.

    Raises Conflict("no_program") when it was deleted meanwhile.
    """
    return _or_gone(programs.find_program(current_merchant(), to_change=True))


def still_there() -> LoyaltyProgram:
    """Find the merchant's program again, held by nobody; raises as `to_change` does."""
    return _or_gone(living())


def _or_gone(program: LoyaltyProgram | None) -> LoyaltyProgram:
    if program is None:
        message = _("There is no program any more. Start one, or restore the one in the trash.")
        raise Conflict("no_program", message)
    return program


def to_the_start() -> AnyResponse:
    """Lead to the page that starts a program, or brings one back."""
    return redirect(url_for("program.index"))


def around(program: LoyaltyProgram, tab: str) -> dict[str, Any]:
    """Gather what every tab shows."""
    return {
        "program": program,
        "tab": tab,
        "tab_items": [(label, url_for(f"program.{name}"), name == tab) for name, label in TABS],
        "may_edit": actor().role >= Role.OWNER,
        "currency": current_merchant().currency,
        "sample": sample_of(program),
        "qr": sample_qr(),
        "now": now(),
        "redeem_until": last_moment(program.redeem_until),
    }


def beginning() -> dict[str, Any]:
    """Gather what is shown while there is no program: the last one in the trash, if it can come back."""
    return {
        "trashed": next(iter(trashed()), None),
        "may_start": actor().role >= Role.OWNER,
        "may_restore": may_restore,
        "now": now(),
    }


def trashed(most: int = 1) -> list[Deletion]:
    """List the programs in the trash that this person sees, the last deleted first."""
    mine = (Deletion.merchant_id == current_merchant().id, Deletion.seen_by(actor()))
    lying = (Deletion.root_kind == LoyaltyProgram.__tablename__, Deletion.status == "done")
    newest = select(Deletion).where(*mine, *lying).order_by(Deletion.deleted_at.desc(), Deletion.id.desc())
    return list(db.session.scalars(newest.limit(most)))


def sample_of(program: Any) -> Sample:
    """Fill a card two thirds."""
    target = program.stamps_target
    tiers = program.tier_config
    return Sample(
        program=program,
        stamped=target * 2 // 3,
        dots=min(target, MOST_DOTS),
        tier=tiers[min(1, len(tiers) - 1)]["name"] if tiers else "",
    )


@cache
def sample_qr() -> Markup:
    """Draw a code like the one on a card; black on white, whatever the card's colours."""
    code = segno.make("CARNET-SAMPLE-4217-8830", error="m", micro=False)
    drawn = code.svg_inline(border=2, dark="#000", light="#fff", omitsize=True, svgclass="qr", lineclass=None)
    return Markup(drawn)  # noqa: S704 - drawn by us from a constant


def colours_of(version: int) -> CardColours | None:
    """Read the colours the card had in a version; None when there was no such version."""
    program = living()
    if program is None:
        return None
    if version == program.version:
        return program.colours
    kept = (ProgramVersion.program_id == program.id, ProgramVersion.version == version)
    row = db.session.scalar(ProgramVersion.of(current_merchant()).where(*kept))
    if row is None:
        return None
    return card_colours(row.rules["card_color"], row.rules["card_secondary_color"])


def stop_form(program: LoyaltyProgram) -> StopForm:
    """Ask until when rewards can be redeemed: as it was said before, or a month from now."""
    until = program.redeem_until or midnight(today(), days=1 + DAYS_TO_REDEEM)
    return StopForm(formdata=None, redeem_until=day_typed(until, ends=True))


def last_moment(end: datetime | None) -> datetime | None:
    """The last moment before an end, to name its day."""
    return end and end - timedelta(seconds=1)


def may_restore(act: Deletion) -> bool:
    """Whether this person may bring it back."""
    return act.can_be_restored_by(actor())
