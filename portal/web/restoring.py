"""Bringing a deletion back from a screen: what stands in the way, and the form that takes it away.

A screen that shows deletions has views named index, show and restore; addresses here are its own.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from flask import Blueprint, Response, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models.deletion import Deletion
from portal.models.field_words import field_word
from portal.services import trash
from portal.services.trash import Clash, RestorePreview
from portal.web import errors
from portal.web.deletions import Line, frame_here
from portal.web.page import done, go, page
from portal.web.scope import actor, now
from portal.web.under_way import finish_some
from portal.words import _


class Obstacle(NamedTuple):
    """One value that is taken now, with what the person typed instead."""

    clash: Clash
    value: str
    error: str

    @property
    def field(self) -> str:
        """The name of the field in the form."""
        return self.clash.key

    @property
    def label(self) -> str:
        """What the value is: store code."""
        return field_word(self.clash.field)

    @property
    def is_program(self) -> bool:
        """Whether the current program may go to the trash to make room."""
        return self.clash.kind == "loyalty_programs" and not self.clash.can_change


def restore_as_asked(line: Line, *, to: Callable[[], str]) -> Response | AnyResponse:
    """Bring back what the act took, with new values where old ones are taken."""
    values = asked_values()
    seen = trash.preview_restore(line.act, by=actor())
    empty = emptied(seen.clashes, values)
    if empty:
        return ask_again(line, 422, seen, empty)
    trash.restore(
        line.act,
        by=actor(),
        now=now(),
        overrides=values,
        with_owners=bool(request.form.get("together")),
        replace_holder=bool(request.form.get("replace")),
    )
    return restored(line, to=to)


def restored(line: Line, *, to: Callable[[], str]) -> Response | AnyResponse:
    """Commit, go on for some seconds with what is large, and say so."""
    name = line.name
    if finish_some(line.act):
        return done(_("Restored %(thing)s.", thing=name), to=to())
    return done(
        _("Restoring %(thing)s. It is large and goes on by itself.", thing=name), to=url_for(".index")
    )


def asked_values() -> dict[str, str | None]:
    """Read the new values people typed: fields are named as in Clash.key; nothing clears a value."""
    typed = {name: value.strip() for name, value in request.form.items() if name.count("-") >= 2}
    return {name: value[:254] or None for name, value in typed.items()}


def emptied(clashes: Sequence[Clash], values: Mapping[str, str | None]) -> dict[str, str]:
    """Find values left empty that may not be."""
    empty = _("Give it a new value.")
    return {c.key: empty for c in clashes if values.get(c.key, "") is None and not c.can_clear}


def sheet(line: Line, seen: RestorePreview, *, errors: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Gather what shared/_conflicts.html shows."""
    values = asked_values()
    told = errors or {}
    obstacles = [Obstacle(c, values.get(c.key, c.value) or "", told.get(c.key, "")) for c in seen.clashes]
    return {
        "confirm_label": _confirm_label(seen, obstacles),
        "label": line.name,
        "action": url_for(".restore", deletion_id=line.act.id),
        "cancel_href": url_for(".index"),
        "blocked_by": _owner(seen.blocked_by) if seen.blocked_by else None,
        "conflicts": [o for o in obstacles if o.clash.can_change],
        "replaces": next((o.clash.holder for o in obstacles if o.is_program), ""),
        "stuck": [o.clash.sentence for o in obstacles if not o.clash.can_change and not o.is_program],
    }


def ask_again(line: Line, status: int, seen: RestorePreview, wrong: Mapping[str, str]) -> Response:
    """Show what stands in the way, with the form and what is wrong with it."""
    return page("shared/conflicts.html", status, frame=frame_here(), restore=sheet(line, seen, errors=wrong))


def show_obstacles_on(bp: Blueprint, find_line: Callable[[int], Line]) -> None:
    """Let a screen answer refused restores with the form that helps."""

    @bp.errorhandler(Conflict)
    def in_the_way(error: Conflict) -> Response | AnyResponse:
        """Show what stands in the way, with a form where one can help."""
        db.session.rollback()
        deletion_id = (request.view_args or {}).get("deletion_id")
        if error.code not in ("owner_deleted", "value_taken") or deletion_id is None:
            return errors.refused(error)
        if request.endpoint == f"{bp.name}.undo":
            return go(url_for(".show", deletion_id=deletion_id))
        return _in_the_way(find_line(deletion_id), error)

    @bp.errorhandler(Refused)
    def bad_value(error: Refused) -> Response | AnyResponse:
        """Show a new value that the noun refuses beside its field."""
        field = str(error.details.get("field", ""))
        wrong = {name: error.message for name in asked_values() if name.endswith(f"-{field}")}
        deletion_id = (request.view_args or {}).get("deletion_id")
        if deletion_id is None or not field or not wrong:
            return errors.refused(error)
        db.session.rollback()
        line = find_line(deletion_id)
        return ask_again(line, 422, trash.preview_restore(line.act, by=actor()), wrong)


def _in_the_way(line: Line, error: Conflict) -> Response | AnyResponse:
    seen = trash.preview_restore(line.act, by=actor())
    typed = asked_values()
    taken = {
        c.key: _("“%(value)s” is taken too.", value=typed[c.key]) for c in error.conflicts if typed.get(c.key)
    }
    if seen.blocked_by and error.conflicts and not taken:  # it is the owner that cannot come back
        return go(url_for(".show", deletion_id=seen.blocked_by.id))
    return ask_again(line, 409, seen, taken)


def _confirm_label(seen: RestorePreview, obstacles: Sequence[Obstacle]) -> str:
    if any(o.is_program for o in obstacles):
        return _("Replace the current program")
    if any(o.clash.can_change for o in obstacles):
        return _("Restore with these values")
    return _("Restore it too") if seen.blocked_by else _("Try again")


def _owner(act: Deletion) -> dict[str, Any]:
    above = act.merchant_id == 0
    return {"label": Line(act, "").name, "href": "" if above else url_for(".show", deletion_id=act.id)}
