"""Lines of a table, packed by the thousand: half a million take a few megabytes."""

import itertools
import marshal
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

Line = tuple[int, list[str]]
BLOCK = 1_000  # lines that are packed together


class PackedRows(Sequence[Line]):
    """Lines in their order: added at the end, read one after the other or by their places."""

    def __init__(self, rows: Iterable[Line] = ()) -> None:
        """Begin with some lines."""
        self.blocks: list[bytes] = []
        self.open: list[Line] = []
        for row in rows:
            self.append(row)

    def append(self, row: Line) -> None:
        """Add a line."""
        self.open.append(row)
        if len(self.open) == BLOCK:
            self.blocks.append(zlib.compress(marshal.dumps(self.open), 1))
            self.open = []

    def __len__(self) -> int:
        """Return how many lines there are."""
        return len(self.blocks) * BLOCK + len(self.open)

    def __iter__(self) -> Iterator[Line]:
        """Yield all lines."""
        for n in range(len(self.blocks) + 1):
            yield from self._block(n)

    @overload
    def __getitem__(self, place: int) -> Line: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Line]: ...
    def __getitem__(self, place: int | slice) -> Line | Sequence[Line]:
        """Return the line at a place, or the lines of a slice."""
        if isinstance(place, slice):
            return list(self.pick(range(*place.indices(len(self)))))
        place = range(len(self))[place]
        return self._block(place // BLOCK)[place % BLOCK]

    def __eq__(self, other: object) -> bool:
        """Compare with any lines."""
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment] # lines may be added

    def pick(self, places: Iterable[int]) -> Iterator[Line]:
        """Yield the lines at these places; neighbours are unpacked together."""
        for n, mine in itertools.groupby(places, key=lambda place: place // BLOCK):
            block = self._block(n)
            for place in mine:
                yield block[place % BLOCK]

    def _block(self, n: int) -> list[Line]:
        if n == len(self.blocks):
            return self.open
        found: list[Line] = marshal.loads(zlib.decompress(self.blocks[n]))  # noqa: S302 # our own bytes
        return found
