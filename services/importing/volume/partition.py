"""Rows that belong together stand in one window, however far apart they are in their files."""

from array import array
from collections.abc import Iterable, Iterator

Window = list[tuple[int, "array[int]"]]  # (source, places of its rows)


class Partition:
    """Rows by what they are called: two that share a name are one group.

    Names are hashes: two that meet by chance only put two groups into one window.
    """

    def __init__(self) -> None:
        """Start with no rows."""
        self.of: dict[int, int] = {}  # name → group
        self.up = array("l")  # group → the group it is a part of, itself where it is none
        self.rows: list[tuple[array[int], array[int]]] = []  # of a source: places, groups

    def add(self, rows: Iterable[tuple[int, list[int]]]) -> None:
        """Add the rows of one more source: the place of each and its names."""
        places, groups = array("l"), array("l")
        for place, names in rows:
            places.append(place)
            groups.append(self._group(names))
        self.rows.append((places, groups))

    def _group(self, names: list[int]) -> int:
        known = [self._root(self.of[name]) for name in names if name in self.of]
        if known:
            root = min(known)
            for other in known:
                self.up[other] = root
        else:
            root = len(self.up)
            self.up.append(root)
        for name in names:
            self.of[name] = root
        return root

    def _root(self, group: int) -> int:
        while self.up[group] != group:
            self.up[group] = self.up[self.up[group]]
            group = self.up[group]
        return group

    def windows(self, most: int) -> Iterator[Window]:
        """Yield windows of whole groups, about so many rows each, in the order of the rows."""
        self.of = {}
        sizes = array("l", bytes(len(self.up) * self.up.itemsize))
        for _places, groups in self.rows:
            for n, group in enumerate(groups):
                groups[n] = root = self._root(group)
                sizes[root] += 1
        at, filled, window = array("l", [-1]) * len(self.up), 0, 0
        found: list[dict[int, array[int]]] = [{}]
        for source, (places, groups) in enumerate(self.rows):
            for place, group in zip(places, groups, strict=True):
                if at[group] < 0:
                    if filled and filled + sizes[group] > most:
                        filled, window = 0, window + 1
                        found.append({})
                    at[group] = window
                    filled += sizes[group]
                found[at[group]].setdefault(source, array("l")).append(place)
        self.rows = []
        yield from (list(one.items()) for one in found if one)
