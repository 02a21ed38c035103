"""The command line: what `flask --app admin_app …` offers beside Flask's own commands."""

import click

COMMANDS: list[click.Command] = []
