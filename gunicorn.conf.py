"""What gunicorn reads by itself: `gunicorn 'admin_app:create_app()'` needs no options.

Each is a default: the command line and GUNICORN_CMD_ARGS have the last word.
"""

import os
import tempfile
from typing import Any

# Before prometheus_client is imported: its counters are then files that all processes add up.
os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", tempfile.mkdtemp(prefix="tcos-metrics-"))

workers = int(os.environ.get("WEB_CONCURRENCY", "4"))
threads = 8
limit_request_line = 8190  # gunicorn's own page answers beyond: the state is the address
logger_class = "views.setup.logs.GunicornLines"


def child_exit(_server: Any, worker: Any) -> None:
    """Forget the gauges of a process that ended; its counters stay in the sums."""
    from prometheus_client import multiprocess  # after the variable above

    multiprocess.mark_process_dead(worker.pid)
