"""Every visible text has its English, and the catalogues keep the placeholders."""

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = ROOT / "translations" / "en" / "LC_MESSAGES" / "messages.po"
IN_CONTEXT = ((1, "c"), 2)
KEYWORDS = {"_": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)}
KEYWORDS |= {"pgettext": IN_CONTEXT, "lazy_pgettext": IN_CONTEXT}
PLACEHOLDER = re.compile(r"%\(\w+\)s")


def texts():
    """Return (context, msgid) of the product as `make translations` extracts them."""
    with (ROOT / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)
    found = extract_from_dir(str(ROOT), methods, options, keywords=KEYWORDS)
    return {(context, _first(message)) for _file, _line, message, _comments, context in found}


def _first(shapes):
    return shapes[0] if isinstance(shapes, tuple) else shapes


def catalogue():
    with CATALOGUE.open("rb") as file:
        return {(one.context, _first(one.id)): one for one in read_po(file) if one.id}


@pytest.mark.skipif(not CATALOGUE.exists(), reason="there is no English catalogue yet")
def test_every_text_has_its_english():
    english = catalogue()
    lacking = [t for t in texts() if t not in english or not english[t].string]

    assert lacking == []


def test_translations_keep_the_placeholders_and_are_not_fuzzy():
    wrong = [
        key
        for (_context, key), one in catalogue().items()
        if one.fuzzy
        or (
            one.string
            and set(PLACEHOLDER.findall(key)) != set(PLACEHOLDER.findall(str(one.string)))
        )
    ]

    assert wrong == []


# A limit is never one; a share of something stands for its whole.
LIMITS = re.compile(r"(?i)\b(most|than|least|of|characters and|it to) %\(\w+\)s$")
COUNTED = re.compile(r"(%\((?:n|k|all|total)\)s) (?!this\b)(?:[a-z]+ )?[a-z]{2,}[^s\W]s\b")


def test_no_english_text_counts_one_of_many():
    wrong = [
        one.string
        for one in catalogue().values()
        if isinstance(one.id, str)
        for found in COUNTED.finditer(one.string)
        if not LIMITS.search(one.string[: found.end(1)])
    ]

    assert wrong == []
