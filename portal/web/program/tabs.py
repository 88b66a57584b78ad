"""The tabs of settings: each shows its rules and saves them; every save is a new version."""

from typing import Any

from flask import Response, url_for
from werkzeug.wrappers import Response as AnyResponse

from portal.extensions import db
from portal.models.loyalty_program import LoyaltyProgram
from portal.services import programs
from portal.services.ledger.frozen import frozen_on_cards
from portal.web.access import allow
from portal.web.page import done, page
from portal.web.program import conversion_told, looking, shown
from portal.web.program.forms import (
    BrandingForm,
    EarningForm,
    LimitsForm,
    TabForm,
    TermsForm,
    TiersForm,
    WalletForm,
)
from portal.web.program.routes import bp
from portal.web.scope import actor, now
from portal.words import _

FORMS: dict[str, type[TabForm]] = {
    "earning": EarningForm,
    "tiers": TiersForm,
    "limits": LimitsForm,
    "branding": BrandingForm,
    "wallet": WalletForm,
    "terms": TermsForm,
}


def show(tab: str) -> Response | AnyResponse:
    """Show the rules of one tab."""
    program = shown.living()
    return shown_tab(tab, program, FORMS[tab].of(program)) if program else shown.to_the_start()


def save(tab: str) -> Response | AnyResponse:
    """Save the rules of one tab, once it was said what they would change; nothing differs: no new version."""
    program = shown.to_change()
    form = FORMS[tab].of(program)
    if form.rearranged():
        return shown_tab(tab, program, form)
    if tab in looking.TABS and (told := looking.before_saving(form, program)) is not None:
        return shown_tab(tab, program, form, **told)
    changed = form.carry_out(
        lambda: programs.change_program(program, by=actor(), now=now(), **form.details())
    )
    if changed is None:
        return shown_tab(tab, program, form)
    db.session.commit()
    return done(said(changed, program), to=url_for(f"program.{tab}"))


def shown_tab(tab: str, program: LoyaltyProgram, form: TabForm, **more: Any) -> Response:
    """Show one tab with its form."""
    told = {"look": None, "may_look": tab in looking.TABS, **more}
    if tab == "earning":
        lying = frozen_on_cards(program)
        told["frozen"] = lying and conversion_told.lies_frozen(lying)
        told["convert_label"] = lying and conversion_told.convert_label(lying)
    return page(f"program/{tab}.html", form.status, form=form, **shown.around(program, tab), **told)


def said(changed: list[str], program: LoyaltyProgram) -> str:
    """Say what saving did."""
    if not changed:
        return _("Nothing differs; nothing was changed.")
    return _("Saved. Version %(version)s counts from now on.", version=program.version)


def _hang(tab: str) -> None:
    """Give a tab its two doors: everybody who runs a store may look, owners save."""

    @bp.get(f"/program/{tab}", endpoint=tab)
    @allow("manager")
    def shows() -> Response | AnyResponse:
        return show(tab)

    @bp.post(f"/program/{tab}", endpoint=f"save_{tab}")
    @allow("owner")
    def saves() -> Response | AnyResponse:
        return save(tab)


for name in FORMS:
    _hang(name)
