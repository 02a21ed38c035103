"""The rows of a table below its heads.

Nothing is left out in silence: lines above the heads, sums, blank lines and cells that cannot be
read are named among the problems.
"""

import collections
import itertools
import re
from collections.abc import Iterator
from typing import Any

from flask_babel import lazy_gettext as _

from services.importing.file import heads
from services.importing.file.problems import LONGEST_VALUE, BadFile, Problem
from services.importing.file.sheets import Found, Line, Merge, Sheet, SheetPage, TableChoice
from services.importing.file.xlsx import MOST_BLANK, MOST_COLUMNS
from services.importing.volume.packed import PackedRows

NAMED = 10  # lines that are named one by one
TOP = 12  # lines a page shows to choose from
LOOKED = 200  # lines the heads are looked for in
SHORT = 40  # letters of a cell that are shown
TEXT_QUOTED = re.compile(r"=\"([^\"]*)\"|'([+-]?[\d.,]+)")
ASIDE = {
    "TOTAL_ROW": _("看起来是合计行，已跳过"),
    "HEADS_AGAIN": _("又是列名，已跳过"),
    "BELOW_TABLE": _("看起来是表下的落款或说明，已跳过"),
}
REASONS = {
    "PRECISION": _("数字超过 15 位，表格软件已丢失精度"),
    "FORMULA": _("单元格是公式，文件里没有结果"),
    "CELL_ERROR": _("单元格是公式的错误，不是值"),
}


def peek(page: SheetPage) -> tuple[list[Line], Iterator[Line]]:
    """Return the first lines of a page, and all of them."""
    rows = iter(page.rows)
    top = list(itertools.islice(rows, LOOKED))
    return top, itertools.chain(top, rows)


class TableReader:
    """Reads the rows below the heads of one page."""

    def __init__(
        self, name: str, page: SheetPage, most: int, choice: TableChoice, found: Found
    ) -> None:
        """Read a page of a file for at most so many rows."""
        self.page, self.most, self.choice = page, most, choice
        self.rows = PackedRows()
        self.sheet = Sheet(name, [], self.rows, list(page.problems), [], found)
        self.problems = self.sheet.problems
        self.heads: list[str] = []  # as they stand in the file
        self.blank: list[int] = []
        self.unnamed: set[int] = set()
        self.filled: set[int] = set()
        # (column, downwards) → lines of merged cells that hold for one line only
        self.places: dict[tuple[str, bool], list[str]] = collections.defaultdict(list)
        self.active: list[tuple[Merge, str]] = []
        self.waiting: list[Merge] = []

    def read(self) -> Sheet:
        """Return the rows. Raises BadFile."""
        top, rows = peek(self.page)
        head = self._head(top)
        for line, cells in rows:
            if len(cells) > MOST_COLUMNS:
                raise BadFile(
                    _(
                        "%(name)s 第 %(line)s 行：超过 %(n)s 列",
                        name=self.sheet.name,
                        line=line,
                        n=MOST_COLUMNS,
                    )
                )
            if line > head:
                self._take(line, cells)
            elif line < head:
                self._above(line, cells)
        if not self.rows:
            raise BadFile(_("%(name)s：没有数据行", name=self.sheet.name))
        self._told()
        self._drop()
        return self.sheet

    def _head(self, top: list[Line]) -> int:
        """Find the heads and name the columns; return their line."""
        page, sheet, choice = self.page, self.sheet, self.choice
        line = choice.head or heads.find(top, page.merges, choice.known)
        if line not in dict(top) or not any(map(str.strip, dict(top)[line])):
            raise BadFile(
                _("%(name)s：第 %(line)s 行没有列名", name=sheet.name, line=line)
                if line
                else _("%(name)s：没有数据行", name=sheet.name)
            )
        width = page.width if page.fixed else 0
        self.heads = heads.heads_of(top, line, page.merges)
        sheet.head, twice = heads.names(top, line, page.merges, width)
        sheet.found.head = line
        shown = [(n, [cell[:SHORT] for cell in cells]) for n, cells in top if any(cells)]
        near = next(n for n, (at, _cells) in enumerate(shown) if at == line)
        sheet.found.top = shown[max(0, near - TOP // 2) :][:TOP]
        self.waiting = sorted((one for one in page.merges if one[0] > line), reverse=True)
        for column in sorted(twice):
            reason = _("列名出现多次，按顺序记作 (1)、(2) 或加上分组名")
            self._note(column, "DOUBLE_HEAD", reason)
        for n in [n for n, name in enumerate(sheet.head) if not name]:
            self.unnamed.add(n)
            sheet.head[n] = f"#{n + 1}"  # the same in every language: a mapping may say it
            while sheet.head.index(sheet.head[n]) != n or sheet.head.count(sheet.head[n]) > 1:
                sheet.head[n] += "'"
        return line

    def _above(self, line: int, cells: list[str]) -> None:
        words = " ".join(cell.strip() for cell in cells if cell.strip())
        if words:
            reason = _("在列名之上，不导入")
            self.problems.append(Problem(line, "", words[:200], "ABOVE_HEAD", reason, fatal=False))

    def _take(self, line: int, cells: list[str]) -> None:
        texts = [_unquoted(cell) for cell in cells]
        wide = len(self.sheet.head)
        if not any(texts):
            self.blank.append(line)
            if len(self.blank) > MOST_BLANK:
                raise BadFile(_("%(name)s：空行超过 %(n)s 行", name=self.sheet.name, n=MOST_BLANK))
            return
        if len(self.rows) >= self.most:
            raise BadFile(_("%(name)s：超过 %(n)s 行", name=self.sheet.name, n=self.most))
        extra = [text for text in texts[wide:] if text]
        if extra:
            reason = _("此行的单元格比列名多")
            self.problems.append(Problem(line, "", extra[0], "EXTRA_CELLS", reason))
        texts = texts[:wide] + [""] * (wide - len(texts))
        aside = heads.aside(texts, self.heads)
        if aside:
            self.sheet.found.sums.append((line, list(texts)))
            aside = "" if self.choice.keeps(line) else aside
        self._merged(line, texts, told=not aside)
        self.filled.update(n for n, text in enumerate(texts) if text)
        if aside:
            words = " ".join(filter(None, texts))
            told = Problem(line, "", words[:LONGEST_VALUE], aside, ASIDE[aside], fatal=False)
            self.problems.append(told)
            self.sheet.skipped.append((line, texts))
        else:
            self.rows.append((line, texts))

    def _merged(self, line: int, texts: list[str], *, told: bool) -> None:
        """Give the text of merged cells to the lines below where that is meant; else tell of it."""
        head = self.sheet.head
        self.active = [one for one in self.active if one[0][2] >= line]
        for (_top, left, _bottom, _right), text in self.active:
            if left < len(head) and self.choice.fills(head[left]):
                texts[left] = texts[left] or text
        while self.waiting and self.waiting[-1][0] <= line:
            top, left, bottom, right = one = self.waiting.pop()
            if top < line or left >= len(head) or not texts[left]:
                continue
            if bottom > top:
                self.active.append((one, texts[left]))
                merged = self.sheet.found.merged
                merged[head[left]] = merged.get(head[left], 0) + 1
                if told and not self.choice.fills(head[left]):
                    self.places[head[left], True].append(f"{top}–{bottom}")
            elif told and right > left:
                self.places[head[left], False].append(str(top))

    def _told(self) -> None:
        """Name blank lines, but those at the end are nobody's, hidden ones and merged cells."""
        last = self.rows[-1][0]
        blank = [str(line) for line in self.blank if line < last]
        if blank:
            self._note(
                "", "BLANK_ROWS", _("第 %(lines)s 行为空，共 %(n)s 行，已跳过", **_some(blank))
            )
        hidden = [str(line) for line, _texts in self.rows if line in self.page.hidden]
        if hidden:
            reason = _("第 %(lines)s 行在文件中隐藏着，共 %(n)s 行，也会导入", **_some(hidden))
            self._note("", "HIDDEN_ROWS", reason)
        for (column, down), places in self.places.items():
            reason = (
                _("第 %(lines)s 行合并，共 %(n)s 处，只有首行有值", **_some(places))
                if down
                else _("第 %(lines)s 行与右侧的格合并，共 %(n)s 处，只有首格有值", **_some(places))
            )
            self._note(column, "MERGED", reason)

    def _note(self, column: str, code: str, reason: Any) -> None:
        self.problems.append(Problem(0, column, "", code, reason, fatal=False))

    def _drop(self) -> None:
        """Let columns without a head go where nothing stands in them, and tell of the others."""
        sheet, unnamed = self.sheet, self.unnamed
        left = [n for n in range(len(sheet.head)) if n not in unnamed or n in self.filled]
        for n in left:
            if n in unnamed:
                self._note(sheet.head[n], "NO_HEAD", _("此列没有列名"))
        self._odd({n: sheet.head[n] for n in left})
        if len(left) < len(sheet.head):
            sheet.head = [sheet.head[n] for n in left]
            sheet.skipped = [(line, [texts[n] for n in left]) for line, texts in sheet.skipped]
            sheet.rows = PackedRows((line, [texts[n] for n in left]) for line, texts in self.rows)

    def _odd(self, columns: dict[int, str]) -> None:
        lines = dict(self.rows) if self.page.wrong else {}
        for (line, column), code in sorted(self.page.wrong.items()):
            if line in lines and column in columns:
                text = lines[line][column]
                self.problems.append(Problem(line, columns[column], text, code, REASONS[code]))
        for column, n in sorted(self.page.computed.items()):
            if column in columns:
                reason = _("有 %(n)s 格是公式，取其结果", n=n)
                self._note(columns[column], "COMPUTED", reason)


def _unquoted(text: str) -> str:
    """Return a text as it was meant: ="0012" and '0012 are numbers somebody kept as text."""
    text = text.strip()
    if text and text[0] in "='":
        found = TEXT_QUOTED.fullmatch(text)
        return (found[1] or found[2] or "") if found else text
    return text


def _some(lines: list[str]) -> dict[str, Any]:
    told = "、".join(lines[:NAMED]) + ("…" if len(lines) > NAMED else "")
    return {"lines": told, "n": len(lines)}
