"""`flask loyalty`: what the night does with points, and the numbers of a ledger."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from functools import partial

import click

from portal.cli import nights, numbers_told
from portal.cli.door import Room, now, whole
from portal.cli.finding import every_tenant, merchant_dead_or_alive, merchant_named, without_program
from portal.cli.showing import counted, table
from portal.cli.words import DAY
from portal.errors import Refused
from portal.extensions import db
from portal.models.actor import OPERATOR
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.merchant import Merchant
from portal.models.tenancy import PLATFORM, scoped
from portal.services import exports
from portal.services.amounts import part_from
from portal.services.ledger import converting, frozen, numbers
from portal.services.ledger.verifying import Finding, size_of, unguarded, verify
from portal.services.ledger.visits import Visit
from portal.services.programs import find_program

ONE = click.option("--merchant", required=True, metavar="SUBDOMAIN", help="Whose.")
ANY = click.option("--merchant", metavar="SUBDOMAIN", help="Only this merchant's.  [default: every one's]")
DAYS = 30  # a report looks back, unless told


@click.group("loyalty", cls=Room, short_help="Expiry, tiers, balances and numbers.")
def loyalty() -> None:
    """What the night does with points, and the numbers of a ledger.

    Examples:
      flask loyalty expire
      flask loyalty verify --merchant cafe-lux
      flask loyalty balances --merchant cafe-lux --format csv > balances.csv
    """


@loyalty.command("expire")
@ANY
@click.pass_context
def expire(ctx: click.Context, *, merchant: str | None) -> None:
    """Post the expiry of points nobody touched, and of rewards nobody collected.

    May run at any time, and twice at once. Exit code 1 when a part was refused; the rest is done.

    Examples:
      flask loyalty expire
      flask loyalty expire --merchant cafe-lux
    """
    if not nights.expire(now(), _tenants(merchant)):
        ctx.exit(1)


@loyalty.command("tiers")
@ANY
@click.pass_context
def tiers(ctx: click.Context, *, merchant: str | None) -> None:
    """Put every card into its tier: up at once, down after the days of grace.

    May run at any time, and twice at once. Exit code 1 when a part was refused; the rest is done.

    Examples:
      flask loyalty tiers
      flask loyalty tiers --merchant cafe-lux
    """
    if not nights.grade(now(), _tenants(merchant)):
        ctx.exit(1)


def _tenants(merchant: str | None) -> list[int] | None:
    return [merchant_named(merchant).id] if merchant else None


@loyalty.command("verify", reads=True)
@ANY
@click.pass_context
def verify_(ctx: click.Context, *, merchant: str | None) -> None:
    """Sum up every card from its ledger, and check every rule that a ledger keeps.

    Exit code 1, and a list, when anything is wrong. Business may go on meanwhile.

    Examples:
      flask loyalty verify
      flask loyalty verify --merchant cafe-lux
    """
    tenants = [merchant_dead_or_alive(merchant).id] if merchant else every_tenant()
    found, cards, movements = 0, 0, 0
    for name, finding in _findings(tenants):
        found += 1
        where = "" if finding.card_id is None else f" card {finding.card_id}:"
        click.echo(f"{name}:{where} {finding.sentence} ({finding.rule})", err=True)
    if found:
        click.echo(f"{counted(found, 'finding')}.", err=True)
        ctx.exit(1)
    for tenant in tenants:
        with scoped(db.session, tenant):
            more = size_of(tenant)
        cards, movements = cards + more[0], movements + more[1]
    click.echo(f"Every balance agrees: {counted(cards, 'card')}, {counted(movements, 'movement')}.")


def _findings(tenants: list[int]) -> Iterator[tuple[str, Finding]]:
    yield from (("platform", finding) for finding in unguarded())
    for tenant in tenants:
        if tenant == PLATFORM:
            continue
        with scoped(db.session, tenant):
            for finding in verify(tenant):
                yield f"merchant {tenant}", finding


@loyalty.command("balances", reads=True)
@ONE
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv"]),
    default="table",
    show_default=True,
    help="A table to look at, or a file for other programs.",
)
def balances(*, merchant: str, form: str) -> None:
    """Print what is on every card: reference, number of the card, points, stamps.

    Points that are due to expire are left out, whether the night has come or not.

    Example:
      flask loyalty balances --merchant cafe-lux --format csv > balances.csv
    """
    whose = merchant_named(merchant)
    with scoped(db.session, whose.id):
        _warn_without_program(whose)
        rows = numbers.balances(whose, now=now())
        if form == "csv":
            for line in exports.csv_lines(rows):
                click.echo(line, nl=False)
        else:
            header = [str(cell).upper().replace("_", " ") for cell in next(rows)]
            table(header, rows, empty=f"{whose.name} has no cards yet.")


@loyalty.command("stats", reads=True)
@ONE
@click.option("--since", type=DAY, metavar="YYYY-MM-DD", help="First day.  [default: 30 days to --until]")
@click.option("--until", type=DAY, metavar="YYYY-MM-DD", help="Last day.  [default: today]")
def stats(*, merchant: str, since: date | None, until: date | None) -> None:
    """Tell the numbers of a time: who came, points, what is owed, stores, staff, months.

    Days are the merchant's own. What each number means is told in docs/run/loyalty.md.

    Examples:
      flask loyalty stats --merchant cafe-lux
      flask loyalty stats --merchant cafe-lux --since 2026-01-01 --until 2026-03-31
    """
    whose, moment = merchant_named(merchant), now()
    last = until or moment.astimezone(whose.zone).date()
    first = since or last - timedelta(days=DAYS - 1)
    if first > last:
        raise click.UsageError(f"--since, {first}, must not be after --until, {last}.")
    period = numbers.Period.of_days(whose, first, last)
    with scoped(db.session, whose.id):
        _warn_without_program(whose)
        numbers_told.tell(whose, period, (first, last), moment)


def _warn_without_program(merchant: Merchant) -> None:
    """Say why there are no cards; what was before is told all the same."""
    if find_program(merchant) is None:
        click.echo(without_program(merchant).message, err=True)


@loyalty.command("convert")
@ONE
@click.option("--rate", metavar="NUMBER", help="How many for one.  [default: the program's]")
def convert(*, merchant: str, rate: str | None) -> None:
    """Turn what the program does not count any more, points or stamps, into what it counts.

    On every card, all at once; what a card gets is rounded down, and where that is nothing, nothing is
    taken. A rate turned round, which would fill a card more than a hundred times, is refused before
    anything is converted. Interrupted? Run it again.

    Example:
      flask loyalty convert --merchant cafe-lux --rate 0.1
    """
    whose, moment, per_one = merchant_named(merchant), now(), _rate(rate)
    visit = Visit(by=OPERATOR, now=moment, source="cli")
    cards = taken = given = 0
    after: int | None = 0
    with scoped(db.session, whose.id):
        whole(lambda: _refuse_turned_round(whose, per_one))
        while after is not None:
            done = whole(partial(_converted, whose, visit, per_one, after))
            cards, taken, given = cards + done.cards, taken + done.taken, given + done.given
            after = done.after
    click.echo(f"Converted {taken:,} into {given:,} on {counted(cards, 'card')}.")


def _rate(typed: str | None) -> Decimal | None:
    try:
        return None if typed is None else part_from(typed)
    except Refused:
        raise click.UsageError(f"--rate is a number like 0.5; “{typed}” is none.") from None


def _refuse_turned_round(merchant: Merchant, rate: Decimal | None) -> None:
    """Look at all cards first, as the screen does; where nothing is left to convert, a run does no harm."""
    try:
        frozen.look_ahead(_program_of(merchant), rate)
    except Refused as no:
        if no.code != "nothing_to_convert":
            raise


def _program_of(merchant: Merchant) -> LoyaltyProgram:
    program = find_program(merchant)
    if program is None:
        raise without_program(merchant)
    return program


def _converted(
    merchant: Merchant, visit: Visit, rate: Decimal | None, after: int | None
) -> converting.Converted:
    done = converting.convert_some(_program_of(merchant), visit=visit, rate=rate, after=after or 0)
    db.session.commit()
    return done
