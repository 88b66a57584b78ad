"""`flask jobs`: what a timer runs."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

import click

from portal.cli import emptying, nights
from portal.cli.door import Room, now, whole
from portal.cli.showing import counted, table
from portal.extensions import db
from portal.services.accounts import forget_old_attempts
from portal.services.ledger.fingerprints import forget_old as forget_old_fingerprints
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

    click.echo(f"Forgot {counted(whole(forget), 'old try', 'old tries')} to sign in.")
    return True


def _repeats(moment: datetime) -> bool:
    def forget() -> int:
        forgotten = forget_old_keys(moment)
        db.session.commit()
        return forgotten

    click.echo(f"Forgot {counted(whole(forget), 'old call')} that could have been sent twice.")
    return True


def _fingerprints(moment: datetime) -> bool:
    def forget() -> int:
        forgotten = forget_old_fingerprints(moment)
        db.session.commit()
        return forgotten

    marks = counted(whole(forget), "mark of a welcome bonus", "marks of welcome bonuses")
    click.echo(f"Forgot {marks} of people erased five years ago.")
    return True


JOBS = {
    "attempts": Job("Forget tries to sign in older than a day.", "nightly", _attempts),
    "deletions": Job("Finish large or interrupted acts.", "every minute", emptying.finish_all),
    "expiry": Job("Expire points nobody touched and rewards nobody collected.", "nightly", nights.expire),
    "fingerprints": Job("Forget who had a bonus, five years after an erasure.", "nightly", _fingerprints),
    "purge": Job("Empty the trash of what was kept long enough.", "nightly", emptying.purge_due),
    "repeats": Job("Forget calls older than 30 days that could be sent twice.", "nightly", _repeats),
    "tiers": Job("Put cards into the tiers they are due.", "nightly", nights.grade),
    "warnings": Job("Warn of points that expire in 30 and in 7 days.", "nightly", nights.warn),
}


@click.group("jobs", cls=Room)
def jobs() -> None:
    """What a timer runs. Each job may run at any time, and twice at once.

    Examples, as lines of a crontab:
      * * * * *   flask jobs run deletions
      15 3 * * *  flask jobs run purge
      20 3 * * *  flask jobs run attempts
      25 3 * * *  flask jobs run repeats
      30 3 * * *  flask jobs run fingerprints
      5 * * * *   flask jobs run expiry
      35 3 * * *  flask jobs run tiers
      45 3 * * *  flask jobs run warnings
    """


@jobs.command("list")
def list_() -> None:
    """Name the jobs, and how often to run each."""
    rows = [(name, job.when, job.does) for name, job in JOBS.items()]
    table(("JOB", "WHEN", "WHAT IT DOES"), rows, empty="")


@jobs.command("run")
@click.argument("name", metavar="JOB", type=click.Choice(sorted(JOBS)))
@click.pass_context
def run(ctx: click.Context, *, name: str) -> None:
    """Run a job once; `flask jobs list` names them.

    Exit code 1 when a part of it was refused; the other parts are done.

    Example:
      flask jobs run purge
    """
    if not JOBS[name].run(now()):
        ctx.exit(1)
