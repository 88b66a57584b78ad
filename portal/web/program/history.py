"""The doors of the history: every version, who saved it, and what it changed."""

from itertools import pairwise
from typing import Any, NamedTuple

from flask import Response, abort, request, url_for
from sqlalchemy import Select, select
from werkzeug.wrappers import Response as AnyResponse

from portal.extensions import db
from portal.models.loyalty_program import LoyaltyProgram, ProgramVersion
from portal.models.user import User
from portal.services import programs
from portal.web.access import allow
from portal.web.page import page
from portal.web.program import shown, told
from portal.web.program.routes import bp
from portal.web.scope import current_merchant

ON_A_PAGE = 20
MOST_TRASHED = 5


class Entry(NamedTuple):
    """One version: who saved it, and what it changed."""

    kept: ProgramVersion
    who: str
    changes: list[told.Told]


@bp.get("/program/history")
@allow("manager")
def history() -> Response | AnyResponse:
    """List the versions, the newest first."""
    program = shown.living()
    if program is None:
        return shown.to_the_start()
    entries, older = _entries(program, request.args.get("before", ""))
    earlier: dict[str, Any] = {"trashed": shown.trashed(MOST_TRASHED), "may_restore": shown.may_restore}
    return page(
        "program/history.html", entries=entries, older=older, **earlier, **shown.around(program, "history")
    )


@bp.get("/program/history/<int:version>")
@allow("manager")
def version(version: int) -> Response | AnyResponse:
    """Show one version in full."""
    program = shown.living()
    if program is None:
        abort(404)
    found = db.session.execute(_versions(program).where(ProgramVersion.version == version)).one_or_none()
    if found is None and version != program.version:
        abort(404)
    told_of: dict[str, Any] = {
        "version": version,
        "saved_at": found.ProgramVersion.saved_at if found else program.updated_at,
        "who": found.person if found else None,
        "groups": list(told.groups(found.ProgramVersion.rules if found else programs.rules_of(program))),
    }
    return page("program/version.html", **told_of, **shown.around(program, "history"))


def _entries(program: LoyaltyProgram, before: str) -> tuple[list[Entry], str]:
    """Read a page of versions, each beside the one before it; and where the next page begins."""
    query = _versions(program)
    if before.isascii() and before.isdigit() and len(before) < 10:
        query = query.where(ProgramVersion.version < int(before))
    rows = db.session.execute(query.limit(ON_A_PAGE + 1)).all()
    pairs: list[tuple[Any, Any]] = [*pairwise(rows)]
    if len(rows) <= ON_A_PAGE and rows:
        pairs.append((rows[-1], None))
    entries = [_entry(row, previous) for row, previous in pairs]
    older = url_for("program.history", before=entries[-1].kept.version) if len(rows) > ON_A_PAGE else ""
    return entries, older


def _entry(row: Any, previous: Any) -> Entry:
    changes = told.differences(previous.ProgramVersion.rules, row.ProgramVersion.rules) if previous else []
    return Entry(row.ProgramVersion, _who(row), changes)


def _versions(program: LoyaltyProgram) -> Select[Any]:
    mine = (ProgramVersion.merchant_id == current_merchant().id, ProgramVersion.program_id == program.id)
    named: Any = select(ProgramVersion, User.display_name.label("person"))
    joined: Select[Any] = named.outerjoin(User, User.id == ProgramVersion.saved_by_id).where(*mine)
    # Whoever saved it stays named, also when they left.
    return joined.order_by(ProgramVersion.version.desc()).execution_options(include_deleted=True)


def _who(row: Any) -> str:
    return str(row.person or "")
