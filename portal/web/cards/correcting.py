"""The doors of what managers correct on a card: adjust its balance, void a movement."""

from flask import Response, abort, url_for
from werkzeug.wrappers import Response as AnyResponse

from portal.extensions import db
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.services.ledger.accounts import Posting
from portal.services.ledger.adjusting import adjust, most_stamps
from portal.services.ledger.foreseeing import foresee
from portal.services.ledger.sentences import Telling
from portal.services.ledger.statement import Line, line_of, returned_with
from portal.services.ledger.voiding import void
from portal.web.access import allow
from portal.web.cards import detail
from portal.web.cards.forms import AdjustForm, VoidForm
from portal.web.cards.routes import bp
from portal.web.filters import day
from portal.web.page import done, page
from portal.web.scope import current_merchant, find, refuse_foreign_store
from portal.words import _


@bp.get("/<int:card_id>/adjustments/new")
@allow("manager")
def new_adjustment(card_id: int) -> Response:
    """Ask how the balance is to be corrected."""
    card = detail.opened(card_id)
    return _asked(card, AdjustForm(program=card.program))


@bp.post("/<int:card_id>/adjustments")
@allow("manager")
def adjust_card(card_id: int) -> Response | AnyResponse:
    """Correct the balance, or propose it where a second person must agree."""
    card = detail.opened(card_id)
    form = AdjustForm(program=card.program)
    posting = form.carry_out(lambda: adjust(card_id, visit=form.visit(), **form.details()))
    if posting is None:
        return _asked(card, form)
    said = _proposed(card, form) if posting.code == "proposed" else _adjusted(posting)
    db.session.commit()
    return done(said, to=url_for("cards.show", card_id=card_id))


@bp.get("/<int:card_id>/movements/<int:movement_id>/void")
@allow("manager")
def new_void(card_id: int, movement_id: int) -> Response:
    """Ask why a movement is to be taken back."""
    card, line = _around(card_id, movement_id)
    if line.voided_at is not None:
        said = _("This was voided on %(day)s.", day=day(line.voided_at))
        return page("shared/over.html", title=line.what, said=said, here=card.href)
    return _asked_why(card, line, VoidForm())


@bp.post("/<int:card_id>/movements/<int:movement_id>/void")
@allow("manager")
def void_movement(card_id: int, movement_id: int) -> Response | AnyResponse:
    """Take a movement back."""
    form, (card, line) = VoidForm(), _around(card_id, movement_id)
    row, reason = line.row, form.reason_code.data
    is_done = form.carry_out(lambda: void(row, visit=form.visit(row.store_id), reason_code=reason))
    if is_done is None:
        return _asked_why(card, line, form)
    db.session.commit()
    return done(_("Voided: %(what)s.", what=line.what), to=url_for("cards.show", card_id=card_id))


def _asked(card: detail.Page, form: AdjustForm) -> Response:
    most = most_stamps(card.program)
    return page("cards/adjust.html", form.status, page=card, form=form, most_stamps=most)


def _asked_why(card: detail.Page, line: Line, form: VoidForm) -> Response:
    returned = returned_with(line.row, Telling(current_merchant(), card.program))
    return page("cards/void.html", form.status, page=card, line=line, form=form, returned=returned)


def _proposed(card: detail.Page, form: AdjustForm) -> str:
    """Say that it waits, and what would come of it."""
    seen = foresee(card.card, card.program, current_merchant(), **form.moved(), now=card.asked_at)
    said = _("Proposed: %(foreseen)s. Somebody else must agree to it.", foreseen=seen.sentence)
    if not seen.is_below_zero:
        return said
    return said + " " + _("The balance goes below zero; new points fill it up first.")


def _adjusted(posting: Posting) -> str:
    """Say that it is done, and when the balance is below zero now."""
    said = _("Adjusted the balance.")
    if posting.card.points_balance >= 0:
        return said
    return said + " " + _("The balance is below zero; new points fill it up first.")


def _around(card_id: int, movement_id: int) -> tuple[detail.Page, Line]:
    """Find a movement of the card, made in a store that is theirs."""
    card = detail.opened(card_id)
    row = find(LoyaltyTransaction, movement_id)
    line = line_of(movement_id, card.program, current_merchant())
    if line is None or row.card_id != card_id:
        abort(404)
    if row.store_id is not None:
        refuse_foreign_store(row.store_id)
    return card, line
