"""Which column fills which field; two that could are refused, never chosen between."""

import re
from collections.abc import Mapping, Sequence

from portal.errors import Refused
from portal.models.text import fold
from portal.services.imports.fields import Fields
from portal.words import _


def match(fields: Fields, columns: Sequence[str], maps: Mapping[str, str], *, kind: str) -> dict[str, int]:
    """Find the column of each field: as mapped, else of the field's own name, else of a known synonym.

    An empty column in `maps` leaves the field alone. Raises Refused("unknown_field",
    "unknown_column", "ambiguous").
    """
    for name in maps:
        refuse_unknown(name, fields, kind=kind)
    found: dict[str, int] = {}
    for name, field in fields.items():
        if name in maps:
            at = column_called(maps[name], columns) if maps[name] else None
        else:
            at = _by_name(name, field.also, columns)
        if at is not None:
            found[name] = at
    return found


def refuse_unknown(field: str, fields: Fields, *, kind: str) -> None:
    """Refuse a field that rows of this kind do not have."""
    if field not in fields:
        known = ", ".join(name for name in fields if name != "deleted_at")
        told = {"kind": kind, "field": field, "known": known}
        message = _("Imported %(kind)s have no field “%(field)s”. They have: %(known)s.", **told)
        raise Refused("unknown_field", message)


def column_called(name: str, columns: Sequence[str]) -> int:
    """Find a column by its name: as it is written, else without regard to case, accents and signs."""
    same = [at for at, column in enumerate(columns) if column == name.strip()]
    alike = [at for at, column in enumerate(columns) if column and plain(column) == plain(name)]
    found = same or alike
    if not found:
        known = ", ".join(column for column in columns if column)
        message = _("The file has no column “%(name)s”. It has: %(known)s.", name=name, known=known)
        raise Refused("unknown_column", message)
    return _only(found, columns, _("Several columns are called “%(name)s”", name=name))


def plain(column: str) -> str:
    """Write a column's name as fields are written: Street Address becomes street_address."""
    return re.sub(r"[^a-z0-9]+", "_", fold(column)).strip("_")


def _by_name(name: str, synonyms: Sequence[str], columns: Sequence[str]) -> int | None:
    names = [plain(column) for column in columns]
    own = [at for at, column in enumerate(names) if column == name]
    found = own or [at for at, column in enumerate(names) if column in synonyms]
    return _only(found, columns, _("Several columns could be “%(name)s”", name=name)) if found else None


def _only(found: Sequence[int], columns: Sequence[str], what: str) -> int:
    if len(found) > 1:
        which = ", ".join(columns[at] for at in found)
        told = {"what": what, "which": which}
        message = _("%(what)s: %(which)s. Map one of them, or give them other names.", **told)
        raise Refused("ambiguous", message)
    return found[0]
