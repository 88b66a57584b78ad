"""The doors of the review list: look, accept, dismiss."""

from flask import Blueprint, Response, url_for
from werkzeug.wrappers import Response as AnyResponse

from portal.extensions import db
from portal.models.review_item import ReviewItem
from portal.services import reviews
from portal.services.ledger.adjusting import PROPOSAL
from portal.web.access import allow
from portal.web.page import done, page
from portal.web.reviews import shown
from portal.web.reviews.forms import AcceptForm, DismissForm
from portal.web.scope import actor, find, now, refuse_foreign_store
from portal.words import _

bp = Blueprint("reviews", __name__, url_prefix="/m/<merchant>/reviews")


@bp.get("/")
@allow("manager")
def index() -> Response:
    """List what waits to be looked at."""
    return page("reviews/index.html", **shown.listed())


@bp.get("/<int:item_id>/acceptance")
@allow("manager")
def new_acceptance(item_id: int) -> Response:
    """Ask whether it is in order."""
    item = shown.one(_find(item_id))
    if item.is_open and not item.is_own:
        return page("reviews/accept.html", item=item, form=AcceptForm(is_proposal=item.is_proposal))
    return _over(item, _("You proposed it: somebody else must agree."))


@bp.post("/<int:item_id>/acceptance")
@allow("manager")
def accept(item_id: int) -> Response | AnyResponse:
    """Settle it as it is; a proposed adjustment is posted now."""
    item = _find(item_id)
    form = AcceptForm(is_proposal=item.kind == PROPOSAL)
    is_done = form.carry_out(lambda: _accepted(item, form))
    if is_done is None:
        return page("reviews/accept.html", form.status, item=shown.one(_find(item_id)), form=form)
    db.session.commit()
    return done(_("Accepted."), to=url_for("reviews.index"))


@bp.get("/<int:item_id>/dismissal")
@allow("manager")
def new_dismissal(item_id: int) -> Response:
    """Ask why it is set aside."""
    item = shown.one(_find(item_id))
    if item.is_open:
        return page("reviews/dismiss.html", item=item, form=DismissForm())
    return _over(item)


@bp.post("/<int:item_id>/dismissal")
@allow("manager")
def dismiss(item_id: int) -> Response | AnyResponse:
    """Set it aside; a proposed adjustment is never posted."""
    item, form = _find(item_id), DismissForm()
    if form.carry_out(lambda: _dismissed(item, form)) is None:
        return page("reviews/dismiss.html", form.status, item=shown.one(_find(item_id)), form=form)
    db.session.commit()
    return done(_("Dismissed."), to=url_for("reviews.index"))


def _over(item: shown.Item, said: str = "") -> Response:
    """Say why there is nothing to press: it is settled, or not theirs to settle."""
    settled = said if item.is_open else _("This was settled already: it stands in the list below.")
    return page("shared/over.html", title=item.title, said=settled, here=url_for("reviews.index"))


def _find(item_id: int) -> ReviewItem:
    item = find(ReviewItem, item_id)
    if item.store_id is not None:
        refuse_foreign_store(item.store_id)
    return item


def _accepted(item: ReviewItem, form: AcceptForm) -> bool:
    reviews.accept(item, visit=form.visit(item.store_id), **form.details())
    return True


def _dismissed(item: ReviewItem, form: DismissForm) -> bool:
    reviews.dismiss(item, by=actor(), now=now(), outcome=form.outcome.data)
    return True
