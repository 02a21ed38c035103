"""A summary on paper: title, filters, moment, the whole table on landscape pages, definitions."""

from pathlib import Path
from typing import Any, NamedTuple

from flask_babel import get_locale
from flask_babel import gettext as _
from jinja2 import Environment, StrictUndefined
from sqlalchemy.orm import Session

from dashboards.core.columns import TableColumn, missing, shown
from dashboards.core.table import Table
from dashboards.files.lines import Content, total_label
from dashboards.kept.measures import told
from services.core.errors import Refused
from services.deals.papers import making

LAYOUT = Path(__file__).parent / "paper.html"
AT_ONCE, MOST = 200, 1000  # rows while somebody waits, and for the worker; more is for a workbook
SIZES = ((10, 7.5), (14, 6.5), (18, 5.5))  # up to so many columns, the letters are so high (pt)
SMALLEST = 5
MOST_HEAD, MOST_TEXT, SAMPLE, LATIN = 10, 26, 200, 0x2E80
WHOLE = frozenset({"date", "day", "datetime", "bool"})  # never broken over two lines


class PaperCell(NamedTuple):
    """What a cell says, and the sign of the limit that its number reaches."""

    text: str
    flag: str = ""


def make(session: Session, content: Content, note: str = "", most: int = AT_ONCE) -> bytes:
    """Return the PDF; the session reads one moment. Raises Refused (TOO_MANY), Missing."""
    found = content.summary.read(session, content.actor, content.query)
    if found.count > most:
        raise Refused(
            _("PDF 最多 %(n)s 行，请缩小筛选范围，或导出 Excel", n=f"{most:,}"), code="TOO_MANY"
        )
    rows = content.summary.every(session, content.actor, content.query)
    return making.pdf(html(content, found, [row_of(r, content) for r in rows], note))


def html(content: Content, found: Table, rows: list[list[PaperCell]], note: str = "") -> str:
    """Return the page that the PDF is made of."""
    columns, summary = content.columns, content.summary
    title = str(summary.caption)
    sums = _sums(found, content)
    defined = {str(c.label): str(c.help) for c in (*columns, *summary.tiles) if c.help}
    given: dict[str, Any] = {
        "lang": str(get_locale()).replace("_", "-"),
        "title": title,
        "note": note,
        "foot": f"{title} · {content.moment}",
        "asked": f"{_('筛选')}{_('：')}{' · '.join(content.asked) or _('（无）')}",
        "limits": _("、").join(f"{m.column.label} {m.said}" for m in content.query.marks),
        "limited": _("阈值标记"),
        "colon": _("："),
        "moment": _("数据截至 %(at)s", at=content.moment),
        "tiles": [
            (str(c.label), told(c, found).exact) for c in summary.tiles if c.key in found.totals
        ],
        "columns": columns,
        "looks": ["r" if c.numeric else "d" if c.type in WHOLE else "" for c in columns],
        "size": next((size for most, size in SIZES if len(columns) <= most), SMALLEST),
        "shares": _shares(columns, [*rows, sums]),
        "rows": rows,
        "sums": sums,
        "words": _("指标口径"),
        "meaning": defined.items(),
    }
    layout = Environment(autoescape=True, undefined=StrictUndefined)
    return layout.from_string(LAYOUT.read_text(encoding="utf-8")).render(given)


def _shares(columns: tuple[TableColumn, ...], rows: list[list[PaperCell]]) -> list[float]:
    """Return the widths of the columns in percent: told beforehand, tables are quick."""
    heads = [_head(str(c.label)) for c in columns]
    rooms = [
        max(head, *(min(_wide("".join(row[place])), MOST_TEXT) for row in rows[:SAMPLE])) + 1.5
        for place, head in enumerate(heads)
    ]
    return [round(room * 100 / sum(rooms), 2) for room in rooms]


def _head(label: str) -> int:
    """Return how wide a caption is that breaks between its words."""
    words = [len(word) for word in label.split() if word.isascii()]
    return max(min(_wide(label), MOST_HEAD), *words, 0)


def _wide(text: str) -> int:
    """Return how wide a text is in half-width letters."""
    return sum(2 if ord(sign) > LATIN else 1 for sign in text)


def row_of(record: dict[str, Any], content: Content) -> list[PaperCell]:
    """Return the cells of a row."""
    flags = _flags(record, content)
    return [PaperCell(shown(record.get(c.key), c), flags.get(c.key, "")) for c in content.columns]


def _sums(found: Table, content: Content) -> list[PaperCell]:
    sums = {key: value for key, value in found.totals.items() if not missing(value)}
    flags = _flags(sums, content)
    known = [
        PaperCell(shown(sums[c.key], c), flags.get(c.key, "")) if c.key in sums else PaperCell("")
        for c in content.columns
    ]
    return [known[0] if known[0].text else PaperCell(total_label(found.count)), *known[1:]]


def _flags(record: dict[str, Any], content: Content) -> dict[str, str]:
    """Return {key of a column: sign} of what reaches its limit."""
    marks = content.query.marks
    return {m.column.key: m.flag for m in marks if m.reached(record.get(m.column.key))}
