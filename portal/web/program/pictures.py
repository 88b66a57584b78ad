"""The doors of the card's pictures: put one in, take it away; kept when chosen, without a Save."""

from typing import Any

from flask import Response, make_response, render_template, request, url_for
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response as AnyResponse

from portal.extensions import db
from portal.models.loyalty_program import LoyaltyProgram
from portal.services import pictures
from portal.web import errors
from portal.web.access import allow
from portal.web.page import done, is_htmx
from portal.web.program import shown, tabs
from portal.web.program.forms import BrandingForm, PictureForm
from portal.web.program.routes import bp
from portal.web.scope import actor, current_merchant, now
from portal.words import _

USES = tuple(pictures.LARGEST)
UNREAD = 32 * 1024 * 1024  # a browser hears an answer only once what it sends was taken


def put(use: str) -> Response | AnyResponse:
    """Take a picture in; what is wrong with it is said beside the field."""
    program = shown.to_change()
    form = PictureForm()
    how: dict[str, Any] = {"merchant": current_merchant(), "by": actor(), "now": now()}
    changed = form.carry_out(lambda: pictures.put_picture(program, use, form.content, **how))
    if changed is None:
        return _ask_again(program, use, form)
    db.session.commit()
    return _done(program, use, _("The picture is on the card."))


def take_away(use: str) -> Response | AnyResponse:
    """Take the picture off the card."""
    program = shown.to_change()
    pictures.remove_picture(program, use, by=actor(), now=now())
    db.session.commit()
    return _done(program, use, _("The picture is off the card."))


def too_large(use: str) -> Response | AnyResponse:
    """Say beside the field that nobody takes so much, and keep the page."""
    form = PictureForm(formdata=None)
    form.status = 422
    form.picture.errors = [_("The picture is larger than 2 MB. Choose a smaller one.")]
    return _ask_again(shown.to_change(), use, form)


@allow("owner")
def refuse_too_large() -> Response | AnyResponse:
    """Ask who it is, for the file was refused before anybody did; then say it."""
    return too_large(_use_of(request.endpoint))


@bp.errorhandler(RequestEntityTooLarge)
def much_too_large(error: RequestEntityTooLarge) -> Any:
    """A file above every limit is refused before it is read: let the page say so."""
    if request.endpoint not in {f"program.put_{use}" for use in USES}:
        return errors.http_error(error)
    _take_the_rest()
    return refuse_too_large()


def _ask_again(program: LoyaltyProgram, use: str, form: PictureForm) -> Response:
    if is_htmx():
        return make_response(_piece(program, use, form), form.status)
    forms = {use: form}
    form_beside = BrandingForm.of(program, formdata=None)
    form_beside.is_caught_up = True  # nothing of it was sent: it shows what is there now
    answer = tabs.shown_tab("branding", program, form_beside, picture_forms=forms)
    answer.status_code = form.status
    return answer


def _done(program: LoyaltyProgram, use: str, message: str) -> Response | AnyResponse:
    """Answer htmx with the field and the card anew; what is typed beside them stays."""
    card = render_template("program/_card.html", is_beside=True, **shown.around(program, "branding"))
    piece = _piece(program, use, PictureForm(formdata=None)) + card
    return done(message, to=url_for("program.branding"), piece=piece if is_htmx() else "", events=())


def _piece(program: LoyaltyProgram, use: str, form: PictureForm) -> str:
    around = shown.around(program, "branding")
    return render_template("program/_picture.html", use=use, picture_form=form, **around)


def _take_the_rest() -> None:
    """Read what was refused by its announced length alone, and nothing past its end."""
    length, most = request.content_length or 0, request.max_content_length or 0
    left = min(length, UNREAD) if length > most else 0
    while left > 0 and (read := len(request.environ["wsgi.input"].read(min(left, 65_536)))):
        left -= read


def _use_of(endpoint: str | None) -> str:
    return str(endpoint).rpartition("_")[2]


def _hang(use: str) -> None:
    """Give each picture its two doors."""

    @bp.post(f"/program/branding/{use}", endpoint=f"put_{use}")
    @allow("owner")
    def puts() -> Response | AnyResponse:
        return put(use)

    @bp.post(f"/program/branding/{use}/removal", endpoint=f"remove_{use}")
    @allow("owner")
    def removes() -> Response | AnyResponse:
        return take_away(use)


for each in USES:
    _hang(each)
