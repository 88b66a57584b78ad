"""What the tests of the trash share: doing it inside a merchant, and looking at bare rows.

Objects are expunged at every step: they keep the words they had, and rows are looked at bare.
"""

from contextlib import contextmanager
from typing import Any

from sqlalchemy import event, select

from portal.extensions import db
from portal.models import Deletion
from portal.models.actor import OPERATOR, Actor
from portal.models.base import Model
from portal.models.tenancy import across_merchants, scoped
from portal.services import trash
from tests.factories import NOW, make_everything, make_merchant

DEAD_TOO = {"include_deleted": True}
TABLES = Model.metadata.tables


def throw(row: Any, *, by: Actor = OPERATOR, now=NOW, **how: Any) -> int:
    """Put the row with all it owns in the trash; returns the act's id."""
    db.session.expunge_all()
    with scope_of(row):
        act_id = trash.soft_delete_cascade(row, by=by, now=now, **how).id
        db.session.commit()
        return act_id


def bring(act_id: int, *, by: Actor = OPERATOR, now=NOW, **how: Any) -> dict[str, int]:
    """Restore the act in its merchant's scope; a refusal rolls back, as a door would."""
    return _done(act_id, lambda act: trash.restore(act, by=by, now=now, **how))


def empty(act_id: int, *, by: Actor = OPERATOR, now=NOW) -> None:
    """Purge the act in its merchant's scope."""
    _done(act_id, lambda act: trash.purge(act, by=by, now=now))


def change(act_id: int, **values: Any) -> None:
    """Write into the act itself."""

    def write(act: Deletion) -> None:
        for name, value in values.items():
            setattr(act, name, value)

    _done(act_id, write)


def _done(act_id: int, work: Any) -> Any:
    merchant_id = look(act_id).merchant_id
    try:
        with scoped(db.session, merchant_id or "*"):
            answer = work(db.session.get(Deletion, (merchant_id, act_id)))
            db.session.commit()
            return answer
    except BaseException:
        db.session.rollback()
        raise


def scope_of(row: Any) -> Any:
    """The scope in which a door would handle the row: its merchant's, or none for people."""
    own = row.id if row.__table__.name == "merchants" else getattr(row, "merchant_id", None)
    return scoped(db.session, own)


def look(act_id: int) -> Any:
    """The act's bare row."""
    return bare("deletions", act_id)


def bare(table: str, row_id: int) -> Any:
    """A bare row, dead or alive, of any merchant; None when it is gone."""
    db.session.expunge_all()
    found = select(TABLES[table]).where(TABLES[table].c.id == row_id)
    with across_merchants(db.session, "a test"):
        row = db.session.execute(found, execution_options=DEAD_TOO).one_or_none()
        db.session.rollback()
    return row


def lives(row: Any) -> bool:
    """Whether the row of this object lives now."""
    found = bare(row.__table__.name, row.id)
    return found is not None and found.deletion_id is None


def stage(merchant: Any = None) -> Any:
    """Make a merchant with everything; the objects are apart from the session and keep their words."""
    things = make_everything(merchant or make_merchant())
    db.session.expunge_all()
    return things


def everything() -> dict[str, list[Any]]:
    """All rows of all mortal tables."""
    db.session.expunge_all()
    with across_merchants(db.session, "a test"):
        rows = {
            name: db.session.execute(table.select().order_by(table.c.id), execution_options=DEAD_TOO).all()
            for name, table in TABLES.items()
            if "deletion_id" in table.c
        }
        db.session.rollback()
    return rows


def findings() -> list[Any]:
    """What the doctor says of everything."""
    db.session.expunge_all()
    with across_merchants(db.session, "a test"):
        found = trash.doctor()
        db.session.rollback()
    return found


@contextmanager
def statements():
    """Collect the statements sent meanwhile."""
    sent: list[str] = []

    def look(_connection, _cursor, statement, *_):
        sent.append(statement)

    event.listen(db.engine, "before_cursor_execute", look)
    try:
        yield sent
    finally:
        event.remove(db.engine, "before_cursor_execute", look)
