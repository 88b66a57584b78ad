"""`flask api-keys`: keys by which programs act for platform admins."""

import click

from portal.cli.door import Room, now, whole
from portal.cli.finding import person_called
from portal.cli.showing import moment, names_of, table
from portal.cli.words import ID, Number, readable
from portal.extensions import db
from portal.models.actor import OPERATOR
from portal.models.api_key import ApiKey
from portal.models.tenancy import PLATFORM, scoped
from portal.models.user import User
from portal.services import api_keys as keys

YEARS_10 = 3_650


@click.group("api-keys", cls=Room)
def api_keys() -> None:
    """Keys for the admin API. A key may do what its platform admin may.

    Examples:
      flask api-keys create --user ana@example.com --name "nightly report" --days 90
      flask api-keys list
      flask api-keys revoke 3
    """


@api_keys.command("create")
@click.option(
    "--user", "login", required=True, metavar="LOGIN", help="E-mail or username of a platform admin."
)
@click.option(
    "--name", required=True, callback=readable, help="What it is for, so that people know it again."
)
@click.option("--days", type=Number(most=YEARS_10), help="It ends after so many days; never without.")
def create(*, login: str, name: str, days: int | None) -> None:
    """Make a key.

    It is shown once and kept only as a hash: write it down. Only platform admins have keys.

    Examples:
      flask api-keys create --user ana@example.com --name "nightly report" --days 90
    """

    def make() -> tuple[ApiKey, str]:
        made = keys.create_key(person_called(login), name=name, by=OPERATOR, now=now(), days=days)
        db.session.commit()
        return made

    with scoped(db.session, PLATFORM):
        key, secret = whole(make)
        until = f"until {moment(key.expires_at)} UTC" if key.expires_at else "until it is revoked"
        click.echo(f"Made key {key.id}, “{key.name}”, for {key.user.display_name}. It works {until}.")
    click.echo(f"Key, shown only now: {secret}")


@api_keys.command("list", reads=True)
@click.option("--user", "login", metavar="LOGIN", help="Only the keys of this person.")
def list_(*, login: str | None) -> None:
    """Show the keys, the newest first; never their secrets.

    Examples:
      flask api-keys list
      flask api-keys list --user ana@example.com
    """
    person = person_called(login) if login else None
    found = keys.list_keys(person)
    names = names_of(key.user_id for key in found)
    header = ("ID", "BEGINS", "NAME", "ACTS FOR", "MADE", "ENDS", "LAST USED", "STATE")
    table(
        header,
        [_line(key, names[key.user_id]) for key in found],
        empty=f"{_nobody_or(person)} no key yet. Make one with: flask api-keys create",
    )


def _line(key: ApiKey, person: str) -> tuple[str | int, ...]:
    times = (moment(key.created_at), moment(key.expires_at), moment(key.last_used_at))
    return (key.id, f"{key.hint}…", key.name, person, *times, _state(key))


def _nobody_or(person: User | None) -> str:
    return f"{person.display_name} has" if person else "There is"


def _state(key: ApiKey) -> str:
    if not key.is_valid(now()):
        return "revoked" if key.revoked_at else "expired"
    return "works" if key.user.is_platform_admin else "not an admin"


@api_keys.command("revoke")
@click.argument("number", metavar="ID", type=ID)
def revoke(*, number: int) -> None:
    """Take a key back for good, from its next call on.

    Examples:
      flask api-keys revoke 3
    """

    def take_back() -> ApiKey:
        key = keys.revoke_key(number, by=OPERATOR, now=now())
        db.session.commit()
        return key

    with scoped(db.session, PLATFORM):
        key = whole(take_back)
        click.echo(f"Key {key.id}, “{key.name}”, is revoked.")
