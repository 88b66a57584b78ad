"""`flask export`: take the data away as CSV."""

from collections.abc import Callable, Iterator
from typing import IO

import click

from portal.cli.door import Room, now
from portal.cli.finding import merchant_named, store_coded
from portal.cli.showing import counted
from portal.extensions import db
from portal.models.merchant import Merchant
from portal.models.order import Order
from portal.models.store import Store
from portal.models.tenancy import scoped
from portal.services import customer_exports, exports, order_exports


@click.group("export", cls=Room, short_help="Take data away as CSV.")
def export() -> None:
    """Take stores, team, products, customers or orders away as CSV (UTF-8).

    What is exported can be imported again and changes nothing; orders are for reading. Text that a
    spreadsheet would take for a formula begins with an apostrophe, which the import takes off.

    Examples:
      flask export products --merchant cafe-lumiere > products.csv
      flask export team --merchant cafe-lumiere --store gare --output team.csv
      flask export customers --merchant cafe-lumiere -o customers.csv
    """


def options(*, store: bool) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The options every export has; `store` narrows it to one."""

    def with_options(command: Callable[..., None]) -> Callable[..., None]:
        given = [
            click.option("--merchant", required=True, metavar="SUBDOMAIN", help="Whose."),
            click.option("--include-deleted", is_flag=True, help="Also what lies in the trash."),
            click.option(
                "--output",
                "-o",
                type=click.File("w", encoding="utf-8", lazy=True),
                default="-",
                metavar="FILE",
                help="A file to write.  [default: stdout]",
            ),
        ]
        if store:
            given.append(click.option("--store", metavar="CODE", help="Only this store's."))
        for option in given:
            command = option(command)
        return command

    return with_options


@export.command("stores", reads=True)
@options(store=False)
def stores(*, merchant: str, include_deleted: bool, output: IO[str]) -> None:
    """Export the stores of a merchant.

    Example:
      flask export stores --merchant cafe-lumiere --output stores.csv
    """
    _write(output, exports.stores(merchant_named(merchant), include_deleted=include_deleted))


@export.command("team", reads=True)
@options(store=True)
def team(*, merchant: str, store: str | None, include_deleted: bool, output: IO[str]) -> None:
    """Export who works in the stores; owners are not listed.

    Example:
      flask export team --merchant cafe-lumiere --output team.csv
    """
    whose = merchant_named(merchant)
    where = _store(whose, store)
    _write(output, exports.team(whose, store=where, include_deleted=include_deleted))


@export.command("products", reads=True)
@options(store=True)
def products(*, merchant: str, store: str | None, include_deleted: bool, output: IO[str]) -> None:
    """Export what the stores sell.

    Example:
      flask export products --merchant cafe-lumiere --store gare > gare.csv
    """
    whose = merchant_named(merchant)
    where = _store(whose, store)
    _write(output, exports.products(whose, store=where, include_deleted=include_deleted))


@export.command("customers", reads=True)
@options(store=False)
def customers(*, merchant: str, include_deleted: bool, output: IO[str]) -> None:
    """Export the customers, with the number and the balances of their cards.

    Points that are due to expire are left out, whether the night has come or not.

    Example:
      flask export customers --merchant cafe-lumiere -o customers.csv
    """
    whose = merchant_named(merchant)
    _write(output, customer_exports.customers(whose, now=now(), include_deleted=include_deleted))


@export.command("orders", reads=True)
@options(store=True)
def orders(*, merchant: str, store: str | None, include_deleted: bool, output: IO[str]) -> None:
    """Export the orders, one line each: total, what went back, and the points they give.

    Times are in UTC, and customers are told by name: for reading, not for an import.

    Example:
      flask export orders --merchant cafe-lumiere --store gare -o gare.csv
    """
    whose = merchant_named(merchant)
    where = _store(whose, store)
    narrowed = [] if where is None else [Order.store_id == where.id]
    _write(output, order_exports.orders(whose, where=narrowed, include_deleted=include_deleted))


def _store(merchant: Merchant, code: str | None) -> Store | None:
    if code is None:
        return None
    with scoped(db.session, merchant.id):
        return store_coded(merchant, code)


def _write(output: IO[str], rows: Iterator[exports.Row]) -> None:
    count = -1  # the header is no row
    for line in exports.csv_lines(rows):
        output.write(line)
        count += 1
    click.echo(f"{counted(count, 'row')}.", err=True)
