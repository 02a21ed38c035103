"""Who was erased, kept beside the database: a restored backup forgets them again.

One line a person, without a name: the contact's key and when it was entered.
"""

import datetime as dt
import json
import logging
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.customers.contact import Contact
from services.rights.actor import SYSTEM
from services.rights.call import Call
from services.trail import erasing

LOG = logging.getLogger("tcos.audit")
NAME = "erasures.jsonl"  # in the instance folder
PERSON: Any = Contact.__table__


def erase(call: Call, contact_id: int, folder: Path) -> dict[str, int]:
    """Erase a contact (services/trail/erasing.py) and keep the key for backups of before."""
    counts = erasing.erase(call, contact_id)
    query = sa.select(PERSON.c.created_at).where(PERSON.c.id == contact_id)
    entered: dt.datetime = call.session.connection().execute(query).scalar_one()
    line = {"contact": contact_id, "entered": entered.isoformat(), "at": call.now.isoformat()}
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / NAME
    path.touch(mode=0o600)
    with path.open("a", encoding="ascii") as file:  # before the commit: rather once too often
        file.write(json.dumps(line) + "\n")
    LOG.info("contact %s was erased", contact_id)
    return counts


def replay(session: Session, folder: Path, *, now: dt.datetime) -> int:
    """Erase again whom a restored backup brought back; return how many."""
    path = folder / NAME
    lines = path.read_text(encoding="ascii").splitlines() if path.exists() else []
    done = 0
    for line in map(json.loads, dict.fromkeys(lines)):
        entered = dt.datetime.fromisoformat(line["entered"])
        query = sa.select(PERSON.c.id).where(
            PERSON.c.id == line["contact"],
            PERSON.c.created_at == entered,
            PERSON.c.name != erasing.GONE,
        )
        key = session.connection().execute(query).scalar()
        if key is not None:
            erasing.erase(Call(session, SYSTEM, now), key)
            done += 1
    return done
