"""Text files: which encoding, which separator, and their lines."""

import codecs
import csv
import io
import re
from collections.abc import Iterator

import charset_normalizer
from flask_babel import lazy_gettext as _

from services.importing.file.aliases import plain
from services.importing.file.problems import BadFile, Problem
from services.importing.file.sheets import Line, SheetPage, TableChoice

# What a person may choose; the codecs behind a name are tried in order.
ENCODINGS: dict[str, tuple[str, ...]] = {
    "UTF-8": ("utf-8-sig",),
    "GB18030": ("gb18030",),
    "Big5": ("big5", "cp950", "big5hkscs"),
    "UTF-16 LE": ("utf-16-le",),
    "UTF-16 BE": ("utf-16-be",),
    "UTF-32": ("utf-32",),
    "Windows-1252": ("cp1252",),
}
MARKS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16 LE"),
    (b"\xfe\xff", "UTF-16 BE"),
    (b"\xef\xbb\xbf", "UTF-8"),
)
# The rest is told apart by how usual the letters are that it gives.
GUESSED = {"gb18030": "GB18030", "big5": "Big5", "cp1252": "Windows-1252"}
UNUSUAL = frozenset({"Big5", "Windows-1252"})
# Both standards put the characters in daily use first: codec, the lead byte of the last of them.
USUAL = (("gb2312", b"\xd7"), ("big5", b"\xc6"))
MOSTLY = 0.5
LATIN = "\u024f"
SEPARATORS = ",\t;|"
ANNOUNCED = re.compile(r'"?sep=(.)"?[ \t,;]*(?:\r\n|\r|\n)', re.IGNORECASE)
MARK = "\ufeff"
SAMPLED = 65_536  # letters, or bytes, that are looked at together
SAMPLE = 30  # lines that tell the separator
ZEROS = 0.05  # of a text in UTF-16 that says nothing about itself


def page(name: str, content: bytes, choice: TableChoice) -> tuple[SheetPage, str]:
    """Return the lines of a text file and the name of its encoding. Raises BadFile."""
    encoding, codec = _decoded(name, content, choice.encoding)
    with _text(content, codec) as stream:
        sample = stream.read(SAMPLED)
    marks = len(sample) - len(sample.removeprefix(MARK).removeprefix(MARK))
    announced = ANNOUNCED.match(sample, marks)
    begin = announced.end() if announced else marks
    separator = announced[1] if announced else _separator(sample[begin:], choice.known)
    rows = _lines(name, (content, codec, begin), separator, 1 if announced else 0)
    found = SheetPage("", rows)
    if encoding in UNUSUAL and not choice.encoding:
        reason = _("文件按 %(encoding)s 编码读取", encoding=encoding)
        found.problems.append(Problem(0, "", "", "ENCODING", reason, fatal=False))
    return found, encoding


def _text(content: bytes, codec: str) -> io.TextIOWrapper:
    """Return a file as text that is decoded while it is read."""
    return io.TextIOWrapper(io.BytesIO(content), codec, newline="")


def _lines(name: str, body: tuple[bytes, str, int], separator: str, before: int) -> Iterator[Line]:
    content, codec, begin = body
    with _text(content, codec) as stream:
        stream.read(begin)
        reader = csv.reader(stream, delimiter=separator, strict=True)
        try:
            for cells in reader:
                yield reader.line_num + before, cells
        except csv.Error as problem:
            line = reader.line_num + before
            raise BadFile(
                _("%(name)s 第 %(line)s 行：引号或分隔符有误", name=name, line=line)
            ) from problem


def _separator(text: str, known: frozenset[str]) -> str:
    """Return the separator that gives most known heads, else the one seen most where one stands."""
    sample = text.splitlines()[:SAMPLE]
    hits = {one: max((_hits(line, one, known) for line in sample), default=0) for one in SEPARATORS}
    if max(hits.values()) > 1:
        return max(SEPARATORS, key=hits.__getitem__)
    first = next((line for line in sample if any(one in line for one in SEPARATORS)), "")
    return max(SEPARATORS, key=first.count)


def _hits(line: str, separator: str, known: frozenset[str]) -> int:
    return len({plain(cell.strip('"')) for cell in line.split(separator)} & known)


def _decoded(name: str, content: bytes, chosen: str) -> tuple[str, str]:
    """Return (encoding, codec) of a text. Raises BadFile with the line nobody can read."""
    for encoding in [chosen] if chosen in ENCODINGS else _candidates(content):
        for codec in ENCODINGS[encoding]:
            if _fits(content, codec):
                return encoding, codec
    raise BadFile(
        _(
            "%(name)s 第 %(line)s 行：无法识别文字编码，请另存为 UTF-8 编码的 CSV 或 .xlsx",
            name=name,
            line=_line(content, chosen),
        )
    )


def _fits(content: bytes, codec: str) -> bool:
    """Tell whether all of a text can be read so; it is never held as a whole."""
    decoder = codecs.getincrementaldecoder(codec)()
    try:
        for start in range(0, len(content), SAMPLED):
            decoder.decode(content[start : start + SAMPLED])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _line(content: bytes, chosen: str) -> int:
    codec = ENCODINGS[chosen][-1] if chosen in ENCODINGS else "utf-8"
    try:
        content.decode(codec)
    except UnicodeDecodeError as problem:
        return content.count(b"\n", 0, problem.start) + 1
    return 1


def _candidates(content: bytes) -> list[str]:
    """Return the encodings to try: what the file says, UTF-16 by its zeros, UTF-8, then a guess."""
    for mark, encoding in MARKS:
        if content.startswith(mark):
            return [encoding]
    if not _fits(content, "utf-8"):
        return _wide(content, 0) or _guessed(content)
    return [*_wide(content, ZEROS), "UTF-8"]


def _wide(content: bytes, least: float) -> list[str]:
    """Return UTF-16 where zeros stand at every other place only, as in its commas and digits."""
    high, low = content[1::2].count(0), content[::2].count(0)
    if len(content) % 2 or high + low <= max(1, least * len(content)) or (high and low):
        return []
    return ["UTF-16 LE" if high else "UTF-16 BE"]


def _guessed(content: bytes) -> list[str]:
    found = charset_normalizer.from_bytes(content, cp_isolation=list(GUESSED))
    names = [GUESSED[one.encoding] for one in found if one.encoding in GUESSED]
    usual = {encoding: _usual(content, encoding) for encoding in ("GB18030", "Big5")}
    chinese = [one for one in sorted(usual, key=lambda one: -usual[one]) if usual[one] > MOSTLY]
    return list(dict.fromkeys(chinese + names))


def _usual(content: bytes, encoding: str) -> float:
    """Return which share of the Chinese in a text, read so, is of the characters in daily use.

    Six lines are too few for a model of the language, but they have few rare characters.
    """
    text = content[:SAMPLED].decode(ENCODINGS[encoding][0], errors="ignore")
    signs = [sign for sign in text if sign > LATIN]
    return sum(map(_is_usual, signs)) / max(len(signs), 1)


def _is_usual(sign: str) -> bool:
    codes = ((sign.encode(codec, errors="ignore"), last) for codec, last in USUAL)
    return any(b"\xa1" <= code[:1] <= last for code, last in codes)
