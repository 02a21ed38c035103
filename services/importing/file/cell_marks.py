"""What a workbook says about its cells beside their values: percentages, formulas, errors, extent.

The reader of the values gives an error or a formula that was never computed as a blank cell, and
takes memory for every cell between the outermost ones: both are known from here before it reads.
"""

import dataclasses
import functools
import re
import xml.etree.ElementTree as ET
from typing import IO, Any
from xml.parsers import expat

PERCENT_IDS = frozenset({9, 10})  # Excel's own formats 0% and 0.00%
QUOTED = re.compile(r'"[^"]*"|\\.')
PLACE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
STEP = 65536
Cell = tuple[int, int]  # line from 1, column from 0


class TooFarError(ValueError):
    """A cell stands further out than a file may reach."""

    def __init__(self, line: int, column: int) -> None:
        """Say where: the line from 1, the column from 0."""
        super().__init__(line, column)
        self.line, self.column = line, column


@dataclasses.dataclass(slots=True)
class Marks:
    """Cells of one sheet that are more than their value."""

    percent: set[Cell] = dataclasses.field(default_factory=set)
    computed: set[Cell] = dataclasses.field(default_factory=set)
    uncomputed: set[Cell] = dataclasses.field(default_factory=set)
    errors: dict[Cell, str] = dataclasses.field(default_factory=dict)
    hidden: set[int] = dataclasses.field(default_factory=set)  # lines that a filter, say, hides
    width: int = 0


def percent_styles(content: bytes) -> frozenset[str]:
    """Return the numbers of the cell styles that show a percentage."""
    formats: dict[str, str] = {}
    found: list[str] = []
    for tag, element in ((_local(one.tag), one) for one in ET.fromstring(content).iter()):  # noqa: S314 # expat bounds what entities grow to
        if tag == "numFmt":
            formats[element.get("numFmtId", "")] = element.get("formatCode", "")
        elif tag == "cellXfs":
            found = [one.get("numFmtId", "0") for one in element]
    return frozenset(
        str(n)
        for n, one in enumerate(found)
        if (one.isdigit() and int(one) in PERCENT_IDS)
        or "%" in QUOTED.sub("", formats.get(one, ""))
    )


def scan(part: IO[bytes], percent: frozenset[str], most: Cell) -> Marks:
    """Return the marks of a sheet. Raises TooFarError beyond `most`, ValueError for broken XML."""
    found = _Scan(percent, most)
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse
    parser.StartElementHandler = found.start
    parser.CharacterDataHandler = found.text
    parser.buffer_text = True
    try:
        while chunk := part.read(STEP):
            parser.Parse(chunk, False)  # noqa: FBT003 # expat's own signature
        parser.Parse(b"", True)  # noqa: FBT003 # expat's own signature
    except expat.ExpatError as problem:
        raise ValueError(str(problem)) from problem
    found.close()
    return found.marks


def _refuse(*_told: Any) -> None:
    raise ValueError


class _Scan:
    def __init__(self, percent: frozenset[str], most: Cell) -> None:
        self.percent, self.most = percent, most
        self.marks = Marks()
        self.line, self.column = 0, -1
        self.attributes: dict[str, str] | None = None
        self.formula = self.valued = self.keeps = False
        self.words: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """See an element begin; a cell ends where the next one or a row begins."""
        if ":" in tag:
            tag = _local(tag)
        if tag in {"v", "is"}:
            self.valued = True
            self.words.clear()
        elif tag == "c":
            self.close()
            self.attributes = attributes
            self.keeps = attributes.get("t") == "e"
            self._move(attributes.get("r"))
        elif tag == "f":
            self.formula = True
        elif tag == "row":
            self.close()
            self.line = int(attributes.get("r", self.line + 1))
            self.column = -1
            if attributes.get("hidden") in {"1", "true"}:
                self.marks.hidden.add(self.line)

    def text(self, words: str) -> None:
        """Keep what stands in an error, or for the result of a formula."""
        if self.keeps or self.formula:
            self.words.append(words)

    def _move(self, place: str | None) -> None:
        if place is None:
            self.column += 1
            return
        self.line, self.column = _place(place)

    def close(self) -> None:
        """Note the cell that ends."""
        if self.attributes is None:
            return
        cell = self.line, self.column
        if self.valued:
            if self.line > self.most[0] or self.column >= self.most[1]:
                raise TooFarError(*cell)
            self.marks.width = max(self.marks.width, self.column + 1)
            if self.attributes.get("s") in self.percent:
                self.marks.percent.add(cell)
            if self.attributes.get("t") == "e":
                self.marks.errors[cell] = "".join(self.words).strip()
        if self.formula:
            words = "".join(self.words).strip()
            told = self.valued and (words or self.attributes.get("t") == "str")
            (self.marks.computed if told else self.marks.uncomputed).add(cell)
            self.words.clear()
        self.attributes, self.formula, self.valued, self.keeps = None, False, False, False


def _place(text: str) -> Cell:
    found = PLACE.fullmatch(text)
    if found is None or int(found[2]) == 0:
        raise ValueError(text)
    return int(found[2]), _column(found[1])


@functools.cache
def _column(letters: str) -> int:
    n = 0
    for letter in letters:
        n = n * 26 + ord(letter) - ord("A") + 1
    return n - 1


def _local(tag: str) -> str:
    return re.split("[:}]", tag)[-1]
