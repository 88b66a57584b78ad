"""What stands in the way of a restore, and the form that takes it away."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from flask import request, url_for

from portal.models.deletion import Deletion
from portal.services.trash import Clash, RestorePreview
from portal.web.trash.acts import Line

EMPTY = "Give it a new value."


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
        return self.clash.field.replace("_", " ")

    @property
    def is_program(self) -> bool:
        """Whether the current program may go to the trash to make room."""
        return self.clash.kind == "loyalty_programs" and not self.clash.can_change


def asked_values() -> dict[str, str | None]:
    """Read the new values people typed: fields are named as in Clash.key; nothing clears a value."""
    typed = {name: value.strip() for name, value in request.form.items() if name.count("-") >= 2}
    return {name: value[:254] or None for name, value in typed.items()}


def emptied(clashes: Sequence[Clash], values: Mapping[str, str | None]) -> dict[str, str]:
    """Find values left empty that may not be."""
    return {c.key: EMPTY for c in clashes if values.get(c.key, "") is None and not c.can_clear}


def sheet(line: Line, seen: RestorePreview, *, errors: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Gather what shared/_conflicts.html shows."""
    values = asked_values()
    told = errors or {}
    obstacles = [Obstacle(c, values.get(c.key, c.value) or "", told.get(c.key, "")) for c in seen.clashes]
    return {
        "confirm_label": _confirm_label(seen, obstacles),
        "label": line.name,
        "action": url_for("trash.restore", deletion_id=line.act.id),
        "cancel_href": url_for("trash.index"),
        "blocked_by": _owner(seen.blocked_by) if seen.blocked_by else None,
        "conflicts": [o for o in obstacles if o.clash.can_change],
        "replaces": next((o.clash.holder for o in obstacles if o.is_program), ""),
        "stuck": [o.clash.sentence for o in obstacles if not o.clash.can_change and not o.is_program],
    }


def _confirm_label(seen: RestorePreview, obstacles: Sequence[Obstacle]) -> str:
    if any(o.is_program for o in obstacles):
        return "Replace the current program"
    if any(o.clash.can_change for o in obstacles):
        return "Restore with these values"
    return "Restore it too" if seen.blocked_by else "Try again"


def _owner(act: Deletion) -> dict[str, Any]:
    line = Line(act, "")
    above = act.merchant_id == 0
    return {"label": line.name, "href": "" if above else url_for("trash.show", deletion_id=act.id)}
