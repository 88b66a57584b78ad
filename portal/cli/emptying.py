"""Emptying the trash and finishing long deletions, one merchant after the other, chunk by chunk."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial

import click

from portal.cli.deletions import name_of
from portal.cli.door import done, whole
from portal.cli.finding import deletion_numbered, every_tenant, scope_of
from portal.errors import Refused
from portal.extensions import db
from portal.models.actor import JOBS, OPERATOR, Actor
from portal.models.tenancy import scoped
from portal.services import trash


def purge_due(now: datetime, tenants: list[int] | None = None) -> bool:
    """Purge whatever is due and go on with what was interrupted; False when something was refused.

    What is on hold, or a part of it, is said and passed over: it is kept because somebody asked for that.
    """
    well = [done(partial(_purge_unless_held, act_id, now=now)) for act_id in due(now, tenants)]
    return all(well)


def why_held(act_id: int) -> str:
    """Say which hold keeps a due act, or nothing; looks only, for a dry run."""
    try:
        act = deletion_numbered(act_id)
        with scope_of(act):
            trash.start_purge(act, by=JOBS)
    except Refused as refusal:
        return refusal.message if refusal.code == "on_hold" else ""
    finally:
        db.session.rollback()
    return ""


def due(now: datetime, tenants: list[int] | None = None) -> Iterator[int]:
    """Name the acts to purge, each once, merchant by merchant."""
    for tenant in every_tenant() if tenants is None else tenants:
        seen: set[int] = set()
        while fresh := [act_id for act_id in _due(tenant, now) if act_id not in seen]:
            seen.update(fresh)
            yield from fresh


def purge_one(act_id: int, *, now: datetime) -> None:
    """Purge this one now, due or not."""
    _purge(act_id, by=OPERATOR, now=now)


def finish_all(now: datetime) -> bool:
    """Finish every deletion and restore that is under way; False when one was refused."""
    under_way = [act_id for tenant in every_tenant() for act_id in _under_way(tenant)]
    well = [done(partial(_finish, act_id, now=now)) for act_id in under_way]
    return all(well)


def _due(tenant: int, now: datetime) -> list[int]:
    """Look only: the locks are given back at once, for each act is locked again when its turn comes."""
    with scoped(db.session, tenant):
        begun = [act.id for act in trash.unfinished() if act.status == "purging"]
        found = [act.id for act in trash.due_for_purge(now)]
        db.session.rollback()
    return begun + found


def _under_way(tenant: int) -> list[int]:
    with scoped(db.session, tenant):
        found = [act.id for act in trash.unfinished()]
        db.session.rollback()
    return found


def _purge_unless_held(act_id: int, *, now: datetime) -> None:
    try:
        _purge(act_id, by=JOBS, now=now)
    except Refused as refusal:
        if refusal.code != "on_hold":
            raise
        db.session.rollback()
        click.echo(kept(act_id, refusal.message))


def kept(act_id: int, why: str) -> str:
    """Say that an act is due and stays all the same: on hold."""
    return f"Kept, on hold: {name_of(deletion_numbered(act_id))} (deletion {act_id}): {why}"


def _purge(act_id: int, *, by: Actor, now: datetime) -> None:
    def begin() -> None:
        act = deletion_numbered(act_id)
        with scope_of(act):
            trash.start_purge(act, by=by)
            db.session.commit()

    whole(begin)
    _finish(act_id, now=now)


def _finish(act_id: int, *, now: datetime) -> None:
    def go_on() -> bool:
        finished = trash.continue_some(act, now=now)
        db.session.commit()
        return finished

    act = deletion_numbered(act_id)
    with scope_of(act):
        while not whole(go_on):
            pass
        click.echo(f"{act.status.capitalize()}: {name_of(act)} (deletion {act.id})")
