"""Every row of the audit log is sealed, batches of them are chained; erasures are told.

The rows that are there are sealed as they stand. The guards that refuse it come back with
services/schema/guards.py: sync.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from models.core.types import UtcDateTime
from models.rights.audit import AuditLog
from models.rights.seal import KEYS, fresh_salt, seal_of

revision = "20261129_audit_seal"
down_revision = "20261129_step_rules"
branch_labels = None
depends_on = None

BEFORE = (
    "create", "update", "delete", "export", "login", "import_in", "logout", "login_failed", "view",
)  # fmt: skip
NAME = "ck_audit_log_audit_action"
BATCH = 10_000


def upgrade() -> None:
    """Add the columns and the table, and seal what is there."""
    _unguard()
    with op.batch_alter_table("audit_log") as batch:
        batch.add_column(sa.Column("salt", sa.String(16), nullable=False, server_default=""))
        batch.add_column(sa.Column("seal", sa.String(64), nullable=False, server_default=""))
        _allow(batch, (*BEFORE, "erase"))
    op.create_table(
        "audit_batch",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("last_id", sa.Integer, nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("chain", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_batch")),
        sa.UniqueConstraint("last_id", name=op.f("uq_audit_batch_last_id")),
    )
    _seal()


def downgrade() -> None:
    """Forget seals and batches; erasures are told of as changes."""
    _unguard()
    op.execute("UPDATE audit_log SET action = 'delete' WHERE action = 'erase'")
    with op.batch_alter_table("audit_log") as batch:
        _allow(batch, BEFORE)
        batch.drop_column("seal")
        batch.drop_column("salt")
    op.drop_table("audit_batch")
    for name, event in (("kept", "UPDATE"), ("stays", "DELETE")):
        _guard(f"guard_audit_log_{name}", event)


def _guard(name: str, event: str) -> None:
    """Make the guard of before: earlier steps back look for it."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {event} ON audit_log WHEN 1 = 1 "
            "BEGIN SELECT RAISE(ABORT, 'rows_are_only_added'); END"
        )
        return
    op.execute(
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'rows_are_only_added' USING ERRCODE = 'check_violation'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {name} BEFORE {event} ON audit_log FOR EACH ROW EXECUTE FUNCTION {name}()"
    )


def _allow(batch: Any, actions: tuple[str, ...]) -> None:
    words = ", ".join(f"'{action}'" for action in actions)
    batch.drop_constraint(op.f(NAME), type_="check")
    batch.create_check_constraint(op.f(NAME), f"action IN ({words})")


def _unguard() -> None:
    on = "" if op.get_bind().dialect.name == "sqlite" else " ON audit_log"
    for name in ("kept", "stays", "anew", "whole"):
        op.execute(f"DROP TRIGGER IF EXISTS guard_audit_log_{name}{on}")


def _seal() -> None:
    bind, log = op.get_bind(), AuditLog.__table__
    keys = bind.get_execution_options().get(KEYS)
    told = log.c["id", "at", "actor_id", "action", "noun", "record_id", "label", "changes"]
    statement = (
        sa.update(log)
        .where(log.c.id == sa.bindparam("key"))
        .values(salt=sa.bindparam("new_salt"), seal=sa.bindparam("new_seal"))
    )
    last = 0
    while keys:
        query = sa.select(*told).where(log.c.id > last).order_by(log.c.id).limit(BATCH)
        rows = [{**row, "salt": fresh_salt()} for row in bind.execute(query).mappings()]
        if not rows:
            break
        sealed = [
            {"key": row["id"], "new_salt": row["salt"], "new_seal": seal_of(keys[0], row)}
            for row in rows
        ]
        bind.execute(statement, sealed)
        last = rows[-1]["id"]
