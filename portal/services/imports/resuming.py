"""Imports that are not finished: the line that goes on with one, and no other beside it."""

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from portal.errors import Refused
from portal.extensions import db
from portal.models.import_batch import ImportBatch
from portal.models.merchant import Merchant
from portal.services.imports.plans import Plan
from portal.words import _

ONCE = (("format", "--format"), ("dates", "--dates"), ("store", "--store"))
PAIRS = (("maps", "--map"), ("where", "--where"))


def refuse_beside_unfinished(plan: Plan) -> None:
    """Refuse an import beside another of its kind that is not finished, or is running.

    The same import goes on where it was. Raises Refused("unfinished_import").
    """
    running = ImportBatch.of(plan.merchant).where(
        ImportBatch.kind == plan.kind, ImportBatch.status == "running"
    )
    found = db.session.execute(running.with_only_columns(ImportBatch.source_hash, ImportBatch.id)).all()
    others = [batch_id for source_hash, batch_id in found if source_hash != plan.source_hash]
    if len(others) < len(found) or not others:
        return
    batch = db.session.scalars(running.where(ImportBatch.id == min(others))).one()
    message = _(
        "Import %(number)s is not finished, and this one is another. Finish that one: %(line)s"
        " -- or take it back: flask import undo %(number)s --merchant %(subdomain)s",
        number=batch.id,
        line=line_of(batch, plan.merchant),
        subdomain=plan.merchant.subdomain,
    )
    raise Refused("unfinished_import", message)


def line_of(batch: ImportBatch, merchant: Merchant) -> str:
    """Write the line that goes on with an import, as it was typed but for the folder of the file."""
    words = ["flask", "import", batch.kind, batch.file_name or "-", "--merchant", merchant.subdomain]
    return shlex.join([*words, *_options(batch.options)])


def _options(said: Mapping[str, Any]) -> Iterator[str]:
    for name, option in ONCE:
        if said.get(name):
            yield from (option, said[name])
    yield from _pairs(said)
    if said.get("group_by"):
        yield from ("--group-by", ",".join(said["group_by"]))
    if said["earn"]:
        yield "--earn"


def _pairs(said: Mapping[str, Any]) -> Iterator[str]:
    for name, option in PAIRS:
        for one, other in said.get(name, ()):
            yield from (option, f"{one}={other}")
    for field, old, new in said.get("values", ()):
        yield from ("--map-value", f"{field}:{old}={new}")
