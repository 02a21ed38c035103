"""The command line: what `flask --app admin_app …` offers beside Flask's own commands."""

import click

from cli.backup import backup, restore
from cli.import_ import import_files
from cli.seed import seed
from cli.serve import serve
from cli.users import create_user
from cli.worker import worker

COMMANDS: list[click.Command] = [import_files, seed, serve, create_user, backup, restore, worker]
