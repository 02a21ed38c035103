"""The audit log proves itself: batches of its rows are chained, and the chain's head lies outside.

A row is sealed as it is written (models/rights/seal.py). The worker links what is there for good,
in short transactions: no writer waits for another. See docs/adr/0007-audit.md.
"""

import dataclasses
import datetime as dt
import hashlib
import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from models.rights.audit import AuditAction, AuditBatch, AuditLog
from models.rights.seal import KEYS, holds, keyed

LOG = logging.getLogger("tcos.audit")
HEAD = "audit-head.json"  # in the instance folder
LOG_ROWS: Any = AuditLog.__table__
BATCHES: Any = AuditBatch.__table__
ALONE = sa.select(sa.func.pg_try_advisory_xact_lock(20_261_129))
MOST = 10_000  # rows of a batch: on SQLite a writer waits for it a quarter of a second
PIECE = 5_000  # rows read at once
PATIENCE, PAUSE = 20, 0.25  # how often, and how long, others' transactions are waited for


@dataclasses.dataclass
class Proof:
    """What `verify` saw: rows that batches have, the tail none has yet, and what is wrong."""

    chained: int = 0
    tail: int = 0
    findings: list[str] = dataclasses.field(default_factory=list)


def seal(connection: Connection, *, now: dt.datetime) -> dict[str, Any] | None:
    """Chain the next rows that no batch has; return the new head, None where none are left.

    One at a time: SQLite has one writer, on PostgreSQL whoever comes second leaves it to the first.
    """
    if connection.dialect.name == "postgresql" and not connection.execute(ALONE).scalar():
        return None
    last, keys = _settled(connection), connection.get_execution_options()[KEYS]
    before = connection.execute(
        sa.select(BATCHES).order_by(BATCHES.c.id.desc()).limit(1)
    ).mappings().first()  # fmt: skip
    start = before["last_id"] if before else 0
    if last <= start:
        return None
    fresh = sa.select(LOG_ROWS.c.id).where(LOG_ROWS.c.id > start, LOG_ROWS.c.id <= last)
    query = fresh.order_by(LOG_ROWS.c.id).offset(MOST - 1).limit(1)
    last = connection.execute(query).scalar() or last
    counted = Counted()
    for row in _rows(connection, start, last):
        counted.add(row)
    head = {"id": (before["id"] if before else 0) + 1, "last_id": last, "rows": counted.rows}
    head["chain"] = counted.chain(keys[0], before, last)
    connection.execute(sa.insert(BATCHES), head | {"at": now})
    return head


def _settled(connection: Connection) -> int:
    """Return up to which key every row is there for good; 0 where that cannot be told now.

    On PostgreSQL a row with a smaller key may still be on its way: whoever has drawn one by now
    has a transaction that is to end first.
    """
    last = connection.execute(sa.select(sa.func.max(LOG_ROWS.c.id))).scalar() or 0
    if connection.dialect.name == "sqlite":
        return last
    time.sleep(PAUSE)
    until = connection.exec_driver_sql(
        "SELECT pg_snapshot_xmax(pg_current_snapshot())::text"
    ).scalar()
    query = sa.text("SELECT pg_snapshot_xmin(pg_current_snapshot()) >= CAST(:until AS xid8)")
    for _time in range(PATIENCE):
        if connection.execute(query, {"until": until}).scalar():
            return last
        time.sleep(PAUSE)
    return 0


def keep_head(folder: Path, head: dict[str, Any]) -> None:
    """Write the head beside the database and into the log: who cuts the table cannot cut both."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = folder / f".{HEAD}.part"
    part.touch(mode=0o600)
    part.write_text(json.dumps(head), encoding="ascii")
    part.replace(folder / HEAD)
    LOG.info("audit sealed up to %(last_id)s: batch %(id)s, chain %(chain)s", head)


def restart_head(connection: Connection, folder: Path) -> None:
    """Let the head be that of a database that was put in place; the former one is kept aside."""
    query = sa.select(BATCHES).order_by(BATCHES.c.id.desc()).limit(1)
    found = connection.execute(query).mappings().first()
    if (folder / HEAD).exists():
        (folder / HEAD).replace(folder / f"{HEAD}.before-restore")
    if found is not None:
        keep_head(folder, {key: found[key] for key in ("id", "last_id", "rows", "chain")})


def read_head(folder: Path) -> dict[str, Any] | None:
    """Return the head that was kept, None where there is none."""
    path = folder / HEAD
    return json.loads(path.read_text(encoding="ascii")) if path.exists() else None


def verify(connection: Connection, head: dict[str, Any] | None) -> Proof:
    """Look at every row and batch. Finds edits, deletions, forged rows, reorder, a cut end."""
    keys, proof = connection.get_execution_options()[KEYS], Proof()
    batches = connection.execute(sa.select(BATCHES).order_by(BATCHES.c.id)).mappings().all()
    allowed = _erased(connection, keys)
    _look_at_head(batches, head, proof)
    before, start = None, 0
    for n, batch in enumerate(batches, 1):
        counted = Counted()
        for row in _rows(connection, start, batch["last_id"]):
            counted.add(row)
            _look(row, keys, allowed, proof)
        good = {counted.chain(key, before, batch["last_id"]) for key in keys}
        if batch["id"] != n:
            proof.findings.append(f"batch {n} is missing")
        if batch["rows"] != counted.rows:
            proof.findings.append(
                f"batch {batch['id']} (rows {start + 1} to {batch['last_id']}): "
                f"{counted.rows} rows are there, {batch['rows']} were sealed"
            )
        elif batch["chain"] not in good:
            proof.findings.append(f"batch {batch['id']} (up to row {batch['last_id']}) is broken")
        before, start = batch, batch["last_id"]
        proof.chained += counted.rows
    for row in _rows(connection, start, None):
        _look(row, keys, allowed, proof)
        proof.tail += 1
    return proof


def _look_at_head(batches: Any, head: dict[str, Any] | None, proof: Proof) -> None:
    if head is None:
        if batches:
            proof.findings.append("no head is kept outside: a cut end would not be seen")
        return
    if not any(all(b[k] == head[k] for k in ("id", "last_id", "chain")) for b in batches):
        proof.findings.append(f"the end is cut: batch {head['id']} of the kept head is not there")


def _look(row: Any, keys: Any, allowed: set[int], proof: Proof) -> None:
    if not holds(keys, row):
        proof.findings.append(f"row {row['id']} was changed or forged")
    elif not row["salt"] and row["id"] not in allowed:
        proof.findings.append(f"row {row['id']} was emptied, and no erasure says so")


def _erased(connection: Connection, keys: Any) -> set[int]:
    """Return the rows of the log whose content erasures say to have emptied."""
    query = sa.select(LOG_ROWS).where(LOG_ROWS.c.action == AuditAction.erase)
    found: Any = connection.execute(query).mappings()
    return {key for row in found if holds(keys, row) for key in row["changes"]["rows"][1]}


class Counted:
    """Rows of one batch, in order."""

    def __init__(self) -> None:
        """Begin with none."""
        self.rows, self.seals = 0, hashlib.sha256()

    def add(self, row: Any) -> None:
        """Take the next row by its place and its seal."""
        self.rows += 1
        self.seals.update(f"{row['id']}:{row['seal']}\n".encode())

    def chain(self, key: bytes, before: Any, last: int) -> str:
        """Return the digest that binds them to the batch before."""
        return keyed(
            key, before["chain"] if before else "", last, self.rows, self.seals.hexdigest()
        )


def _rows(connection: Connection, start: int, end: int | None) -> Iterator[Any]:
    """Yield the rows after `start`, up to `end`, by key."""
    while True:
        query = sa.select(LOG_ROWS).where(LOG_ROWS.c.id > start).order_by(LOG_ROWS.c.id)
        if end is not None:
            query = query.where(LOG_ROWS.c.id <= end)
        found = connection.execute(query.limit(PIECE)).mappings().all()
        yield from found
        if len(found) < PIECE:
            return
        start = found[-1]["id"]
