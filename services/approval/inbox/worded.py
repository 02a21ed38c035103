"""The names of what was submitted, in the language of who reads them."""

from typing import Any

import sqlalchemy as sa
from flask_babel import get_locale
from sqlalchemy.orm import Session

from models.records.dictionary import DictionaryOption
from services.records.fields import inputs_of
from services.records.snapshot import REVIEWED


def worded(session: Session, payload: dict[str, Any]) -> dict[str, Any]:
    """Return a payload for its reader: a name its dictionary still has is said in his language.

    What was submitted, and hashed, is in Chinese; one statement, none for a Chinese reader.
    """
    locale = get_locale()
    if locale is None or locale.language == "zh" or payload.get("noun") not in REVIEWED:
        return payload
    own = inputs_of(REVIEWED[payload["noun"]])
    lines = (inputs_of(one.target) for one in own.values() if one.kind == "lines")
    keys = {key for some in (own, *lines) for key, one in some.items() if one.kind == "dictionary"}
    names = {key: text for key, text in payload.get("names", {}).items() if _of(key)[0] in keys}
    if not names:
        return payload
    found = session.execute(
        sa.select(DictionaryOption.id, DictionaryOption.label, DictionaryOption.worded()).where(
            DictionaryOption.id.in_({_of(key)[1] for key in names})
        )
    )
    said = {(key, label): text for key, label, text in found}
    mine = {key: said.get((_of(key)[1], text), text) for key, text in names.items()}
    return payload | {"names": payload["names"] | mine}


def _of(key: str) -> tuple[str, int]:
    name, _colon, ident = key.rpartition(":")
    return name, int(ident) if ident.isdecimal() else 0
