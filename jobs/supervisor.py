"""Starts a command again when it ends, until standard input ends: the leash of `serve`.

It imports nothing of the product: a process that only waits must cost no memory and must not fail
with it. `python -m jobs.supervisor COMMAND …`
"""

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import BinaryIO, Self

LOG = logging.getLogger("tcos.supervisor")
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0  # seconds
WELL = 60.0  # seconds after which a start counts as a good one


class Supervisor:
    """Keeps one child alive; the child is told to stop by the end of its standard input."""

    def __init__(self, command: Sequence[str], leash: BinaryIO) -> None:
        """Remember what to start and what to listen to."""
        self.command, self.leash = list(command), leash
        self.over = threading.Event()
        self.child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Begin to listen."""
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _problem: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Let the child end."""
        self._stop()
        if self.child is not None:
            self.child.wait()

    def run(self) -> None:
        """Start the child, and again whenever it ends by itself, waiting longer each time."""
        wait = FIRST_WAIT
        while not self.over.is_set():
            began = time.monotonic()
            self.child = subprocess.Popen(self.command, stdin=subprocess.PIPE)  # noqa: S603 # what `serve` says
            if self.over.is_set():  # it was told to stop while this one started
                self._stop()
            code = self.child.wait()
            if self.over.is_set():
                return
            wait = FIRST_WAIT if time.monotonic() - began > WELL else wait
            LOG.warning("the worker ended with %s and is started again in %s s", code, wait)
            self.over.wait(wait)
            wait = min(wait * 2, LONGEST_WAIT)

    def _listen(self) -> None:
        self.leash.read()
        self._stop()

    def _stop(self) -> None:
        self.over.set()
        if self.child is not None and self.child.stdin is not None:
            self.child.stdin.close()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    with Supervisor(sys.argv[1:], sys.stdin.buffer) as supervisor:
        supervisor.run()
