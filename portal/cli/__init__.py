"""The terminal door: what an operator types."""

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


def init_app(app: Flask) -> None:
    """Hang the commands on `flask`."""
    for command in COMMANDS:
        app.cli.add_command(command)
