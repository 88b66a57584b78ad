"""`flask demo`: something to try out."""

import click
from flask import current_app
from sqlalchemy import select

from portal.cli.door import Act, now, whole
from portal.cli.showing import table
from portal.cli.words import Number
from portal.errors import Refused
from portal.extensions import db
from portal.models.merchant import Merchant


@click.command("demo", cls=Act)
@click.option(
    "--seed", default=1, show_default=True, type=Number(least=0), help="Which customers and sales to make up."
)
@click.option("--if-empty", is_flag=True, help="Do nothing when there is any merchant.")
def demo(*, seed: int, if_empty: bool) -> None:
    """Load something to try out.

    A café with three stores, a bakery and a book shop; prints who may sign in. For trying out only:
    everybody has the same, printed password. Running it again changes nothing. Refused when
    CARNET_ENV is production.

    Examples:
      flask demo
      flask demo --if-empty --seed 7
    """
    if current_app.config["CARNET_ENV"] == "production":
        message = "The demo has a password everybody knows. It is not loaded where CARNET_ENV is production."
        raise Refused("production", message)
    from portal.services import demo as verbs  # noqa: PLC0415 - only this command needs it

    here = verbs.is_here()
    if not here and if_empty and _has_merchants():
        click.echo("There are merchants already: the demo was not loaded.")
        return
    if here:
        click.echo("The demo is here already: nothing was changed.")
    else:

        def build() -> None:
            verbs.build(seed=seed, now=now(), secret=current_app.config["SECRET_KEY"])
            db.session.commit()

        whole(build)
        click.echo("Loaded Café Lumière, Boulangerie Moulin and Librairie Papyrus.")
    click.echo(f"\nSign in with the password: {verbs.PASSWORD}")
    table(("USERNAME", "WHO"), verbs.SIGN_INS, empty="")
    click.echo("\nThis is for trying out only. Delete it before real people's data come in.")


def _has_merchants() -> bool:
    anybody = select(Merchant.id).limit(1)
    return db.session.scalar(anybody, execution_options={"include_deleted": True}) is not None
