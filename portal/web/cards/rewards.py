"""The doors of a card's rewards: hand one over, take one back."""

from typing import Any

from flask import Response
from werkzeug.wrappers import Response as AnyResponse

from portal.extensions import db
from portal.services.ledger.rewarding import cancel_reward, redeem
from portal.web.access import allow
from portal.web.cards import detail
from portal.web.cards.routes import bp
from portal.web.keyed import KeyedForm
from portal.web.page import done, page
from portal.words import _


@bp.get("/<int:card_id>/rewards/<int:issue_id>/handover")
@allow("manager")
def new_handover(card_id: int, issue_id: int) -> Response:
    """Ask whether the reward is handed over now."""
    return _asked("cards/handover.html", card_id, issue_id)


@bp.post("/<int:card_id>/rewards/<int:issue_id>/handover")
@allow("manager")
def hand_over(card_id: int, issue_id: int) -> Response | AnyResponse:
    """Hand the reward over."""
    around, form = _around(card_id, issue_id), KeyedForm()
    if form.carry_out(lambda: redeem(card_id, issue_id, visit=form.visit())) is None:
        return page("cards/handover.html", form.status, **_around(card_id, issue_id), form=form)
    db.session.commit()
    return done(_("Handed over “%(name)s”.", name=around["name"]), to=around["page"].href)


@bp.get("/<int:card_id>/rewards/<int:issue_id>/cancellation")
@allow("manager")
def new_cancellation(card_id: int, issue_id: int) -> Response:
    """Say what comes back when the reward is cancelled."""
    return _asked("cards/cancel.html", card_id, issue_id)


@bp.post("/<int:card_id>/rewards/<int:issue_id>/cancellation")
@allow("manager")
def cancel(card_id: int, issue_id: int) -> Response | AnyResponse:
    """Take the reward back: points, stamps and stock return."""
    around, form = _around(card_id, issue_id), KeyedForm()
    if form.carry_out(lambda: cancel_reward(card_id, issue_id, visit=form.visit())) is None:
        return page("cards/cancel.html", form.status, **_around(card_id, issue_id), form=form)
    db.session.commit()
    return done(_("Cancelled “%(name)s”.", name=around["name"]), to=around["page"].href)


def _asked(template: str, card_id: int, issue_id: int) -> Response:
    """Ask, or say what became of a reward that cannot be taken any more."""
    around = _around(card_id, issue_id)
    if around["is_ready"]:
        return page(template, **around, form=KeyedForm())
    said = around["said"] or _("This reward was taken or taken back already.")
    return page("shared/over.html", title=around["name"], said=said, here=around["page"].href)


def _around(card_id: int, issue_id: int) -> dict[str, Any]:
    """Find a reward of the card."""
    card = detail.opened(card_id)
    found = detail.issue_of(card.card, issue_id)
    return {"page": card, **found}
