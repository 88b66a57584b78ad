"""`flask merchants`: the businesses on this platform."""

from typing import Any

import click
from sqlalchemy import func, or_, select

from portal.cli.door import Room, now, whole
from portal.cli.finding import deletion_numbered, merchant_named, person_called
from portal.cli.restoring import restore_options, run_restore
from portal.cli.showing import moment, preview, table
from portal.cli.words import BIGGEST, ID, capped, each_once
from portal.errors import Refused
from portal.extensions import db
from portal.models.actor import OPERATOR
from portal.models.deletion import Deletion
from portal.models.merchant import Merchant, MerchantOwner
from portal.models.store import Store
from portal.models.tenancy import across_merchants, scoped
from portal.models.text import fold_code
from portal.models.user import User
from portal.services import trash
from portal.services.merchants import FIELDS, change_merchant, create_merchant, delete_merchant


@click.group("merchants", cls=Room)
def merchants() -> None:
    """The businesses on this platform.

    Examples:
      flask merchants create --name "Café Lux" --subdomain cafe-lux --owner ana@example.com
      flask merchants list --include-deleted
      flask merchants delete cafe-lux
      flask merchants restore cafe-lux
    """


@merchants.command("create")
@click.option("--name", required=True, help="What the business is called.")
@click.option("--subdomain", required=True, help="Its address: a-z, 0-9 and hyphens.")
@click.option("--owner", required=True, metavar="LOGIN", help="The first owner's e-mail or username.")
@click.option("--timezone", help="An IANA zone.  [default: Europe/Luxembourg]")
@click.option("--currency", help="Three letters.  [default: EUR]")
@click.option("--country", help="Two letters.  [default: LU]")
def create(*, name: str, subdomain: str, owner: str, **place: str | None) -> None:
    """Found a merchant with its first owner.

    Examples:
      flask merchants create --name "Bean & Co" --subdomain bean --owner ana@example.com
      flask merchants create --name Lux --subdomain lux --owner ana --timezone Europe/Paris
    """
    given = {field: value for field, value in place.items() if value}

    def found() -> tuple[Merchant, User]:
        first = person_called(owner)
        merchant = create_merchant(name=name, subdomain=subdomain, owner=first, by=OPERATOR, **given)
        db.session.commit()
        return merchant, first

    merchant, first = whole(found)
    click.echo(f"Founded {merchant.name}, owned by {first.display_name}.")
    click.echo(f"Its portal is at /m/{merchant.subdomain}/")


@merchants.command("list", reads=True)
@click.option("--q", "wanted", default="", help="How a subdomain begins, or part of a name.")
@click.option("--include-deleted", is_flag=True, help="Show merchants in the trash too.")
def list_(*, wanted: str, include_deleted: bool) -> None:
    """Show the merchants, with their owners and how many stores they have.

    Examples:
      flask merchants list
      flask merchants list --q cafe --include-deleted
    """
    matches = or_(
        Merchant.subdomain.startswith(fold_code(wanted), autoescape=True),
        Merchant.name.icontains(wanted, autoescape=True),
    )
    query = select(Merchant).where(matches).order_by(Merchant.subdomain, Merchant.id)
    with across_merchants(db.session, "the operator lists the merchants"):
        found = db.session.scalars(query, execution_options={"include_deleted": include_deleted})
        owners, stores = _owners(), _stores()
        header = ("ID", "SUBDOMAIN", "NAME", "OWNERS", "STORES", "ZONE", "MONEY", "DELETED")
        rows = [_told(merchant, owners, stores) for merchant in found]
    table(header, rows, empty="No merchant found.")


def _told(merchant: Merchant, owners: dict[int, str], stores: dict[int, int]) -> tuple[Any, ...]:
    whose = owners.get(merchant.id, "")
    place = (merchant.timezone, merchant.currency, moment(merchant.deleted_at))
    return (merchant.id, merchant.subdomain, merchant.name, whose, stores.get(merchant.id, 0), *place)


def _owners() -> dict[int, str]:
    query = (
        select(MerchantOwner.merchant_id, User.display_name)
        .join(User, MerchantOwner.user_id == User.id)
        .order_by(MerchantOwner.id)
    )
    names: dict[int, list[str]] = {}
    for merchant_id, name in db.session.execute(query):
        names.setdefault(merchant_id, []).append(name)
    return {merchant_id: ", ".join(whose) for merchant_id, whose in names.items()}


def _stores() -> dict[int, int]:
    query = select(Store.merchant_id, func.count(Store.id).label("stores")).group_by(Store.merchant_id)
    found = db.session.execute(query)
    return {row.merchant_id: row.stores for row in found}


@merchants.command("set")
@click.argument("subdomain")
@click.argument("changes", metavar="FIELD=VALUE...", nargs=-1, required=True)
def set_(*, subdomain: str, changes: tuple[str, ...]) -> None:
    """Change a merchant: name, subdomain, timezone, currency, country, locale, retention_days.

    retention_days is how long the trash is kept, in days; 0 keeps it for ever.

    Examples:
      flask merchants set cafe-lux retention_days=90
      flask merchants set cafe-lux name="Café Lux" timezone=Europe/Paris
    """
    wanted = each_once(_change(change) for change in changes)

    def change() -> list[str]:
        changed = change_merchant(merchant_named(subdomain), by=OPERATOR, **wanted)
        db.session.commit()
        return changed

    changed = whole(change)
    click.echo(f"Changed: {', '.join(changed)}." if changed else "Nothing differs; nothing was changed.")


def _change(change: str) -> tuple[str, str | int]:
    field, equals, value = change.partition("=")
    if not equals or field not in FIELDS:
        fields = ", ".join(sorted(FIELDS))
        raise click.UsageError(f"“{change}” is no change. Write FIELD=VALUE with one of {fields}.")
    if field != "retention_days":
        return field, value
    if not (value.isascii() and value.isdecimal()):
        raise click.UsageError("retention_days is a number of days; 0 keeps the trash for ever.")
    return field, capped(value, BIGGEST)


@merchants.command("delete")
@click.argument("subdomain")
@click.option("--reason", help="Why, for the trash.")
@click.option("--yes", is_flag=True, help="Do not ask for the subdomain to be typed.")
def delete(*, subdomain: str, reason: str | None, yes: bool) -> None:
    """Put a merchant in the trash.

    With all it owns; orders stay. Shows first what goes and what stays, and asks for the subdomain to be
    typed.

    Examples:
      flask merchants delete cafe-lux
      flask merchants delete cafe-lux --yes --reason "contract ended"
    """
    merchant = merchant_named(subdomain)
    with scoped(db.session, merchant.id):
        preview(trash.preview(merchant))
    name, address = merchant.name, merchant.subdomain
    db.session.rollback()  # nobody waits while you type
    if not yes and click.prompt(f"Type {address} to delete it") != address:
        raise Refused("not_confirmed", f"That is not {address}. Nothing was deleted.")

    def throw_away() -> Deletion:
        act = delete_merchant(merchant, by=OPERATOR, now=now(), reason=reason)
        db.session.commit()
        return act

    with scoped(db.session, merchant.id):
        act = whole(throw_away)
        click.echo(f"{name} is in the trash, as deletion {act.id}.")
        if act.is_unfinished:
            click.echo("It is large: the rest follows with: flask jobs run deletions")
    click.echo(f"Bring it back with: flask merchants restore {address}")


@merchants.command("restore")
@click.argument("subdomain", required=False)
@click.option("--deletion", "number", metavar="ID", type=ID, help="This deletion of a merchant.")
@restore_options
def restore(*, subdomain: str | None, number: int | None, **options: Any) -> None:
    """Bring a merchant back.

    By its SUBDOMAIN, or with --deletion by the number of its deletion. Exactly what the deletion took
    comes back. When a value is taken meanwhile, --set gives a new one.

    Examples:
      flask merchants restore cafe-lux
      flask merchants restore cafe-lux --set subdomain=cafe-lux-2
      flask merchants restore --deletion 17 --set stores-4-subdomain=gare-2
    """
    if (subdomain is None) == (number is None):
        raise click.UsageError("Say the SUBDOMAIN, or --deletion ID.")
    act = _deletion_of(subdomain) if subdomain is not None else _numbered(number or 0)
    run_restore(act, **options)


def _numbered(number: int) -> Deletion:
    act = deletion_numbered(number)
    if act.root_kind != "merchants":
        message = f"Deletion {number} is no merchant's. Bring it back with: flask trash restore {number}"
        raise Refused("wrong_kind", message)
    return act


def _deletion_of(subdomain: str) -> Deletion:
    same = (Merchant.subdomain == fold_code(subdomain), Merchant.purged_at.is_(None))
    dead = select(Merchant).where(*same, Merchant.deletion_id.is_not(None)).order_by(Merchant.id)
    found = db.session.scalars(dead, execution_options={"include_deleted": True}).all()
    if len(found) == 1:
        return deletion_numbered(found[0].deletion_id or 0, found[0])
    if found:
        numbers = ", ".join(f"--deletion {merchant.deletion_id}" for merchant in found)
        raise Refused("ambiguous", f"Several had this subdomain. Say which: {numbers}.")
    merchant_named(subdomain)
    raise Refused("alive", f"The merchant “{subdomain}” is not in the trash.")
