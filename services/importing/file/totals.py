"""Control totals: what a column of numbers adds up to in the file is accounted for to the cent."""

import collections
from collections.abc import Container, Iterable, Iterator
from decimal import Decimal

from services.importing.file.mapping import FileMap, Target
from services.importing.file.plan import FilePlan, FileRow, Planned
from services.importing.file.sheets import Line
from services.importing.mapping import numbers
from services.importing.mapping.declared import NUMBERS, inputs_for, parts_of
from services.importing.mapping.sources import Source

# read = the sum of these; `repeated` is what another row of the same record said already.
PARTS = ("written", "unchanged", "repeated", "failed", "skipped")
PART_OF = {"created": "written", "updated": "written", "unchanged": "unchanged", "failed": "failed"}
FIRST = ("failed", "written", "unchanged", "repeated", "skipped")  # of several uses of one cell
Totals = dict[str, dict[str, dict[str, str]]]
Use = tuple[Target, str, str, Source]  # entity, lines it is a field of ("" for none), field
Fate = tuple[Planned, FileRow]


def number(text: str) -> Decimal:
    """Return the number of a cell as people read it, 0 for what is none."""
    return numbers.number(text) or Decimal(0)


def has_numbers(target: Target) -> bool:
    """Tell whether an entity takes a number from a column."""
    return target.noun in {noun for noun, _column in _uses(FileMap("", (target,)))}


def tell(file: FilePlan) -> None:
    """Tell what the columns of a file came to, once all of its rows were added up."""
    for (noun, column), sums in file.sums.items():
        at = file.sheet.head.index(column)
        for _line, texts in file.sheet.skipped:
            sums["skipped"] += number(texts[at])
        file.totals.setdefault(noun, {})[column] = _shown(sums)


def add_up(
    file: FilePlan,
    rows: Iterable[Line],
    records: Iterable[Planned],
    asked: tuple[int, Container[str]],
) -> None:
    """Add rows of a file to its columns, by what became of them.

    `asked` are the place of the file and the entities that are meant.
    """
    place, nouns = asked
    uses = [
        (file.sums.setdefault(key, dict.fromkeys(PARTS, Decimal(0))), at, one)
        for key, at, one in _asked(file, nouns)
    ]
    fates: dict[tuple[int, int], Fate] = {
        (id(row.target), row.line): (one, row)
        for one in records
        for row in one.rows
        if row.file == place
    }
    for line, texts in rows if uses else ():
        for sums, at, mine in uses:
            found = number(texts[at])
            if found:
                parts = {_part(fates.get((id(use[0]), line)), use) for use in mine}
                sums[next(part for part in FIRST if part in parts)] += found


def _asked(
    file: FilePlan, nouns: Container[str]
) -> Iterator[tuple[tuple[str, str], int, list[Use]]]:
    """Yield (entity and column, place of the column, its uses)."""
    for (noun, column), uses in _uses(file.map).items():
        if noun in nouns and column in file.sheet.head:
            yield (noun, column), file.sheet.head.index(column), uses


def of_lines(file: FilePlan, lines: Iterable[int]) -> dict[str, Decimal]:
    """Return what some lines of the file come to, by column."""
    columns = dict.fromkeys(c for _noun, c in _uses(file.map) if c in file.sheet.head)
    places = [(column, file.sheet.head.index(column)) for column in columns]
    meant, sums = set(lines), dict.fromkeys(columns, Decimal(0))
    for line, texts in file.sheet.rows if columns else ():
        for column, at in places if line in meant else ():
            sums[column] += number(texts[at])
    return sums


def _uses(file: FileMap) -> dict[tuple[str, str], list[Use]]:
    """Return (entity, column) → what a column of numbers is used for."""
    found: dict[tuple[str, str], list[Use]] = collections.defaultdict(list)
    for target in file.targets:
        inputs = inputs_for(target.model)
        parts = [("", target.fields, inputs)]
        parts += [(n, part, parts_of(target.model, n)) for n, part in target.lines.items()]
        for name, fields, known in parts:
            for key, source in fields.items():
                if known[key].kind in NUMBERS:
                    for column in dict.fromkeys(one.column for one in source.all if one.column):
                        found[target.noun, column].append((target, name, key, source))
    return found


def _part(fate: Fate | None, use: Use) -> str:
    """Return what became of a cell in one of its uses."""
    _target, name, key, source = use
    if fate is None:
        return "skipped"  # the row is not meant for this entity
    one, row = fate
    if one.outcome == "failed":
        return "failed"
    values = row.lines[name][0] if name in row.lines else {} if name else row.values
    if values.get(key) is None:
        return "failed" if source.invalid else "skipped"
    if not name and not source.sum:
        mine = [r for r in one.rows if r.values.get(key) == one.values.get(key)]
        if row not in mine:
            return "skipped"  # another row's value holds
        if row is not mine[0]:
            return "repeated"
    return PART_OF[one.outcome]


def _shown(sums: dict[str, Decimal]) -> dict[str, str]:
    told = {part: sums[part] for part in PARTS if sums[part]}
    return {"read": str(sum(told.values(), Decimal(0)))} | {k: str(v) for k, v in told.items()}


def add(known: Totals, more: Totals) -> Totals:
    """Return two accounts as one: a large file is written in pieces."""
    found = {noun: dict(columns) for noun, columns in known.items()}
    for noun, columns in more.items():
        for column, sums in columns.items():
            mine = found.setdefault(noun, {}).get(column, {})
            parts = dict.fromkeys((*mine, *sums))
            found[noun][column] = {
                part: str(Decimal(mine.get(part, 0)) + Decimal(sums.get(part, 0))) for part in parts
            }
    return found
