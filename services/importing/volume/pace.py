"""How far the jobs of a run are: records written, of all that are to be written."""

import collections
from collections.abc import Iterable, Mapping

DONE, GOAL = "written", "records"  # options of a job
Places = Mapping[int, int]  # file → records


class Pace:
    """Counts by file, what earlier runs of the same job wrote included; what is refused is none."""

    def __init__(self, before: Places, goals: Places, refused: Places) -> None:
        """Begin where the runs before ended; `refused` follows along."""
        self.before, self.goals, self.refused = before, goals, refused
        self.written = collections.Counter[int]()

    def add(self, files: Iterable[int]) -> None:
        """Count records that were written, each by its file."""
        self.written.update(files)

    def of(self, place: int) -> dict[str, int]:
        """Return the options of a job that tell how far it is."""
        before, refused = self.before.get(place, 0), self.refused.get(place, 0)
        return {
            DONE: before + self.written[place],
            GOAL: before + self.goals.get(place, 0) - refused,
        }

    @property
    def whole(self) -> tuple[int, int]:
        """Return (written, to be written) of this run."""
        return self.written.total(), sum(self.goals.values()) - sum(self.refused.values())
