"""The refusal to start: one line for an operator, whatever starts us."""

import click
from gunicorn.errors import AppImportError


class Misconfigured(click.ClickException, AppImportError):  # noqa: N818 # read by an operator
    """The environment lacks something; the message says what to set.

    Commands print it as one line (click's family), and so does gunicorn (its own family), which
    then ends instead of starting the next worker.
    """
