"""Files as rows of texts, bounded before anything is unpacked; which sheet of them is meant."""

import dataclasses
from collections.abc import Callable

from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from services.core.settings import get_setting
from services.importing.file import delimited, heads
from services.importing.file.problems import BadFile, Problem
from services.importing.file.sheets import Found, Sheet, SheetPage, TableChoice
from services.importing.file.table import TableReader, peek
from services.importing.file.xlsx import Book

REMARKS = ("错误", "原因", "建议")  # what an error workbook adds; left out when it comes back
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """How much one file may hold."""

    megabytes: int
    rows: int


def limits_of(session: Session) -> Limits:
    """Return the limits that are set."""
    return Limits(get_setting(session, "import.max_mb"), get_setting(session, "import.max_rows"))


def read(name: str, content: bytes, limits: Limits, choice: TableChoice | None = None) -> Sheet:
    """Return the texts of a file by its content, not by its name. Raises BadFile."""
    choice = choice or TableChoice()
    if len(content) > limits.megabytes * 1024 * 1024:
        raise BadFile(_("%(name)s：文件超过 %(n)s MB", name=name, n=limits.megabytes))
    if not content.strip():
        raise BadFile(_("%(name)s：文件是空的", name=name))
    if content.startswith(OLE):
        raise BadFile(_("%(name)s：请把旧版或加密的 Excel 文件另存为 .xlsx", name=name))
    if content.startswith(ZIP):
        book = Book(name, content)
        page = _meant(book, limits, choice)
        return TableReader(name, page, limits.rows, choice, Found(page.name, 0, book.sheets)).read()
    if choice.sheet:
        raise BadFile(_("%(name)s：没有工作表「%(sheet)s」", name=name, sheet=choice.sheet))
    page, encoding = delimited.page(name, content, choice)
    return TableReader(name, page, limits.rows, choice, Found(encoding=encoding)).read()


def _meant(book: Book, limits: Limits, choice: TableChoice) -> SheetPage:
    """Return the chosen sheet, else the one people see that is understood best."""
    titles = [title for title, _hidden in book.sheets]
    if choice.sheet:
        if choice.sheet not in book.parts:
            raise BadFile(
                _("%(name)s：没有工作表「%(sheet)s」", name=book.name, sheet=choice.sheet)
            )
        return book.page(choice.sheet, limits.rows)
    seen = [title for title, hidden in book.sheets if not hidden] or titles
    if len(seen) == 1:
        page = book.page(seen[0], limits.rows)
    else:
        page = max((book.page(title, limits.rows) for title in seen), key=_rank(choice))
    rest = [f"{t}{_('（隐藏）') if hid else ''}" for t, hid in book.sheets if t != page.name]
    if rest:
        reason = _(
            "读取的是工作表「%(sheet)s」，没有读取：%(rest)s", sheet=page.name, rest="、".join(rest)
        )
        page.problems.append(Problem(0, "", "", "OTHER_SHEETS", reason, fatal=False))
    return page


def _rank(choice: TableChoice) -> Callable[[SheetPage], tuple[int, int]]:
    def rank(page: SheetPage) -> tuple[int, int]:
        top, page.rows = peek(page)
        return heads.score(top, page.merges, choice.known)

    return rank
