"""The terminal door: what an operator types."""

import click
from flask import Flask

from portal.cli.accounts import accounts
from portal.cli.api_keys import api_keys
from portal.cli.demo import demo
from portal.cli.export import export
from portal.cli.imports import import_
from portal.cli.jobs import jobs
from portal.cli.loyalty import loyalty
from portal.cli.merchants import merchants
from portal.cli.program import program
from portal.cli.trash import trash

COMMANDS = (accounts, api_keys, demo, export, import_, jobs, loyalty, merchants, program, trash)
# What libraries add and only engineers need: it works, and is not shown among what an operator types.
TOOLS = ("limiter", "routes", "run", "shell", "spec")


def init_app(app: Flask) -> None:
    """Hang the commands on `flask`."""
    for command in COMMANDS:
        app.cli.add_command(command)
    if "db" in app.cli.commands:
        app.cli.commands["db"].short_help = "The tables: flask db upgrade makes the newest."
    _hide_tools()


def _hide_tools() -> None:
    context = click.get_current_context(silent=True)
    typed = context.find_root().command if context else None
    every = typed.commands if isinstance(typed, click.Group) else {}
    for name in TOOLS:
        if name in every:
            every[name].hidden = True
