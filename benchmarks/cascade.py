"""A cascade: how many statements for 10,000 rows, and 400,000 rows against a plain UPDATE."""

import statistics
from collections.abc import Iterator

from sqlalchemy import select, text, update

from benchmarks.measuring import Figure, statements, wall
from benchmarks.worlds import NOW, fill, found_merchant, tidy, world
from portal.extensions import db
from portal.models import Deletion, Merchant, Product
from portal.models.actor import OPERATOR
from portal.models.tenancy import scoped
from portal.services import trash

LARGE = 399_000
ROUNDS = 4


def figures(engine: str) -> Iterator[Figure]:
    """Measure 10,000 rows on both engines, 400,000 on PostgreSQL."""
    with world(engine):
        yield from _ten_thousand(engine)
    if engine == "postgresql":
        with world(engine):
            yield from _four_hundred_thousand(engine)


def _ten_thousand(engine: str) -> Iterator[Figure]:
    merchant_id = found_merchant("small")
    fill(merchant_id, in_stores=20, products=10_000)
    with scoped(db.session, merchant_id):
        merchant = _merchant(merchant_id)
        with statements(db.engine) as sent:
            took = wall(lambda: (_delete(merchant), db.session.commit()))
        writes = [s for s in sent if s.startswith("UPDATE products")]
        act = db.session.scalars(select(Deletion)).one()
        back = wall(lambda: (trash.restore(act, by=OPERATOR, now=NOW), db.session.commit()))
    limit = 0.5
    what = "delete of 10,000 products"
    yield Figure("cascade", engine, what, f"{took:.2f} s", f"< {limit} s on SQLite", took < limit)
    yield Figure(
        "cascade", engine, "statements for them", str(len(writes)), "≤ 2 a table and owner", len(writes) <= 2
    )
    yield Figure("cascade", engine, "restore of 10,000 products", f"{back:.2f} s", "told only", is_met=True)


def _four_hundred_thousand(engine: str) -> Iterator[Figure]:
    merchant_id = found_merchant("large")
    fill(merchant_id, in_stores=20, products=LARGE)
    down, up = [], []
    with scoped(db.session, merchant_id):
        db.session.execute(text("SET LOCAL statement_timeout = 0"))
        _by_hand(merchant_id), _by_verb(merchant_id)
        for number in range(ROUNDS):
            (cascade, restore), (kill, revive) = _in_turns(merchant_id, verb_first=number % 2 == 0)
            down.append(cascade / kill)
            up.append(restore / revive)
    for what, ratios, base in (("delete", down, kill), ("restore", up, revive)):
        got = statistics.median(ratios)
        line = f"{what} of 399,020 rows ({base:.1f} s as one plain UPDATE)"
        yield Figure("cascade", engine, line, f"{got:.2f}×", "≤ 1.0×", got <= 1.0)


def _in_turns(merchant_id: int, *, verb_first: bool) -> tuple[tuple[float, float], tuple[float, float]]:
    """Measure both, each first in every other round.

    Who comes first pays for the pages the other left: on a table just filled, whose files must grow,
    the first is two to three times slower whichever it is. So the first round is not counted, either.
    """
    if verb_first:
        verb = _by_verb(merchant_id)
        return verb, _by_hand(merchant_id)
    hand = _by_hand(merchant_id)
    return _by_verb(merchant_id), hand


def _by_verb(merchant_id: int) -> tuple[float, float]:
    merchant = _merchant(merchant_id)
    tidy()
    down = wall(lambda: (_delete(merchant), db.session.commit()))
    act = db.session.scalars(
        select(Deletion).where(Deletion.status == "done", Deletion.root_kind == "merchants")
    ).one()
    tidy()
    return down, wall(lambda: (trash.restore(act, by=OPERATOR, now=NOW), db.session.commit()))


def _by_hand(merchant_id: int) -> tuple[float, float]:
    """One UPDATE of as many rows, setting the same columns under the same keys and indexes."""
    act = Deletion(
        merchant_id=merchant_id,
        root_kind="by hand",
        root_id=0,
        deleted_at=NOW,
        deleted_by_role="admin",
        channel="cli",
        status="restored",
    )
    db.session.add(act)
    db.session.commit()
    products = Product.__table__
    mine = products.c.merchant_id == merchant_id
    kill = update(products).where(mine, products.c.deleted_at.is_(None))
    kill = kill.values(
        deleted_at=NOW, deletion_id=act.id, deleted_by_id=None, updated_at=products.c.updated_at
    )
    revive = update(products).where(mine, products.c.deletion_id == act.id)
    revive = revive.values(
        deleted_at=None, deletion_id=None, deleted_by_id=None, updated_at=products.c.updated_at
    )
    return _run(kill), _run(revive)


def _run(statement: object) -> float:
    tidy()
    db.session.execute(text("SET LOCAL statement_timeout = 0"))
    return wall(lambda: (db.session.execute(statement), db.session.commit()))


def _delete(merchant: Merchant) -> Deletion:
    return trash.soft_delete_cascade(merchant, by=OPERATOR, now=NOW)


def _merchant(merchant_id: int) -> Merchant:
    return db.session.scalars(select(Merchant).where(Merchant.id == merchant_id)).one()
