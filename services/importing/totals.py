"""Control totals: what a column of numbers adds up to in the file is accounted for to the cent."""

import re
import unicodedata
from collections.abc import Iterator
from decimal import Decimal

from services.importing.mapping import Target, inputs_for
from services.importing.plan import FilePlan, Planned, Row

NUMBERS = {"money", "quantity", "int", "percent"}
PLAIN = re.compile(r"[+-]?\d+(\.\d+)?")
# read = the sum of these; `repeated` is what another row of the same record said already.
PARTS = ("written", "unchanged", "repeated", "failed", "skipped")
PART_OF = {"created": "written", "updated": "written", "unchanged": "unchanged", "failed": "failed"}
Totals = dict[str, dict[str, dict[str, str]]]


def number(text: str) -> Decimal:
    """Return the number of a cell as people read it, 0 for what is none."""
    plain = re.sub(r"[¥￥元%,\s]", "", unicodedata.normalize("NFKC", text))
    return Decimal(plain) if PLAIN.fullmatch(plain) else Decimal(0)


def tell(file: FilePlan, place: int, records: list[Planned]) -> None:
    """Add up the columns of a file, by what became of their rows."""
    fates: dict[tuple[int, int], tuple[Planned, Row]] = {
        (id(row.target), row.line): (one, row)
        for one in records
        for row in one.rows
        if row.file == place
    }
    for target in file.map.targets:
        for column, key in _columns(target):
            if column in file.sheet.head:
                at = file.sheet.head.index(column)
                sums: dict[str, Decimal] = dict.fromkeys(PARTS, Decimal(0))
                for line, texts in file.sheet.rows:
                    sums[_part(*fates[id(target), line], key)] += number(texts[at])
                for _line, texts in file.sheet.skipped:
                    sums["skipped"] += number(texts[at])
                file.totals.setdefault(target.noun, {})[column] = _shown(sums)


def _columns(target: Target) -> Iterator[tuple[str, str | None]]:
    """Yield (column, field of the record or None for one of its lines) where numbers stand."""
    inputs = inputs_for(target.model)
    for key, source in target.fields.items():
        if source.column and inputs[key].kind in NUMBERS:
            yield source.column, key
    for name, part in target.lines.items():
        known = inputs_for(inputs[name].target)
        for key, source in part.items():
            if source.column and known[key].kind in NUMBERS:
                yield source.column, None


def _part(one: Planned, row: Row, key: str | None) -> str:
    if one.outcome != "failed" and key is not None:
        first = next((r for r in one.rows if r.values.get(key) is not None), row)
        if first is not row:
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


def kept_out(known: Totals) -> Totals:
    """Return the account of what a run leaves out from its beginning."""
    found: Totals = {}
    for noun, columns in known.items():
        for column, sums in columns.items():
            left = {part: sums[part] for part in ("failed", "skipped") if part in sums}
            total = sum((Decimal(value) for value in left.values()), Decimal(0))
            found.setdefault(noun, {})[column] = {"read": str(total)} | left
    return found
