"""What was submitted, frozen: raw values with the names of what they point at, and a hash."""

import datetime as dt
import enum
import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask_babel import format_datetime
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.delivery.attachment import Attachment
from models.records.dictionary import DictionaryOption
from models.registry import reviewed
from services.core import regions
from services.core.texts import yuan
from services.records.fields import Input, inputs_of
from services.records.records import value_of
from services.rights.audit import mask

REVIEWED: dict[str, type[Any]] = {model.__noun__: model for model in reviewed()}
NOTHING = "—"


def snapshot(session: Session, record: Any) -> dict[str, Any]:
    """Return the payload of a submission: values by input key, names of references, lines."""
    names: dict[str, str] = {}
    values = stored(session, record, set(inputs_of(type(record))), names)
    return {
        "noun": record.__noun__,
        "code": record.code,
        "values": values,
        "names": names,
        "files": attached(session, record),
    }


def attached(session: Session, record: Any) -> list[dict[str, Any]]:
    """Return the files of a record as a payload holds them: what was submitted has its digests."""
    file = Attachment.__table__
    rows = session.execute(
        sa.select(*file.c["id", "name", "size", "sha256"])
        .where(
            file.c.noun == record.__noun__,
            file.c.record_id == record.id,
            file.c.deleted_at.is_(None),
        )
        .order_by(file.c.id)
    )
    return [dict(row) for row in rows.mappings()]


def stored(
    session: Session, record: Any, keys: Collection[str], names: dict[str, str]
) -> dict[str, Any]:
    """Return some of a record's values as a payload holds them; names of references go to names."""
    values: dict[str, Any] = {}
    for key, one in inputs_of(type(record)).items():
        if key in keys:
            raw = getattr(record, key) if one.kind == "lines" else value_of(record, key)
            values[key] = frozen(session, one, raw, names)
    return values


def frozen(session: Session, one: Input, value: Any, names: dict[str, str]) -> Any:
    """Return one value, stored or given by a form, as JSON keeps it."""
    if one.kind == "lines":
        return [_line(session, one, line, names) for line in value or ()]
    _name(session, one, value, f"{one.key}:{_plain(value)}", names)
    return _plain(value)


def revive(one: Input, value: Any) -> Any:
    """Return a frozen value as records keep it: the reverse of `frozen`."""
    if value is None:
        return None
    if one.kind == "lines":
        parts = inputs_of(one.target)
        return [{k: revive(parts[k], v) for k, v in row.items() if k in parts} for row in value]
    if one.kind == "enum":
        return one.target[value]
    reader = REVIVERS.get(one.kind)
    return value if reader is None else reader(value)


REVIVERS: dict[str, Callable[[str], Any]] = {
    "date": dt.date.fromisoformat,
    "datetime": dt.datetime.fromisoformat,
    "quantity": Decimal,
}


def differences(
    payload: dict[str, Any], *, masked: bool = False
) -> list[tuple[Any, str, str, bool, str]]:
    """Return a change for people: [(caption, old, new, sensitive, key)]; lines as one text each."""
    rows = []
    inputs = inputs_of(REVIEWED[payload["noun"]])
    for key, new in payload["values"].items():
        one, pair = inputs.get(key), (payload["old"].get(key), new)
        if one is None:
            rows.append((key, *_unknown(pair, masked=masked), True, key))
            continue
        texts = [_any_text(one, v, payload["names"]) for v in pair]
        if masked and one.facts.sensitive:
            texts = [text if text == NOTHING else mask(text) for text in texts]
        rows.append((one.facts.caption, texts[0], texts[1], one.facts.sensitive, key))
    return rows


def _unknown(pair: tuple[Any, Any], *, masked: bool) -> tuple[str, str]:
    """Return the values of a field that was renamed or given up since: perhaps a personal one."""
    texts = [NOTHING if value in (None, "", []) else str(value) for value in pair]
    old, new = (text if text == NOTHING or not masked else mask(text) for text in texts)
    return old, new


def _any_text(one: Input, value: Any, names: dict[str, str]) -> str:
    if value in (None, "", []):
        return NOTHING
    if one.kind != "lines":
        return text_of(one, value, names, one.key)
    columns = inputs_of(one.target)
    return "\n".join(
        " · ".join(text for k, c in columns.items() if (text := _cell(c, row, names, k)))
        for row in value
    )


def digest(payload: dict[str, Any]) -> str:
    """Return the SHA-256 of the canonical JSON of a payload."""
    text = json.dumps(payload, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def shown(payload: dict[str, Any], *, masked: bool = False) -> list[tuple[Any, list[Any]]]:
    """Return the payload for people: [(section, [(caption, text, key)])], without blank fields."""
    sections: dict[str, list[Any]] = {}
    for key, one in inputs_of(REVIEWED[payload["noun"]]).items():
        value = payload["values"].get(key)
        if one.kind == "lines" or value in {None, ""}:
            continue
        text = text_of(one, value, payload["names"], key)
        text = mask(text) if masked and one.facts.sensitive else text
        sections.setdefault(str(one.facts.section), []).append((one.facts.caption, text, key))
    return list(sections.items())


def blank(payload: dict[str, Any]) -> list[tuple[Any, str]]:
    """Return the fields a submission left blank: [(caption, key)]."""
    inputs = inputs_of(REVIEWED[payload["noun"]])
    left = (key for key, value in payload["values"].items() if value in (None, "", []))
    return [(inputs[key].facts.caption, key) for key in left if key in inputs]


def shown_lines(payload: dict[str, Any]) -> list[tuple[Any, list[Any], list[list[str]], str]]:
    """Return the line tables for people: [(caption, [header], [[cell]], key)]."""
    tables = []
    for key, one in inputs_of(REVIEWED[payload["noun"]]).items():
        rows = payload["values"].get(key) if one.kind == "lines" else None
        if rows:
            columns = inputs_of(one.target)
            head = [c.facts.caption for c in columns.values()]
            body = [
                [_cell(c, row, payload["names"], k) for k, c in columns.items()] for row in rows
            ]
            tables.append((one.facts.caption, head, body, key))
    return tables


def _cell(one: Input, row: dict[str, Any], names: dict[str, str], key: str) -> str:
    value = row.get(key)
    return "" if value is None else text_of(one, value, names, key)


def text_of(one: Input, value: Any, names: dict[str, str], key: str) -> str:
    """Return one frozen value as text in the reader's language."""
    if one.kind in {"ref", "dictionary"}:
        return names.get(f"{key}:{value}", f"#{value}")
    if one.kind == "enum":
        member = one.target.__members__.get(value)
        return str(value if member is None else member.caption)
    if one.kind == "money":
        return f"{yuan(value)} {_('元')}"
    if one.kind == "percent":
        return f"{value / 100:g}%"
    if one.kind == "region":
        return regions.text_of(value) or value
    if one.kind == "datetime":
        return str(format_datetime(dt.datetime.fromisoformat(value), "yyyy-MM-dd HH:mm"))
    if one.kind == "bool":
        return str(_("是") if value else _("否"))
    return str(value)


def _line(session: Session, one: Input, line: Any, names: dict[str, str]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    given = isinstance(line, Mapping)
    for key, part in inputs_of(one.target).items():
        value = line.get(key) if given else getattr(line, key)
        row[key] = _plain(value)
        _name(session, part, value, f"{key}:{value}", names)
    if not given and hasattr(line, "subtotal"):
        row["subtotal"] = line.subtotal
    return row


def _name(session: Session, one: Input, value: Any, key: str, names: dict[str, str]) -> None:
    if value is None or one.kind not in {"ref", "dictionary"} or key in names:
        return
    model = DictionaryOption if one.kind == "dictionary" else one.target
    found = session.get(model, value)
    if found is not None:
        names[key] = getattr(found, "label", None) or str(found)


def _plain(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dt.date | dt.datetime):
        return value.isoformat()
    return value
