"""The door for programs: who may come in, in whose name, and what they find."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any, NamedTuple, ParamSpec, TypeVar

from apiflask import APIBlueprint
from flask import Response, g, make_response, request
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from portal.api import asking, saying, wrong_keys
from portal.api.saying import Said
from portal.errors import Refused
from portal.extensions import db
from portal.models.actor import Actor, Role
from portal.models.base import Model
from portal.models.deletion import Deletion
from portal.models.tenancy import across_merchants
from portal.services import api_keys
from portal.services.trouble import tried_again
from portal.words import _

P = ParamSpec("P")
Row = TypeVar("Row", bound=Model)
DEAD_TOO = {"include_deleted": True}
READING = ("GET", "HEAD", "OPTIONS")

asking.take_over()
bp = APIBlueprint("admin", __name__, url_prefix="/api/admin")
saying.hang_on(bp)


class Caller(NamedTuple):
    """Whose call it is: the key, and the person it acts for."""

    key_id: int
    actor: Actor


def admin(view: Callable[P, Any]) -> Callable[P, Response]:
    """Let only platform admins use the view, by a valid key: 401 without one, 403 for anybody else's.

    The view sees every merchant; what fails for a passing trouble of the database is done again.
    """
    takes_query = _takes_query(view)

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> Response:
        def work() -> Response:
            _enter()
            if not takes_query:
                asking.refuse_query(request)
            with across_merchants(db.session, "the admin API serves the operators of the platform"):
                return make_response(view(*args, **kwargs))

        return tried_again(work, undo=db.session.rollback)

    guarded.__dict__["allowed"] = "admin"
    return guarded


def _takes_query(view: Any) -> bool:
    """Whether the view declared what its query may hold."""
    return any(location == "query" for _model, location, *_ in getattr(view, "_spec", {}).get("args", ()))


def _enter() -> None:
    """Find out who calls, by the key alone: cookies are never looked at."""
    g.pop("caller", None)
    if request.method in READING:
        db.session().info["read_only"] = True
    scheme, _space, secret = request.headers.get("Authorization", "").partition(" ")
    key = api_keys.find_key(secret.strip(), now=now()) if scheme.lower() == "bearer" else None
    if key is None:
        wrong_keys.count_one()
        raise Said(401, "bad_key", "Send a valid API key: Authorization: Bearer carnet_…")
    is_admin = key.user.is_platform_admin
    # Whoever is no admin is written down with the least role.
    role = Role.ADMIN if is_admin else Role.STAFF
    g.caller = Caller(key.id, Actor(key.user_id, role, channel="api"))
    if not is_admin:
        raise Said(403, "not_admin", "This key's person is no platform admin any more.")


def actor() -> Actor:
    """Say who acts: a platform admin, through the API."""
    caller: Caller = g.caller
    return caller.actor


def now() -> datetime:
    """The moment of this call, one for all it does; UTC."""
    if "now" not in g:
        g.now = datetime.now(UTC)
    moment: datetime = g.now
    return moment


def find(model: type[Row], row_id: int, *, dead: bool = False) -> Row:
    """Load a living row, or with `dead` one in the trash too; raises Said 404, or 410 for a purged one."""
    query = select(model).where(model.id == row_id)
    row: Any = db.session.scalar(query, execution_options=DEAD_TOO if dead else {})
    if row is not None and row.purged_at is None:
        found: Row = row
        return found
    if row is not None:  # what history points at is kept, emptied
        raise _purged(row.purged_at)
    if dead:
        refuse_purged(model.__tablename__, row_id)
    raise Said(404, "not_found", f"There is no {model.__tablename__.removesuffix('s')} {row_id}.")


def living(model: type[Row], row_id: int, *, field: str) -> Row:
    """Load the living row that a field of the body names; raises Refused("unknown")."""
    row = db.session.scalar(select(model).where(model.id == row_id))
    if row is None:
        word = model.__tablename__.removesuffix("s")
        raise Refused("unknown", _("There is no living %(word)s %(id)s.", word=word, id=row_id), field=field)
    return row


def refuse_purged(kind: str, row_id: int) -> None:
    """Say when it was purged, if it was; raises Said 410."""
    gone = (
        Deletion.root_kind == kind,
        Deletion.root_id == row_id,
        Deletion.status.in_(("purging", "purged")),
    )
    act = db.session.scalars(select(Deletion).where(*gone).order_by(Deletion.id.desc()).limit(1)).first()
    if act is not None:
        raise _purged(act.purged_at)


def _purged(moment: datetime | None) -> Said:
    when = moment.isoformat().replace("+00:00", "Z") if moment else None
    day = when[:10] if when else "just now"
    return Said(410, "purged", f"This was purged for good ({day}) and cannot come back.", purged_at=when)


@bp.after_request
def write_down(response: Response) -> Response:
    """Note every call that had a key in the audit log: its route, ids and status, nothing of its content.

    In a transaction of its own, for a refused call was rolled back. What a verb did is noted with it;
    a call that read something is answered only when it could be noted.
    """
    response.headers["Cache-Control"] = "no-store"
    caller: Caller | None = g.get("caller")
    if caller is None:
        return response
    try:
        tried_again(lambda: _note(caller, response.status_code), undo=db.session.rollback)
    except DBAPIError as fault:
        if request.method in READING:
            return saying.trouble(fault)
        db.session.rollback()
        saying.log.exception("call_not_noted")
    return response


def _note(caller: Caller, status: int) -> None:
    db.session.rollback()  # what a reading call had open
    db.session().info.pop("read_only", None)
    rule = request.url_rule.rule if request.url_rule else "none"
    ids = {name: value for name, value in (request.view_args or {}).items() if isinstance(value, int)}
    told = {"method": request.method, "rule": rule, "status": status, "ids": ids}
    api_keys.note_call(caller.key_id, by=caller.actor, now=now(), **told)
    db.session.commit()
