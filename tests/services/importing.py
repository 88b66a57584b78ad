"""Importing small tables in tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

from portal.extensions import db
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
