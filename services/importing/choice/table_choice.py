"""Where the table of an uploaded file is: what was found, what was chosen, kept with the job."""

from collections.abc import Collection, Mapping
from typing import Any

from flask_babel import lazy_gettext as _

from models.importing.import_job import ImportJob
from services.core import texts
from services.core.errors import Invalid
from services.importing.file.delimited import ENCODINGS
from services.importing.file.sheets import ALL, Sheet, TableChoice

WIDE = 30  # columns a page shows to choose from
SUMS = 50  # lines that look like sums and may be ticked


def kept(sheet: Sheet) -> dict[str, Any]:
    """Return what a job keeps of where its table was found."""
    found = sheet.found
    return {
        "sheet": found.sheet,
        "line": found.head,
        "sheets": [list(one) for one in found.sheets],
        "encoding": found.encoding,
        "top": [[line, cells[:WIDE]] for line, cells in found.top],
        "merged": found.merged,
        "sums": [[n, " ".join(filter(None, cells))[:80]] for n, cells in found.sums[:SUMS]],
    }


def chosen(choice: TableChoice) -> dict[str, Any]:
    """Return what a job keeps of a choice; what was left open is found again each time."""
    return {
        "chosen": {
            "sheet": choice.sheet,
            "head": choice.head,
            "encoding": choice.encoding,
            "fill": sorted(choice.fill),
            "keep": sorted(choice.keep),
        }
    }


def of(job: ImportJob, known: frozenset[str]) -> TableChoice:
    """Return the choice a job keeps; a job of before these were kept has none."""
    said = job.options.get("table", {}).get("chosen", {})
    return TableChoice(
        said.get("sheet", ""),
        said.get("head", 0),
        said.get("encoding", ""),
        frozenset(said.get("fill", ())),
        frozenset(said.get("keep", ())),
        known=known,
    )


def asked(
    job: ImportJob, form: Mapping[str, str], fill: Collection[str], keep: Collection[str]
) -> TableChoice:
    """Return what a form chose. On another sheet the heads are looked for. Raises Invalid."""
    table = job.options.get("table", {})
    sheet, encoding = form.get("sheet", ""), form.get("encoding", "")
    if sheet and sheet not in {title for title, _hidden in table.get("sheets", ())}:
        raise Invalid({"sheet": _("没有这个工作表")})
    if encoding and encoding not in ENCODINGS:
        raise Invalid({"encoding": _("不支持的编码")})
    same = sheet == table.get("sheet", "")
    head = texts.key(form.get("head")) or 0 if same else 0
    lines = {texts.key(line) or 0 for line in keep} if same else set()
    fills = frozenset(fill) & ({*table.get("merged", {}), ALL} if same else {ALL})
    return TableChoice(sheet, head, encoding, fills, frozenset(lines))
