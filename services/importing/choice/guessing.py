"""Which column of a file is which field: by captions, aliases, spelling and what its cells hold."""

import re
from collections.abc import Iterable, Mapping, Sequence

from flask_babel import force_locale

from models.customers.contact import Contact
from services.importing.file.aliases import ALIASES, PLACED, PLACES, candidates, plain
from services.importing.mapping.declared import MODELS, inputs_for
from services.importing.mapping.slots import slots
from services.records.fields import Input

Samples = Mapping[str, Sequence[str]]
COMPANY = re.compile(
    r"公司|集团|厂|[院所]$|学校|大学|医院|银行|中心|有限|股份|事务所|\b(?:Inc|Ltd|LLC|Corp|GmbH|Co)\b",
    re.IGNORECASE,
)
PERSON = re.compile(r"[一-鿿]{2,4}|[一-鿿]\s[一-鿿]{1,2}")
SECOND = re.compile(r"(?:第?[(（]?([23二三])[)）]?)")  # 联系人2, 第二联系人, 手机（3）


CALLED = ("名称", "编号", "号")  # what stands behind the caption of what is pointed at


def fields_of(noun: str) -> dict[str, Input]:
    """Return what a column of an uploaded file may become; lines need a mapping file."""
    return {key: one for key, one in inputs_for(MODELS[noun]).items() if one.kind != "lines"}


def _captions(noun: str) -> dict[str, str]:
    """Return what a head may say, spelt plainly → field: our captions in both languages, keys."""
    known: dict[str, str] = {}
    for key, one in reversed(fields_of(noun).items()):
        known[plain(str(one.facts.caption))] = key
        with force_locale("zh_Hans_CN"):
            known[plain(str(one.facts.caption))] = key
        known[plain(key)] = key
    for key, one in fields_of(noun).items():  # 合同名称 and 合同编号 of a payment are its contract
        if one.kind == "ref":
            with force_locale("zh_Hans_CN"):
                caption = str(one.facts.caption)
            for tail in CALLED:
                known.setdefault(plain(f"{caption}{tail}"), key)
    return known


def known_heads(noun: str) -> frozenset[str]:
    """Return the heads we understand, spelt plainly."""
    places = PLACES if PLACED in fields_of(noun) else frozenset()
    return frozenset(_captions(noun)) | frozenset(ALIASES.get(noun, ())) | places


def guess(noun: str, head: list[str], samples: Samples | None = None) -> dict[str, str]:
    """Return column → field: by our captions in either language or keys, then by other names.

    What the file's own entity has no field for may be one of what stands in the same row.
    """
    columns = _own(noun, head)
    _swap_person(noun, head, columns, samples or {})
    found = {column: key for key, column in columns.items()}
    found |= _places(noun, head, found)
    for slot in (one for one in slots(noun)[1:] if not one.parent):
        nth = slot.n + 1 if slot.model is Contact else 1  # the first contact is the customer's own
        left = [c for c in head if c not in found and _number(c) == nth]
        bare = {SECOND.sub("", column): column for column in left}
        told = {bare[c]: key for key, c in _own(slot.noun, bare).items() if key in slot.fields}
        if slot.called in told.values():
            found |= {column: slot.key(key) for column, key in told.items()}
    return {column: found[column] for column in head if column in found}


def _own(noun: str, head: Iterable[str]) -> dict[str, str]:
    """Return field → column: an exact name goes before any alias."""
    known = _captions(noun)
    columns: dict[str, str] = {}
    for column in head:
        if plain(column) in known:
            columns.setdefault(known[plain(column)], column)
    for column in head:
        free = [key for key in candidates(noun, column) if key not in columns]
        if free and column not in columns.values():
            columns[free[0]] = column
    return columns


def _swap_person(noun: str, head: list[str], columns: dict[str, str], samples: Samples) -> None:
    """Let 客户名称 be the contact where it holds people and another column the companies."""
    mine = columns.get("company")
    if mine is None or not _most(PERSON, samples.get(mine, ())):
        return
    others = [
        column
        for column in head
        if column not in columns.values()
        and "company" in candidates(noun, column)
        and _most(COMPANY, samples.get(column, ()))
    ]
    if others:
        columns["company"] = others[0]
        columns.setdefault("primary.name", mine)


def _most(pattern: re.Pattern[str], cells: Sequence[str]) -> bool:
    """Tell whether most cells look like it: people to the last sign, companies in any part."""
    told = [cell.strip() for cell in cells if cell.strip()]
    match = pattern.fullmatch if pattern is PERSON else pattern.search
    return sum(1 for cell in told if match(cell)) * 2 > len(told)


def _places(noun: str, head: list[str], found: Mapping[str, str]) -> dict[str, str]:
    """Return the columns that are one level of a place each."""
    if PLACED not in fields_of(noun) or PLACED in found.values():
        return {}
    return {c: PLACED for c in head if c not in found and plain(c) in PLACES}


def _number(column: str) -> int:
    """Return which contact of the row a head speaks of, 1 where it does not say."""
    told = SECOND.search(column)
    return {"2": 2, "二": 2, "3": 3, "三": 3}[told[1]] if told else 1
