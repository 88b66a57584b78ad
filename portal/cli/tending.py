"""`flask trash purge` and `doctor`: emptying what is over, and looking for what must never be."""

import click

from portal.cli import emptying
from portal.cli.deletions import counts_text, name_of
from portal.cli.door import Act, now
from portal.cli.finding import deletion_numbered, merchant_dead_or_alive, scope_for
from portal.cli.showing import counted
from portal.cli.words import ID
from portal.errors import Refused
from portal.extensions import db
from portal.models.deletion import Deletion
from portal.services import trash


@click.command("purge", cls=Act)
@click.argument("number", metavar="[ID]", type=ID, required=False)
@click.option("--due", is_flag=True, help="Purge all that was kept long enough; for a timer.")
@click.option("--merchant", metavar="SUBDOMAIN", help="Only this merchant's.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@click.option("--yes", is_flag=True, help="Do not ask for the name to be typed.")
@click.pass_context
def purge(
    ctx: click.Context,
    *,
    number: int | None,
    due: bool,
    merchant: str | None,
    dry_run: bool,
    yes: bool,
) -> None:
    """Remove for good what was deleted.

    Deletion ID, or else all whose time is over, which --due says aloud. What is on hold, or a part of it,
    stays. Rows that orders still point at are emptied of what they said, and kept. Interrupted? Run it
    again: it goes on where it stopped.

    Examples:
      flask trash purge --due --dry-run
      flask trash purge --due --merchant cafe-lumiere
      flask trash purge 31
    """
    if number is not None and due:
        raise click.UsageError("Say the ID of a deletion, or --due.")
    whose = merchant_dead_or_alive(merchant) if merchant else None
    if number is not None:
        _purge_one(deletion_numbered(number, whose), dry_run=dry_run, yes=yes)
        return
    tenants = [whose.id] if whose else None
    if dry_run:
        _tell_due(tenants)
    elif not emptying.purge_due(now(), tenants):
        ctx.exit(1)


def _purge_one(act: Deletion, *, dry_run: bool, yes: bool) -> None:
    number, name = act.id, name_of(act)
    label = act.root_label or str(act.root_id)
    click.echo(f"{'Would purge' if dry_run else 'Purging'} {name} for good: {counts_text(act.counts)}.")
    db.session.rollback()  # nobody waits while you type
    if dry_run:
        return
    if not yes and click.prompt(f"Type {label} to purge it") != label:
        raise Refused("not_confirmed", f"That is not {label}. Nothing was purged.")
    emptying.purge_one(number, now=now())


def _tell_due(tenants: list[int] | None) -> None:
    count = 0
    for act_id in emptying.due(now(), tenants):
        if why := emptying.why_held(act_id):
            click.echo(emptying.kept(act_id, why))
            continue
        act = deletion_numbered(act_id)
        click.echo(f"Would purge: {name_of(act)} (deletion {act.id}): {counts_text(act.counts)}")
        count += 1
    db.session.rollback()
    click.echo(f"{count:,} to purge. Nothing was changed.")


@click.command("doctor", cls=Act, reads=True)
@click.option("--merchant", metavar="SUBDOMAIN", help="Look at this merchant alone.")
@click.pass_context
def doctor(ctx: click.Context, *, merchant: str | None) -> None:
    """Look for what must never be.

    Such as living rows under dead owners, or counts that disagree. Exit code 1 if any is found.

    Examples:
      flask trash doctor
      flask trash doctor --merchant cafe-lumiere
    """
    whose = merchant_dead_or_alive(merchant) if merchant else None
    with scope_for(whose, "the doctor looks at every merchant"):
        found = trash.doctor()
    for finding in found:
        place = f"merchant {finding.merchant_id}" if finding.merchant_id else "platform"
        click.echo(f"{place}: {finding.sentence} ({finding.rule})", err=True)
    if found:
        click.echo(f"{counted(len(found), 'finding')}.", err=True)
        ctx.exit(1)
    click.echo("All is well.")
