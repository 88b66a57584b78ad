"""The doors of the team: see, add, change, remove."""

from flask import Blueprint, Response, url_for
from werkzeug.wrappers import Response as AnyResponse

from portal.extensions import db
from portal.models.store import Store
from portal.models.store_user import StoreUser
from portal.services import exports, team
from portal.web.access import allow
from portal.web.listing import csv_file, is_for
from portal.web.page import done, page
from portal.web.removal import asked_reason, back_to, find_living, removed, show_preview
from portal.web.scope import actor, current_merchant, current_person, now
from portal.web.team import shown
from portal.web.team.forms import MemberForm, PersonForm
from portal.words import _, later

bp = Blueprint("team", __name__, url_prefix="/m/<merchant>/team")
LOCKED_OUT = later("This is you. You will be signed out, and somebody else has to let you in again.")


@bp.get("/")
@allow("staff")
def index() -> Response:
    """List who works in the stores, who owns them and who was invited."""
    return page("team/index.html", listing=shown.listed(), **shown.around())


@bp.get("/export.csv")
@allow("manager")
def export() -> Response:
    """Hand out what the list shows as a CSV file."""
    those = StoreUser.id.in_(shown.chosen().with_only_columns(StoreUser.id))
    return csv_file(exports.team(current_merchant(), where=[those]), f"{current_merchant().subdomain}-team")


@bp.get("/new")
@allow("manager")
def new() -> Response:
    """Ask for a person who is known only at the till."""
    return page("team/new.html", form=PersonForm(stores=shown.stores()))


@bp.post("/")
@allow("manager")
def create() -> Response | AnyResponse:
    """Add a person who is known only at the till."""
    form = PersonForm(stores=shown.stores())
    member = form.carry_out(
        lambda: team.add_till_person(
            find_living(Store, form.store_id or 0),
            display_name=form.display_name.data or "",
            position=form.position.data,
            by=actor(),
        )
    )
    if member is None:
        return page("team/new.html", form.status, form=form)
    db.session.commit()
    return done(_("Added %(name)s.", name=member.user.display_name), to=url_for("team.index"))


@bp.get("/<int:member_id>")
@allow("staff")
def show(member_id: int) -> Response:
    """Show one team member; to htmx, their row."""
    member = find_living(StoreUser, member_id)
    template = "team/_row.html" if is_for(f"member-{member_id}") else "team/show.html"
    return page(template, row=shown.line_of(member), may=shown.may())


@bp.get("/<int:member_id>/edit")
@allow("manager")
def edit(member_id: int) -> Response:
    """Show the team member to be changed."""
    member = find_living(StoreUser, member_id)
    team.refuse_role_above(actor(), member.role)
    return _editing(member, MemberForm(obj=member))


@bp.post("/<int:member_id>")
@allow("manager")
def update(member_id: int) -> Response | AnyResponse:
    """Change role or position; a new role signs the person out."""
    member = find_living(StoreUser, member_id)
    form = MemberForm(obj=member)
    if form.carry_out(lambda: team.change_member(member, by=actor(), now=now(), **form.details())) is None:
        return _editing(find_living(StoreUser, member_id), form)
    db.session.commit()
    row = shown.line_of(member)
    if is_for(f"member-{member_id}"):
        return page("team/_row.html", row=row, may=shown.may())
    return done(_("Saved %(name)s.", name=row.display_name), to=url_for("team.index"))


@bp.get("/<int:member_id>/deletion")
@allow("manager")
def preview_deletion(member_id: int) -> Response:
    """Show what removing the team member would take."""
    member = find_living(StoreUser, member_id)
    team.refuse_role_above(actor(), member.role)
    line = shown.line_of(member)
    name, store = line.display_name, line.store_name
    return show_preview(
        member,
        action=url_for("team.delete", member_id=member_id),
        cancel_href=url_for("team.index"),
        list_href=url_for("team.index"),
        title=_("Remove %(name)s from %(store)s?", name=name, store=store),
        intro=_(
            "%(name)s is signed out and no longer works in %(store)s. The membership goes to the trash.",
            name=name,
            store=store,
        ),
        warnings=[LOCKED_OUT] if member.user_id == current_person().id else [],
        confirm_label=_("Remove"),
    )


@bp.post("/<int:member_id>/deletion")
@allow("manager")
def delete(member_id: int) -> Response | AnyResponse:
    """Take the person out of the store's team."""
    member = find_living(StoreUser, member_id)
    name = _("%(name)s from the team of %(store)s", name=member.user.display_name, store=member.store.name)
    act = team.remove_member(member, by=actor(), now=now(), reason=asked_reason())
    db.session.commit()
    return removed(act, name, to=back_to(url_for("team.index")))


def _editing(member: StoreUser, form: MemberForm) -> Response:
    template = "team/_row_edit.html" if is_for(f"member-{member.id}") else "team/edit.html"
    return page(template, form.status, row=shown.line_of(member), form=form)
