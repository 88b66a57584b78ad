"""The doors by which an owner converts what is frozen: the rate, what it would do, and doing it."""

from decimal import Decimal
from functools import partial
from time import monotonic
from typing import Any

from flask import Response, flash, url_for
from werkzeug.wrappers import Response as AnyResponse
from wtforms import HiddenField
from wtforms.validators import DataRequired

from portal.errors import Refused
from portal.extensions import db
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.program_rules import SMALLEST_PART, limits_of
from portal.services import programs
from portal.services.amounts import part_from
from portal.services.ledger import converting, frozen
from portal.web.access import allow
from portal.web.filters import amount
from portal.web.keyed import KeyedForm
from portal.web.page import done, go, page
from portal.web.program import conversion_told, shown
from portal.web.program.fields import TypedField
from portal.web.program.routes import bp
from portal.web.retry import whole
from portal.web.scope import actor, current_merchant, now
from portal.web.under_way import PATIENCE_SECONDS
from portal.words import _, later

CHUNK = 100  # cards of one transaction: others wait for it at the till


class RateField(TypedField):
    """How many are given for one, above 0 and with at most four decimals."""

    def read(self, typed: str) -> Decimal:
        """Read 0.1 or 0,1, never through a float."""
        said = _(
            "Write a number above 0 with at most four decimals, like %(few)s.", few=amount(Decimal("0.1"))
        )
        try:
            rate = part_from(typed, write=amount)
        except Refused as fault:
            raise Refused("bad_rate", said) from fault
        highest = limits_of("convert_rate")[1]
        if not 0 < rate <= highest or rate != rate.quantize(SMALLEST_PART):
            raise Refused("bad_rate", said)
        return rate.quantize(SMALLEST_PART)


class ConversionForm(KeyedForm):
    """The rate; `looked` is the one whose effect was shown, and only that one is carried out."""

    rate = RateField("", [DataRequired(later("Say how many for one; it is a number above 0."))])
    looked = HiddenField()

    @property
    def is_looked_at(self) -> bool:
        """Whether what this rate does was shown before."""
        return bool(self.looked.data == str(self.rate.value))


@bp.get("/program/conversion")
@allow("owner")
def ask_conversion() -> Response | AnyResponse:
    """Ask for the rate; with one that is saved, say what it would do."""
    program = shown.living()
    if program is None:
        return shown.to_the_start()
    lying = frozen.frozen_on_cards(program)
    if lying is None:
        flash(_("Nothing is frozen on any card."), "plain")
        return go(url_for("program.earning"))
    form = ConversionForm(formdata=None, rate=_typed(program.convert_rate))
    return _shown(form, lying, _by_the_saved_rate(program))


@bp.post("/program/conversion")
@allow("owner")
def convert() -> Response | AnyResponse:
    """Say what the rate would do, or do what was said: chunk by chunk, once for each card."""
    program = shown.living()
    if program is None:
        return shown.to_the_start()
    form = ConversionForm()
    seen = _look(program, form)
    if seen is not None and form.is_looked_at:
        is_finished = form.carry_out(lambda: _in_turns(form))
        if is_finished:
            return _finished(program, form)
        seen = None if is_finished is None else _look(program, form)
    return _told_or_finished(program, form, seen)


def _look(program: LoyaltyProgram, form: ConversionForm) -> frozen.Outlook | None:
    return form.carry_out(lambda: frozen.look_ahead(program, form.rate.value))


def _by_the_saved_rate(program: LoyaltyProgram) -> frozen.Outlook | None:
    """Look ahead where a rate is saved that does something."""
    try:
        return frozen.look_ahead(program, None)
    except Refused:
        return None


def _in_turns(form: ConversionForm) -> bool:
    """Keep the rate, then convert and commit chunk by chunk for some seconds; True when nothing is left."""
    programs.change_program(shown.to_change(), by=actor(), now=now(), convert_rate=form.rate.value)
    db.session.commit()
    after: int | None = 0
    until = monotonic() + PATIENCE_SECONDS
    while after is not None:
        after = whole(partial(_chunk, form, after or 0))
        if monotonic() >= until:
            break
    return after is None


def _chunk(form: ConversionForm, after: int) -> int | None:
    how: dict[str, Any] = {"rate": form.rate.value, "after": after, "limit": CHUNK}
    chunk = converting.convert_some(shown.still_there(), visit=form.visit(), **how)
    db.session.commit()
    return chunk.after


def _told_or_finished(
    program: LoyaltyProgram, form: ConversionForm, seen: frozen.Outlook | None
) -> Response | AnyResponse:
    """Show the form again; where this very form did its work before, say so."""
    lying = frozen.frozen_on_cards(program)
    so_far = frozen.converted_by(form.key.data, current_merchant())
    if lying is None or (seen is None and so_far.cards and form.is_looked_at):
        return _finished(program, form)
    if seen is not None:
        form.status = 200
    told = conversion_told.so_far(so_far, seen.cards) if seen is not None and so_far.cards else ""
    return _shown(form, lying, seen, so_far=told)


def _finished(program: LoyaltyProgram, form: ConversionForm) -> Response | AnyResponse:
    did = frozen.converted_by(form.key.data, current_merchant())
    currency = converting.frozen_currency(program)
    return done(conversion_told.finished(did, currency), to=url_for("program.earning"))


def _shown(form: ConversionForm, lying: frozen.Frozen, seen: frozen.Outlook | None, **more: Any) -> Response:
    is_new_rate = bool(seen and form.looked.data and not form.is_looked_at)
    words = conversion_told.words(lying, seen)
    form.rate.label.text = words["label"]
    told = {"seen": seen, "is_new_rate": is_new_rate, "so_far": "", **more}
    return page("program/conversion.html", form.status, form=form, words=words, **told)


def _typed(rate: Decimal | None) -> str:
    return "" if rate is None else amount(rate.normalize())
