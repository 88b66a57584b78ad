"""Changing the fields of a row, and writing down which."""

from typing import Any

from portal.models.actor import Actor
from portal.services import audit
from portal.services.saving import save


def apply(row: Any, changes: dict[str, Any], *, known: frozenset[str], by: Actor) -> list[str]:
    """Set the fields given and name those that differ; nothing is written when none does.

    Raises Conflict("taken"), TypeError for a field that is not among `known`.
    """
    refuse_unknown(changes, known)
    before = {field: getattr(row, field) for field in changes}
    save(row, by=by, **changes)
    changed = sorted(field for field, old in before.items() if getattr(row, field) != old)
    if changed:
        audit.record("change", row, by=by, fields=changed)
    return changed


def refuse_unknown(fields: dict[str, Any], known: frozenset[str]) -> dict[str, Any]:
    """Hand the fields back if the noun has them all; a door's bug otherwise."""
    unknown = set(fields) - known
    if unknown:
        raise TypeError(f"no field {', '.join(sorted(unknown))}")
    return fields
