"""The doors of a card's codes: replace a lost card, suspend it, let it serve again."""

from typing import Any

from flask import Response, url_for
from werkzeug.wrappers import Response as AnyResponse

from portal.extensions import db
from portal.services import cards
from portal.web.access import allow
from portal.web.answers import never_store
from portal.web.cards import detail
from portal.web.cards.routes import bp
from portal.web.drawing import in_halves, qr_of
from portal.web.keyed import KeyedForm
from portal.web.page import done, page
from portal.words import _


@bp.get("/<int:card_id>/replacement")
@allow("manager")
def new_replacement(card_id: int) -> Response:
    """Say what replacing the card means, before anyone does it."""
    return page("cards/replace.html", page=detail.opened(card_id), form=KeyedForm())


@bp.post("/<int:card_id>/replacement")
@allow("manager")
def replace(card_id: int) -> Response | AnyResponse:
    """Give the customer a new card; its QR is shown once and never again."""
    card, form = detail.opened(card_id), KeyedForm()
    made = form.carry_out(lambda: cards.replace_token(card_id, visit=form.visit()))
    if made is None:
        return page("cards/replace.html", form.status, page=card, form=form)
    db.session.commit()
    if made.codes is None:
        said = _("This card was replaced already. Its QR was shown then; replace it again for a new one.")
        return done(said, to=url_for("cards.show", card_id=card_id))
    qr, number = qr_of(made.codes.qr), in_halves(made.codes.number)
    return never_store(page("cards/replaced.html", page=detail.opened(card_id), qr=qr, number=number))


@bp.get("/<int:card_id>/suspension")
@allow("manager")
def new_suspension(card_id: int) -> Response:
    """Say what suspending the card means, or lifting that."""
    return page("cards/suspend.html", page=detail.opened(card_id), form=KeyedForm())


@bp.post("/<int:card_id>/suspension")
@allow("manager")
def suspend(card_id: int) -> Response | AnyResponse:
    """Stop the card."""
    return _set(card_id, cards.suspend_card, _("Suspended the card."))


@bp.post("/<int:card_id>/suspension/end")
@allow("manager")
def lift(card_id: int) -> Response | AnyResponse:
    """Let the card serve again."""
    return _set(card_id, cards.lift_suspension, _("The card serves again."))


def _set(card_id: int, verb: Any, said: str) -> Response | AnyResponse:
    card, form = detail.opened(card_id), KeyedForm()
    if form.carry_out(lambda: verb(card_id, visit=form.visit())) is None:
        return page("cards/suspend.html", form.status, page=card, form=form)
    db.session.commit()
    return done(said, to=url_for("cards.show", card_id=card_id))
