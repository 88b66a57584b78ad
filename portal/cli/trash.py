"""`flask trash`: what was deleted, and how to get it back or be rid of it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

import click
from sqlalchemy import Select, and_, or_, select

from portal.cli.deletions import name_of, show, show_list
from portal.cli.door import Room, now, whole
from portal.cli.finding import any_person, deletion_numbered, merchant_dead_or_alive, scope_for, scope_of
from portal.cli.restoring import restore_options, run_restore
from portal.cli.tending import doctor, purge
from portal.cli.words import DAY, ID, LIMIT
from portal.extensions import db
from portal.models.actor import OPERATOR
from portal.models.deletion import Deletion
from portal.models.merchant import Merchant
from portal.models.ownership import outermost_first
from portal.models.text import fold
from portal.services import trash as verbs
from portal.services.trash.names import word

# People's words for the kinds: team-members -> store_users.
KINDS = {word(t, 2).lower().replace(" ", "-"): t.name for t in outermost_first()}
number = click.argument("number", metavar="ID", type=ID)
of_merchant = click.option(
    "--merchant", metavar="SUBDOMAIN", help="Refuse when the deletion is not this merchant's."
)


@click.group("trash", cls=Room)
def trash() -> None:
    """What was deleted: look, bring back, empty, check.

    Every deletion has a number, which `flask trash list` shows.

    Examples:
      flask trash list --merchant cafe-lumiere
      flask trash show 31
      flask trash restore 31
      flask trash purge --due
      flask trash doctor
    """


trash.add_command(purge)
trash.add_command(doctor)


@trash.command("list", reads=True)
@click.option("--merchant", metavar="SUBDOMAIN", help="The trash of this merchant.")
@click.option("--all", "everybody", is_flag=True, help="Every merchant's, and deleted people.")
@click.option("--kind", type=click.Choice(sorted(KINDS)), help="Only these.")
@click.option("--q", "wanted", default="", help="Part of the name of what was deleted.")
@click.option("--person", metavar="LOGIN|#ID", help="Only what this person deleted.")
@click.option("--since", type=DAY, metavar="YYYY-MM-DD", help="Deleted on this day or later.")
@click.option("--until", type=DAY, metavar="YYYY-MM-DD", help="Deleted on this day or earlier.")
@click.option("--after", metavar="ID", type=ID, help="The next page: older than this deletion.")
@click.option("--limit", default=50, show_default=True, type=LIMIT, help="At most so many.")
def list_(*, merchant: str | None, everybody: bool, limit: int, **narrowed: Any) -> None:
    """Show what lies in the trash, the newest first.

    Days are the merchant's, or UTC with --all.

    Examples:
      flask trash list --merchant cafe-lumiere --kind stores
      flask trash list --all --q croissant --since 2026-03-01
      flask trash list --all --person ana@example.com --after 31
    """
    if bool(merchant) == everybody:
        raise click.UsageError("Say --merchant SUBDOMAIN, or --all.")
    whose = merchant_dead_or_alive(merchant) if merchant else None
    query = _in_trash(whose, **narrowed)
    with scope_for(whose, "the operator asked for every merchant's trash"):
        acts = db.session.scalars(query.limit(limit + 1)).all()
        show_list(acts[:limit], whose, now=now())
    if len(acts) > limit:
        click.echo(f"There are more than {limit}. The next: --after {acts[limit - 1].id}")


def _in_trash(
    merchant: Merchant | None,
    *,
    kind: str | None,
    wanted: str,
    person: str | None,
    since: date | None,
    until: date | None,
    after: int | None,
) -> Select[Deletion]:
    query = select(Deletion).where(Deletion.status.in_(("running", "done", "restoring")))
    if merchant is None:
        query = query.where(Deletion.parent_id.is_(None))  # told with the person it is part of
    if kind:
        query = query.where(Deletion.root_kind == KINDS[kind])
    if wanted:
        query = query.where(Deletion.label_key.contains(fold(wanted), autoescape=True))
    if person:
        query = query.where(Deletion.deleted_by_id == any_person(person).id)
    query = query.where(*_between(merchant, since, until), *_older(merchant, after))
    return query.order_by(Deletion.deleted_at.desc(), Deletion.id.desc())


def _between(merchant: Merchant | None, since: date | None, until: date | None) -> Iterator[Any]:
    zone = merchant.zone if merchant else UTC
    if since:
        yield Deletion.deleted_at >= _midnight(since, zone)
    if until:
        yield Deletion.deleted_at < _midnight(until + timedelta(days=1), zone)


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone)


def _older(merchant: Merchant | None, after: int | None) -> Iterator[Any]:
    if after:
        last = deletion_numbered(after, merchant)
        same = and_(Deletion.deleted_at == last.deleted_at, Deletion.id < last.id)
        yield or_(Deletion.deleted_at < last.deleted_at, same)


@trash.command("show", reads=True)
@number
@of_merchant
def show_(*, number: int, merchant: str | None) -> None:
    """Show all about deletion ID.

    What it took, what a restore would bring, and what stands in its way.

    Example:
      flask trash show 31
    """
    act = _named(number, merchant)
    with scope_of(act):
        show(act, now=now())


@trash.command("restore")
@number
@of_merchant
@restore_options
def restore(*, number: int, merchant: str | None, **options: Any) -> None:
    """Bring back exactly what deletion ID took.

    When a value is taken meanwhile, the refusal says which option gives a new one.

    Examples:
      flask trash restore 31
      flask trash restore 32 --with-owners
      flask trash restore 33 --set store_code=gare-2 --set products-12-sku=
    """
    run_restore(_named(number, merchant), **options)


@trash.command("hold")
@number
def hold(*, number: int) -> None:
    """Keep deletion ID from being purged until `unhold`.

    Example:
      flask trash hold 31
    """
    act = _named(number, None)

    def keep() -> None:
        verbs.hold(act, by=OPERATOR)
        db.session.commit()

    with scope_of(act):
        whole(keep)
        click.echo(f"The {name_of(act)} is kept until: flask trash unhold {act.id}")


@trash.command("unhold")
@number
def unhold(*, number: int) -> None:
    """Let deletion ID be purged again when its time is over.

    Example:
      flask trash unhold 31
    """
    act = _named(number, None)

    def let_go() -> None:
        verbs.release(act, by=OPERATOR)
        db.session.commit()

    with scope_of(act):
        whole(let_go)
        click.echo(f"The {name_of(act)} is no longer on hold.")


def _named(number: int, merchant: str | None) -> Deletion:
    return deletion_numbered(number, merchant_dead_or_alive(merchant) if merchant else None)
