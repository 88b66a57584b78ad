"""The doors by which somebody new comes in: a form, and a card whose code is shown once."""

import json

from flask import Response, current_app

from portal.extensions import db
from portal.services.ledger.enrolling import Enrolled, enrol
from portal.web.access import allow
from portal.web.answers import never_store
from portal.web.customers import shown
from portal.web.customers.forms import EnrolForm
from portal.web.customers.routes import bp
from portal.web.drawing import in_halves, qr_of
from portal.web.page import page
from portal.web.scope import current_merchant


@bp.get("/new")
@allow("manager")
def new() -> Response:
    """Ask for a new customer."""
    return page("customers/new.html", form=_form(), **shown.joining())


@bp.post("/")
@allow("manager")
def create() -> Response:
    """Enrol somebody, and show the code of their card once."""
    form = _form()
    enrolled = form.carry_out(
        lambda: enrol(
            current_merchant(),
            visit=form.visit(form.store_id),
            secret=current_app.config["SECRET_KEY"],
            agrees=bool(form.consent.data),
            **form.details(),
        )
    )
    if enrolled is None:
        return page("customers/new.html", form.status, form=form, **shown.joining())
    answer = _welcome(enrolled)
    db.session.commit()
    return answer


def _form() -> EnrolForm:
    return EnrolForm(stores=shown.own_stores())


def _welcome(enrolled: Enrolled) -> Response:
    """Show the card: with its code where it was made just now, else where it is to be found."""
    codes = enrolled.codes
    answer = page(
        "customers/enrolled.html",
        enrolled=enrolled,
        program=enrolled.card.program,
        qr=qr_of(codes.qr) if codes else "",
        number=in_halves(codes.number) if codes else "",
    )
    answer.headers["HX-Trigger"] = json.dumps({"list:changed": ""})
    return never_store(answer)
