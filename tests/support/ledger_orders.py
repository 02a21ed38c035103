"""Orders of the ledger: steps with their weights and days, what is delivered, what is late."""

import dataclasses
import datetime as dt


@dataclasses.dataclass
class Step:
    """A step; `agreed` is the day it was first planned for, once that day was moved."""

    key: int
    weight: int
    planned: dt.date | None
    state: str = "planned"
    done: dt.date | None = None
    agreed: dt.date | None = None

    def shift(self, day):
        before, self.planned = self.planned, day
        if before == day:
            return
        if before is not None and self.agreed is None:
            self.agreed = before
        elif self.agreed == day:
            self.agreed = None


@dataclasses.dataclass
class Job:
    """An order; `steps` in their turn."""

    key: int
    steps: list[Step]
    state: str = "open"

    def judge(self, *, back):
        """Finish it when all is done, open it again when a step went back."""
        counted = [s for s in self.steps if s.state != "skipped"]
        most = sum(s.weight for s in counted)
        whole = most > 0 and sum(s.weight for s in counted if s.state == "done") == most
        if whole and self.state == "open":
            self.state = "done"
        elif not whole and self.state == "done" and back:
            self.state = "open"

    def late(self, day):
        """Return the days by which steps are late."""
        return [
            (day - s.planned).days
            for s in self.steps
            if s.weight and s.state == "planned" and self.state == "open"
            if s.planned is not None and s.planned < day
        ]

    def judged(self, day):
        """Return by how many days each step that is judged was late, 0 where it was not."""
        found = []
        for step in self.steps:
            promised = step.agreed or step.planned
            if not step.weight or promised is None or step.state == "skipped":
                continue
            owed = self.state == "open" and day > promised
            if step.state == "done" or owed:
                ended = step.done if step.state == "done" else day
                found.append(max((ended - promised).days, 0))
        return found


def share(part, whole):
    """Return hundredths of a percent, cut towards nothing."""
    found = abs(part) * 10_000 // whole if whole else 0
    return found if part >= 0 else -found


class Works:
    """What of a deal hangs on its orders; a part of `Deal`."""

    @property
    def running(self):
        return [job for job in self.jobs.values() if job.state != "cancelled"]

    @property
    def delivery(self):
        steps = [s for job in self.running for s in job.steps if s.state != "skipped"]
        return share(
            sum(s.weight for s in steps if s.state == "done"), sum(s.weight for s in steps)
        )

    @property
    def fulfilled(self):
        paid = self.paid >= self.amount and self.issued >= self.amount
        return bool(self.amount) and self.delivery == 10_000 and paid

    @property
    def state(self):
        if self.void:
            return "void"
        return "done" if self.closed or (self.fulfilled and not self.reopened) else "active"

    def late_steps(self, day):
        return [] if self.void else [days for job in self.running for days in job.late(day)]

    def unbilled(self, day):
        """Return (what is due and not invoiced, since when): invoices cover the oldest."""
        rest, bare = max(self.issued, 0), []
        for line in self.in_turn():
            covered = min(rest, line.amount)
            rest -= covered
            if line.amount > covered and line.due < day and not self.void:
                bare.append((line.amount - covered, (day - line.due).days))
        return bare

    def end(self):
        """Void it: what still runs is cancelled."""
        self.void = True
        for job in self.jobs.values():
            job.state = "cancelled" if job.state == "open" else job.state
