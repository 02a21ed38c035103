"""How many of one kind of work run at once, so that none takes the threads of the others.

A mail server that answers after seconds keeps one thread busy, whatever is posted meanwhile: jobs,
reminders and escalations have threads of their own.
"""

import threading
from collections.abc import Callable


class Seats:
    """Lets `most` callers do the work at once; what others would have seen is looked at again."""

    def __init__(self, work: Callable[[], int], most: int) -> None:
        """Keep what is to be done."""
        self.work, self.most = work, most
        self.lock = threading.Lock()
        self.taken, self.missed = 0, False

    def __call__(self) -> int:
        """Do the work, and again when somebody came in vain meanwhile. Returns what was done."""
        with self.lock:
            if self.taken >= self.most:
                self.missed = True
                return 0
            self.taken += 1
        done = 0
        try:
            while True:
                done += self.work()
                with self.lock:
                    if not self.missed:
                        return done
                    self.missed = False
        finally:
            with self.lock:
                self.taken -= 1
