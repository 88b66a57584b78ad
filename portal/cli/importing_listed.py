"""Telling of the imports there were: how each stands, what it made, and what needs a look."""

import click

from portal.cli.finding import merchant_named
from portal.cli.showing import moment, table
from portal.extensions import db
from portal.models.import_batch import ImportBatch
from portal.models.merchant import Merchant
from portal.models.tenancy import scoped
from portal.services import imports
from portal.services.exports import csv_lines

SUMS = ("new", "updated", "refused", "points")


def tell_batches(merchant: str) -> None:
    """List the imports, the newest first; of those not finished, the line that goes on."""
    found = merchant_named(merchant)
    with scoped(db.session, found.id):
        batches = imports.batches_of(found)
        rows = [
            (
                *(batch.id, batch.kind, batch.file_name, moment(batch.started_at, found.zone)),
                *(status_of(batch), *(imports.counts_of(batch).get(name, 0) for name in SUMS)),
            )
            for batch in batches
        ]
        for batch in batches:
            tell_unfinished(batch, found)
    table(("batch", "kind", "file", "started", "status", *SUMS), rows, empty="Nothing was imported yet.")


def status_of(batch: ImportBatch) -> str:
    """Say how an import stands: nobody can see from here whether it runs or was cut off."""
    return {"running": "not finished", "undoing": "half undone"}.get(batch.status, batch.status)


def tell_unfinished(batch: ImportBatch, merchant: Merchant) -> None:
    """Say of an import that is not finished what it made so far, and which line goes on."""
    if batch.status == "running":
        counts = imports.counts_of(batch)
        told = ", ".join(f"{counts[name]:,} {name}" for name in SUMS)
        click.echo(f"Import {batch.id} is not finished, or is running: {told} so far.", err=True)
        click.echo(f"To go on when it was cut off: {imports.line_of(batch, merchant)}", err=True)


def tell_rows(number: int, merchant: str) -> None:
    """Print what a batch refused or noted, as CSV."""
    found = merchant_named(merchant)
    with scoped(db.session, found.id):
        batch = imports.batch_numbered(found, number)
        tell_unfinished(batch, found)
        rows = imports.notable_rows(batch)
        told = ((row.line, row.row_key, row.fate, row.code, row.message) for row in rows)
        for line in csv_lines([("line", "row", "fate", "code", "message"), *told]):
            click.echo(line, nl=False)
