"""`flask import`: take other programs' tables in."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from portal.cli.door import Act, Room
from portal.cli.importing import carry_out
from portal.cli.importing_batches import name_of, take_back, take_customers, take_orders
from portal.cli.importing_listed import tell_batches, tell_rows
from portal.cli.words import ID, in_a_folder, pairs, triples
from portal.services.imports import ALL_STORES, FORMATS, Asked

READABLE = click.Path(exists=True, dir_okay=False, readable=True, allow_dash=True)


@click.group("import", cls=Room, short_help="Take CSV files of other programs in.")
def import_() -> None:
    """Take stores, team, products, customers or orders in from a CSV file.

    The file is UTF-8, its columns separated by commas, semicolons or tabs. Columns are matched by
    their names; --map says it for the others. A row is known by its external_ref: the same file again
    changes nothing. Blank cells leave what is there. A row is written whole or refused, and the good
    rows stay; exit code 1 when any was refused.

    Examples:
      flask import stores outlets.csv --merchant bean --map name=Neighborhood --dry-run
      flask import team staff.csv --merchant bean --map store=location --rejects refused.csv
      flask import products products.csv --merchant bean --all-stores --map price=retail_price
    """


def options(command: Callable[..., None]) -> Callable[..., None]:
    """The options every import has."""
    for option in reversed(
        (
            click.argument("path", metavar="FILE", type=READABLE),
            click.option("--merchant", required=True, metavar="SUBDOMAIN", help="Whose it will be."),
            click.option(
                "--map",
                "maps",
                multiple=True,
                metavar="FIELD=COLUMN",
                callback=pairs,
                help="Which column fills a field; repeatable. FIELD= alone leaves the field out.",
            ),
            click.option(
                "--map-value",
                "values",
                multiple=True,
                metavar="FIELD:FROM=TO",
                callback=triples,
                help="Read FROM as TO in a field; repeatable.",
            ),
            click.option(
                "--where",
                multiple=True,
                metavar="COLUMN=VALUE",
                callback=pairs,
                help="Only rows with this value; repeatable, several of one column are alternatives.",
            ),
            click.option("--dry-run", is_flag=True, help="Say what would happen and write nothing."),
            click.option(
                "--rejects",
                metavar="FILE",
                type=click.Path(dir_okay=False, writable=True, path_type=Path),
                callback=in_a_folder,
                help="Write the refused rows to this CSV, with line and reason before each.",
            ),
        )
    ):
        command = option(command)
    return command


def of_programs(command: Callable[..., None]) -> Callable[..., None]:
    """The options of what other programs export."""
    for option in reversed(
        (
            click.option(
                "--format",
                "program",
                type=click.Choice(list(FORMATS), case_sensitive=False),
                help="What this program exports: its columns are known.",
            ),
            click.option(
                "--dates",
                type=click.Choice(["mdy", "dmy"], case_sensitive=False),
                help="How 3/4/2026 is meant; 2026-03-04 needs no word.",
            ),
        )
    ):
        command = option(command)
    return command


one_store = click.option("--store", metavar="CODE", help="Into this store, whatever the file says.")
all_stores = click.option("--all-stores", is_flag=True, help="Into every store; for products.")


@import_.command("stores")
@options
@click.pass_context
def stores(ctx: click.Context, /, *, path: str, **chosen: Any) -> None:
    """Import stores.

    FILE is a CSV file, or - for stdin. Fields: external_ref, store_code, name, subdomain, address,
    postal_code, city, country, phone, timezone. A new store needs a name and a store_code.

    Example:
      flask import stores outlets.csv --merchant bean --where type=retail --map store_code=id
    """
    carry_out(ctx, "stores", path, None, **chosen)


@import_.command("team")
@options
@one_store
@all_stores
@click.pass_context
def team(ctx: click.Context, /, *, path: str, store: str | None, all_stores: bool, **chosen: Any) -> None:
    """Import who works in the stores.

    FILE is a CSV file, or - for stdin. Fields: external_ref, store, name (or first_name and last_name),
    email, role, position. The role is manager or staff, and staff when not given. The store is a store's
    code or external_ref. People without an email are known only at the till; one with a known email is
    added to the team as they are. A team is imported store by store, or by a column that says the store;
    not with --all-stores.

    Example:
      flask import team staff.csv --merchant bean --map store=location --map-value "role:Boss=manager"
    """
    carry_out(ctx, "team", path, _store(store, all_stores), **chosen)


@import_.command("products")
@options
@one_store
@all_stores
@click.pass_context
def products(ctx: click.Context, /, *, path: str, store: str | None, all_stores: bool, **chosen: Any) -> None:
    """Import what the stores sell.

    FILE is a CSV file, or - for stdin. Fields: external_ref, store, sku, barcode, name, category, price,
    earns_points (Y or N). A new product needs a name and a price. $18.00 and 18,00 are understood; 1,234
    is refused, for it may be thousands or decimals.

    Example:
      flask import products products.csv --merchant bean --all-stores --dry-run
    """
    carry_out(ctx, "products", path, _store(store, all_stores), **chosen)


@import_.command("customers")
@options
@of_programs
@click.pass_context
def customers(
    ctx: click.Context,
    /,
    *,
    path: str,
    program: str | None,
    dates: str | None,
    maps: Any,
    values: Any,
    where: Any,
    **chosen: Any,
) -> None:
    """Import customers, each with a card in the program.

    FILE is a CSV file, or - for stdin. Fields: external_ref, name (or first_name and last_name), phone,
    email, birthday, home_store, card_number (several: repeat the column, or the --map), points, stamps,
    notes. A phone is read as people write it in the country of the home store. A phone or e-mail that
    somebody else has is left out, with a warning. No welcome bonus is given. It can be taken back.

    Examples:
      flask import customers customers.csv --merchant bean --dry-run
      flask import customers customers.csv --merchant bean --format loyverse --rejects refused.csv
    """
    asked = Asked(maps, values, where, format=program, dates=dates, file_name=name_of(path))
    take_customers(ctx, path, asked, **chosen)


@import_.command("orders")
@options
@of_programs
@click.option("--earn", is_flag=True, help="Post the points of each receipt as of its time.")
@click.option(
    "--group-by",
    metavar="COLUMN,COLUMN",
    default="",
    help="Lines with the same values in these columns are one basket; otherwise those of one number.",
)
@one_store
@click.pass_context
def orders(
    ctx: click.Context,
    /,
    *,
    path: str,
    program: str | None,
    dates: str | None,
    maps: Any,
    values: Any,
    where: Any,
    group_by: str,
    store: str | None,
    earn: bool,
    **chosen: Any,
) -> None:
    """Import receipts as orders.

    FILE is a CSV file with a line for each product sold, or - for stdin. Fields: number, store, date,
    time, customer (a customer's external_ref; 0 or blank is nobody), contact (their e-mail or phone),
    staff, product, sku, name, quantity, price, discount, amount (of the line), time_zone; and how a sale
    ended: receipt_type, sale_status, cancelled_at, refunded_amount. What was voided or refunded is left
    out and counted. Times are those of the merchant's clock. An order that is here already stays as it
    is. Cut off in the middle, the same line goes on. It can be taken back.

    Example:
      flask import orders receipts.csv --merchant bean --group-by receipt,date,shop --earn --dry-run
    """
    columns = tuple(name.strip() for name in group_by.split(",") if name.strip())
    asked = Asked(
        maps,
        values,
        where,
        format=program,
        dates=dates,
        store=store,
        group_by=columns,
        is_earning=earn,
        file_name=name_of(path),
    )
    take_orders(ctx, path, asked, **chosen)


whose = click.option("--merchant", required=True, metavar="SUBDOMAIN", help="Whose import it was.")


@import_.command("list", cls=Act, reads=True)
@whose
def list_(merchant: str) -> None:
    """List the imports of customers and orders, the newest first.

    Example:
      flask import list --merchant bean
    """
    tell_batches(merchant)


@import_.command("show", cls=Act, reads=True)
@click.argument("batch", type=ID)
@whose
def show(batch: int, merchant: str) -> None:
    """Print as CSV what was refused in an import, or needs a look, row by row.

    Example:
      flask import show 2 --merchant bean > look-at-these.csv
    """
    tell_rows(batch, merchant)


@import_.command("undo")
@click.argument("batch", type=ID)
@whose
def undo(batch: int, merchant: str) -> None:
    """Take an import of customers or orders back.

    Points are taken back by reversing rows; what was made goes to the trash; customers that were changed
    become what they were, where nobody changed them since. Refused when something was used since in
    a way that cannot be taken back. Cut off in the middle, the same line goes on.

    Example:
      flask import undo 2 --merchant bean
    """
    take_back(batch, merchant)


def _store(code: str | None, everywhere: bool) -> str | None:  # noqa: FBT001 - the two options as they are
    if code and everywhere:
        raise click.UsageError("Take either --store or --all-stores.")
    return ALL_STORES if everywhere else code
