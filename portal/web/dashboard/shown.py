"""What the dashboard shows."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from flask import url_for
from sqlalchemy import Row, or_, select

from portal.extensions import db
from portal.models.actor import Role
from portal.models.deletion import Deletion
from portal.models.records import AuditEntry
from portal.models.text import fold
from portal.services import history
from portal.services.trash.names import word
from portal.web.dashboard import figures
from portal.web.dashboard.loyalty import ledger_tiles
from portal.web.dashboard.program import Program, program_of
from portal.web.dashboard.spans import SPANS, Span, asked_span
from portal.web.happenings import Happening, happening_of, link_to
from portal.web.scope import actor, current_merchant, now
from portal.words import _

LISTED = 50  # stores on the dashboard; the list of stores has all
LATEST = 5  # deletions
LATELY, LOOKED_AT = 8, 100  # lines of what happened, and entries they are made of


class Tile(NamedTuple):
    """One figure, where it leads, and over which time it was counted."""

    label: str
    figure: int
    href: str = ""
    over: str = ""


class Step(NamedTuple):
    """One thing a new merchant does first."""

    label: str
    text: str
    href: str
    done: bool


class Lately(NamedTuple):
    """One line of what happened: the newest of a run of like acts, and how many more there were."""

    line: Happening
    more: int


def gathered() -> dict[str, Any] | None:
    """Gather all of it; None when the store in the address is not there."""
    span, role = asked_span(), actor().role
    rows = figures.read(span)
    total = rows[0]
    if span.store_id is not None and total.store_id != span.store_id:
        return None
    has_program = total.program_id is not None and total.program_died is None
    program = program_of(total) if has_program else None
    stores = [row for row in rows if row.store_id]
    steps = _steps(total, program) if role >= Role.OWNER and not (stores and program) else []
    return {
        "span": span,
        "spans": list(SPANS.items()),
        "store_choices": _choices(stores),
        "tiles": list(_tiles(total, span)) if stores or total.orders or total.customers else [],
        "ledger_tiles": ledger_tiles(total, span),
        "stores": stores[:1] if span.store_id else stores[:LISTED],
        "more_stores": total.stores > LISTED and not span.store_id,
        "total": total,
        "program": program,
        "is_program_in_trash": total.program_died is not None,
        "may_start": role >= Role.OWNER,
        "program_href": link_to("program.index"),
        "steps": steps,
        "next_step": next((step for step in steps if not step.done), None),
        "deletions": _deletions(span) if role >= Role.MANAGER else None,
        "sees_lately": role >= Role.OWNER,
        "word": word,
        "now": now(),
    }


def lately() -> list[Lately]:
    """Gather what happened last; a run of like acts by one person is one line."""
    span = asked_span()
    query = history.entries_of(current_merchant()).where(AuditEntry.occurred_at >= span.begins)
    if span.store_id is not None:
        is_store = (AuditEntry.subject_kind == "stores") & (AuditEntry.subject_id == span.store_id)
        query = query.where(or_(AuditEntry.store_id == span.store_id, is_store))
    newest = query.order_by(AuditEntry.occurred_at.desc(), AuditEntry.id.desc()).limit(LOOKED_AT)
    return _folded([happening_of(row) for row in db.session.execute(newest)])


def _choices(stores: Sequence[Row[Any]]) -> list[tuple[str, str]]:
    named = sorted(stores, key=lambda row: (fold(row.store_name), row.store_id))
    return [("", _("All stores")), *((str(row.store_id), row.store_name) for row in named)]


def _tiles(total: Row[Any], span: Span) -> Iterator[Tile]:
    store: dict[str, Any] = {"store": span.store_id} if span.store_id else {}
    if not store:
        yield Tile(_("Stores"), total.stores, url_for("stores.index"))
    yield Tile(_("Team"), total.members, url_for("team.index", **store))
    yield Tile(_("Products"), total.products, url_for("products.index", **store))
    yield Tile(_("Customers"), total.customers, _customers_href(span))
    is_all = not store and actor().role >= Role.OWNER  # the list of cards cannot be narrowed to a store
    yield Tile(_("Cards"), total.cards, link_to("cards.index") if is_all else "")
    yield Tile(_("New customers"), total.newcomers, over=span.label)
    yield Tile(_("Orders"), total.orders, link_to("orders.index", **store), over=span.label)


def _customers_href(span: Span) -> str:
    """Lead to the very customers that are counted; nowhere when they are those of several stores."""
    if span.store_id is None and actor().role >= Role.OWNER:
        return link_to("customers.index")
    counted = [span.store_id] if span.store_id is not None else sorted(actor().store_ids)
    return link_to("customers.index", store=counted[0]) if len(counted) == 1 else ""


def _steps(total: Row[Any], program: Program | None) -> list[Step]:
    return [
        Step(
            _("Open a store"),
            _("It has its own team, products and tills."),
            url_for("stores.new"),
            bool(total.stores),
        ),
        Step(
            _("Invite the team"),
            _("Everybody gets a link of their own."),
            url_for("team.new_invitation"),
            bool(total.members),
        ),
        Step(
            _("Start the program"),
            _("Say what customers collect, and for what."),
            link_to("program.index"),
            program is not None,
        ),
    ]


def _deletions(span: Span) -> list[Row[Any]]:
    """The last acts in the trash that this person may see there, with who did them."""
    mine = (Deletion.merchant_id == current_merchant().id, Deletion.seen_by(actor()))
    query = select(Deletion).where(*mine, Deletion.status == "done", Deletion.deleted_at >= span.begins)
    if span.store_id is not None:
        query = query.where(Deletion.store_id == span.store_id)
    newest = query.order_by(Deletion.deleted_at.desc(), Deletion.id.desc()).limit(LATEST)
    return list(db.session.scalars(newest))


def _folded(lines: Sequence[Happening]) -> list[Lately]:
    runs: list[Lately] = []
    for line in lines:
        if runs and _likeness(runs[-1].line) == _likeness(line):
            runs[-1] = Lately(runs[-1].line, runs[-1].more + 1)
        else:
            runs.append(Lately(line, 0))
    return runs[:LATELY]


def _likeness(line: Happening) -> tuple[Any, ...]:
    row = line.entry.row
    return row.actor_id, row.channel, row.action
