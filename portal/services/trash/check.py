"""The doctor: what must never be, and is looked for all the same."""

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import ColumnElement, Table, and_, func, literal, select, true

from portal.extensions import db
from portal.models.ownership import Edge, needs_of, outermost_first, table_of
from portal.models.tenancy import PLATFORM, merchant_of
from portal.services.trash import rows
from portal.services.trash.names import and_counts, named
from portal.words import _, number

UNDER_WAY = ("running", "restoring", "purging")
ACTS = table_of("deletions")


class Finding(NamedTuple):
    """One thing that is wrong: which rule, where, and a sentence."""

    rule: str
    merchant_id: int
    sentence: str


def doctor() -> list[Finding]:
    """Look at every row in scope for what must never be; empty when all is well.

    Live under dead, a merchant without an owner, dead without deletion, restored deletions with dead
    rows, counts that disagree.
    """
    db.session.flush()
    found: list[Finding] = []
    for table in outermost_first():
        if table.name == "users" and merchant_of(db.session()) is not None:
            continue  # people belong to no merchant
        for edge in needs_of(table):
            found.extend(_live_under_dead(edge))
        found.extend(_dead_without_deletion(table))
        found.extend(_dead_though_restored(table))
    found.extend(_without_owner())
    found.extend(_wrong_counts())
    return found


def _in_scope(table: Table) -> ColumnElement[bool]:
    merchant_id = merchant_of(db.session())
    return true() if merchant_id is None else rows.of_merchant(table, merchant_id)


def _live_under_dead(edge: Edge) -> Iterator[Finding]:
    child, parent = edge.child, edge.parent
    under_way = select(ACTS.c.id).where(_killed(parent), ACTS.c.status.in_(UNDER_WAY))
    query = (
        select(child.c.id, _tenant(child), parent.c.id)
        .select_from(child.join(parent, edge.on))
        .where(_in_scope(child), child.c.deletion_id.is_(None))
        .where(parent.c.deletion_id.is_not(None), ~under_way.exists())
    )
    for row_id, merchant_id, owner_id in rows.read(query):
        told = {"thing": named(child, row_id), "owner": named(parent, owner_id)}
        sentence = _("%(thing)s lives under the dead %(owner)s", **told)
        yield Finding("live_under_dead", merchant_id, sentence)


def _without_owner() -> Iterator[Finding]:
    """A living merchant that had owners has a living one."""
    merchants, owners = table_of("merchants"), table_of("merchant_owners")
    theirs = select(owners.c.id).where(owners.c.merchant_id == merchants.c.id)
    query = select(merchants.c.id).where(
        _in_scope(merchants),
        merchants.c.deletion_id.is_(None),
        theirs.exists(),
        ~theirs.where(owners.c.deletion_id.is_(None)).exists(),
    )
    for (merchant_id,) in rows.read(query):
        yield Finding("without_owner", merchant_id, _("merchant %(id)s has no living owner", id=merchant_id))


def _dead_without_deletion(table: Table) -> Iterator[Finding]:
    act = select(ACTS.c.id).where(_killed(table))
    query = select(table.c.id, _tenant(table)).where(
        _in_scope(table), table.c.deletion_id.is_not(None), ~act.exists()
    )
    for row_id, merchant_id in rows.read(query):
        sentence = _("%(thing)s is dead by a deletion that does not exist", thing=named(table, row_id))
        yield Finding("dead_without_deletion", merchant_id, sentence)


def _dead_though_restored(table: Table) -> Iterator[Finding]:
    joined = table.join(ACTS, _killed(table))
    query = select(table.c.id, _tenant(table), ACTS.c.id).select_from(joined)
    query = query.where(_in_scope(table), ACTS.c.status == "restored", table.c.purged_at.is_(None))
    if "erased_at" in table.c:
        query = query.where(table.c.erased_at.is_(None))
    for row_id, merchant_id, act_id in rows.read(query):
        sentence = _(
            "%(thing)s is dead though deletion %(id)s was restored", thing=named(table, row_id), id=act_id
        )
        yield Finding("dead_though_restored", merchant_id, sentence)


def _wrong_counts() -> Iterator[Finding]:
    """Counts - departed + received must be the rows that still carry the deletion."""
    held: dict[int, dict[str, int]] = {}
    for table in outermost_first():
        query = select(table.c.deletion_id, func.count()).group_by(table.c.deletion_id)
        waiting = and_(_in_scope(table), table.c.deletion_id.is_not(None), table.c.purged_at.is_(None))
        for act_id, count in rows.read(query.where(waiting)):
            held.setdefault(act_id, {})[table.name] = count
    columns = [ACTS.c[c] for c in ("id", "merchant_id", "counts", "departed", "received")]
    for act_id, merchant_id, counts, departed, received in rows.read(
        select(*columns).where(_in_scope(ACTS), ACTS.c.status == "done")
    ):
        for kind in {*counts, *departed, *received, *held.get(act_id, {})}:
            wanted = counts.get(kind, 0) - departed.get(kind, 0) + received.get(kind, 0)
            is_now = held.get(act_id, {}).get(kind, 0)
            if wanted != is_now:
                things = and_counts({kind: wanted})
                told = {"id": act_id, "things": things, "count": number(is_now)}
                sentence = _("deletion %(id)s should hold %(things)s, holds %(count)s", **told)
                yield Finding("wrong_counts", merchant_id, sentence)


def _killed(table: Table) -> ColumnElement[bool]:
    """Match the row's deletion inside its merchant, so that one shard answers."""
    return and_(ACTS.c.id == table.c.deletion_id, ACTS.c.merchant_id == _tenant(table))


def _tenant(table: Table) -> ColumnElement[int]:
    if table.name == "merchants":
        return table.c.id
    return table.c.merchant_id if "merchant_id" in table.c else literal(PLATFORM)
