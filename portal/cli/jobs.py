"""`flask jobs`: what a timer runs."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

import click

from portal.cli import emptying
from portal.cli.door import Room, now, whole
from portal.cli.showing import table
from portal.extensions import db
from portal.services.accounts import forget_old_attempts
from portal.services.once import forget_old_keys


class Job(NamedTuple):
    """One job: what it does, when to run it, and how; it answers whether all went well."""

    does: str
    when: str
    run: Callable[[datetime], bool]


def _attempts(moment: datetime) -> bool:
    def forget() -> int:
        forgotten = forget_old_attempts(moment)
        db.session.commit()
        return forgotten

    click.echo(f"Forgot {whole(forget):,} old tries to sign in.")
    return True


def _repeats(moment: datetime) -> bool:
    def forget() -> int:
        forgotten = forget_old_keys(moment)
        db.session.commit()
        return forgotten

    click.echo(f"Forgot {whole(forget):,} old calls that could have been sent twice.")
    return True


JOBS = {
    "attempts": Job("Forget tries to sign in older than a day.", "nightly", _attempts),
    "deletions": Job("Finish large or interrupted acts.", "every minute", emptying.finish_all),
    "purge": Job("Empty the trash of what was kept long enough.", "nightly", emptying.purge_due),
    "repeats": Job("Forget calls older than 30 days that could be sent twice.", "nightly", _repeats),
}


@click.group("jobs", cls=Room)
def jobs() -> None:
    """What a timer runs. Each job may run at any time, and twice at once.

    Examples, as lines of a crontab:
      * * * * *   flask jobs run deletions
      15 3 * * *  flask jobs run purge
      20 3 * * *  flask jobs run attempts
      25 3 * * *  flask jobs run repeats
    """


@jobs.command("list")
def list_() -> None:
    """Name the jobs, and how often to run each."""
    rows = [(name, job.when, job.does) for name, job in JOBS.items()]
    table(("JOB", "WHEN", "WHAT IT DOES"), rows, empty="")


@jobs.command("run")
@click.argument("name", type=click.Choice(sorted(JOBS)))
@click.pass_context
def run(ctx: click.Context, *, name: str) -> None:
    """Run a job once.

    Exit code 1 when a part of it was refused; the other parts are done.

    Example:
      flask jobs run purge
    """
    if not JOBS[name].run(now()):
        ctx.exit(1)
