"""Administrative divisions: 6-digit code ↔ text; the data ships with the product."""

import json
import re
from pathlib import Path
from typing import Any

import pypinyin

from models.core.cached import cached

UNNAMED = frozenset({"市辖区", "直辖县级"})  # levels that exist in the codes alone
KIND = re.compile(  # 矿区 and 城区 stay whole: one sign is no name
    "(?<=..)(省|特别行政区|(?:壮族|回族|维吾尔)?自治区|市|地区|盟|区|县|旗)$"
)
BETWEEN = re.compile(r"[\s/／\\\\,，、;；|·>\-—]+")  # 湖北省/武汉市/洪山区
DATA = Path(__file__).resolve().parents[2] / "seed" / "data" / "regions.json"


@cached
def tree() -> list[Any]:
    """Return `[[code, name, [[code, name, [[code, name]…]]…]]…]` as it is shipped."""
    found: list[Any] = json.loads(DATA.read_text(encoding="utf-8"))
    return found


@cached
def spelled() -> list[Any]:
    """Return the tree for a picker: `[code, name, "hong shan qu", [children]]`, nodes nested."""

    def walk(nodes: list[Any]) -> list[Any]:
        return [
            [code, name, " ".join(pypinyin.lazy_pinyin(name)), walk(below[0] if below else [])]
            for code, name, *below in nodes
        ]

    return walk(tree())


@cached
def _texts() -> dict[str, str]:
    found: dict[str, str] = {}

    def walk(nodes: list[Any], above: str) -> None:
        for code, name, *below in nodes:
            text = above if name in UNNAMED else f"{above}{name}"
            found[code] = text
            walk(below[0] if below else [], text)

    walk(tree(), "")
    return found


def text_of(code: str) -> str | None:
    """Return 湖北省武汉市洪山区 for 420111, None for a code that does not exist."""
    return _texts().get(code)


def is_leaf(code: str) -> bool:
    """Tell whether the data stop here: a picker may stop only where they do."""
    prefix = re.sub("(00)+$", "", code)
    return not any(other != code and other.startswith(prefix) for other in _texts())


def code_of(text: str) -> str | None:
    """Return the code of a full text, for imports and for forms without JavaScript.

    What people leave out may be missing (湖北武汉洪山, 武汉市洪山区) as long as only one place is
    called so; between the levels may stand what separates them, 上海市/上海市 is 上海市 once.
    """
    exact = next((code for code, name in _texts().items() if name == text), None)
    found = _short().get(BETWEEN.sub("", text), set())
    return exact or (next(iter(found)) if len(found) == 1 else None)


@cached
def _short() -> dict[str, set[str]]:
    """Return text → codes, each level with and without what kind of division it is.

    Names that begin below the province mean a place only where no longer one is meant.
    """
    found: dict[str, set[str]] = {}
    tails: dict[str, set[str]] = {}

    def walk(nodes: list[Any], above: set[str], ends: set[str], name_above: str) -> None:
        for code, name, *below in nodes:
            unnamed = name in UNNAMED
            words = {"", name, name_above} if unnamed else {name, KIND.sub("", name)}
            texts = {front + word for front in above for word in words}
            last = {front + word for front in {"", *ends} for word in words}
            for known, told in () if unnamed else ((found, texts), (tails, last)):
                for text in told:
                    known.setdefault(text, set()).add(code)
            walk(below[0] if below else [], texts, last, name)

    walk(tree(), {""}, set(), "")
    return {**tails, **found}


def province_of(code: str) -> str:
    """Return the province's 6-digit code."""
    return f"{code[:2]}0000"
