"""Importing small tables in tests."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from io import BytesIO

from sqlalchemy import inspect

from portal.extensions import db
from portal.models import ImportBatch
from portal.models.actor import OPERATOR
from portal.services import imports
from tests.factories import NOW, within


@contextmanager
def committed(merchant_id) -> Iterator[None]:
    """Work for the merchant and commit; what the test holds stays readable."""
    session = db.session()
    session.expire_on_commit = False
    with within(merchant_id):
        yield
        session.commit()
    session.expire_on_commit = True


def take_in(kind, merchant, text, *, by=OPERATOR, **options):
    """Import a table and commit: the sums, and the fates of its rows."""
    report, fates = imports.Report(), []
    table = imports.open_table(BytesIO(text.encode()))
    with committed(merchant.id):
        for chunk in imports.run(imports.plan(kind, merchant, table, **options), by=by, now=NOW):
            report.add(chunk)
            fates += chunk
    return report, fates


def counted(report):
    """The sums that are not nought."""
    return {outcome: count for outcome, count in report.counts.items() if count}


def read_in(merchant, text, **asked):
    """Open a table of customers or receipts; `with` keeps the merchant's scope."""
    table = imports.open_table(BytesIO(text if isinstance(text, bytes) else text.encode()))
    return table, imports.Asked(**asked)


def take_customers(merchant, text, *, by=OPERATOR, now=NOW, **asked):
    """Import customers and commit: the sums, the fates of the rows, and the batch."""
    table, said = read_in(merchant, text, **asked)
    report, fates = imports.Report(), []
    with committed(merchant.id):
        plan = imports.plan_customers(merchant, table, said)
        for chunk in imports.run_customers(plan, by=by, now=now, unit=imports.at_once):
            report.add(chunk)
            fates += chunk
        batch = imports.finish(plan, report.counts, by=by, now=now)
    return report, fates, batch


def take_orders(merchant, text, *, by=OPERATOR, now=NOW, stop_after=None, **asked):
    """Import receipts and commit: the sums, what became of each basket, and the batch.

    `stop_after` breaks off after so many chunks, as if the machine had stopped.
    """
    table, said = read_in(merchant, text, **asked)
    counts, outcomes = Counter(), []
    with committed(merchant.id), closing(imports.Receipts()) as receipts:
        plan = imports.plan_orders(merchant, table, said)
        reader = imports.Reader(plan, now=now)
        left = list(reader.gather(receipts, lambda _done: None))
        counts["left_out"] += len(left)
        for number, chunk in enumerate(
            imports.run_orders(reader, receipts, by=by, now=now, unit=imports.at_once), 1
        ):
            db.session.commit()
            outcomes += chunk
            if number == stop_after:
                return counts, outcomes, None
        for each in outcomes:
            counts += each.counts
        batch = imports.finish(plan, counts, by=by, now=now)
    return counts, outcomes, batch


def undo(batch, *, by=OPERATOR, now=NOW):
    """Take a batch back and commit: the sums."""
    counts = Counter()
    merchant_id, _batch_id = key = inspect(batch).identity
    with committed(merchant_id):
        batch = db.session.get(ImportBatch, key)
        for done in imports.undo(batch, by=by, now=now, unit=imports.at_once):
            db.session.commit()
            counts += done
    return counts
