"""Where a table begins, a name for each of its columns, and which of its rows are no records."""

import re

from services.importing.file.aliases import plain
from services.importing.file.sheets import Line, Merge

SEARCHED = 30  # lines that are not blank
SURE = 2  # heads that are understood
WIDE = 0.6  # of the widest row: a row of heads is not much narrower
FIGURE = re.compile(r"[¥￥]?[+-]?[\d,，.]+[%元]?|[-—/]|[\d\s:./年月日-]+")
SUM = r"([合总總小共累]|总\s*合)\s*[计計]"
COUNTED = r"\s*[\d,]*\s*([家条條笔行户个個项項单份人位万]?元?)(客户|记录|合同|订单|数据)?"
WORD = rf"(本[页頁月季年周]|以上|[一二三四五六七八九十\d]+月)?\s*{SUM}(金[额額]|[数數]|人民[币幣])?"
TOTAL = re.compile(
    rf"({WORD}([（(][^）)]*[）)])?|((grand|sub)[\s-]*)?totals?)\s*([:：]{COUNTED})?"
    rf"|共[计計]?\s*\d{COUNTED}",
    re.IGNORECASE,
)
# 张伟 小计, 华中区合计, 平均: nobody is called so, but only beside nothing else than figures.
OF_GROUP = re.compile(
    r".{1,30}([合小总總]|总\s*合)\s*[计計]\s*[:：]?|平均[值数]?|总(金额|额|数|量)"
)
SIGNED = re.compile(
    r"((制[表单]|填[表报]|编制|审[核批定]|复核|批准|核准|经办|记账|出纳|报送|录入|打印|导出|统计|负责"
    r"|主管|截[止至])(单位|部门)?(负责)?[人员]?(日期|时间)?([签盖][字名章]|签)?"
    r"|(prepared|checked|reviewed|approved|printed|exported)( by| on| at)?)\s*[:：].*",
    re.IGNORECASE,
)
LABEL = re.compile(r"[^\d:：]{1,12}[:：].*")
NOTE = re.compile(
    r"(备注|附注|注意?|说明|填表说明|特别说明|notes?|remarks?)\s*\d?\s*[:：].*|以下(空白|无\S{0,4})"
    r"|[.…—=*_-]{2,}",
    re.IGNORECASE,
)


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


def aside(texts: list[str], heads: list[str]) -> str:
    """Return why a row below the `heads` is no record, "" where it is one.

    A row that adds others up, the heads once more (each printed page has them), or what stands
    below a table: who made it, who checked it, notes.
    """
    if texts[: len(heads)] == heads and not any(texts[len(heads) :]):
        return "HEADS_AGAIN"
    given = [text.strip() for text in texts if text.strip()]
    if _adds_up(given):
        return "TOTAL_ROW"
    return "BELOW_TABLE" if _below(given) else ""


def _adds_up(given: list[str]) -> bool:
    """Tell whether a row adds others up: a word for it, beside figures.

    A Chinese word for it is no name of anything, whatever stands beside it; `Total` may be one.
    """
    at = next((n for n, text in enumerate(given) if not FIGURE.fullmatch(text)), None)
    if at is None:
        return False
    alone = all(FIGURE.fullmatch(text) for text in given[at + 1 :])
    if TOTAL.fullmatch(given[at]):
        return not given[at].rstrip(":： ").isascii() or (len(given) > 1 and alone)
    return alone and OF_GROUP.fullmatch(given[at]) is not None


def _below(given: list[str]) -> bool:
    """Tell whether a row belongs below a table: names beside what they did, or a note alone."""
    if len(given) == 1 and NOTE.fullmatch(given[0]):
        return True
    if not SIGNED.fullmatch(given[0]):
        return False
    called = [given[n - 1].endswith((":", "：")) for n in range(1, len(given))]
    return all(
        label or LABEL.fullmatch(text) or FIGURE.fullmatch(text)
        for label, text in zip(called, given[1:], strict=True)
    )
