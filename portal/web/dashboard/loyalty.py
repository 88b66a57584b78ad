"""What the program did lately, and what it owes."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from portal.models.actor import Role
from portal.services.ledger.figures import Glance, Terms, glance
from portal.services.ledger.numbers import Period
from portal.web.dashboard.spans import Span
from portal.web.days import midnight, today
from portal.web.filters import money
from portal.web.happenings import link_to
from portal.web.scope import actor, current_merchant, now
from portal.words import _, ngettext, number


class LedgerTile(NamedTuple):
    """One figure as it is written, what it is, what belongs to it, and where it leads."""

    figure: str
    label: str
    note: str
    href: str = ""


def ledger_tiles(row: Any, span: Span) -> list[LedgerTile]:
    """Gather them from one statement; a manager's are of their stores, and what is owed is for owners.

    A program in the trash takes none of them along.
    """
    if actor().role < Role.MANAGER or not row.program_id:
        return []
    terms = Terms(
        row.loyalty_type != "stamps",
        row.points_expiration_days,
        row.expiry_floor_at,
        row.point_value_cents,
    )
    period = Period(span.begins, midnight(today(), days=1))
    is_owner = actor().role >= Role.OWNER
    seen = glance(
        current_merchant(),
        period,
        terms,
        now=now(),
        store_ids=stores_of(span),
        reviewed_in=None if is_owner else actor().store_ids,
    )
    owed = _as_it_stands(seen) if is_owner else ()
    place = _("all stores") if is_owner else _("your stores")
    to_review = LedgerTile(number(seen.open_items), _("To review"), place, link_to("reviews.index"))
    return [*_of_period(seen, span), *owed, to_review]


def stores_of(span: Span) -> list[int] | None:
    """Name the stores that count; None for all, deleted ones too."""
    if span.store_id is not None:
        return [span.store_id]
    return None if actor().role >= Role.OWNER else sorted(actor().store_ids)


def _of_period(seen: Glance, span: Span) -> Iterator[LedgerTile]:
    members = seen.members
    joined = ngettext("%(num)s joined", "%(num)s joined", members.joined)
    yield LedgerTile(number(members.active), _("Active members"), joined)
    rate = members.repeat_bp
    share = "\N{EN DASH}" if rate is None else _("%(share)s %%", share=number((rate + 50) // 100))
    yield LedgerTile(share, _("Came again"), span.label)
    yield LedgerTile(number(seen.issued), _("Points issued"), span.label)
    yield LedgerTile(number(seen.redeemed), _("Points redeemed"), span.label)


def _as_it_stands(seen: Glance) -> Iterator[LedgerTile]:
    owed = seen.owed
    points = owed.points + owed.in_rewards
    said = ngettext("%(num)s point", "%(num)s points", points)
    if owed.stamp_rewards:
        said += ", " + ngettext("%(num)s full card", "%(num)s full cards", owed.stamp_rewards)
    gross = owed.gross_cents
    if gross is None:
        yield LedgerTile(number(points), _("Points not redeemed yet"), _("all stores"))
    else:
        yield LedgerTile(money(gross), _("Not redeemed yet"), said)
    cards = ngettext("points on %(num)s card", "points on %(num)s cards", seen.expiring_cards)
    yield LedgerTile(number(seen.expiring_points), _("Expire within 30 days"), cards)
