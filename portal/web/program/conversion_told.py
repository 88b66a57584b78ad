"""A conversion in words: what lies frozen, what a rate would do, and what was done."""

from collections.abc import Iterator
from typing import Any

from portal.services.ledger.converting import Converted
from portal.services.ledger.frozen import Frozen, Outlook
from portal.words import _, ngettext


def lies_frozen(lying: Frozen) -> str:
    """Say how many cards hold how much: 312 cards hold 4,120 frozen stamps."""
    if lying.currency == "points":
        held = ngettext("%(num)s frozen point", "%(num)s frozen points", lying.held)
    else:
        held = ngettext("%(num)s frozen stamp", "%(num)s frozen stamps", lying.held)
    return ngettext("%(num)s card holds %(held)s.", "%(num)s cards hold %(held)s.", lying.cards, held=held)


def convert_label(lying: Frozen) -> str:
    """Name the way to what converts them."""
    return _("Convert them into stamps…") if lying.currency == "points" else _("Convert them into points…")


def words(lying: Frozen, seen: Outlook | None) -> dict[str, Any]:
    """Gather all that the form says."""
    is_points = lying.currency == "points"
    return {
        "title": _("Convert frozen points") if is_points else _("Convert frozen stamps"),
        "lies": lies_frozen(lying),
        "label": _("Stamps for one point") if is_points else _("Points for one stamp"),
        "hint": _("Ten points for one stamp is 0.1.") if is_points else _("Ten points for one stamp is 10."),
        "does": _does(seen) if seen else "",
        "besides": list(_besides(seen)) if seen else [],
    }


def finished(did: Converted, currency: str | None) -> str:
    """Say what was converted: Converted 4,120 stamps into 41,200 points on 312 cards."""
    if not did.cards:
        return _("Nothing was left to convert.")
    taken, given = _both(currency, did.taken, did.given)
    return ngettext(
        "Converted %(taken)s into %(given)s on %(num)s card.",
        "Converted %(taken)s into %(given)s on %(num)s cards.",
        did.cards,
        taken=taken,
        given=given,
    )


def so_far(did: Converted, left: int) -> str:
    """Say how far it is: 1,000 cards are done, 3,400 to go."""
    gone = ngettext("%(num)s card is done", "%(num)s cards are done", did.cards)
    return ngettext("%(gone)s, %(num)s to go.", "%(gone)s, %(num)s to go.", left, gone=gone)


def _does(seen: Outlook) -> str:
    taken, given = _both(seen.currency, seen.taken, seen.given)
    return ngettext(
        "On %(num)s card %(taken)s become %(given)s.",
        "On %(num)s cards %(taken)s become %(given)s.",
        seen.cards,
        taken=taken,
        given=given,
    )


def _besides(seen: Outlook) -> Iterator[str]:
    if seen.rewards:
        yield ngettext(
            "Cards become full: members get %(num)s reward.",
            "Cards become full: members get %(num)s rewards.",
            seen.rewards,
        )
    if seen.rounded:
        yield ngettext(
            "%(num)s card gets a whole number: what is left over falls away.",
            "%(num)s cards get a whole number: what is left over falls away.",
            seen.rounded,
        )
    if seen.kept_cards:
        kept = _amount(seen.currency, seen.kept)
        yield ngettext(
            "%(num)s card holds too little to get anything and keeps %(kept)s, frozen.",
            "%(num)s cards hold too little to get anything and keep %(kept)s, frozen.",
            seen.kept_cards,
            kept=kept,
        )


def _both(currency: str | None, taken: int, given: int) -> tuple[str, str]:
    other = "stamps" if currency == "points" else "points"
    return _amount(currency, taken), _amount(other, given)


def _amount(currency: str | None, num: int) -> str:
    if currency == "points":
        return ngettext("%(num)s point", "%(num)s points", num)
    return ngettext("%(num)s stamp", "%(num)s stamps", num)
