"""`flask accounts`: the people who may sign in."""

import secrets
import sys
from collections.abc import Callable
from typing import Any

import click
from sqlalchemy import or_, select

from portal.cli.door import Room, now, whole
from portal.cli.finding import number_after_sign, person_called, person_numbered
from portal.cli.restoring import restore_options, run_restore
from portal.cli.showing import moment, preview, table
from portal.cli.words import ID, LIMIT
from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models.actor import OPERATOR
from portal.models.deletion import Deletion
from portal.models.tenancy import PLATFORM, across_merchants, scoped
from portal.models.text import fold, fold_code
from portal.models.user import User
from portal.services import trash
from portal.services.accounts import create_user, delete_user, find_user, set_password

WHY = "a person may work for several merchants"


@click.group("accounts", cls=Room)
def accounts() -> None:
    """The people who may sign in, and platform admins.

    Examples:
      flask accounts create --name "Ana Weber" --email ana@example.com --platform-admin
      flask accounts list --q weber
      flask accounts reset-password ana@example.com --generate
    """


def password_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Ask for a password, read it from stdin, or make one."""
    command = click.option(
        "--password-stdin", "from_stdin", is_flag=True, help="Read the password from stdin."
    )(command)
    return click.option("--generate", is_flag=True, help="Make a password and print it once.")(command)


@accounts.command("create")
@click.option("--name", required=True, help="What the person is called.")
@click.option("--email", help="An e-mail address to sign in with.")
@click.option("--username", help="A name to sign in with: a-z, 0-9 and hyphens.")
@click.option("--platform-admin", is_flag=True, help="Let the person run the whole platform.")
@password_options
def create(
    *,
    name: str,
    email: str | None,
    username: str | None,
    platform_admin: bool,
    from_stdin: bool,
    generate: bool,
) -> None:
    """Add a person.

    With an e-mail address or a username they get a password: you are asked for it twice, unless
    --password-stdin or --generate is given. Without either they are known only at the till.

    Examples:
      flask accounts create --name "Ana Weber" --email ana@example.com
      flask accounts create --name Root --username root-1 --platform-admin --generate
    """
    may_sign_in = bool(email or username)
    if platform_admin and not may_sign_in:
        message = "A platform admin must be able to sign in. Give --email or --username."
        raise Refused("no_login", message)
    refuse_unusable(name, email, username)
    password = chosen_password(from_stdin, generate) if may_sign_in else None
    given = {"email": email, "username": username, "password": password, "is_platform_admin": platform_admin}

    def add() -> User:
        user = create_user(display_name=name, by=OPERATOR, **given)  # type: ignore[arg-type]  # as declared
        db.session.commit()
        return user

    with scoped(db.session, PLATFORM):
        user = whole(add)
        click.echo(f"Added {user.display_name} as person {user.id}.")
    if generate and password:
        show_once(password)


def refuse_unusable(name: str, email: str | None, username: str | None) -> None:
    """Refuse a name or login that will not do before a password is asked for."""
    User(display_name=name, email=email, username=username)
    for field, login in (("email", email), ("username", username)):
        holder = find_user(login) if login else None
        if holder is not None:
            message = f"The {field} “{login}” is taken by {holder.display_name}. Choose another."
            raise Conflict("taken", message, holder.display_name, field=field)
    db.session.rollback()  # nobody waits while you type


@accounts.command("list", reads=True)
@click.option("--q", "wanted", default="", help="Part of a name, or how an e-mail or username begins.")
@click.option("--include-deleted", is_flag=True, help="Show people in the trash too.")
@click.option("--limit", default=200, show_default=True, type=LIMIT, help="At most so many.")
def list_(*, wanted: str, include_deleted: bool, limit: int) -> None:
    """Show people, in the order of their names.

    Examples:
      flask accounts list
      flask accounts list --q ana --include-deleted
    """
    login = fold_code(wanted)
    matches = or_(
        User.name_key.contains(fold(wanted), autoescape=True),
        User.email.startswith(login, autoescape=True),
        User.username.startswith(login, autoescape=True),
    )
    query = select(User).where(matches).order_by(User.name_key, User.id).limit(limit + 1)
    people = db.session.scalars(query, execution_options={"include_deleted": include_deleted}).all()
    header = ("ID", "NAME", "E-MAIL", "USERNAME", "SIGNS IN", "ADMIN", "DELETED")
    table(header, (_told(person) for person in people[:limit]), empty="Nobody found.")
    if len(people) > limit:
        click.echo(f"There are more than {limit}. Narrow it down with --q, or raise --limit.")


def _told(user: User) -> tuple[Any, ...]:
    signs_in, admin = _yes(user.can_sign_in), _yes(user.is_platform_admin)
    deleted = moment(user.deleted_at)
    return (user.id, user.display_name, user.email, user.username, signs_in, admin, deleted)


def _yes(claim: bool) -> str:  # noqa: FBT001 - a claim is all it is about
    return "yes" if claim else "no"


@accounts.command("reset-password")
@click.argument("login")
@password_options
def reset_password(*, login: str, from_stdin: bool, generate: bool) -> None:
    """Give a person a new password.

    LOGIN is their e-mail address or username. They are signed out everywhere.

    Examples:
      flask accounts reset-password ana@example.com
      flask accounts reset-password ana --generate
    """
    user = person_called(login)
    db.session.rollback()  # nobody waits while you type
    password = chosen_password(from_stdin, generate)

    def change() -> None:
        set_password(user, password, by=OPERATOR, now=now())
        db.session.commit()

    with scoped(db.session, PLATFORM):
        whole(change)
    click.echo(f"{user.display_name} has a new password and is signed out everywhere.")
    if generate:
        show_once(password)


def one_person(command: Callable[..., Any]) -> Callable[..., Any]:
    """Name a person by what they sign in with, or by their number."""
    command = click.option("--id", "number", metavar="ID", type=ID, help="By number.")(command)
    return click.argument("login", metavar="LOGIN|#ID", required=False)(command)


def _number_in(login: str | None, number: int | None) -> int | None:
    """Read the number from --id or #ID; raises UsageError unless one person is named in one way."""
    if (login is None) == (number is None):
        raise click.UsageError("Say who: their e-mail address or username, or #ID.")
    return number_after_sign(login or "") or number


@accounts.command("delete")
@one_person
@click.option("--reason", help="Why, for the trash.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(*, login: str | None, number: int | None, reason: str | None, yes: bool) -> None:
    """Put a person in the trash.

    LOGIN is their e-mail address or username; who has none is named by their number: #ID, or --id ID. All
    their memberships go with them, after a preview.

    Examples:
      flask accounts delete ana@example.com --reason "left the company"
      flask accounts delete --id 12
    """
    named = _number_in(login, number)
    user = person_numbered(named) if named else person_called(login or "")
    with across_merchants(db.session, WHY):
        preview(trash.preview(user))
    name, back = user.display_name, user.email or user.username or f"--id {user.id}"
    db.session.rollback()
    if not yes:
        click.confirm(f"Delete {name}?", abort=True)

    def throw_away() -> Deletion:
        act = delete_user(user, by=OPERATOR, now=now(), reason=reason)
        db.session.commit()
        return act

    with scoped(db.session, PLATFORM):
        act = whole(throw_away)
        click.echo(f"{name} is in the trash. Bring them back with: flask accounts restore {back}")
        click.echo(f"This is deletion {act.id}.")


@accounts.command("restore")
@one_person
@restore_options
def restore(*, login: str | None, number: int | None, **options: Any) -> None:
    """Bring a person back.

    With the memberships that went with them. They must sign in again. When several deleted people had
    this login, name the person by number: #ID, or --id ID. When a value is taken meanwhile, --set gives
    a new one.

    Examples:
      flask accounts restore ana@example.com
      flask accounts restore --id 12 --set email=ana.weber@example.com
    """
    run_restore(_deletion_of(login or "", _number_in(login, number)), **options)


def _deletion_of(login: str, number: int | None) -> Deletion:
    folded = fold_code(login)
    who = User.id == number if number else or_(User.email == folded, User.username == folded)
    dead = select(User).where(who, User.deletion_id.is_not(None), User.purged_at.is_(None))
    found = db.session.scalars(dead, execution_options={"include_deleted": True}).all()
    if len(found) > 1:
        numbers = ", ".join(f"--id {person.id}" for person in found)
        raise Refused(
            "ambiguous", f"Several people in the trash had the login “{login}”. Say which: {numbers}."
        )
    if not found:
        what = f"the number {number}" if number else f"the login “{login}”"
        message = f"Nobody in the trash had {what}. See: flask trash list --all --kind people"
        raise Refused("unknown_person", message)
    with scoped(db.session, PLATFORM):
        act = trash.deletion_of(found[0])
    assert act is not None  # noqa: S101 - the person was found dead
    return act


def chosen_password(from_stdin: bool, generate: bool) -> str:  # noqa: FBT001 - the two options as they are
    """Read, make or ask for a password; raises UsageError for two ways at once."""
    if from_stdin and generate:
        raise click.UsageError("Take either --password-stdin or --generate.")
    if generate:
        return secrets.token_urlsafe(12)
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt="Once more")
    return password


def show_once(password: str) -> None:
    """Print a generated password, alone on its line."""
    click.echo(f"Password, shown only now: {password}")
