"""Bringing back at the terminal, the same for a merchant and for any deletion."""

import re
from collections.abc import Callable, Iterable
from typing import Any

import click

from portal.cli.deletions import counts_text, name_of
from portal.cli.door import now, whole
from portal.cli.finding import scope_of
from portal.cli.words import ID, each_once
from portal.extensions import db
from portal.models.actor import OPERATOR
from portal.models.deletion import Deletion
from portal.services import trash

ROW = re.compile(r"[a-z_]+-([0-9]+)-[a-z_]+")


def restore_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options a restore has."""
    for option in (
        click.option("--with-owners", is_flag=True, help="Restore what it belongs to first."),
        click.option("--replace", is_flag=True, help="Put the living program in the trash to make room."),
        click.option(
            "--set",
            "settings",
            multiple=True,
            metavar="FIELD=VALUE",
            help="A new value where the old one is taken; repeatable. Empty clears it.",
        ),
    ):
        command = option(command)
    return command


def run_restore(act: Deletion, *, with_owners: bool, replace: bool, settings: Iterable[str]) -> None:
    """Restore, commit and say what came back."""
    options: dict[str, Any] = {"with_owners": with_owners, "replace_holder": replace}

    def bring_back() -> dict[str, int]:
        counts = trash.restore(act, by=OPERATOR, now=now(), overrides=overrides, **options)
        db.session.commit()
        return counts

    with scope_of(act):
        label, was_back = name_of(act), act.status == "restored"
        overrides = new_values(act, settings)
        counts = whole(bring_back)
    if was_back:
        click.echo(f"The {label} was restored before. Nothing was changed.")
    else:  # a part of a person's deletion comes back with the person, and counts nothing of its own
        click.echo(f"The {label} is back: {counts_text(counts) or 'with what it belongs to'}.")


def new_values(act: Deletion, settings: Iterable[str]) -> dict[str, str | None]:
    """Read FIELD=VALUE; a bare field is one of the root's, kind-id-field names any other row's."""
    return each_once(_new_value(act, setting) for setting in settings)


def _new_value(act: Deletion, setting: str) -> tuple[str, str | None]:
    field, sign, value = setting.partition("=")
    if not field or not sign:
        raise click.BadParameter(f"“{setting}” is not FIELD=VALUE.", param_hint="--set")
    if row := ROW.fullmatch(field):
        ID.convert(row[1], None, None)
    key = field if "-" in field else f"{act.root_kind}-{act.root_id}-{field}"
    return key, value.strip() or None
