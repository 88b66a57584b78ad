"""How deletions are asked for and told."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field
from sqlalchemy import select

from portal.api.acts import summed
from portal.api.lists import names_of, person
from portal.api.shapes import BIGGEST, Page, Person, Told
from portal.extensions import db
from portal.models.deletion import Deletion
from portal.models.tenancy import PLATFORM
from portal.services.trash import survivors_of

Status = Literal["running", "done", "restoring", "restored", "purging", "purged"]
RootKind = Literal[
    "users",
    "merchants",
    "merchant_owners",
    "stores",
    "store_users",
    "customers",
    "products",
    "orders",
    "loyalty_programs",
    "loyalty_rewards",
    "loyalty_cards",
    "card_tokens",
    "staff_pins",
    "till_devices",
]


class DeletionsAsked(Page):
    """Which deletions."""

    merchant: int | None = Field(
        None, ge=0, le=BIGGEST, description="Of one merchant; 0 for acts above merchants."
    )
    kind: RootKind | None = Field(None, description="What was deleted.")
    status: Status | None = Field(None, description="done lies in the trash.")
    parent: int | None = Field(None, ge=1, le=BIGGEST, description="The parts of one act.")


class Root(Told):
    """What was deleted."""

    kind: RootKind
    id: int
    label: str | None


class Deleter(Person):
    """Who deleted, in which role."""

    role: str


class Part(Told):
    """What an act above merchants took inside one of them."""

    id: int
    merchant_id: int
    counts: dict[str, int]


class DeletionTold(Told):
    """One act of deleting."""

    id: int
    merchant_id: int | None = Field(description="null for an act above merchants.")
    parent_id: int | None = Field(description="The act it is a part of, and comes back with.")
    root: Root
    status: Status
    counts: dict[str, int] = Field(description="How many of each kind it took, in all its parts.")
    parts: list[Part] = Field(description="What a person's deletion took in each merchant.")
    deleted_at: datetime
    deleted_by: Deleter
    reason: str | None
    channel: str
    restorable: bool = Field(
        description="false for a part too: restore `parent_id`; and for a customer who was merged."
    )
    restorable_until: datetime | None = Field(description="null: for ever, or not any more.")
    on_hold: bool
    restored_at: datetime | None
    restored_by: Person | None
    purged_at: datetime | None


class DeletionPage(Told):
    """A page of deletions, the newest first."""

    items: list[DeletionTold]
    next: str | None


def tell(acts: list[Deletion]) -> list[dict[str, Any]]:
    """Write acts, with the names of who did them and the parts they have."""
    names = names_of(who for act in acts for who in (act.deleted_by_id, act.restored_by_id))
    parts, merged = _parts_of(acts), survivors_of(acts)
    return [_tell(act, names, parts.get(act.id, []), merged.get(act.id)) for act in acts]


def tell_one(act: Deletion) -> dict[str, Any]:
    """Write one act."""
    return tell([act])[0]


def _parts_of(acts: list[Deletion]) -> dict[int, list[Deletion]]:
    """Find what acts above merchants took inside them, in one question for all."""
    above = [act.id for act in acts if act.merchant_id == PLATFORM]
    found: dict[int, list[Deletion]] = {}
    if above:
        query = select(Deletion).where(Deletion.parent_id.in_(above))
        for part in db.session.scalars(query.order_by(Deletion.merchant_id, Deletion.id)):
            found.setdefault(part.parent_id or 0, []).append(part)
    return found


def _tell(
    act: Deletion, names: dict[int, str], parts: list[Deletion], survivor_id: int | None
) -> dict[str, Any]:
    gone = act.status in ("purging", "purged")  # what it was called, and why it went, is gone too
    same = ("id", "parent_id", "status", "deleted_at", "channel", "restored_at", "purged_at")
    is_whole = act.parent_id is None  # a part comes back with the whole
    restorable = act.is_in_trash and is_whole and survivor_id is None
    return {
        **{field: getattr(act, field) for field in same},
        "counts": summed([act.counts, *(part.counts for part in parts)]),
        "parts": [{"id": one.id, "merchant_id": one.merchant_id, "counts": one.counts} for one in parts],
        "reason": None if gone else act.reason,
        "merchant_id": None if act.merchant_id == PLATFORM else act.merchant_id,
        "root": {"kind": act.root_kind, "id": act.root_id, "label": None if gone else act.root_label},
        "deleted_by": {**person(act.deleted_by_id, names), "role": act.deleted_by_role},
        "restorable": restorable,
        "restorable_until": act.purge_after if restorable and not act.hold else None,
        "on_hold": act.hold,
        "restored_by": person(act.restored_by_id, names) if act.restored_at else None,
    }
