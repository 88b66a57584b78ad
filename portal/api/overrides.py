"""New values for a restore: by the field's name, or by the name a conflict gives."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from portal.api.shapes import BIGGEST
from portal.errors import Refused
from portal.models.ownership import below, table_of
from portal.services import trash
from portal.words import _

FULL = re.compile(r"([a-z_]+)-([1-9][0-9]{0,18})-([a-z_]+)")
Values = dict[str, str | None]


@contextmanager
def read(kind: str, row_id: int, given: Values) -> Iterator[Values]:
    """Name each value in full; a refusal inside names it as it was sent.

    Raises Refused("bad_override") for a name that cannot be, or one given in both spellings.
    """
    full = {key: key if "-" in key else f"{kind}-{row_id}-{key}" for key in given}
    for key, name in full.items():
        if not _can_be(kind, name):
            raise _refused(key, _("“%(key)s” is no value that can be changed here.", key=key))
    if len(set(full.values())) < len(full):
        twice = next(key for key in given if "-" in key and list(full.values()).count(key) > 1)
        raise _refused(twice, _("“%(key)s” is given twice.", key=twice))
    try:
        yield {full[key]: value for key, value in given.items()}
    except Refused as refusal:
        for key, name in full.items():
            if name == refusal.details.get("key"):
                refusal.details["field"] = f"overrides.{key}"
        raise


def _refused(key: str, message: str) -> Refused:
    return Refused("bad_override", message, field=f"overrides.{key}")


def _can_be(kind: str, name: str) -> bool:
    """Whether a restore of such a thing, or of what it belongs to, could take the value."""
    found = FULL.fullmatch(name)
    if found is None or int(found[2]) > BIGGEST:
        return False
    above = {"users", "merchants"} | {kind}
    known = {table.name for each in above for table in below(table_of(each))}
    return found[1] in known and found[3] in trash.changeable(table_of(found[1]))
