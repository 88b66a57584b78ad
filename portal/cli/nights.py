"""What the night does in every business: one after the other, chunk by chunk, each chunk committed.

A trouble in one business is said and does not stop the next; what was done stays done.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any

import click
from sqlalchemy import select

from portal.cli.door import done, whole
from portal.cli.finding import every_tenant
from portal.cli.showing import counted
from portal.extensions import db
from portal.models.merchant import Merchant
from portal.models.tenancy import PLATFORM, scoped
from portal.services.ledger.grading import run_tiers_some
from portal.services.ledger.nightly import expire_rewards_some, expire_some, warn_some

Step = Callable[..., Any]


def expire(moment: datetime, tenants: list[int] | None = None) -> bool:
    """Post the expiry of points and of rewards; False when something was refused."""

    def all_of(tenant: int, told: Counter[str]) -> None:
        for chunk in _chunks(tenant, expire_some, moment):
            told.update(cards=chunk.done, points=chunk.points)
        for chunk in _chunks(tenant, expire_rewards_some, moment):
            told.update(rewards=chunk.done, back=chunk.points)

    told, well = _each(tenants, all_of)
    click.echo(f"Expired {counted(told['points'], 'point')} of {counted(told['cards'], 'card')}.")
    rewards = counted(told["rewards"], "reward")
    click.echo(f"Expired {rewards} nobody collected; {counted(told['back'], 'point')} went back.")
    return well


def grade(moment: datetime, tenants: list[int] | None = None) -> bool:
    """Put every card into the tier it is due; False when something was refused."""

    def all_of(tenant: int, told: Counter[str]) -> None:
        for chunk in _chunks(tenant, run_tiers_some, moment):
            told.update(up=chunk.up, down=chunk.down)

    told, well = _each(tenants, all_of)
    click.echo(f"{counted(told['up'], 'card')} went up, {counted(told['down'], 'card')} down.")
    return well


def warn(moment: datetime, tenants: list[int] | None = None) -> bool:
    """Put warnings of coming expiry into the outbox; False when something was refused."""

    def all_of(tenant: int, told: Counter[str]) -> None:
        for chunk in _chunks(tenant, warn_some, moment):
            told.update(warned=chunk.done)

    told, well = _each(tenants, all_of)
    click.echo(f"{counted(told['warned'], 'warning')} of coming expiry.")
    return well


def _each(tenants: list[int] | None, work: Callable[[int, Counter[str]], None]) -> tuple[Counter[str], bool]:
    told: Counter[str] = Counter()
    every = [tenant for tenant in every_tenant() if tenant != PLATFORM] if tenants is None else tenants
    db.session.rollback()  # nothing is held while the first business is worked on
    well = [done(partial(work, tenant, told)) for tenant in every]
    return told, all(well)


def _chunks(tenant: int, step: Step, moment: datetime) -> Iterator[Any]:
    """Do one step after the other, until the last; a business in the trash has none."""

    def one(after: int) -> Any:
        merchant = db.session.scalar(select(Merchant).where(Merchant.id == tenant))
        chunk = step(merchant, now=moment, after=after) if merchant else None
        db.session.commit()
        return chunk

    after: int | None = 0
    while after is not None:
        with scoped(db.session, tenant):
            chunk = whole(partial(one, after))
        if chunk is None:
            return
        yield chunk
        after = chunk.after
