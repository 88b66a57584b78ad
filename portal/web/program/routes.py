"""The doors of the program as a whole: start it, switch it on and off, delete it, show its colours."""

from flask import Blueprint, Response, abort, flash, make_response, redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from portal.extensions import db
from portal.services import programs
from portal.web.access import allow
from portal.web.page import done, go, page
from portal.web.program import shown
from portal.web.program.forms import StartForm, StopForm, opening_words
from portal.web.removal import asked_reason, removed, show_preview
from portal.web.scope import actor, current_merchant, now
from portal.words import _

bp = Blueprint("program", __name__, url_prefix="/m/<merchant>")


@bp.get("/program/")
@allow("manager")
def index() -> Response | AnyResponse:
    """Lead to the program, or to starting one."""
    if shown.living():
        return go(url_for("program.earning"))
    return _ask_to_start(StartForm(formdata=None))


@bp.post("/program/")
@allow("owner")
def create() -> Response | AnyResponse:
    """Start the program."""
    form = StartForm()
    started = form.carry_out(
        lambda: programs.create_program(current_merchant(), by=actor(), now=now(), **form.details())
    )
    if started is None:
        return _ask_to_start(form)
    db.session.commit()
    message = _("Your program runs. Look through the tabs, and give the card your colours.")
    return done(message, to=url_for("program.earning"))


@bp.get("/program/activation")
@allow("owner")
def ask_activation() -> Response | AnyResponse:
    """Say what switching it on does."""
    program = shown.living()
    if program is None:
        return shown.to_the_start()
    if program.is_active:
        return _begin_anew(_("It was active already."))
    return page("program/activation.html", program=program)


@bp.post("/program/activation")
@allow("owner")
def activate() -> Response | AnyResponse:
    """Let customers enrol and earn again."""
    is_new = programs.activate_program(shown.to_change(), by=actor(), now=now())
    db.session.commit()
    message = _("The program is active: customers enrol and earn.")
    return _begin_anew(message if is_new else _("It was active already."))


@bp.get("/program/deactivation")
@allow("owner")
def ask_deactivation() -> Response | AnyResponse:
    """Ask until when rewards can be redeemed, and say what stops."""
    program = shown.living()
    return _ask_until(shown.stop_form(program)) if program else shown.to_the_start()


@bp.post("/program/deactivation")
@allow("owner")
def deactivate() -> Response | AnyResponse:
    """Stop enrolment and earning."""
    program = shown.to_change()
    form = StopForm()
    stopped = form.carry_out(
        lambda: programs.deactivate_program(
            program, redeem_until=form.redeem_until.value, by=actor(), now=now()
        )
    )
    if stopped is None:
        return _ask_until(form)
    db.session.commit()
    return _begin_anew(_("The program is off: nobody enrols or earns."))


@bp.get("/program/deletion")
@allow("owner")
def preview_deletion() -> Response | AnyResponse:
    """Show what deleting the program would take."""
    program = shown.living()
    if program is None:
        return shown.to_the_start()
    return show_preview(
        program,
        title=_("Delete the program %(name)s?", name=program.display_name),
        action=url_for("program.delete"),
        cancel_href=url_for("program.earning"),
        list_href=url_for("program.index"),
        stays=[_("What customers bought, in reports")],
        warnings=[_("Members cannot use their cards until it is restored. Balances come back as they were.")],
    )


@bp.post("/program/deletion")
@allow("owner")
def delete() -> Response | AnyResponse:
    """Put the program, its rewards and its cards in the trash."""
    program = shown.to_change()
    name = _("the program %(name)s", name=program.display_name)
    act = programs.delete_program(program, by=actor(), now=now(), reason=asked_reason())
    db.session.commit()
    return removed(act, name, to=url_for("program.index"))


@bp.get("/brand-<int:version>.css")
@allow("staff")
def brand(version: int) -> Response:
    """Hand out the colours of the card, as they were saved in this version."""
    colours = shown.colours_of(version)
    if colours is None:
        abort(404)
    answer = make_response(colours.as_style)
    answer.mimetype = "text/css"
    return answer


@bp.get("/program/branding/<any(logo, hero):use>")
@bp.get("/program/branding/<any(logo, hero):use>/removal")
@allow("owner")
def back_to_card(use: str) -> AnyResponse:
    """Lead from where a picture is sent, which a refusal leaves in the bar, to its tab."""
    del use
    return redirect(url_for("program.branding"))


def _ask_to_start(form: StartForm) -> Response:
    kinds = {kind: opening_words(kind) for kind, _label in form.loyalty_type.choices}
    return page("program/start.html", form.status, form=form, kinds=kinds, **shown.beginning())


def _begin_anew(message: str) -> AnyResponse:
    """Show the whole page again: its head says how the program stands."""
    flash(message, "plain")
    return go(url_for("program.earning"))


def _ask_until(form: StopForm) -> Response:
    return page("program/deactivation.html", form.status, form=form)
