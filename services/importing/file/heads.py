"""Where a table begins: the row of its heads, and a name for every column of it."""

import re

from services.importing.file.aliases import plain
from services.importing.file.sheets import Line, Merge

SEARCHED = 30  # lines that are not blank
SURE = 2  # heads that are understood
WIDE = 0.6  # of the widest row: a row of heads is not much narrower
FIGURE = re.compile(r"[¥￥]?[+-]?[\d,，.]+[%元]?|[-—/]|[\d\s:./年月日-]+")


def find(top: list[Line], merges: list[Merge], known: frozenset[str]) -> int:
    """Return the line of the heads: the row most of which is understood, else the likeliest.

    Titles, notes and the heads of groups are narrower and less understood than the heads.
    """
    rows = [
        (line, heads_of(top, line, merges)) for line, cells in top if any(map(str.strip, cells))
    ]
    rows = rows[:SEARCHED]
    if not rows:
        return 0
    widest = max(_filled(cells) for _line, cells in rows)
    scores = [len({plain(cell) for cell in cells} & known) for _line, cells in rows]
    best = max(scores)
    if best >= min(SURE, len(known) or SURE) or (best and widest == 1):
        likely = [row for row, score in zip(rows, scores, strict=True) if score == best]
        return max(likely, key=lambda row: (_filled(row[1]), -row[0]))[0]
    if best:
        named = [row for row, score in zip(rows, scores, strict=True) if score == best]
        wide = [line for line, cells in named if _filled(cells) > 1]
        if wide:
            return wide[0]
    return next((line for line, cells in rows if _likely(cells, widest)), rows[0][0])


def score(top: list[Line], merges: list[Merge], known: frozenset[str]) -> tuple[int, int]:
    """Return how well a sheet is understood: (known heads, filled cells of that row)."""
    line = find(top, merges, known)
    cells = heads_of(top, line, merges)
    return len({plain(cell) for cell in cells} & known), min(_filled(cells), len(top) - 1)


def _filled(cells: list[str]) -> int:
    return sum(1 for cell in cells if cell.strip())


def _likely(cells: list[str], widest: int) -> bool:
    given = [cell.strip() for cell in cells if cell.strip()]
    return len(given) >= max(1, widest * WIDE) and not any(map(FIGURE.fullmatch, given))


def heads_of(top: list[Line], line: int, merges: list[Merge]) -> list[str]:
    """Return the cells of a line, where one is part of a merged cell above it that one's text."""
    rows = dict(top)
    cells = [cell.strip().strip("\ufeff\u200b").strip() for cell in rows.get(line, [])]
    for above, left, below, _right in merges:
        if above < line <= below and above in rows and left < len(rows[above]):
            cells += [""] * (left + 1 - len(cells))
            cells[left] = cells[left] or rows[above][left].strip()
    while cells and not cells[-1]:
        cells.pop()
    return cells


def names(
    top: list[Line], line: int, merges: list[Merge], width: int
) -> tuple[list[str], set[str]]:
    """Return a name for every column, "" for a blank one, and the names that had to be made.

    Heads that stand twice are told apart by the head of their group, else by a number; a head
    that is not unique is no name, so nobody finds a column by it.
    """
    heads = heads_of(top, line, merges)
    heads += [""] * (width - len(heads))
    twice = {head for n, head in enumerate(heads) if head and head in heads[:n]}
    if not twice:
        return heads, set()
    groups = _groups(top, line, merges, len(heads))
    told = [
        f"{groups[n]} {head}" if head in twice and groups[n] else head
        for n, head in enumerate(heads)
    ]
    found: list[str] = []
    for n, head in enumerate(told):
        same = told.count(head) > 1 and head
        name = f"{head} ({told[:n].count(head) + 1})" if same else head
        while name and name in found:
            name += "'"
        found.append(name)
    return found, twice


def _groups(top: list[Line], line: int, merges: list[Merge], width: int) -> list[str]:
    rows, found = dict(top), [""] * width
    for above, left, below, right in sorted(merges):
        if below < line and right > left and above in rows and left < len(rows[above]):
            wide = right - left + 1 >= width  # a title, not a group
            for n in range(left, min(right + 1, width)):
                found[n] = found[n] if wide else rows[above][left].strip()
    return found
