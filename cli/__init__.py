"""The command line: what `flask --app admin_app …` offers beside Flask's own commands."""

import click

from cli.audit import audit, erase_person
from cli.backup import backup, restore
from cli.backups import backups, restore_drill
from cli.first_run import setup_link, start_over
from cli.import_ import import_files
from cli.import_fields import import_fields
from cli.import_undo import import_undo
from cli.portrait import portrait
from cli.proofs import cockpit, contracts
from cli.seed import seed
from cli.serve import serve
from cli.users import (
    activate_user,
    create_user,
    deactivate_user,
    reset_second_factor,
    set_password,
    unlock,
)
from cli.worker import worker

COMMANDS: list[click.Command] = [
    import_files,
    import_undo,
    import_fields,
    seed,
    serve,
    setup_link,
    start_over,
    create_user,
    set_password,
    deactivate_user,
    activate_user,
    unlock,
    reset_second_factor,
    audit,
    cockpit,
    erase_person,
    contracts,
    portrait,
    backup,
    restore,
    backups,
    restore_drill,
    worker,
]
